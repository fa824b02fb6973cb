package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"cakupan/cmd/internal/cli"
	"cakupan/cmd/internal/client"
	"cakupan/cmd/internal/door"
	"cakupan/cmd/internal/nobody"
)

// guarded is a running server of the test, with what it says.
type guarded struct {
	url            string
	dir            string
	stdout, stderr nobody.Buffer
	stop           func() // ends it, and waits
}

// serveGuarded runs serve on a folder and any free port until the test ends.
func serveGuarded(t *testing.T, dir string, args ...string) *guarded {
	t.Helper()
	g := &guarded{dir: dir}
	if !slices.Contains(args, "--listen") {
		args = append(args, "--listen", "127.0.0.1:0")
	}
	args = append([]string{"serve", "--json", "--data", dir}, args...)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		code := run(ctx, args, &cli.Console{Stdout: &g.stdout, Stderr: &g.stderr, Now: time.Now})
		if code != 0 {
			t.Errorf("serve: exit %d: %s", code, g.stderr.Bytes())
		}
	}()
	g.stop = func() {
		cancel()
		<-ended
	}
	t.Cleanup(g.stop)
	for range 6000 { // a minute
		var started struct{ URL string }
		if json.Unmarshal(g.stdout.Bytes(), &started) == nil {
			g.url = started.URL
			return g
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("the server does not start: %s", g.stderr.Bytes())
	return nil
}

// member registers somebody by the command, and returns the secret it prints.
func member(t *testing.T, dir string, args ...string) (secret string) {
	t.Helper()
	code, stdout, stderr := runCommand(t, append(args, "--data", dir)...)
	if code != 0 || !strings.HasPrefix(stdout, "ckp_") {
		t.Fatalf("%v: exit %d: %s%s", args, code, stdout, stderr)
	}
	return strings.TrimSpace(stdout)
}

// addPublisher registers a publisher of some events of Gorontalo, under urn:NAME.
func addPublisher(t *testing.T, dir, name string) (secret string) {
	t.Helper()
	return member(t, dir, "publisher", "add", name, "--source", "urn:"+name, "--regions", "75",
		"--types", "enrolment,funding,event")
}

// asked is one request of a test.
type asked struct {
	method, url, contentType, body string
	authorization                  string
	client                         *http.Client // nil: the default one
}

// ask sends a request and returns the answer with its whole body.
func (a asked) ask(t *testing.T) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), a.method, a.url, strings.NewReader(a.body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", a.contentType)
	if a.authorization != "" {
		request.Header.Set("Authorization", a.authorization)
	}
	if a.client == nil {
		a.client = http.DefaultClient
	}
	response, err := a.client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(body)
}

// codeOf returns the code of a problem.
func codeOf(t *testing.T, response *http.Response, body string) string {
	t.Helper()
	var p struct {
		Code, Detail string
		Status       int
	}
	if err := json.Unmarshal([]byte(body), &p); err != nil || p.Detail == "" || p.Status != response.StatusCode ||
		response.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("%d, no problem: %s", response.StatusCode, body)
	}
	return p.Code
}

// openedBy is an event of a source.
func openedBy(source, id string) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":%q,"type":"id.cakupan.enrolment.opened.v1",`+
		`"publishedby":"forged","data":{"enrolment":"e-%s","worker":"w-%s","region":"75.03","segment":"PU",`+
		`"category":"PRIVATE","programmes":["JKK"],"payer":"EMPLOYER","from":"2020-01-01"}}`, id, source, id, id)
}

const (
	oneEvent   = "application/cloudevents+json"
	manyEvents = "application/cloudevents-batch+json"
	lineEvents = "application/x-ndjson"
)

