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

// headerBytesMax bounds a request's header: in binary mode, it is most of an event.
const headerBytesMax = 64 << 10

// Server serves an [API] on one address. Its time for a whole request is not bounded, because a
// stream of events has no end; what strangers can make it wait is bounded piece by piece, see
// [Limits].
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
// else is asked of the ledger meanwhile.
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

// Started is closed once Serve answers.
func (s *Server) Started() <-chan struct{} { return s.started }

// answer has requests answered by a handler from now on.
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
	go func() { s.served <- serve(s.listener) }()
}

// Address returns the address the server listens on, with its port.
func (s *Server) Address() string { return s.listener.Addr().String() }

// URL returns where a browser on this machine finds the server.
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
func (s *Server) Serve() error {
	wait := s.api.hub.Start(s.api.draining)
	defer wait()
	if feed := s.api.config.Feed; feed != nil {
		var feeding sync.WaitGroup
		feeding.Go(func() { feed(s.api.draining, s.api.hub) })
		defer feeding.Wait()
	}
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
// again is safe.
func (s *Server) Shutdown(ctx context.Context) error {
	s.api.beginDrain()
	answering, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
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
