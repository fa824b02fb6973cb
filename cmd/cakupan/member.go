package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"cakupan/cmd/internal/access"
	"cakupan/cmd/internal/access/register"
	"cakupan/cmd/internal/control"
	"cakupan/cmd/internal/ledger"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/eventstore/natsd"
)

// memberFlags are those of every command about the register.
type memberFlags struct {
	NATS string `name:"nats" placeholder:"URL" help:"${memberNATS}"`
}

// expiryFlag says how long a secret is worth something.
type expiryFlag struct {
	Expires string `placeholder:"WHEN" help:"${expires}"`
}

// moment returns when a secret expires, zero for never.
func (f expiryFlag) moment() (time.Time, error) {
	if f.Expires == "" {
		return time.Time{}, nil
	}
	if day, err := temporal.ParseDate(f.Expires); err == nil {
		return time.Unix(0, int64(temporal.EndOfDay(day))+1).UTC(), nil
	}
	at, err := time.Parse(time.RFC3339, f.Expires)
	if err != nil {
		return time.Time{}, usage("--expires is a date, such as 2027-12-31 for the end of that" +
			" day in Asia/Makassar, or a time, such as 2027-12-31T12:00:00+08:00")
	}
	return at.UTC().Truncate(time.Second), nil
}

// memberLine is a member of the register as the commands print it.
type memberLine struct {
	Name      string        `json:"name"`
	Role      register.Role `json:"role"`
	Secret    string        `json:"secret,omitempty"` // when it was made just now
	Sources   []string      `json:"sources,omitempty"`
	Regions   []string      `json:"regions,omitempty"`
	Types     []string      `json:"types,omitempty"` // full names
	CreatedAt string        `json:"createdAt"`
	RotatedAt string        `json:"rotatedAt,omitempty"`
	RevokedAt string        `json:"revokedAt,omitempty"`
	ExpiresAt string        `json:"expiresAt,omitempty"`
	UsedAt    string        `json:"usedAt,omitempty"` // about when it last logged in
	Expired   bool          `json:"expired,omitempty"`

	types []event.Type
}

func lineOf(e *register.Member, now time.Time) memberLine {
	moment := func(at time.Time) string {
		if at.IsZero() {
			return ""
		}
		return at.Format(time.RFC3339)
	}
	m := memberLine{
		Name: e.Name, Role: e.Role, Sources: e.Sources, CreatedAt: moment(e.CreatedAt),
		RotatedAt: moment(e.RotatedAt), RevokedAt: moment(e.RevokedAt), types: e.Types,
		ExpiresAt: moment(e.ExpiresAt), UsedAt: moment(e.UsedAt), Expired: e.Expired(now),
	}
	for _, code := range e.Regions {
		m.Regions = append(m.Regions, code.String())
	}
	for _, t := range e.Types {
		m.Types = append(m.Types, t.Name())
	}
	return m
}

// state says whether the member still is one.
func (m *memberLine) state() string {
	switch {
	case m.RevokedAt != "":
		return "revoked " + localTime(m.RevokedAt)
	case m.Expired:
		return "expired " + localTime(m.ExpiresAt)
	case m.ExpiresAt != "":
		return "active until " + localTime(m.ExpiresAt)
	}
	return "active"
}

// secretSince returns when the member got its present secret.
func (m *memberLine) secretSince() string {
	if m.RotatedAt != "" {
		return m.RotatedAt
	}
	return m.CreatedAt
}

// lastUse returns when the member last logged in, as far as is noted.
func (m *memberLine) lastUse() string {
	if m.UsedAt == "" {
		return "–"
	}
	return localTime(m.UsedAt)
}

// typeNames returns the types of events for people.
func (m *memberLine) typeNames() string {
	return strings.Join(access.TypeNames(m.types), ", ")
}

// warnings are what a command tells of what it has opened: not what its server says of itself.
type warnings struct{ slog.Handler }

// Enabled tells whether a level is one of a warning or worse.
func (warnings) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelWarn }

// Handle tells it, unless it is the server's.
func (w warnings) Handle(ctx context.Context, r slog.Record) error {
	if r.Message == natsd.LogMessage {
		return nil
	}
	return w.Handler.Handle(ctx, r)
}

// inUseMax is how long a command waits for another one that has the folder open: each takes less
// than a second.
const (
	inUseMax   = 30 * time.Second
	inUsePause = 50 * time.Millisecond
)

// register does a job on the register: of the ledger that runs on the folder, else of the folder
// itself. create says whether to make a ledger where there is none: who must log in may be known
// before there is anything to read. Over the network there is no register to change.
func (w *where) register(
	ctx context.Context, out *console, f memberFlags, create bool, job func(control.Members) error,
) error {
	if w.Server != "" {
		return usage("publishers and readers are registered on the machine of the ledger:" +
			" name its folder with --data, also while its server runs")
	}
	if !create && f.NATS == "" {
		if err := ledger.FindFolder(w.folder()); err != nil {
			return err
		}
	}
	opts := ledger.Options{
		Dir: w.folder(), Create: create, NATS: f.NATS,
		Log: slog.New(warnings{slog.NewTextHandler(out.stderr, nil)}),
	}
	return asOwner(ctx, opts, func(running *control.Client) error { return job(running) },
		func(l *ledger.Ledger) error {
			by := control.AccountOf(os.Getuid())
			return job(control.Direct{Registry: l.Register(), By: by})
		})
}

