package httpapi

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
)

// gate lets in whoever has any secret, as the one member, until that is revoked.
type gate struct {
	guarded, revoked atomic.Bool
	member           Member
	down             error
}

func (g *gate) Guarded() bool { return g.guarded.Load() }
func (g *gate) Err() error    { return g.down }

func (g *gate) Scope(string) (*event.Scope, error) { return nil, g.down }

func (g *gate) Login(string, string, string) (Member, error) {
	m := g.member
	m.Current = func() bool { return !g.revoked.Load() }
	return m, nil
}

// TestOpenLedgerKnowsItsOwnName asks each route as a stranger's page does that has made its own
// name lead here.
func TestOpenLedgerKnowsItsOwnName(t *testing.T) {
	access := &gate{member: Member{Name: "bpk", Role: Auditor}}
	for name, open := range map[string]*API{
		"nobody guards": New(newMemory(t), Config{}),
		"not yet":       New(newMemory(t), Config{Access: access}),
	} {
		for _, route := range open.routes() {
			for host, want := range map[string]bool{
				"evil.example": false, "evil.example:7070": false, "192.168.1.7:7070": false,
				"127.0.0.1.evil.example": false, "": false, "localhost.evil.example": false,
				"127.0.0.1:7070": true, "LOCALHOST": true, "[::1]:7070": true, "[::1]": true,
			} {
				path := strings.NewReplacer("{$}", "", "{number}", "1", "{name}", "x").Replace(route.path)
				answer := ask(t, open, route.method, path, host)
				got := answer.StatusCode != http.StatusForbidden
				if route.path == "/healthz" || route.path == "/readyz" {
					want = true
				}
				if got != want {
					t.Errorf("%s: %s %s of %q: %s", name, route.method, path, host, answer.Status)
				}
			}
		}
	}
	access.guarded.Store(true)
	guarded := New(newMemory(t), Config{Access: access})
	if answer := ask(t, guarded, "GET", "/v1/events", "ledger.example"); answer.StatusCode != 401 {
		t.Errorf("a guarded ledger under its own name: %s", answer.Status)
	}
}

// TestNobodyKnowsWhetherToLogIn: while the register cannot be read, who sends no secret is told to
// come again. To log in would not help him, and perhaps he need not.
func TestNobodyKnowsWhetherToLogIn(t *testing.T) {
	access := &gate{down: problem.New(problem.RegisterUnavailable, "in a test")}
	access.guarded.Store(true)
	api := New(newMemory(t), Config{Access: access})
	answer := ask(t, api, "GET", "/v1/events", "127.0.0.1:7070")
	if answer.StatusCode != http.StatusServiceUnavailable ||
		answer.Header.Get("Www-Authenticate") != "" {
		t.Errorf("%s, %v", answer.Status, answer.Header)
	}
}

// clearing is an open ledger whose register can be read again just after it was asked who guards it.
type clearing struct {
	gate
	asked atomic.Int32
}

func (c *clearing) Guarded() bool { return c.asked.Add(1) == 1 }

// TestRegisterBackMeanwhile: whoever comes as the register of an open ledger can be read again is not
// told to log in: there is nothing to log in with.
func TestRegisterBackMeanwhile(t *testing.T) {
	api := New(newMemory(t), Config{Access: &clearing{}})
	answer := ask(t, api, "GET", "/v1/events", "127.0.0.1:7070")
	if answer.StatusCode != http.StatusOK {
		t.Errorf("%s, %v", answer.Status, answer.Header)
	}
	api = New(newMemory(t), Config{Access: &clearing{}})
	if answer := ask(t, api, "GET", "/v1/events", "evil.example"); answer.StatusCode != 403 {
		t.Errorf("under another name: %s", answer.Status)
	}
}

