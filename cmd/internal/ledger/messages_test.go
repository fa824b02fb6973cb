package ledger

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cakupan/cmd/internal/folder"
	"cakupan/cmd/internal/natsin"
	"cakupan/cmd/internal/problem"
	"cakupan/cmd/internal/shares"
)

// TestLostSealKey takes the key away from messages that wait.
func TestLostSealKey(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	start := func() (*Ledger, error) {
		l, err := Open(t.Context(), Options{
			Dir: dir, Create: true, Messages: MessageOptions{Address: "127.0.0.1:0"},
		})
		if err == nil {
			err = l.Serve(t.Context(), "http://127.0.0.1:9", time.Hour)
		}
		if err != nil {
			t.Fatal(err)
		}
		return l, l.TakeMessages(t.Context())
	}
	l, err := start()
	if err != nil {
		t.Fatal(err)
	}
	conn, err := nats.Connect(l.NATSURL())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Request("cakupan.intake.bone", []byte("wrong"), time.Minute); err != nil {
		t.Fatal(err)
	}
	awaitSettled(t, l)
	conn.Close()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	key := filepath.Join(dir, folder.Vault, folder.SealKeyFile)
	kept, err := os.ReadFile(key)
	if err == nil {
		err = os.Remove(key)
	}
	if err != nil {
		t.Fatal(err)
	}
	l, err = start()
	if p := problem.From(err); err == nil || p.Code != problem.FolderKeyLost {
		t.Errorf("start without the key: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(key, kept, 0o644); err != nil {
		t.Fatal(err)
	}
	if l, err = start(); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("start with a key for everybody: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(key, 0o600); err != nil {
		t.Fatal(err)
	}
	if l, err = start(); err != nil {
		t.Errorf("start with the key: %v", err)
	}
	one, err := l.RefusedOne(t.Context(), 1)
	if err != nil || one.Original != "wrong" {
		t.Errorf("refused: %+v, %v", one, err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// takesMessages opens a ledger on a cluster that takes messages in, for who publishes there and who
// hears the receipts.
func takesMessages(t *testing.T) (*Ledger, jetstream.JetStream, *nats.Subscription) {
	t.Helper()
	url := startNATS(t)
	l := openToTest(t, Options{Dir: t.TempDir(), Create: true, NATS: url, Replicas: 1})
	if err := l.Serve(t.Context(), "http://127.0.0.1:9", time.Hour); err != nil {
		t.Fatal(err)
	}
	if err := l.TakeMessages(t.Context()); err != nil {
		t.Fatal(err)
	}
	conn, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	heard, err := conn.SubscribeSync("cakupan.receipts.bone")
	if err != nil {
		t.Fatal(err)
	}
	return l, js, heard
}

// TestMessagesOnCluster takes in messages through a server of its own.
func TestMessagesOnCluster(t *testing.T) {
	l, js, heard := takesMessages(t)
	for i, text := range []string{string(plainEvent(1)), "wrong"} {
		ack, err := js.Publish(t.Context(), "cakupan.intake.bone", []byte(text))
		if err != nil || ack.Stream != natsin.StreamIntake {
			t.Fatalf("publish: %+v, %v", ack, err)
		}
		if m, err := heard.NextMsg(time.Minute); err != nil ||
			bytes.Contains(m.Data, []byte(`"appended":1`)) != (i == 0) {
			t.Errorf("receipts: %v", err)
		}
	}
	if err := l.DropRefused(t.Context(), 1); err != nil {
		t.Error(err)
	}
	if err := l.DropRefused(t.Context(), 1); problem.From(err).Code != problem.NotFound {
		t.Errorf("dropped twice: %v", err)
	}
	if _, err := js.Stream(t.Context(), "OTHER"); !errors.Is(err, jetstream.ErrStreamNotFound) {
		t.Errorf("stream: %v", err)
	}
}

// TestNatsServerBounds: who connects to the embedded server has the bounds that were asked for, and
// is read at a pace. Where nobody can connect there is nothing to bound.
func TestNatsServerBounds(t *testing.T) {
	l := &Ledger{folder: &folder.Folder{Dir: t.TempDir()}}
	if opts := l.natsServer(); opts.Authenticate != nil || opts.Now != nil {
		t.Error("somebody can connect without an address")
	}
	l.opts.Messages = MessageOptions{Address: "127.0.0.1:0", Consumers: 3, Strangers: 5}
	opts := l.natsServer()
	if opts.Authenticate == nil || opts.Consumers != 3 || opts.Strangers != 5 ||
		opts.Now == nil || opts.Processors != shares.Processors() {
		t.Errorf("%+v", opts)
	}
}