// asOwner does a job of the ledger that runs on a folder, else of the folder itself. One that
// another command has open is waited for.
func asOwner(ctx context.Context, opts ledger.Options, running func(*control.Client) error,
	opened func(*ledger.Ledger) error,
) error {
	for waited := time.Duration(0); ; waited += inUsePause {
		if c, err := control.Dial(ctx, opts.Dir); err == nil {
			return running(c)
		}
		l, err := ledger.Open(ctx, opts)
		if err == nil {
			return errors.Join(opened(l), l.Close())
		}
		if problem.From(err).Code != problem.FolderInUse || waited > inUseMax {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(inUsePause):
		}
	}
}

// memberList lists the members of some roles, or what happened to them.
type memberList struct {
	memberFlags

	History bool `help:"Each change of the register, when, and by whom."`
}

// list prints members of the roles by a table of their own, or their history.
func (c *memberList) list(
	ctx context.Context, w *where, out *console, show func([]memberLine) *table,
	roles ...register.Role,
) error {
	return w.register(ctx, out, c.memberFlags, false, func(r control.Members) error {
		members, err := r.Members(ctx)
		if err != nil {
			return err
		}
		members = slices.DeleteFunc(slices.Clone(members), func(m register.Member) bool {
			return !slices.Contains(roles, m.Role)
		})
		if c.History {
			return history(ctx, r, members, w.JSON, out)
		}
		lines := []memberLine{} // none is an empty array in JSON, not null
		for i := range members {
			lines = append(lines, lineOf(&members[i], out.now()))
		}
		if w.JSON {
			return out.writeJSON(lines)
		}
		return show(lines).write(out.stdout)
	})
}

// add registers a member.
func (f memberFlags) add(
	ctx context.Context, w *where, out *console, m register.Member, expires expiryFlag,
) (err error) {
	if m.ExpiresAt, err = expires.moment(); err != nil {
		return err
	}
	return w.register(ctx, out, f, true, func(r control.Members) error {
		secret, err := r.Add(ctx, m)
		if err != nil {
			return err
		}
		return w.tellSecret(ctx, out, r, m.Name, secret)
	})
}

// memberRotate gives a member a new secret.
type memberRotate struct {
	memberFlags
	expiryFlag

	Name string `arg:"" help:"Its name."`
}

func (c *memberRotate) rotate(
	ctx context.Context, w *where, out *console, roles ...register.Role,
) error {
	expires, err := c.moment()
	if err != nil {
		return err
	}
	return w.register(ctx, out, c.memberFlags, false, func(r control.Members) error {
		secret, err := r.Rotate(ctx, c.Name, expires, roles...)
		if err != nil {
			return err
		}
		return w.tellSecret(ctx, out, r, c.Name, secret)
	})
}

// memberRevoke ends a membership.
type memberRevoke struct {
	memberFlags

	Name string `arg:"" help:"Its name."`
}

func (c *memberRevoke) revoke(
	ctx context.Context, w *where, out *console, roles ...register.Role,
) error {
	return w.register(ctx, out, c.memberFlags, false, func(r control.Members) error {
		if err := r.Revoke(ctx, c.Name, roles...); err != nil {
			return err
		}
		if w.JSON {
			return w.tellSecret(ctx, out, r, c.Name, "")
		}
		_, err := fmt.Fprintf(out.stdout, "%s is revoked: its secret is worth nothing any more\n",
			c.Name)
		return err
	})
}

// memberChange gives a member another scope.
type memberChange struct {
	memberFlags

	Name string `arg:"" help:"Its name."`
}

func (c *memberChange) change(
	ctx context.Context, w *where, out *console, to access.NewScope, role register.Role,
) error {
	return w.register(ctx, out, c.memberFlags, false, func(r control.Members) error {
		if err := r.Change(ctx, c.Name, to, role); err != nil {
			return err
		}
		if w.JSON {
			return w.tellSecret(ctx, out, r, c.Name, "")
		}
		_, err := fmt.Fprintf(out.stdout, "%s is changed: that counts from now on\n", c.Name)
		return err
	})
}

// tellSecret prints a secret that was just made: the one time that anybody sees it.
func (w *where) tellSecret(
	ctx context.Context, out *console, r control.Members, name, secret string,
) error {
	members, err := r.Members(ctx)
	if err != nil {
		return err
	}
	place := slices.IndexFunc(members, func(m register.Member) bool { return m.Name == name })
	if place < 0 {
		return problem.New(problem.NotFound, name+" was taken out of the register meanwhile")
	}
	m := &members[place]
	if w.JSON {
		line := lineOf(m, out.now())
		line.Secret = secret
		return out.writeJSON(line)
	}
	what := fmt.Sprintf("%s is registered as %s. This is its secret", name, m.Role)
	if !m.RotatedAt.IsZero() {
		what = name + " has a new secret, and the old one is worth nothing any more. This is it"
	}
	if !m.ExpiresAt.IsZero() {
		what += ", until " + localTime(m.ExpiresAt.Format(time.RFC3339))
	}
	out.note("%s, shown this once; it is for nobody else:", what)
	_, err = fmt.Fprintln(out.stdout, secret)
	return err
}
