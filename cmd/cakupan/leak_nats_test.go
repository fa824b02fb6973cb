package main

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"cakupan/cmd/internal/httpapi"
	"cakupan/cmd/internal/problem"
)

// TestNoNIKInMessages sends numbers in every possible place by NATS, and looks for them: while the
// messages wait, when they are taken in or refused, and in all that is said about them.
func TestNoNIKInMessages(t *testing.T) {
	n := &numbers{sent: map[string]string{}}
	var log lockedBuffer
	logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	dir := filepath.Join(t.TempDir(), "data")
	l, err := openLedger(t.Context(), ledgerOptions{
		Dir: dir, Create: true, Log: logger, Messages: natsOptions{Address: "127.0.0.1:0"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.serve(t.Context(), "http://127.0.0.1:9", time.Hour); err != nil {
		t.Fatal(err)
	}
	if err := l.takeMessages(t.Context()); err != nil {
		t.Fatal(err)
	}
	// As long as the log counts as damaged, nothing is taken from the intake.
	waits := error(problem.New(problem.LogDamaged, "a test says so"))
	l.damage.Store(&waits)
	lines := n.leakEvents(t)
	if os.Getenv("CAKUPAN_LONG") == "" { // every one of them takes a pack and an fsync or two
		few := lines[:0]
		for i := 0; i < len(lines); i += 9 {
			few = append(few, lines[i])
		}
		lines = few
	}
	n.publish(t, l.server.URL(), lines)
	n.searchFolder(t, dir)
	if waiting, err := l.sealedMessages(t.Context()); err != nil || waiting == 0 {
		t.Errorf("%d packs wait, %v", waiting, err)
	}
	l.damage.Store(nil)
	awaitSettled(t, l)
	n.settle(t, l, logger)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	n.search(t, "the operator's log", log.bytes())
	n.searchFolder(t, dir)
	for _, args := range [][]string{
		{"refused", "list"},
		{"refused", "list", "--json"},
		{"refused", "show", "1"},
		{"refused", "retry", "1", "2"},
		{"refused", "retry", "--all", "--json"},
		{"refused", "drop", "--all"},
	} {
		_, stdout, stderr := runCommand(t, append(args, "--data", dir)...)
		n.search(t, fmt.Sprint("what ", args, " prints"), []byte(stdout+stderr))
		if len(stdout) == 0 {
			t.Errorf("%v prints nothing: %s", args, stderr)
		}
	}
	n.searchFolder(t, dir)
	_, stdout, _ := runCommand(t, "refused", "list", "--data", dir)
	if stdout != "nothing is refused\n" {
		t.Errorf("list after all is dropped: %.200s", stdout)
	}
}

// publish sends events in all modes, and whatever else may hold a number, and reads what is
// answered.
func (n *numbers) publish(t *testing.T, url string, lines [][]byte) {
	t.Helper()
	conn, err := nats.Connect(url, nats.Name(n.next("name of a client")))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	if _, err := conn.Subscribe("cakupan.receipts.*", func(m *nats.Msg) {
		n.search(t, "receipts", fmt.Append(m.Data, m.Subject, m.Header))
	}); err != nil {
		t.Fatal(err)
	}
	send := func(m *nats.Msg) {
		reply, err := conn.RequestMsg(m, 10*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		n.search(t, "the answer to a message", fmt.Append(reply.Data, reply.Header))
	}
	for i, line := range lines {
		m := nats.NewMsg("cakupan.intake.leak")
		switch m.Data = line; i % 4 {
		case 0:
			m.Header.Set("Content-Type", "application/cloudevents+json")
		case 1:
			m.Header.Set("Content-Type", "application/cloudevents-batch+json")
			m.Data = fmt.Appendf(nil, "[%s,%s]", line, lines[i/2])
		case 2:
			m.Header.Set("ce-id", n.next("ce-id"))
			m.Header.Set("ce-"+n.next("ce- name"), n.next("ce- value"))
			m.Header.Set("X-"+n.next("other header"), n.next("other header"))
		}
		if i%20 == 3 {
			m.Subject = "cakupan.request.leak"
		}
		send(m)
	}
	m := nats.NewMsg("cakupan.intake." + n.next("name in a subject"))
	send(m)
	m = nats.NewMsg("cakupan.request." + n.next("name in a subject"))
	send(m)
	m = nats.NewMsg("cakupan.intake.leak")
	m.Header.Set("Content-Type", n.next("media type"))
	send(m)
	for _, who := range []nats.Option{
		nats.UserInfo(n.next("user"), n.next("password")), nats.Token(n.next("token")),
	} {
		if other, err := nats.Connect(url, who); err == nil {
			other.Close()
		}
	}
}

// settle reads all that is told of what was refused, over HTTP.
func (n *numbers) settle(t *testing.T, l *ledger, logger *slog.Logger) {
	t.Helper()
	handler := httpapi.New(l, httpapi.Config{Now: time.Now, Log: logger})
	ask := func(method, target string) []byte {
		request := httptest.NewRequestWithContext(t.Context(), method, target, nil)
		request.RemoteAddr, request.Host = "127.0.0.1:5", "127.0.0.1"
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, request)
		n.search(t, "the answer to "+method+" of what was refused", answer.Body.Bytes())
		return answer.Body.Bytes()
	}
	list := ask(http.MethodGet, "/v1/refused")
	if count := bytes.Count(list, []byte("\n")); count < 100 {
		t.Errorf("%d are refused", count)
	}
	for number := range 50 {
		ask(http.MethodGet, fmt.Sprintf("/v1/refused/%d", number))
	}
	for number := 50; number < 60; number++ {
		ask(http.MethodPost, fmt.Sprintf("/v1/refused/%d/retry", number))
		ask(http.MethodDelete, fmt.Sprintf("/v1/refused/%d", number))
	}
	ask(http.MethodGet, "/v1/refused/"+n.next("path"))
	ask(http.MethodGet, "/v1/refused?from="+n.next("from"))
}
