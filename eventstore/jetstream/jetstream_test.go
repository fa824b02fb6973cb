package jetstream_test

import (
	"fmt"
	"testing"

	"github.com/nats-io/nats.go"

	"cakupan/eventstore"
	"cakupan/eventstore/jetstream"
	"cakupan/eventstore/logtest"
	"cakupan/eventstore/natsd"
)

// start starts a server on the folder and connects to it, until the end of the test.
func start(t testing.TB, dir string) *nats.Conn {
	t.Helper()
	_, conn := serve(t, dir)
	return conn
}

func serve(t testing.TB, dir string) (*natsd.Server, *nats.Conn) {
	t.Helper()
	server, err := natsd.Start(natsd.Options{StoreDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Shutdown() })
	conn, err := server.Connect()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	return server, conn
}

func create(t testing.TB, conn *nats.Conn, opts jetstream.Options) *jetstream.Log {
	t.Helper()
	log, err := jetstream.Create(t.Context(), conn, opts, eventstore.NewIdentity(1))
	if err != nil {
		t.Fatal(err)
	}
	return log
}

func TestConformance(t *testing.T) {
	for _, inside := range []bool{true, false} { // the server in this program, and anywhere
		t.Run(fmt.Sprint("inside ", inside), func(t *testing.T) {
			logtest.Run(t, func(t *testing.T) eventstore.Log {
				server, conn := serve(t, t.TempDir())
				reader, err := server.Connect()
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(reader.Close)
				opts := jetstream.Options{Reader: reader, FreeSpace: server.FreeSpace}
				if inside {
					opts.Messages, opts.Store = server.Messages, server
				}
				return create(t, conn, opts)
			})
		})
	}
}
