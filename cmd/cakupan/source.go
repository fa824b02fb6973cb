package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"cakupan/cmd/internal/httpapi"
	"cakupan/cmd/internal/problem"
)

// source answers questions by the routes of contract section 7, whether the ledger is a folder,
// opened for as long as the command runs, or a server.
type source struct {
	client *http.Client
	base   string  // URL before the route's path
	ledger *ledger // nil for a server
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
		base, err := serverURL(w.Server)
		return &source{client: &http.Client{}, base: base}, err
	}
	l, err := openLedger(ctx, ledgerOptions{Dir: w.folder(), Create: create})
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

// ask sends a request and returns the answer, whose body the caller closes. An answer that is a
// problem is returned as that error.
func (s *source) ask(ctx context.Context, request *http.Request) (*http.Response, error) {
	response, err := s.client.Do(request.WithContext(ctx))
	if err != nil {
		return nil, unreachable(ctx, s.base, err)
	}
	if response.StatusCode == http.StatusOK {
		return response, nil
	}
	const problemMax = 1 << 20
	body, err := io.ReadAll(io.LimitReader(response.Body, problemMax))
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return nil, unreachable(ctx, s.base, err)
	}
	return nil, problem.Parse(response.StatusCode, body, false)
}

// unreachable says that there was no answer; not so when it was not waited for.
func unreachable(ctx context.Context, base string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
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
