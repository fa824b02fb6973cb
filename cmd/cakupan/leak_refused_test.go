package main

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"cakupan/cmd/internal/ledger"
	"cakupan/cmd/internal/nobody"
)

// TestNoNIKInRefused sends numbers by NATS in what is refused, and looks for them in what the
// commands about it print.
func TestNoNIKInRefused(t *testing.T) {
	n := nobody.New()
	dir := filepath.Join(t.TempDir(), "data")
	l, err := ledger.Open(t.Context(), ledger.Options{
		Dir: dir, Create: true, Messages: ledger.MessageOptions{Address: "127.0.0.1:0"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.TakeMessages(t.Context()); err != nil {
		t.Fatal(err)
	}
	conn, err := nats.Connect(l.NATSURL())
	if err != nil {
		t.Fatal(err)
	}
	lines := n.Events(t)
	lines = append(lines[:40:40], lines[len(lines)-20:]...) // the last ones are wrong as a whole
	told, err := conn.SubscribeSync("cakupan.receipts.leak")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines {
		if _, err := conn.Request("cakupan.intake.leak", line, time.Minute); err != nil {
			t.Fatal(err)
		}
		if _, err := told.NextMsg(time.Minute); err != nil { // it is settled
			t.Fatal(err)
		}
	}
	conn.Close()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"refused", "list"},
		{"refused", "list", "--json"},
		{"refused", "show", "1"},
		{"refused", "retry", "1", "2"},
		{"refused", "retry", "--all", "--json"},
		{"refused", "drop", "--all"},
	} {
		_, stdout, stderr := runCommand(t, append(args, "--data", dir)...)
		n.Search(t, fmt.Sprint("what ", args, " prints"), []byte(stdout+stderr))
		if len(stdout) == 0 {
			t.Errorf("%v prints nothing: %s", args, stderr)
		}
	}
	n.SearchFolder(t, dir)
	if _, stdout, _ := runCommand(t, "refused", "list", "--data", dir); stdout != "nothing is refused\n" {
		t.Errorf("list after all is dropped: %.200s", stdout)
	}
}