// TestRights walks all routes as everybody there is, on a real server.
func TestRights(t *testing.T) {
	dir := t.TempDir()
	secrets := map[string]string{
		"publisher": addPublisher(t, dir, "dinas"),
		"auditor":   member(t, dir, "reader", "add", "bpk", "--role", "auditor"),
		"dashboard": member(t, dir, "reader", "add", "layar", "--role", "dashboard"),
		"revoked":   member(t, dir, "reader", "add", "gone", "--role", "auditor"),
		"rotated":   member(t, dir, "reader", "add", "new", "--role", "auditor"),
		"stranger":  "ckp_" + strings.Repeat("A", 43),
		"anonymous": "",
	}
	for _, args := range [][]string{{"reader", "revoke", "gone"}, {"reader", "rotate", "new"}} {
		if code, _, stderr := runCommand(t, append(args, "--data", dir)...); code != 0 {
			t.Fatal(stderr)
		}
	}
	url := serveGuarded(t, dir).url
	routes := []struct {
		route string
		may   string // those who may, but for those who may all
	}{
		{"GET /healthz", "anonymous stranger revoked rotated publisher auditor dashboard"},
		{"GET /readyz", "anonymous stranger revoked rotated publisher auditor dashboard"},
		{"POST /v1/events", "publisher"},
		{"GET /v1/lists/key?source=urn:dinas", "publisher"},
		{"GET /v1/events", "auditor"},
		{"GET /metrics", "auditor"},
		{"POST /v1/verify", "auditor"},
		{"GET /v1/backup", "auditor"},
		{"POST /v1/replay", "auditor"},
		{"POST /v1/replay?swap=true", ""},
		{"GET /v1/coverage", "auditor dashboard"},
		{"GET /v1/coverage?region=75.03&known=1", "auditor dashboard"},
		{"GET /v1/series?region=75&from=2020-01-01&until=2020-01-02", "auditor dashboard"},
		{"GET /", "auditor dashboard"},
		{"GET /assets/app.js", "auditor dashboard"},
		{"GET /openapi.json", "anonymous stranger revoked rotated publisher auditor dashboard"},
		{"GET /asyncapi.json", "anonymous stranger revoked rotated publisher auditor dashboard"},
		{"GET /schemas/", "anonymous stranger revoked rotated publisher auditor dashboard"},
		{"HEAD /v1/coverage", "auditor dashboard"},
		{"HEAD /v1/events", "auditor"},
	}
	for _, c := range routes {
		method, path, _ := strings.Cut(c.route, " ")
		for who, secret := range secrets {
			request := asked{method: method, url: url + path}
			if strings.HasPrefix(c.route, "POST /v1/events") {
				request.contentType, request.body = oneEvent, openedBy("urn:dinas", "1")
			}
			if secret != "" {
				request.authorization = "Bearer " + secret
			}
			response, body := request.ask(t)
			want := 403
			switch may := strings.Fields(c.may); {
			case slices.Contains(may, who):
				want = 200
			case slices.Contains([]string{"anonymous", "stranger", "revoked", "rotated"}, who):
				want = 401
			}
			got := response.StatusCode
			if want == 401 && who != "anonymous" && got == 429 {
				got = 401 // it has failed too often by now
			}
			if got == 404 && want == 200 {
				got = 200 // it was let in
			}
			if got != want {
				t.Errorf("%s as %s: %d, want %d: %s", c.route, who, response.StatusCode, want, body)
			}
			if method == "HEAD" || response.StatusCode < 400 || got == 200 {
				continue
			}
			code := codeOf(t, response, body)
			if wanted := map[int]string{401: "unauthenticated", 403: "forbidden", 429: "login.throttled"}[response.StatusCode]; code != wanted {
				t.Errorf("%s as %s: %s, want %s", c.route, who, code, wanted)
			}
			offers := response.Header.Values("Www-Authenticate")
			if offered := len(offers) == 2 && strings.HasPrefix(offers[0], "Bearer ") && strings.HasPrefix(offers[1], "Basic "); offered != (response.StatusCode == 401) {
				t.Errorf("%d offers %q", response.StatusCode, offers)
			}
			if response.StatusCode == 429 && response.Header.Get("Retry-After") == "" {
				t.Error("429 without a time")
			}
		}
	}
	// In Indonesian, for whoever asks so.
	request, err := http.NewRequestWithContext(t.Context(), "GET", url+"/v1/coverage", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept-Language", "id")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	if err != nil || !strings.Contains(string(body), `"title":"Belum masuk"`) {
		t.Errorf("%s %v", body, err)
	}
}

