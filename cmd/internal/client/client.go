// Package client asks a ledger the questions of contract section 7, whether it is a folder, opened
// for as long as a command runs, or a server.
//
// An error is a [problem.Error] wherever the ledger has said why, or could not be reached, so that
// a command ends with the same words and exit code whichever of both it has asked. What answers
// mean, and how they are shown, is for those who ask: the commands, the importer of lists, the
// upload page and witnesses.
package client

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"

	"cakupan/cmd/internal/door"
	"cakupan/cmd/internal/httpapi"
	"cakupan/cmd/internal/ledger"
	"cakupan/cmd/internal/problem"
)

// Client asks one ledger. It may be used by several goroutines. Commands know one kind of question
// alone: with a folder, the same routes answer in this process, so that no answer differs by the
// way it was asked for.
type Client struct {
	client *http.Client
	base   string         // URL before the route's path
	others []string       // of the same ledger's other servers, to be asked when that is gone
	secret string         // for a server; empty: none is sent
	ledger *ledger.Ledger // nil for a server

	authorization string // sent as it is, where there is no secret
}

// Open returns a client of an open ledger, which is its own from then on: Close closes it. Who asks
// so counts as one at the machine.
func Open(l *ledger.Ledger, config httpapi.Config) *Client {
	return &Client{
		client: &http.Client{Transport: httpapi.InProcess(httpapi.New(l, config))},
		base:   "http://ledger",
		ledger: l,
	}
}

// Within returns a client that asks the handler of the routes without a network, in the name of
// whoever has sent the header Authorization: what he may not do by himself, nothing does for him.
// An empty one is nobody's. Close closes nothing of the handler.
func Within(api http.Handler, authorization string) *Client {
	return &Client{
		client: &http.Client{Transport: httpapi.InProcess(api)}, base: "http://ledger",
		authorization: authorization,
	}
}

// Ledger returns the ledger that is asked without a network, nil for a server.
func (s *Client) Ledger() *ledger.Ledger { return s.ledger }

// serverURL reads the address of a server; without scheme it is taken for http. A path is kept, for
// a proxy that has the ledger below one; query and user are not. The error is one of usage.
func serverURL(text string) (string, error) {
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", usage("--server must be a URL such as http://127.0.0.1:7070")
	}
	return u.Scheme + "://" + u.Host + strings.TrimSuffix(u.Path, "/"), nil
}

// Close closes the folder, and connections that nobody uses. Answers must have been read by then:
// they come from the ledger that is closed here. The client is of no use afterwards.
func (s *Client) Close() error {
	s.client.CloseIdleConnections()
	if s.ledger == nil {
		return nil
	}
	return s.ledger.Close()
}

// Dial returns a client of a running ledger: of the server that writes, where several are named, by
// commas. The secret is in a file, or in the environment. note is told what whoever runs the
// command should know.
//
// An error says that an address or the secret cannot be read. That no server answers is none yet:
// the first question finds that out, and says it of the address that was asked.
func Dial(ctx context.Context, servers, secretFile string, note func(format string, args ...any),
) (*Client, error) {
	s := &Client{client: &http.Client{
		// What was answered by another address than the one that was named is no answer, and
		// the secret is for nobody else.
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
	}}
	for server := range strings.SplitSeq(servers, ",") {
		base, err := serverURL(strings.TrimSpace(server))
		if err != nil {
			return nil, err
		}
		s.others = append(s.others, base)
	}
	var err error
	if s.secret, err = readSecret(secretFile); err != nil {
		return nil, err
	}
	for _, base := range s.others {
		u, err := url.Parse(base)
		if err != nil {
			return nil, fmt.Errorf("read address of the server: %w", err)
		}
		host := net.JoinHostPort(u.Hostname(), "0")
		if s.secret != "" && u.Scheme == "http" && !door.IsLoopback(host) {
			note("the secret goes to %s without TLS: others on the way can read it", u.Host)
		}
	}
	s.choose(ctx)
	s.client.Transport = newPatience(s.base)
	return s, nil
}

// SecretVariable names the variable of the environment that holds the secret for a server. There
// is no flag that does: all users of a machine can read the command lines on it.
const SecretVariable = "CAKUPAN_SECRET"

// secretFileMax bounds the file of a secret, which is one line: a mistyped path may lead to a disk
// image, or to a device without an end.
const secretFileMax = 4 << 10

// readSecret returns the secret for a server from a file, or from the environment; "" for none. A
// file that is empty is refused, as it was named to be used. Spaces and line ends around the secret
// do not count, for an editor may have put them there. The error never shows it.
func readSecret(path string) (secret string, err error) {
	text := []byte(os.Getenv(SecretVariable))
	if path != "" {
		if text, err = readSmall(path); err != nil {
			return "", problem.Wrap(problem.FileNotReadable, path+" cannot be read", err)
		}
	}
	secret = strings.TrimSpace(string(text))
	if path != "" && secret == "" || strings.ContainsFunc(secret, isNoSecretRune) {
		return "", usage("a secret is one line, as `cakupan publisher add` has printed it")
	}
	return secret, nil
}

// isNoSecretRune tells what cannot stand in a header: what is not ASCII that is seen.
func isNoSecretRune(r rune) bool { return r <= ' ' || r > '~' }

