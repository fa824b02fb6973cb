package main

import (
	"context"
	"crypto/tls"
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

// source answers questions by the routes of contract section 7, whether the ledger is a folder,
// opened for as long as the command runs, or a server.
type source struct {
	client *http.Client
	base   string         // URL before the route's path
	secret string         // for a server; empty: none is sent
	ledger *ledger.Ledger // nil for a server
}

// folder returns the data folder to use.
func (w *where) folder() string {
	if w.Data == "" {
		return dataDefault
	}
	return w.Data
}

// open opens the source. create says whether to make a ledger where there is none.
func (w *where) open(ctx context.Context, out *console, create bool) (*source, error) {
	if w.Server != "" {
		return w.server(out)
	}
	if w.SecretFile != "" {
		return nil, usage("--secret-file is for a server: name one with --server")
	}
	l, err := ledger.Open(ctx, ledger.Options{Dir: w.folder(), Create: create})
	if err != nil {
		return nil, err
	}
	handler := httpapi.New(l, httpapi.Config{Now: out.now, Log: out.logger()})
	return &source{
		client: &http.Client{Transport: httpapi.InProcess(handler)},
		base:   "http://ledger",
		ledger: l,
	}, nil
}

// serverURL reads the address of a server; without scheme it is taken for http.
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

// Close closes the folder.
func (s *source) Close() error {
	s.client.CloseIdleConnections()
	if s.ledger == nil {
		return nil
	}
	return s.ledger.Close()
}

// server returns the source that is a running ledger.
func (w *where) server(out *console) (*source, error) {
	base, err := serverURL(w.Server)
	if err != nil {
		return nil, err
	}
	s := &source{base: base, client: &http.Client{
		// What was answered by another address than the one that was named is no answer, and
		// the secret is for nobody else.
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
	}}
	if s.secret, err = readSecret(w.SecretFile); err != nil {
		return nil, err
	}
	u, err := url.Parse(base)
	if err != nil {
		return nil, fmt.Errorf("read address of the server: %w", err)
	}
	host := net.JoinHostPort(u.Hostname(), "0")
	if s.secret != "" && u.Scheme == "http" && !door.IsLoopback(host) {
		out.note("the secret goes to %s without TLS: others on the way can read it", u.Host)
	}
	return s, nil
}

// secretVariable names the variable of the environment that holds the secret for a server. There
// is no flag that does: all users of a machine can read the command lines on it.
const secretVariable = "CAKUPAN_SECRET"

// secretFileMax bounds the file of a secret, which is one line.
const secretFileMax = 4 << 10

// readSecret returns the secret for a server from a file, or from the environment; "" for none.
func readSecret(path string) (secret string, err error) {
	text := []byte(os.Getenv(secretVariable))
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

// isNoSecretRune tells what cannot stand in a header.
func isNoSecretRune(r rune) bool { return r <= ' ' || r > '~' }

func readSmall(path string) (text []byte, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	text, err = io.ReadAll(io.LimitReader(file, secretFileMax))
	return text, errors.Join(err, file.Close())
}

// denied says what to do when the server does not know who asks.
func (s *source) denied(e *problem.Error) error {
	switch {
	case e.Code != problem.Unauthenticated:
	case s.secret == "":
		e.Detail = s.base + " wants to know who asks: put the secret that you were given into" +
			" the environment's " + secretVariable + ", or into a file for --secret-file"
	default:
		e.Detail = s.base + " does not know the secret: it may be another ledger's, or rotated" +
			" or revoked meanwhile. Ask whoever runs the ledger"
	}
	return e
}

// ask sends a request and returns the answer, whose body the caller closes. An answer that is a
// problem is returned as that error.
func (s *source) ask(ctx context.Context, request *http.Request) (*http.Response, error) {
	response, err := s.do(ctx, request)
	if err != nil {
		return nil, err
	}
	if response.StatusCode == http.StatusOK {
		return response, nil
	}
	const problemMax = 1 << 20
	body, err := io.ReadAll(io.LimitReader(response.Body, problemMax))
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return nil, unreachable(ctx, s.base, err)
	}
	return nil, s.denied(problem.Parse(response.StatusCode, body, false))
}

// do sends a request with the secret, where there is one.
func (s *source) do(ctx context.Context, request *http.Request) (*http.Response, error) {
	if s.secret != "" {
		request.Header.Set("Authorization", "Bearer "+s.secret)
	}
	response, err := s.client.Do(request.WithContext(ctx))
	if err != nil {
		return nil, unreachable(ctx, s.base, err)
	}
	return response, nil
}

// unreachable says that there was no answer; not so when it was not waited for.
func unreachable(ctx context.Context, base string, err error) error {
	var untrusted *tls.CertificateVerificationError
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &untrusted):
		return problem.Wrap(problem.ServerUnreachable, base+" answers with a certificate that is"+
			" not trusted here: have SSL_CERT_FILE name a file with it", err)
	}
	return problem.Wrap(problem.ServerUnreachable,
		base+" does not answer: is `cakupan serve` running there?", err)
}

// get asks a GET route.
func (s *source) get(ctx context.Context, path string, query url.Values) (*http.Response, error) {
	return s.send(ctx, http.MethodGet, path, query)
}

// send asks a route without sending a body.
func (s *source) send(ctx context.Context, method, path string, query url.Values,
) (*http.Response, error) {
	address := s.base + path + "?" + query.Encode()
	request, err := http.NewRequestWithContext(ctx, method, address, nil)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	return s.ask(ctx, request)
}

// with opens the ledger for one job and closes it after.
func (w *where) with(ctx context.Context, out *console, create bool, job func(*source) error,
) error {
	s, err := w.open(ctx, out, create)
	if err != nil {
		return err
	}
	return errors.Join(job(s), s.Close())
}

// values makes a query of the flags that were given.
func values(pairs ...string) url.Values {
	query := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			query.Set(pairs[i], pairs[i+1])
		}
	}
	return query
}

// copyBody passes an answer on as it is.
func copyBody(out io.Writer, response *http.Response) error {
	_, err := io.Copy(out, response.Body)
	return errors.Join(err, response.Body.Close())
}