// TestPublishers has two publishers report, in all ways of HTTP, what they may and what they may
// not, and an auditor read who said what.
func TestPublishers(t *testing.T) {
	dir := t.TempDir()
	dinas, kota := addPublisher(t, dir, "dinas"), addPublisher(t, dir, "kota")
	auditor := member(t, dir, "reader", "add", "bpk", "--role", "auditor")
	g := serveGuarded(t, dir)
	events := g.url + "/v1/events"
	post := func(authorization, query, contentType, body string) (int, string) {
		response, got := asked{
			method: "POST", url: events + query, contentType: contentType, body: body, authorization: authorization,
		}.ask(t)
		return response.StatusCode, got
	}
	bad := func(from, to string) string { return strings.Replace(openedBy("urn:dinas", "9"), from, to, 1) }
	retraction := `{"specversion":"1.0","id":"r","source":"urn:kota","type":"id.cakupan.event.retracted.v1",` +
		`"data":{"source":"urn:dinas","id":"1","reason":"not ours"}}`
	for _, c := range []struct {
		who, query, contentType, body string
		status                        int
		want                          string
	}{
		{dinas, "", oneEvent, openedBy("urn:dinas", "1"), 200, `"appended":1`},
		{dinas, "", oneEvent, openedBy("urn:dinas", "1"), 200, `"duplicates":1`},
		{dinas, "", oneEvent, openedBy("urn:dinas:sub", "2"), 200, `"appended":1`},
		{kota, "", oneEvent, openedBy("urn:dinas", "1"), 403, `"code":"publisher.forbidden","field":"source"`},
		{kota, "", oneEvent, openedBy("urn:kotamobagu", "1"), 403, `"code":"publisher.forbidden","field":"source"`},
		{kota, "", oneEvent, retraction, 403, `"code":"publisher.forbidden","field":"data.source"`},
		{dinas, "", oneEvent, bad("75.03", "71.01"), 403, `"code":"publisher.forbidden","field":"data.region"`},
		{dinas, "", oneEvent, bad("enrolment.opened.v1", "worker.died.v1"), 422, `"code":"field.unknown"`},
		{
			kota, "", manyEvents, "[" + openedBy("urn:kota", "1") + "," + openedBy("urn:dinas", "5") + "]", 200,
			`"appended":1,"duplicates":0,"refused":1`,
		},
		{
			kota, "?atomic=true", manyEvents, "[" + openedBy("urn:kota", "7") + "," + openedBy("urn:dinas", "5") + "]",
			422, `"code":"publisher.forbidden"`,
		},
		{kota, "", lineEvents, openedBy("urn:kota", "2") + "\n" + openedBy("urn:dinas", "6"), 200, `"code":"publisher.forbidden"`},
		{dinas, "?keep_recorded=true", oneEvent, openedBy("urn:dinas", "3"), 403, `"code":"forbidden"`},
		{dinas, "?dry_run=true", oneEvent, openedBy("urn:dinas", "3"), 200, `"appended":1`},
	} {
		if status, got := post("Bearer "+c.who, c.query, c.contentType, c.body); status != c.status || !strings.Contains(got, c.want) {
			t.Errorf("%s %s: %d %s, want %d %s", c.contentType, c.body, status, got, c.status, c.want)
		}
	}
	secretFile := filepath.Join(t.TempDir(), "secret")
	writeText(t, secretFile, auditor+"\n")
	code, stdout, stderr := runCommand(t, "log", "--json", "--server", g.url, "--secret-file", secretFile)
	if code != 0 {
		t.Fatal(stderr)
	}
	var got []string
	for line := range strings.Lines(stdout) {
		var e struct{ Source, ID, PublishedBy string }
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		got = append(got, e.Source+" "+e.ID+" "+e.PublishedBy)
	}
	want := []string{"urn:dinas 1 dinas", "urn:dinas:sub 2 dinas", "urn:kota 1 kota", "urn:kota 2 kota"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	// Basic is the same, as browsers and curl send it.
	request, err := http.NewRequestWithContext(t.Context(), "GET", g.url+"/v1/coverage", nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int{"bpk": 200, "": 200, "dinas": 401} {
		request.SetBasicAuth(name, auditor)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		if _ = response.Body.Close(); response.StatusCode != want {
			t.Errorf("Basic as %q: %d", name, response.StatusCode)
		}
	}
}

// TestLiveRegister changes the register of a running server: each change counts at once.
func TestLiveRegister(t *testing.T) {
	dir := t.TempDir()
	g := serveGuarded(t, dir)
	if !strings.Contains(string(g.stderr.Bytes()), "open: anybody on this machine can read and append") {
		t.Errorf("the server does not say that it is open: %s", g.stderr.Bytes())
	}
	status := func(method, path, secret string) int {
		request := asked{method: method, url: g.url + path, contentType: oneEvent, body: openedBy("urn:dinas", "1")}
		if secret != "" {
			request.authorization = "Bearer " + secret
		}
		response, _ := request.ask(t)
		return response.StatusCode
	}
	expect := func(when, method, path, secret string, want int) {
		t.Helper()
		if got := status(method, path, secret); got != want {
			t.Errorf("%s: %s %s is %d, want %d", when, method, path, got, want)
		}
	}
	expect("open", "POST", "/v1/events", "", 200)
	expect("open", "POST", "/v1/verify", "", 200)
	expect("open", "GET", "/metrics", "", 200)
	first := addPublisher(t, dir, "dinas")
	expect("guarded", "POST", "/v1/events", "", 401)
	expect("guarded", "GET", "/v1/coverage", "", 401)
	expect("guarded", "POST", "/v1/verify", "", 401)
	expect("guarded", "POST", "/v1/events", first, 200)

	stream, lines := openStream(t, g.url, first)
	if line := stream.send(openedBy("urn:dinas", "2")); !strings.Contains(line, `"status":"appended"`) {
		t.Errorf("stream: %s", line)
	}
	second := member(t, dir, "publisher", "rotate", "dinas")
	expect("rotated", "POST", "/v1/events", first, 401)
	expect("rotated", "POST", "/v1/events", second, 200)
	if line := stream.send(openedBy("urn:dinas", "3")); !strings.Contains(line, `"code":"unauthenticated"`) {
		t.Errorf("stream of a rotated secret: %s", line)
	}
	lines()
	auditor := member(t, dir, "reader", "add", "bpk", "--role", "auditor")
	if code, _, stderr := runCommand(t, "publisher", "revoke", "dinas", "--data", dir); code != 0 {
		t.Fatal(stderr)
	}
	expect("revoked", "POST", "/v1/events", second, 401)
	if _, body := (asked{method: "GET", url: g.url + "/v1/events", authorization: "Bearer " + auditor}).ask(t); strings.Count(body, "\n") != 2 {
		t.Errorf("the log is %s", body)
	}

	// An access.json of before, put back beside the running ledger, lets nobody in; nor after a restart.
	old := `{"format":1,"members":[{"name":"dinas","role":"publisher","secret":"sha256:` +
		fmt.Sprintf("%x", sha256.Sum256([]byte(second))) + `","sources":["urn:dinas"],"regions":["75"],` +
		`"types":["id.cakupan.enrolment.opened.v1"],"createdAt":"2026-01-01T00:00:00Z"}]}`
	writeText(t, filepath.Join(dir, "access.json"), old)
	if err := os.Chmod(filepath.Join(dir, "access.json"), 0o600); err != nil {
		t.Fatal(err)
	}
	expect("an old file", "POST", "/v1/events", second, 401)
	expect("an old file", "GET", "/healthz", "", 200)
	g.stop()
	if log := string(g.stderr.Bytes()); !strings.Contains(log, `msg="register was changed" change=revoked name=dinas`) ||
		!strings.Contains(log, "msg=login name=dinas role=publisher") {
		t.Errorf("the operator's log: %s", log)
	}
	if code, _, stderr := runCommand(t, "publisher", "list", "--data", dir); code != 0 ||
		!strings.Contains(stderr, "access.json changes nothing") {
		t.Errorf("nobody says that the file is of no use: %d %s", code, stderr)
	}
	g = serveGuarded(t, dir)
	expect("an old file", "POST", "/v1/events", second, 401)
	expect("an old file", "GET", "/v1/coverage", auditor, 200)
	code, history, stderr := runCommand(t, "publisher", "list", "--history", "--data", dir, "--json")
	if code != 0 {
		t.Fatal(stderr)
	}
	var changes []struct{ Change, Name, By, At string }
	if err := json.Unmarshal([]byte(history), &changes); err != nil || len(changes) != 3 ||
		changes[0].Change != "added" || changes[1].Change != "rotated" || changes[2].Change != "revoked" ||
		changes[2].Name != "dinas" || changes[2].By == "" || changes[2].At == "" {
		t.Errorf("%s, %v", history, err)
	}
	g.stop()
	// A register that lost changes keeps a server from starting.
	if err := os.RemoveAll(filepath.Join(dir, "nats", "jetstream", "$G", "streams", "CAKUPAN_REGISTER")); err != nil {
		t.Fatal(err)
	}
	code, _, stderr = runCommand(t, "serve", "--data", dir, "--listen", "127.0.0.1:0")
	if code != 5 || !strings.Contains(stderr, "Restore it from a backup") {
		t.Errorf("serve: exit %d: %s", code, stderr)
	}
}

// TestTakenOver serves a folder of a program that kept its register in access.json.
func TestTakenOver(t *testing.T) {
	dir := t.TempDir()
	secret := "ckp_" + strings.Repeat("A", 43)
	old := `{"format":1,"members":[{"name":"dinas","role":"publisher","secret":"sha256:` +
		fmt.Sprintf("%x", sha256.Sum256([]byte(secret))) + `","sources":["urn:dinas"],"regions":["75"],` +
		`"types":["id.cakupan.enrolment.opened.v1"],"createdAt":"2026-01-01T00:00:00Z"}]}`
	writeText(t, filepath.Join(dir, "access.json"), old)
	writeText(t, filepath.Join(dir, "access.lock"), "The register beside this file")
	if err := os.Chmod(filepath.Join(dir, "access.json"), 0o600); err != nil {
		t.Fatal(err)
	}
	g := serveGuarded(t, dir)
	response, body := asked{
		method: "POST", url: g.url + "/v1/events", contentType: oneEvent, body: openedBy("urn:dinas", "1"),
		authorization: "Bearer " + secret,
	}.ask(t)
	if response.StatusCode != 200 {
		t.Errorf("%d %s", response.StatusCode, body)
	}
	for _, name := range []string{"access.json", "access.lock"} {
		if _, err := os.Stat(filepath.Join(dir, name)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is there: %v", name, err)
		}
	}
	if code, list, stderr := runCommand(t, "publisher", "list", "--history", "--data", dir); code != 0 ||
		!strings.Contains(list, "taken-over") || !strings.Contains(list, "dinas") {
		t.Errorf("%d %s%s", code, list, stderr)
	}
}

// lineStream is a stream of events that is being sent.
type lineStream struct {
	t        *testing.T
	body     *io.PipeWriter
	receipts func() string
}

// send sends an event and returns the line that answers.
func (s *lineStream) send(event string) string {
	s.t.Helper()
	if _, err := io.WriteString(s.body, event+"\n"); err != nil {
		s.t.Fatal(err)
	}
	return s.receipts()
}

// openStream begins a stream of events. Its first event is sent by the first send.
func openStream(t *testing.T, url, secret string) (s *lineStream, end func()) {
	t.Helper()
	reader, writer := io.Pipe()
	request, err := http.NewRequestWithContext(t.Context(), "POST", url+"/v1/events", reader)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", lineEvents)
	request.Header.Set("Authorization", "Bearer "+secret)
	answered := make(chan *http.Response, 1)
	go func() {
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Error(err)
			close(answered)
			return
		}
		answered <- response
	}()
	var response *http.Response
	var decoder *json.Decoder
	s = &lineStream{t: t, body: writer, receipts: func() string {
		if response == nil {
			if response = <-answered; response == nil {
				return ""
			}
			decoder = json.NewDecoder(response.Body)
		}
		var line json.RawMessage
		if err := decoder.Decode(&line); err != nil {
			t.Error(err)
		}
		return string(line)
	}}
	return s, func() {
		_ = writer.Close()
		if response != nil {
			_ = response.Body.Close()
		}
	}
}

// TestClosedDoors starts servers that would be open to strangers, or let secrets be overheard:
// none of them starts.
func TestClosedDoors(t *testing.T) {
	empty, register := t.TempDir(), t.TempDir()
	addPublisher(t, register, "dinas")
	for _, c := range []struct {
		args  []string
		words string
	}{
		{[]string{"serve", "--data", empty, "--listen", ":0"}, "register who may"},
		{[]string{"serve", "--data", empty, "--listen", "0.0.0.0:0"}, "register who may"},
		{[]string{"serve", "--data", empty, "--listen", "[::]:0"}, "register who may"},
		{[]string{"serve", "--data", empty, "--listen", "example.org:0"}, "register who may"},
		{[]string{"serve", "--data", empty, "--listen", ":0", "--insecure"}, "register who may"},
		{[]string{"serve", "--data", register, "--listen", ":0"}, "secrets could be overheard"},
		{[]string{"demo", "--data", filepath.Join(empty, "demo"), "--listen", ":0"}, "listen on 127.0.0.1"},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		var stdout, stderr nobody.Buffer
		code := run(ctx, c.args, &cli.Console{Stdout: &stdout, Stderr: &stderr, Now: time.Now})
		cancel()
		if code != 2 || !strings.Contains(string(stderr.Bytes()), c.words) {
			t.Errorf("%v: exit %d: %s, want %s", c.args, code, stderr.Bytes(), c.words)
		}
	}
	g := serveGuarded(t, register, "--listen", "0.0.0.0:0", "--insecure")
	if response, body := (asked{method: "GET", url: g.url + "/v1/coverage"}).ask(t); response.StatusCode != 401 {
		t.Errorf("%d %s", response.StatusCode, body)
	}
	for address, want := range map[string]bool{
		"127.0.0.1:1": true, "127.8.8.8:1": true, "[::1]:1": true, "localhost:1": true,
		"[::ffff:127.0.0.1]:1": true, ":1": false, "0.0.0.0:1": false, "[::]:1": false,
		"10.0.0.1:1": false, "localhost.example:1": false, "127.0.0.1": false, "": false,
	} {
		if door.IsLoopback(address) != want {
			t.Errorf("%s is loopback: %t", address, !want)
		}
	}
}

// TestMetrics counts what happens on a server, and nothing of what was sent is in the counts.
func TestMetrics(t *testing.T) {
	dir := t.TempDir()
	publisher := addPublisher(t, dir, "dinas")
	auditor := member(t, dir, "reader", "add", "bpk", "--role", "auditor")
	g := serveGuarded(t, dir)
	n := nobody.New()
	do := func(method, path, secret, body string) {
		asked{
			method: method, url: g.url + path, contentType: oneEvent, body: body, authorization: "Bearer " + secret,
		}.ask(t)
	}
	do("POST", "/v1/events", publisher, openedBy("urn:dinas", "1"))
	do("POST", "/v1/events", publisher, openedBy("urn:dinas", "1"))
	do("POST", "/v1/events", publisher, openedBy("urn:other", "1"))
	do("POST", "/v1/events?dry_run=true", publisher, openedBy("urn:other", "1"))
	do("GET", "/v1/coverage?region="+n.Next("query"), auditor, "")
	do("GET", "/"+n.Next("path"), auditor, "")
	do("GET", "/v1/coverage", n.Next("secret"), "")
	_, body := asked{method: "GET", url: g.url + "/v1/coverage?min_seq=1", authorization: "Bearer " + auditor}.ask(t)
	if !strings.Contains(body, `"covered":1`) {
		t.Errorf("%s", body)
	}
	response, body := asked{method: "GET", url: g.url + "/metrics", authorization: "Bearer " + auditor}.ask(t)
	if response.StatusCode != 200 || !strings.HasPrefix(response.Header.Get("Content-Type"), "text/plain") {
		t.Fatalf("%d %s", response.StatusCode, body)
	}
	for _, want := range []string{
		`cakupan_events_total{status="appended"} 1`,
		`cakupan_events_total{status="duplicate"} 1`,
		`cakupan_events_total{status="refused"} 1`,
		`cakupan_refusals_total{code="publisher.forbidden"} 1`,
		`cakupan_failed_logins_total{reason="unknown"} 1`,
		`cakupan_http_requests_total{class="2xx",route="POST /v1/events"} 2`,
		`cakupan_http_requests_total{class="4xx",route="GET /v1/coverage"} 2`,
		`cakupan_http_requests_total{class="4xx",route="other"} 1`,
		"cakupan_http_requests_in_work 1",
		"cakupan_log_head_sequence 1",
		`cakupan_projection_sequence{projection="coverage"} 1`,
		"cakupan_healthy 1",
		`cakupan_projection_behind_seconds{projection="coverage"} 0`,
		"cakupan_ready 1",
	} {
		if !strings.Contains(body, want+"\n") {
			t.Errorf("%s is missing", want)
		}
	}
	n.Search(t, "the metrics", []byte(body))
	n.Search(t, "the operator's log", g.stderr.Bytes())
}

// secretPattern is what a secret looks like.
var secretPattern = regexp.MustCompile(`ckp_[-_0-9A-Za-z]{43}`)

// TestNoSecretAnywhere uses secrets in all ways, right and wrong ones, and then looks for them: in
// all files of the folder, in what commands print, and in the operator's log.
func TestNoSecretAnywhere(t *testing.T) {
	dir := t.TempDir()
	first := addPublisher(t, dir, "dinas")
	g := serveGuarded(t, dir)
	second := member(t, dir, "publisher", "rotate", "dinas")
	wrong := "ckp_" + strings.Repeat("W", 43)
	for _, secret := range []string{first, second, wrong} {
		for _, authorization := range []string{
			"Bearer " + secret, "Basic " + secret, secret, "Bearer " + secret + " x", secret + " " + secret,
		} {
			for _, path := range []string{"/v1/events", "/v1/coverage", "/v1/events?type=" + secret, "/" + secret} {
				_, body := asked{
					method: "POST", url: g.url + path, contentType: oneEvent, body: openedBy("urn:dinas", "1"), authorization: authorization,
				}.ask(t)
				if secretPattern.MatchString(body) && !strings.Contains(path, secret) {
					t.Errorf("%s answers %s", path, body)
				}
			}
		}
		file := filepath.Join(t.TempDir(), "secret")
		writeText(t, file, secret)
		for _, server := range []string{g.url, "127.0.0.1:1", "http://192.0.2.1:99999"} {
			_, stdout, stderr := runCommand(t, "log", "--server", server, "--secret-file", file, "--json")
			if secretPattern.MatchString(stdout + stderr) {
				t.Errorf("log prints %s%s", stdout, stderr)
			}
		}
	}
	for _, args := range [][]string{{"publisher", "list"}, {"publisher", "list", "--json"}, {"publisher", "revoke", "dinas", "--json"}} {
		if _, stdout, stderr := runCommand(t, append(args, "--data", dir)...); secretPattern.MatchString(stdout + stderr) {
			t.Errorf("%v prints %s%s", args, stdout, stderr)
		}
	}
	g.stop()
	if secretPattern.Match(g.stderr.Bytes()) || !bytes.Contains(g.stderr.Bytes(), []byte("login failed")) {
		t.Errorf("the operator's log: %s", g.stderr.Bytes())
	}
	files := 0
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		text, err := os.ReadFile(path)
		for _, secret := range []string{first, second} {
			if bytes.Contains(text, []byte(secret[4:])) {
				t.Errorf("%s holds a secret", path)
			}
		}
		return err
	})
	if err != nil || files < 5 {
		t.Errorf("%d files, %v", files, err)
	}
}