// readSmall reads a file as far as secretFileMax. What is cut off there is no secret, and does not
// log in.
func readSmall(path string) (text []byte, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	text, err = io.ReadAll(io.LimitReader(file, secretFileMax))
	return text, errors.Join(err, file.Close())
}

// Denied says what to do when the server does not know who asks. The server itself says no more
// than that to strangers; here it is known whether a secret was sent at all. Any other error is
// returned as it is. e is changed.
func (s *Client) Denied(e *problem.Error) error {
	switch {
	case e.Code != problem.Unauthenticated:
	case s.secret == "":
		e.Detail = s.base + " wants to know who asks: put the secret that you were given into" +
			" the environment's " + SecretVariable + ", or into a file for --secret-file"
	default:
		e.Detail = s.base + " does not know the secret: it may be another ledger's, or rotated" +
			" or revoked meanwhile. Ask whoever runs the ledger"
	}
	return e
}

// Ask sends a request and returns the answer, whose body the caller closes. An answer that is a
// problem is returned as that error.
func (s *Client) Ask(ctx context.Context, request *http.Request) (*http.Response, error) {
	response, err := s.Do(ctx, request)
	if err != nil {
		return nil, err
	}
	if response.StatusCode == http.StatusOK {
		return response, nil
	}
	// What is not an answer of a ledger, such as a page of a proxy, may have any length.
	const problemMax = 1 << 20
	body, err := io.ReadAll(io.LimitReader(response.Body, problemMax))
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return nil, Unreachable(ctx, s.base, err)
	}
	return nil, s.Denied(problem.Parse(response.StatusCode, body, false))
}

// Do sends a request with the secret, where there is one, and returns whatever is answered: also a
// problem, which the caller reads, and whose body he closes. The error says that there was no
// answer, see [Unreachable]; the request may have been done all the same.
func (s *Client) Do(ctx context.Context, request *http.Request) (*http.Response, error) {
	if s.secret != "" {
		request.Header.Set("Authorization", "Bearer "+s.secret)
	} else if s.authorization != "" {
		request.Header.Set("Authorization", s.authorization)
	}
	response, err := s.sendTo(ctx, request)
	if err != nil {
		return nil, Unreachable(ctx, s.base, err, s.others...)
	}
	return response, nil
}

// Unreachable says that there was no answer; not so when it was not waited for: then it is ctx's
// error. That a certificate is not trusted is told apart, as it is mended on this side. The others
// were asked too, after base, of which the error is.
func Unreachable(ctx context.Context, base string, err error, others ...string) error {
	var untrusted *tls.CertificateVerificationError
	var said *problem.Error
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &said): // by patience
		return said
	case errors.As(err, &untrusted):
		return problem.Wrap(problem.ServerUnreachable, base+" answers with a certificate that is"+
			" not trusted here: have SSL_CERT_FILE name a file with it", err)
	}
	words := base + " does not answer"
	if len(others) > 0 {
		words = "none of " + base + ", " + strings.Join(others, ", ") + " answers"
	}
	return problem.Wrap(problem.ServerUnreachable,
		words+": is `cakupan serve` running there?", brokenOff(err))
}

// brokenOff returns an error of an answer that is io.EOF underneath, as that of a connection which
// the server closed, as one that is not: whoever reads something meanwhile would take it for the
// end of that.
func brokenOff(err error) error {
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: %s", io.ErrUnexpectedEOF, err.Error())
	}
	return err
}

// Get asks a GET route, as Ask does: the caller closes the body.
func (s *Client) Get(ctx context.Context, path string, query url.Values) (*http.Response, error) {
	return s.Send(ctx, http.MethodGet, path, query)
}

// Send asks a route without sending a body, as Ask does: what is asked for is in path and query. So
// it can be sent to another server when one is gone.
func (s *Client) Send(ctx context.Context, method, path string, query url.Values,
) (*http.Response, error) {
	address := s.base + path + "?" + query.Encode()
	request, err := http.NewRequestWithContext(ctx, method, address, nil)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	return s.Ask(ctx, request)
}

// Values makes a query of the flags that were given: name and value in turn. An empty value is a
// flag that was not given, and left out: the ledger has the defaults, and refuses what is empty.
func Values(pairs ...string) url.Values {
	query := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			query.Set(pairs[i], pairs[i+1])
		}
	}
	return query
}

// Copy passes the answer of a GET route on as it is. Where the server breaks off, a part of it has
// been written by then, and the error says so.
func (s *Client) Copy(ctx context.Context, out io.Writer, path string, query url.Values) error {
	response, err := s.Get(ctx, path, query)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, response.Body)
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	return nil
}

// List reads the answer of a GET route that is a JSON array. It holds all of it in memory, so it is
// for answers whose length the question bounds: regions, days.
func List[T any](
	ctx context.Context, s *Client, path string, query url.Values,
) (items []T, err error) {
	response, err := s.Get(ctx, path, query)
	if err != nil {
		return nil, err
	}
	err = json.NewDecoder(response.Body).Decode(&items)
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	return items, nil
}

// URL returns the address of a route at the server that was chosen.
func (s *Client) URL(path string) string { return s.base + path }

// usage is an error in how the command was called: exit code 2.
func usage(text string) error { return problem.New(problem.UsageWrong, text) }