// ask sends a request from this machine to a host.
func ask(t *testing.T, api *API, method, path, host string) *http.Response {
	t.Helper()
	send := func(w http.ResponseWriter, r *http.Request) {
		r.Host = host
		api.ServeHTTP(w, r)
	}
	request, err := http.NewRequestWithContext(t.Context(), method, "http://ledger"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := InProcess(http.HandlerFunc(send)).RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	return answer
}

// TestOpenLedgerIsNotForwarded: behind a proxy, everybody comes from this machine.
func TestOpenLedgerIsNotForwarded(t *testing.T) {
	url := serve(t, newMemory(t), Config{}).URL()
	for _, name := range []string{
		"Forwarded", "x-forwarded-for", "X-Forwarded-Host", "Via", "true-client-ip", "X-FORWARDED", "X-Original-Host",
		"Client-IP", "X-Azure-ClientIP", "CF-Connecting-IP", "X-Real-IP",
	} {
		request, err := http.NewRequestWithContext(t.Context(), "GET", url+"/v1/coverage", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set(name, "203.0.113.7")
		response, body := do(t, request)
		if p := problemOf(t, response, body); response.StatusCode != http.StatusForbidden ||
			!strings.Contains(p.Detail, "proxy") {
			t.Errorf("%s: %s", name, body)
		}
	}
	for version, status := range map[string]string{"1.0": "403", "1.1": "200"} {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		_, err = fmt.Fprintf(conn, "GET /v1/coverage HTTP/%s\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n", version)
		answer, err2 := io.ReadAll(conn)
		_ = conn.Close()
		if err != nil || err2 != nil || !strings.HasPrefix(string(answer[9:]), status) {
			t.Errorf("HTTP/%s: %s, %v, %v", version, answer, err, err2)
		}
	}
}

// TestStrictTransport: who came by TLS is told to come no other way, and nobody else.
func TestStrictTransport(t *testing.T) {
	api := New(newMemory(t), Config{})
	for _, state := range []*tls.ConnectionState{nil, {}} {
		request := httptest.NewRequestWithContext(t.Context(), "GET", "/healthz", http.NoBody)
		request.TLS = state
		answer := httptest.NewRecorder()
		api.ServeHTTP(answer, request)
		told := answer.Header().Get("Strict-Transport-Security")
		if strings.HasPrefix(told, "max-age=") != (state != nil) {
			t.Errorf("by TLS %t: %q", state != nil, told)
		}
	}
}

// TestEndedMeanwhile begins to report, and ends the right to it before the report is complete: by
// having an open ledger guarded, and by revoking the publisher.
func TestEndedMeanwhile(t *testing.T) {
	scope := &event.Scope{Publisher: "dinas"}
	for name, end := range map[string]func(*gate){
		"open before": func(g *gate) { g.guarded.Store(true) },
		"revoked":     func(g *gate) { g.revoked.Store(true) },
	} {
		for mediaType, body := range map[string]string{
			eventType:  opened("2"),
			batchType:  "[" + opened("2") + "]",
			streamType: opened("2") + "\n",
		} {
			t.Run(name+" "+mediaType, func(t *testing.T) {
				access := &gate{member: Member{Name: "dinas", Role: Publisher, Scope: scope}}
				access.guarded.Store(name == "revoked")
				ledger := newMemory(t)
				begun := make(chan struct{})
				slow := &slowBody{begun: begun, until: make(chan struct{}), rest: strings.NewReader(body)}
				request, err := http.NewRequestWithContext(t.Context(), "POST", "http://ledger/v1/events",
					slow)
				if err != nil {
					t.Fatal(err)
				}
				request.Header.Set("Content-Type", mediaType)
				request.Header.Set("Authorization", "Bearer x")
				go func() {
					<-begun
					end(access)
					close(slow.until)
				}()
				answer, err := InProcess(New(ledger, Config{Access: access})).RoundTrip(request)
				if err != nil {
					t.Fatal(err)
				}
				text, err := io.ReadAll(answer.Body)
				if err != nil {
					t.Fatal(err)
				}
				_ = answer.Body.Close()
				if answer.StatusCode != 401 || answer.Header.Get("Www-Authenticate") == "" ||
					!strings.Contains(string(text), string(problem.Unauthenticated)) {
					t.Errorf("%d %s", answer.StatusCode, text)
				}
				if taken := ledger.sizes(); len(taken) != 0 {
					t.Errorf("taken in: %v", taken)
				}
			})
		}
	}
}

// slowBody tells that it is read, and goes on when it may.
type slowBody struct {
	begun, until chan struct{}
	rest         io.Reader
	told         bool
}

func (s *slowBody) Read(b []byte) (int, error) {
	if !s.told {
		s.told = true
		close(s.begun)
	}
	<-s.until
	return s.rest.Read(b)
}

// refusing keeps things that it refused.
type refusing struct{ *memory }

func (refusing) Refused(context.Context, intake.RefusedQuery, func(intake.Refused) error) error {
	return nil
}

func (refusing) RefusedOne(context.Context, uint64) (intake.Refused, error) {
	return intake.Refused{}, nil
}

func (refusing) RetryRefused(_ context.Context, number uint64) ([]event.Receipt, error) {
	if number == 404 {
		return nil, problem.New(problem.NotFound, "there is nothing")
	}
	return nil, nil
}

func (refusing) DropRefused(context.Context, uint64) error { return nil }

// TestSettlingIsTold makes sure that the operator's log says who settled what.
func TestSettlingIsTold(t *testing.T) {
	var log bytes.Buffer
	access := &gate{member: Member{Name: "bpk", Role: Auditor}}
	api := New(refusing{newMemory(t)}, Config{
		Access: access, Log: slog.New(slog.NewTextHandler(&log, nil)),
	})
	for _, c := range []struct {
		guarded            bool
		method, path, want string
	}{
		{false, "DELETE", "/v1/refused/7", `level=INFO msg="refused entry settled" number=7 how=dropped by="open ledger"`},
		{false, "POST", "/v1/refused/8/retry", `msg="refused entry settled" number=8 how=retried by="open ledger"`},
		{true, "DELETE", "/v1/refused/9", `msg="refused entry settled" number=9 how=dropped by=bpk`},
		{true, "POST", "/v1/refused/10/retry", `msg="refused entry settled" number=10 how=retried by=bpk`},
		{true, "POST", "/v1/refused/404/retry", ""},
		{true, "GET", "/v1/refused/9", ""},
	} {
		access.guarded.Store(c.guarded)
		log.Reset()
		request, err := http.NewRequestWithContext(t.Context(), c.method, "http://ledger"+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer x")
		answer, err := InProcess(api).RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		told := log.String()
		if !strings.Contains(told, c.want) || c.want == "" && told != "" {
			t.Errorf("%s %s: %d %s, log %q", c.method, c.path, answer.StatusCode, text, told)
		}
	}
}