// TestSecretOfClient tries where the command line takes its secret from, and whom it gives it to.
func TestSecretOfClient(t *testing.T) {
	dir := t.TempDir()
	auditor := member(t, dir, "reader", "add", "bpk", "--role", "auditor")
	g := serveGuarded(t, dir)
	t.Setenv(client.SecretVariable, auditor)
	if code, _, stderr := runCommand(t, "log", "--server", g.url); code != 0 || stderr != "" {
		t.Errorf("exit %d: %s", code, stderr)
	}
	file := filepath.Join(t.TempDir(), "secret")
	writeText(t, file, "ckp_other\n")
	if code, _, stderr := runCommand(t, "log", "--server", g.url, "--secret-file", file); code != 1 || !strings.Contains(stderr, "does not know the secret") {
		t.Errorf("a file stands above the environment: exit %d: %s", code, stderr)
	}
	for content, words := range map[string]string{"": "is one line", "two words": "is one line"} {
		writeText(t, file, content)
		if code, _, stderr := runCommand(t, "log", "--server", g.url, "--secret-file", file); code != 2 || !strings.Contains(stderr, words) {
			t.Errorf("%q: exit %d: %s", content, code, stderr)
		}
	}
	if code, _, stderr := runCommand(t, "log", "--server", g.url, "--secret-file", file+".not"); code != 1 || !strings.Contains(stderr, "cannot be read") {
		t.Errorf("exit %d: %s", code, stderr)
	}
	// A server that sends elsewhere is not followed there with the secret.
	elsewhere := make(chan string, 10)
	other := serveHandler(t, func(_ http.ResponseWriter, r *http.Request) { elsewhere <- r.Header.Get("Authorization") })
	here := serveHandler(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other, http.StatusFound) })
	if code, _, stderr := runCommand(t, "log", "--server", here); code != 1 || !strings.Contains(stderr, "302") {
		t.Errorf("exit %d: %s", code, stderr)
	}
	if len(elsewhere) != 0 {
		t.Errorf("the other server was asked with %q", <-elsewhere)
	}
	_, _, stderr := runCommand(t, "log", "--server", "http://cakupan.invalid")
	if !strings.Contains(stderr, "the secret goes to cakupan.invalid without TLS") {
		t.Errorf("%s", stderr)
	}
}

// serveHandler answers requests of the test, and returns where.
func serveHandler(t *testing.T, handle http.HandlerFunc) (url string) {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: handle, ReadHeaderTimeout: time.Minute}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-ended
	})
	return "http://" + listener.Addr().String()
}
