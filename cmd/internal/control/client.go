package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"time"

	"cakupan/cmd/internal/access"
	"cakupan/cmd/internal/access/register"
	"cakupan/cmd/internal/problem"
)

// Client is the register and the custody of a ledger that runs on this machine.
type Client struct {
	http *http.Client
	dir  string
}

var _ Members = (*Client)(nil)

// ErrNobody is returned by Dial when no running ledger answers in the folder.
var ErrNobody = errors.New("no running ledger answers in the folder")

// answerTimeMax is how long a command waits: the ledger may have to ask a cluster.
const answerTimeMax = time.Minute

// answerBytesMax bounds an answer: a whole history.
const answerBytesMax = 1 << 30

// Dial returns the register of the ledger that runs on a folder. The error is ErrNobody when none
// does, or when it does not change its register.
func Dial(ctx context.Context, dir string) (*Client, error) {
	c := &Client{dir: dir}
	c.http = &http.Client{
		Transport: &http.Transport{DialContext: c.dial, DisableKeepAlives: true},
	}
	conn, err := c.dial(ctx, "", "")
	if err != nil {
		return nil, errors.Join(ErrNobody, err)
	}
	return c, conn.Close()
}

func (c *Client) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	path, folder, err := reach(c.dir)
	if err != nil {
		return nil, err
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", path)
	return conn, errors.Join(err, closeFolder(folder))
}

// Add registers a member.
func (c *Client) Add(ctx context.Context, m register.Member) (string, error) {
	a, err := c.ask(ctx, request{Do: "add", Member: &m})
	return a.Secret, err
}

// Rotate gives a member a new secret.
func (c *Client) Rotate(
	ctx context.Context, name string, expires time.Time, roles ...register.Role,
) (string, error) {
	a, err := c.ask(ctx, request{Do: "rotate", Name: name, ExpiresAt: expires, Roles: roles})
	return a.Secret, err
}

// Change gives a member another scope.
func (c *Client) Change(
	ctx context.Context, name string, to access.NewScope, roles ...register.Role,
) error {
	m := &register.Member{Sources: to.Sources, Regions: to.Regions, Types: to.Types}
	_, err := c.ask(ctx, request{Do: "change", Name: name, Member: m, Roles: roles})
	return err
}

// Revoke ends a membership.
func (c *Client) Revoke(ctx context.Context, name string, roles ...register.Role) error {
	_, err := c.ask(ctx, request{Do: "revoke", Name: name, Roles: roles})
	return err
}

// Members returns all members.
func (c *Client) Members(ctx context.Context) ([]register.Member, error) {
	a, err := c.ask(ctx, request{Do: "members"})
	return a.Members, err
}

// History returns all changes.
func (c *Client) History(ctx context.Context) (entries []access.Entry, err error) {
	a, err := c.ask(ctx, request{Do: "history"})
	for _, one := range a.Changes {
		decoded, err := register.Decode(one.Change)
		if err != nil {
			return nil, err
		}
		entries = append(entries, access.Entry{Number: one.Number, Change: decoded})
	}
	return entries, err
}

// ask asks the running ledger.
func (c *Client) ask(ctx context.Context, q request) (a answer, err error) {
	body, err := json.Marshal(q)
	if err != nil {
		return a, err
	}
	limit := answerTimeMax
	if q.Do == "keys rotate" || q.Do == "disclose" {
		// One that does not answer at all is not waited for so long.
		if _, err := c.ask(ctx, request{Do: "members"}); err != nil {
			return a, err
		}
		limit = longTimeMax
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	const anything = "http://ledger/" // the connection leads to the socket
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, anything, bytes.NewReader(body))
	if err != nil {
		return a, err
	}
	response, err := c.http.Do(r)
	if err != nil {
		return a, problem.Wrap(problem.ServerUnreachable, "the ledger that runs on "+c.dir+
			" does not answer: whether anything was changed, cakupan "+toldBy(q.Do)+" tells", err)
	}
	raw, err := io.ReadAll(io.LimitReader(response.Body, answerBytesMax))
	err = errors.Join(err, response.Body.Close())
	switch {
	case err != nil:
		return a, problem.Wrap(problem.ServerUnreachable,
			"the ledger that runs on "+c.dir+" has ended in the middle of its answer", err)
	case response.StatusCode != http.StatusOK:
		return a, problem.Parse(response.StatusCode, raw, false)
	}
	return a, json.Unmarshal(raw, &a)
}

// toldBy returns the command that tells whether something was done.
func toldBy(do string) string {
	switch do {
	case "erase", "erasures":
		return "erasures"
	case "keys", "keys backup", "keys rotate":
		return "keys show"
	case "disclose":
		return "lookups"
	}
	return "publisher list --history"
}
