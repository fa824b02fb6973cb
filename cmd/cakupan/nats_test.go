package main

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/problem"
	log "cakupan/eventstore/jetstream"
)

// natsURL returns where a server says that it answers NATS.
func (g *guarded) natsURL(t *testing.T) string {
	t.Helper()
	var started struct{ NATS string }
	if err := json.Unmarshal(g.stdout.Bytes(), &started); err != nil || started.NATS == "" {
		t.Fatalf("server says %s, %v", g.stdout.Bytes(), err)
	}
	return started.NATS
}

func opening(source string, n int, region string) []byte {
	return fmt.Appendf(nil, `{"specversion":"1.0","id":"e-%d","source":%q,"type":`+
		`"id.cakupan.enrolment.opened.v1","data":{"enrolment":"e-%d","worker":"w-%d","region":%q,`+
		`"segment":"PU","category":"PRIVATE","programmes":["JKK"],"payer":"EMPLOYER",`+
		`"from":"2020-01-01"}}`, n, source, n, n, region)
}

// TestServeNATS goes through the life of a publisher: registered, publishing within his scope and
// beyond, settled by the operator, revoked while he is connected.
func TestServeNATS(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	bone, goron := addPublisher(t, dir, "bone"), addPublisher(t, dir, "goron")
	auditor := member(t, dir, "reader", "add", "auditor", "--role", "auditor")
	g := serveGuarded(t, dir, "--nats-listen", "127.0.0.1:0")
	url := g.natsURL(t)
	for _, who := range []nats.Option{
		nats.UserInfo("bone", goron), nats.UserInfo("bone", ""), nats.UserInfo("", ""),
	} {
		if conn, err := nats.Connect(url, who); err == nil {
			conn.Close()
			t.Error("somebody else logs in as bone")
		}
	}
	closed := make(chan struct{})
	conn, err := nats.Connect(url, nats.UserInfo("bone", bone), nats.MaxReconnects(0),
		nats.ClosedHandler(func(*nats.Conn) { close(closed) }))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	receipts, err := conn.SubscribeSync("cakupan.receipts.bone")
	if err != nil {
		t.Fatal(err)
	}
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	for i, event := range [][]byte{
		opening("urn:bone", 1, "75.03"), opening("urn:goron", 2, "75.03"),
		opening("urn:bone", 3, "71.01"), []byte(`{"nik":"7571991501900001"}`),
	} {
		if _, err := js.Publish(t.Context(), "cakupan.intake.bone", event); err != nil {
			t.Fatal(err)
		}
		m, err := receipts.NextMsg(time.Minute)
		appended := err == nil && bytes.Contains(m.Data, []byte(`"status":"appended"`))
		if err != nil || appended != (i == 0) {
			t.Errorf("receipt %d: %v", i, err)
		}
	}
	checkReader(t, url, auditor)
	checkRefused(t, g, auditor)
	if code, _, stderr := runCommand(t, "publisher", "revoke", "bone", "--data", dir); code != 0 {
		t.Fatal(stderr)
	}
	select {
	case <-closed:
	case <-time.After(time.Minute):
		t.Error("a revoked publisher stays connected")
	}
	if _, err := nats.Connect(url, nats.UserInfo("bone", bone)); err == nil {
		t.Error("a revoked publisher connects again")
	}
	g.stop()
	if output := g.stderr.Bytes(); bytes.Contains(output, []byte("Plaintext")) {
		t.Errorf("log: %s", output)
	}
}

// checkReader has an auditor read the log by NATS, and try to publish.
func checkReader(t *testing.T, url, secret string) {
	t.Helper()
	conn, err := nats.Connect(url, nats.UserInfo("auditor", secret))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	l, err := log.Open(t.Context(), conn, log.Options{})
	if err != nil {
		t.Fatal(err)
	}
	frames := 0
	for frame, err := range l.Read(t.Context(), 1) {
		if err != nil || !bytes.Contains(frame.Raw(), []byte("e-1")) {
			t.Errorf("frame: %v", err)
		}
		frames++
	}
	if frames != 1 {
		t.Errorf("an auditor reads %d frames", frames)
	}
	for _, subject := range []string{"cakupan.intake.auditor", "cakupan.request.bone"} {
		if _, err := conn.Request(subject, nil, 50*time.Millisecond); err == nil {
			t.Errorf("an auditor publishes to %s", subject)
		}
	}
}

