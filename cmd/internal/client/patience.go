package client

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"cakupan/cmd/internal/problem"
)

const (
	// connectMax bounds the way to a server: to be connected, and to agree on encryption.
	connectMax = 10 * time.Second
	// probeMax is how long a server has to say how it is. One that cannot is stopped, or as good.
	probeMax = 5 * time.Second
	// silenceMax is how long a server may say nothing before it is asked how it is. A replay may
	// well be silent for minutes, and a list of events to come for days: the time of those is
	// bounded only by whether their server still answers.
	silenceMax = 10 * time.Second
)

// patience sends requests to a server, and ends those whose server has stopped answering. There is
// no time that any request may take at the most: see silenceMax. It may be used by several
// goroutines; each request has a watch of its own, which ends when its answer's body is closed, or
// its context has ended.
type patience struct {
	transport *http.Transport
	base      string
	probe     time.Duration // for a question after how it is
	silence   time.Duration // before such a question
}

// newPatience returns one for the server at base. Its connections are not shared with others.
func newPatience(base string) *patience {
	return &patience{
		base: base, probe: probeMax, silence: silenceMax,
		transport: &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			DialContext:         (&net.Dialer{Timeout: connectMax}).DialContext,
			TLSHandshakeTimeout: connectMax,
			ForceAttemptHTTP2:   true,
			IdleConnTimeout:     time.Minute,
		},
	}
}

// errSilent ends a request whose server does not answer any more. It is told apart from a server
// that takes no connections, as somebody has to look at the process.
func (p *patience) errSilent() error {
	return problem.New(problem.ServerUnreachable, p.base+" takes connections and answers nothing:"+
		" the process may have been stopped, or has too much to do; look at it there")
}

// CloseIdleConnections is what [http.Client.CloseIdleConnections] calls.
func (p *patience) CloseIdleConnections() { p.transport.CloseIdleConnections() }

// RoundTrip sends a request. Its answer's body is watched until it is closed, which the caller must
// do. The request itself is not changed. Bytes of its body count too: a server that takes them is
// not silent.
func (p *patience) RoundTrip(request *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(request.Context())
	w := &watched{ctx: ctx, cancel: cancel}
	watching := request.Clone(ctx)
	if request.Body != nil {
		watching.Body = w.watch(request.Body, func() {})
	}
	// These are how a server is asked how it is: they have a time for all of it, with the body, as
	// there is nothing else to ask.
	if path := request.URL.Path; path == "/healthz" || path == "/readyz" {
		timer := time.AfterFunc(p.probe, func() { cancel(p.errSilent()) })
		w.end = func() { timer.Stop(); cancel(nil) }
	} else {
		w.end = func() { cancel(nil) }
		go p.watch(w)
	}
	response, err := p.transport.RoundTrip(watching)
	if err != nil {
		err = w.cause(err)
		w.end()
		return nil, err
	}
	w.moved.Add(1)
	response.Body = w.watch(response.Body, w.end)
	return response, nil
}

// watch ends a request when nothing has come for a while and the server does not answer otherwise.
// It is the goroutine of one request. A request may so end up to two silences and a probe after the
// last byte.
func (p *patience) watch(w *watched) {
	tick := time.NewTicker(p.silence)
	defer tick.Stop()
	for before := uint64(0); ; {
		select {
		case <-w.ctx.Done():
			return
		case <-tick.C:
		}
		if now := w.moved.Load(); now != before {
			before = now
			continue
		}
		if !p.answers(w.ctx) && w.ctx.Err() == nil {
			w.cancel(p.errSilent())
			return
		}
	}
}

// answers asks a server how it is. Whatever it says, it answers: a ledger that is not well may
// still be at work on the request. It is asked past the watch, which would ask again.
func (p *patience) answers(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, p.probe)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.base+"/healthz", nil)
	if err != nil {
		return false
	}
	response, err := p.transport.RoundTrip(request)
	if err != nil {
		return false
	}
	_ = response.Body.Close()
	return true
}

// watched is a request under way. end is called once by whoever closes the body, or by RoundTrip
// where there is none; it ends the watch, and ctx with it.
type watched struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	end    func()
	moved  atomic.Uint64 // counts what has come and gone
}

// cause returns why a request was ended by the watch, err when it was not: else it would only be
// said that something was cancelled, which nobody here has done.
func (w *watched) cause(err error) error {
	var silent *problem.Error
	if errors.As(context.Cause(w.ctx), &silent) {
		return silent
	}
	return err
}

// watch counts what is read of a body, in reads and not in bytes: it matters only that it goes on.
func (w *watched) watch(body io.ReadCloser, closed func()) io.ReadCloser {
	return &watchedBody{body: body, watched: w, closed: closed}
}

type watchedBody struct {
	body    io.ReadCloser
	watched *watched
	closed  func()
}

func (b *watchedBody) Read(to []byte) (int, error) {
	n, err := b.body.Read(to)
	b.watched.moved.Add(1)
	if err != nil && !errors.Is(err, io.EOF) {
		err = b.watched.cause(err)
	}
	return n, err
}

func (b *watchedBody) Close() error {
	err := b.body.Close()
	b.closed()
	return err
}
