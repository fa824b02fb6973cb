package httpapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"cakupan/cmd/internal/problem"
)

// headerBytesMax bounds a request's header: in binary mode, it is most of an event. More is
// answered by the library itself with 431, before any handler is asked.
const headerBytesMax = 64 << 10

// Server serves an [API] on one address. Its time for a whole request is not bounded, because a
// stream of events has no end; what strangers can make it wait is bounded piece by piece, see
// [Limits]. It is made by Listen, may Begin, then serves once, and is shut down once. Shutdown may
// be called from any goroutine; the other methods that change what answers, from one at a time.
type Server struct {
	http     *http.Server
	listener net.Listener
	api      *API

	handler atomic.Pointer[http.Handler] // what answers now
	begun   bool                         // of the goroutine that serves
	started chan struct{}                // closed by Serve
	served  chan error                   // how the answering has ended
}

// Listen takes the address, "127.0.0.1:7070" or ":0" for any free port, without answering yet.
// Whoever connects from then on waits in the queue of the operating system. The port is taken
// before a ledger is opened, so that a second program on it finds out at once. The error says that
// the address is taken or may not be; nothing is left open then. Without a Shutdown the address
// stays taken.
func Listen(ctx context.Context, address string, api *API) (*Server, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", address, err)
	}
	limits := api.config.Limits
	s := &Server{
		listener: newCrowd(listener, limits),
		api:      api,
		served:   make(chan error, 1),
		started:  make(chan struct{}),
		http: &http.Server{
			ConnContext:       withGuest,
			ReadHeaderTimeout: limits.Header,
			IdleTimeout:       limits.Idle,
			MaxHeaderBytes:    headerBytesMax,
			TLSConfig:         api.config.TLS.Clone(), // it is written to
			ErrorLog:          slog.NewLogLogger(api.config.Log.Handler(), slog.LevelWarn),
		},
	}
	s.http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		(*s.handler.Load()).ServeHTTP(w, r)
	})
	return s, nil
}

// startPatience is how long a request waits for a ledger that is being opened: most are open by
// then, and whoever asks need not know of it.
const startPatience = 10 * time.Second

// Begin takes requests until Serve is called and has each wait for that; who has waited for
// startPatience, or asks how the ledger is, gets 503 and how far it is. It may be left out. Nothing
// else is asked of the ledger meanwhile. progress says in words what is waited for; it is called
// from many goroutines at once, and must not ask the ledger that is being opened for anything that
// waits. The answer is 503 with the seconds after which to ask again: a load balancer or an
// orchestrator sees that the process lives and is not ready.
func (s *Server) Begin(progress func(context.Context) string) {
	s.answer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/healthz" && r.URL.Path != "/readyz" {
			select {
			case <-s.started:
				s.api.ServeHTTP(w, r)
				return
			case <-r.Context().Done():
			case <-time.After(startPatience):
			}
		}
		problem.Write(w, r, problem.New(problem.ServerStarting, progress(r.Context())), nil)
	}))
}

// Started is closed once Serve answers. It stays open when the server was shut down before that.
func (s *Server) Started() <-chan struct{} { return s.started }

// answer has requests answered by a handler from now on. It begins to take connections the first
// time and only swaps the handler later: a request sees one of the two as a whole, and none is lost
// in between.
func (s *Server) answer(handler http.Handler) {
	s.handler.Store(&handler)
	if s.begun {
		return
	}
	s.begun = true
	serve := s.http.Serve
	if s.api.config.TLS != nil {
		serve = func(l net.Listener) error { return s.http.ServeTLS(l, "", "") }
	}
	// The channel has room for the one result, so that nobody need wait for it.
	go func() { s.served <- serve(s.listener) }()
}

// Address returns the address the server listens on, with its port.
func (s *Server) Address() string { return s.listener.Addr().String() }

// URL returns where a browser on this machine finds the server. An address of all interfaces is
// none that a browser can open, so it is shown as localhost. The host name of a certificate is not
// known here, and may be another.
func (s *Server) URL() string {
	scheme := "http://"
	if s.api.config.TLS != nil {
		scheme = "https://"
	}
	host, port, err := net.SplitHostPort(s.Address())
	if ip := net.ParseIP(host); err == nil && ip != nil && ip.IsUnspecified() {
		return scheme + net.JoinHostPort("localhost", port)
	}
	return scheme + s.Address()
}

// Serve answers requests until Shutdown, which is no error, and tells those who watch what changes.
// It is called once. It returns when the listening has ended, and then only after the hub and the
// feed have: whoever called may close the ledger after it. Requests in work are waited for by
// Shutdown, not here.
func (s *Server) Serve() error {
	wait := s.api.hub.Start(s.api.draining)
	defer wait()
	if feed := s.api.config.Feed; feed != nil {
		var feeding sync.WaitGroup
		feeding.Go(func() { feed(s.api.draining, s.api.hub) })
		defer feeding.Wait()
	}
	// Before the waits above, which are for what ends with it: deferred calls run last first.
	defer s.api.drain()
	s.answer(s.api)
	close(s.started)
	if err := <-s.served; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve %s: %w", s.Address(), err)
	}
	return nil
}

// Shutdown takes no more requests, brings streams and downloads to their end and waits until every
// request in work is answered. It hangs up on who does not take his answer, and when ctx ends, on
// all: those have no receipts, and their events may be in the log. As after a crash, to send them
// again is safe. The error is one of closing the listener, and says nothing of requests. ctx is the
// patience for all of it. New connections are refused from the beginning on, /readyz says so, and
// who has asked with a kept connection still gets his answer.
func (s *Server) Shutdown(ctx context.Context) error {
	s.api.beginDrain()
	answering, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		// The library waits for idle connections too, such as one that a browser has opened ahead
		// and never used. Once no request is in work, those have a moment and are then hung up on.
		s.api.awaitIdle(answering)
		time.AfterFunc(drainLinger, stop)
	}()
	if s.http.Shutdown(answering) == nil {
		return nil
	}
	if n := s.api.requests.Load(); n > 0 {
		s.api.config.Log.WarnContext(ctx, "hung up on requests in work", slog.Int64("requests", n))
	}
	if err := s.http.Close(); err != nil {
		return fmt.Errorf("shut down %s: %w", s.Address(), err)
	}
	return nil
}