// checkRefused looks at and settles what the publisher has been refused, at the running server.
func checkRefused(t *testing.T, g *guarded, auditor string) {
	t.Helper()
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(auditor), 0o600); err != nil {
		t.Fatal(err)
	}
	command := func(want int, args ...string) string {
		t.Helper()
		code, stdout, stderr := runCommand(t,
			append(args, "--server", g.url, "--secret-file", secret)...)
		if code != want || strings.Contains(stdout+stderr, "7571991501900001") {
			t.Errorf("%v: exit %d, want %d: %s%s", args, code, want, stdout, stderr)
		}
		return stdout
	}
	list := command(0, "refused", "list")
	if strings.Count(list, "publisher.forbidden") != 2 || !strings.Contains(list, "bone") {
		t.Errorf("list:\n%s", list)
	}
	var numbers []uint64
	var all []intake.Refused
	if err := json.Unmarshal([]byte(command(0, "refused", "list", "--json")), &all); err != nil {
		t.Fatal(err)
	}
	for i, one := range all {
		if one.Original != "" || (one.ID == "") != (i == 2) {
			t.Errorf("refused: %+v", one)
		}
		numbers = append(numbers, one.Number)
	}
	if len(numbers) != 3 {
		t.Fatalf("%d are refused: %s", len(numbers), list)
	}
	number := func(i int) string { return fmt.Sprint(numbers[i]) }
	if text := command(0, "refused", "show", number(2)); !strings.Contains(text, `{"nik":"text"}`) {
		t.Errorf("shown: %s", text)
	}
	command(problem.ExitRefused, "refused", "retry", number(0))
	command(problem.ExitNotFound, "refused", "show", "999")
	command(problem.ExitNotFound, "refused", "drop", "999")
	command(problem.ExitUsage, "refused", "drop")
	command(problem.ExitUsage, "refused", "retry", "1", "--all")
	command(problem.ExitUsage, "refused", "drop", "1", "--code", "nik.invalid")
	if text := command(0, "refused", "drop", "--publisher", "nobody"); text != "" {
		t.Errorf("dropped what another has sent: %s", text)
	}
	if text := command(0, "refused", "drop", "--older", "720h"); text != "" {
		t.Errorf("dropped what came just now: %s", text)
	}
	if text := command(0, "refused", "drop", number(2)); text != number(2)+": dropped\n" {
		t.Errorf("dropped: %s", text)
	}
	if text := command(0, "refused", "list", "--json"); strings.Count(text, `"number":`) != 2 {
		t.Errorf("list: %s", text)
	}
	// Not without a login, and settled only from here.
	for _, method := range []string{http.MethodGet, http.MethodDelete} {
		response, body := asked{method: method, url: g.url + "/v1/refused/" + number(0)}.ask(t)
		if codeOf(t, response, body) != string(problem.Unauthenticated) {
			t.Errorf("%s without a login: %s", method, body)
		}
	}
}

// TestServeNATSRefuses gives addresses that would let strangers in, or secrets be overheard.
func TestServeNATSRefuses(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	for _, args := range [][]string{
		{"--nats-listen", ":0"}, {"--nats-listen", "127.0.0.1:0", "--nats", "nats://127.0.0.1:1"},
	} {
		args = append([]string{"serve", "--listen", "127.0.0.1:0", "--data", dir}, args...)
		if code, _, stderr := runCommand(t, args...); code != problem.ExitUsage {
			t.Errorf("%v: exit %d: %s", args, code, stderr)
		}
	}
	addPublisher(t, dir, "bone")
	code, _, stderr := runCommand(t, "serve", "--listen", "127.0.0.1:0", "--data", dir,
		"--nats-listen", ":0")
	if code != problem.ExitUsage || !strings.Contains(stderr, "--tls-cert") {
		t.Errorf("secrets without TLS: exit %d: %s", code, stderr)
	}
}

// TestServeNATSOpen: whoever comes to an open ledger may publish and read, until somebody is
// registered.
func TestServeNATSOpen(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	g := serveGuarded(t, dir, "--nats-listen", "127.0.0.1:0")
	closed := make(chan struct{})
	conn, err := nats.Connect(g.natsURL(t), nats.MaxReconnects(0),
		nats.ClosedHandler(func(*nats.Conn) { close(closed) }))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	reply, err := conn.Request("cakupan.request.anybody", opening("urn:x", 1, "75.03"), time.Minute)
	if err != nil || !bytes.Contains(reply.Data, []byte(`"appended":1`)) {
		t.Fatalf("request: %v", err)
	}
	if _, err := log.Open(t.Context(), conn, log.Options{}); err != nil {
		t.Errorf("read: %v", err)
	}
	addPublisher(t, dir, "bone")
	select {
	case <-closed:
	case <-time.After(time.Minute):
		t.Error("strangers stay connected to a ledger that is not open any more")
	}
}

// TestServeNATSWithTLS connects with encryption, and without.
func TestServeNATSWithTLS(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	secret := addPublisher(t, dir, "bone")
	ca := newAuthority(t)
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	ca.sign(t, cert, key)
	trust := nats.Secure(&tls.Config{RootCAs: ca.pool, MinVersion: tls.VersionTLS12})
	g := serveGuarded(t, dir, "--nats-listen", "127.0.0.1:0", "--tls-cert", cert, "--tls-key", key)
	url := g.natsURL(t)
	conn, err := nats.Connect(url, nats.UserInfo("bone", secret), trust)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	reply, err := conn.Request("cakupan.request.bone", opening("urn:bone", 1, "75.03"), time.Minute)
	if err != nil || !bytes.Contains(reply.Data, []byte(`"appended":1`)) {
		t.Errorf("request: %v", err)
	}
	if other, err := nats.Connect(strings.Replace(url, "tls:", "nats:", 1),
		nats.UserInfo("bone", secret)); err == nil {
		other.Close()
		t.Error("connected without knowing the certificate")
	}
}
