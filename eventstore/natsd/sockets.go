package natsd

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"reflect"
	"sync"
	"unsafe"

	"github.com/nats-io/nats-server/v2/server"
)

// sockets are the fields of the server by which it takes WebSockets. It has no setting for a
// listener of somebody else's, and opens its own as soon as it starts.
type sockets struct {
	mu     *sync.RWMutex // guards server, as in the server
	server **http.Server
	// listener is the one that the server has opened. It is not changed.
	listener net.Listener
}

// socketsOf finds the fields. A test tells when another version has them otherwise.
func socketsOf(s *server.Server) (*sockets, error) {
	all := reflect.ValueOf(s).Elem().FieldByName("websocket")
	if !all.IsValid() || all.Kind() != reflect.Struct {
		return nil, errors.New("listen for websockets: this version of the server has none")
	}
	mu, own, at := all.FieldByName("mu"), all.FieldByName("server"), all.FieldByName("listener")
	if !mu.IsValid() || mu.Type() != reflect.TypeFor[sync.RWMutex]() ||
		!own.IsValid() || own.Type() != reflect.TypeFor[*http.Server]() ||
		!at.IsValid() || at.Type() != reflect.TypeFor[net.Listener]() {
		return nil, errors.New("listen for websockets: this version of the server has them" +
			" otherwise")
	}
	w := &sockets{
		mu:     (*sync.RWMutex)(unsafe.Pointer(mu.UnsafeAddr())),
		server: (**http.Server)(unsafe.Pointer(own.UnsafeAddr())),
	}
	w.mu.RLock()
	defer w.mu.RUnlock()
	w.listener = *(*net.Listener)(unsafe.Pointer(at.UnsafeAddr()))
	if *w.server == nil || w.listener == nil {
		return nil, errors.New("listen for websockets: the server is ending")
	}
	return w, nil
}

// listenForSockets has WebSockets come by way of a crowd, as others do: a server of ours takes the
// place of the one that the server has opened, at the same address, and does with them the same.
// Nobody is let in before; who comes in between is hung up on, and comes again. failed is told why
// it ended, unless it was closed.
func (a *access) listenForSockets(s *server.Server, opts *Options, failed func(error)) error {
	w, err := socketsOf(s)
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	theirs := *w.server
	if theirs == nil {
		return errors.New("listen for websockets: the server is ending")
	}
	// It counts as one that has ended when the server ends, and so does ours in its place.
	if err := theirs.Close(); err != nil {
		return fmt.Errorf("listen for websockets: %w", err)
	}
	var listen net.ListenConfig
	listener, err := listen.Listen(context.Background(), "tcp", w.listener.Addr().String())
	if err != nil {
		return fmt.Errorf("listen for websockets: %w", err)
	}
	a.sockets = newCrowd(listener, opts.Strangers)
	var at net.Listener = a.sockets
	if opts.TLS != nil {
		at = tls.NewListener(at, opts.TLS)
	}
	ours := &http.Server{
		Handler:     upgrading(theirs.Handler, opts.Upgrade),
		ReadTimeout: theirs.ReadTimeout, ErrorLog: theirs.ErrorLog,
		// A WebSocket takes a connection over, which HTTP/2 does not allow.
		TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){},
	}
	*w.server = ours
	go func() {
		if err := ours.Serve(at); !errors.Is(err, http.ErrServerClosed) {
			failed(err)
		}
	}()
	return nil
}

// UpgradeRequest is a request for a WebSocket, with its headers.
type UpgradeRequest = http.Request

// upgrading has a handler take the requests that may become WebSockets alone.
func upgrading(next http.Handler, upgrade func(*UpgradeRequest) error) http.Handler {
	if upgrade == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := upgrade(r); err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}
