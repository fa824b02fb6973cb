package ledger_test

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
	"cakupan/cmd/internal/ledger"
	"cakupan/cmd/internal/nobody"
	"cakupan/cmd/internal/problem"
)

// TestNoNIKInMessages sends numbers in every possible place by NATS, and looks for them: while the
// messages wait, when they are taken in or refused, and in all that is said about them.
func TestNoNIKInMessages(t *testing.T) {
	if testing.Short() {
		t.Skip("long in one goroutine")
	}
	n := nobody.New()
	var log nobody.Buffer
	logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	dir := filepath.Join(t.TempDir(), "data")
	l, err := ledger.Open(t.Context(), ledger.Options{
		Dir: dir, Create: true, Log: logger, Messages: ledger.MessageOptions{Address: "127.0.0.1:0"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Serve(t.Context(), "http://127.0.0.1:9", time.Hour); err != nil {
		t.Fatal(err)
	}
	if err := l.TakeMessages(t.Context()); err != nil {
		t.Fatal(err)
	}
	// As long as the log counts as damaged, nothing is taken from the intake.
	l.SetDamage(problem.New(problem.LogDamaged, "a test says so"))
	lines := n.Events(t)
	if os.Getenv("CAKUPAN_LONG") == "" { // every one of them takes a pack and an fsync or two
		few := lines[:0]
		for i := 0; i < len(lines); i += 9 {
			few = append(few, lines[i])
		}
		lines = few
	}
	publish(t, n, l.NATSURL(), lines)
	n.SearchFolder(t, dir)
	if waiting, err := l.SealedMessages(t.Context()); err != nil || waiting == 0 {
		t.Errorf("%d packs wait, %v", waiting, err)
	}
	l.SetDamage(nil)
	ledger.AwaitSettled(t, l)
	settle(t, n, l, logger)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	n.Search(t, "the operator's log", log.Bytes())
	n.SearchFolder(t, dir)
}

// publish sends events in all modes, and whatever else may hold a number, and reads what is
// answered.
func publish(t *testing.T, n *nobody.Numbers, url string, lines [][]byte) {
	t.Helper()
	conn, err := nats.Connect(url, nats.Name(n.Next("name of a client")))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	if _, err := conn.Subscribe("cakupan.receipts.*", func(m *nats.Msg) {
		n.Search(t, "receipts", fmt.Append(m.Data, m.Subject, m.Header))
	}); err != nil {
		t.Fatal(err)
	}
	send := func(m *nats.Msg) {
		reply, err := conn.RequestMsg(m, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		n.Search(t, "the answer to a message", fmt.Append(reply.Data, reply.Header))
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
			m.Header.Set("ce-id", n.Next("ce-id"))
			m.Header.Set("ce-"+n.Next("ce- name"), n.Next("ce- value"))
			m.Header.Set("X-"+n.Next("other header"), n.Next("other header"))
		}
		if i%20 == 3 {
			m.Subject = "cakupan.request.leak"
		}
		send(m)
	}
	m := nats.NewMsg("cakupan.intake." + n.Next("name in a subject"))
	send(m)
	m = nats.NewMsg("cakupan.request." + n.Next("name in a subject"))
	send(m)
	m = nats.NewMsg("cakupan.intake.leak")
	m.Header.Set("Content-Type", n.Next("media type"))
	send(m)
	for _, who := range []nats.Option{
		nats.UserInfo(n.Next("user"), n.Next("password")), nats.Token(n.Next("token")),
	} {
		if other, err := nats.Connect(url, who); err == nil {
			other.Close()
		}
	}
}

// settle reads all that is told of what was refused, over HTTP.
func settle(t *testing.T, n *nobody.Numbers, l *ledger.Ledger, logger *slog.Logger) {
	t.Helper()
	handler := httpapi.New(l, httpapi.Config{Now: time.Now, Log: logger})
	ask := func(method, target string) []byte {
		request := httptest.NewRequestWithContext(t.Context(), method, target, nil)
		request.RemoteAddr, request.Host = "127.0.0.1:5", "127.0.0.1"
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, request)
		n.Search(t, "the answer to "+method+" of what was refused", answer.Body.Bytes())
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
	ask(http.MethodGet, "/v1/refused/"+n.Next("path"))
	ask(http.MethodGet, "/v1/refused?from="+n.Next("from"))
}
