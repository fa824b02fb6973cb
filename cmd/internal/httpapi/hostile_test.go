package httpapi

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"cakupan/cmd/internal/ledger"
	"cakupan/cmd/internal/problem"
	"cakupan/eventstore"
)

// dial opens a connection to speak HTTP by hand.
func dial(t *testing.T, server *Server) (net.Conn, *bufio.Reader) {
	t.Helper()
	var dialer net.Dialer
	conn, err := dialer.DialContext(t.Context(), "tcp", server.Address())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	return conn, bufio.NewReader(conn)
}

const short = 150 * time.Millisecond

// hasty are limits that a test can wait for.
var hasty = Limits{Header: short, Body: short, Stream: short, Write: short}

// alive makes sure that the server answers others.
func alive(t *testing.T, server *Server) {
	t.Helper()
	if response, body := call(t, "GET", server.URL()+"/healthz", "", ""); response.StatusCode != 200 {
		t.Errorf("healthz: %d %s", response.StatusCode, body)
	}
}

// TestMalformedHTTP sends what is no HTTP, or too much of it: an answer of 4xx or a hang-up.
func TestMalformedHTTP(t *testing.T) {
	server := serve(t, newMemory(t), Config{Log: slog.New(slog.DiscardHandler)})
	for _, request := range []string{
		"\x00\x01\x02\r\n\r\n",
		"GET /v1/coverage\r\n\r\n",
		"GET /v1/coverage HTTP/9.9\r\nHost: localhost\r\n\r\n",
		"GET /v1/coverage HTTP/1.1\r\n\r\n",
		"GET /%zz HTTP/1.1\r\nHost: localhost\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: localhost\r\nA: " + strings.Repeat("x", 2*headerBytesMax) + "\r\n\r\n",
		"POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
		"POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
		"POST /v1/events HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n\r\n",
		"POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: " + batchType +
			"\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
		"POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: " + streamType +
			"\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
	} {
		conn, in := dial(t, server)
		if _, err := io.WriteString(conn, request); err != nil {
			t.Logf("%.40q: %v", request, err) // hung up while we were sending
		}
		response, err := http.ReadResponse(in, nil)
		if err != nil {
			continue // hung up
		}
		_ = response.Body.Close()
		if response.StatusCode < 400 || response.StatusCode == 500 || response.StatusCode > 505 {
			t.Errorf("%.40q: %s", request, response.Status)
		}
	}
	alive(t, server)
}

// TestSlowClients leaves the server waiting in each way there is; it does not wait for long.
func TestSlowClients(t *testing.T) {
	held := newMemory(t)
	server := serve(t, held, Config{Limits: hasty})
	head := "POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\nContent-Type: "
	for _, c := range []struct{ name, request, want string }{
		{"header", "POST /v1/events HTTP/1.1\r\nHost:", ""},
		{"one", head + eventType + "\r\n\r\n{", `"code":"request.timeout"`},
		{"batch", head + batchType + "\r\n\r\n[", `"code":"request.timeout"`},
		{"stream", head + streamType + "\r\n\r\n{}\n{", `"code":"request.timeout"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn, in := dial(t, server)
			began := time.Now()
			if _, err := io.WriteString(conn, c.request); err != nil {
				t.Fatal(err)
			}
			answer, err := io.ReadAll(in)
			if took := time.Since(began); took < short/2 || took > 9*time.Second {
				t.Errorf("the server waited %v", took)
			}
			if !strings.Contains(string(answer), c.want) {
				t.Errorf("%s, %v, want %s", answer, err, c.want)
			}
		})
	}
	if len(held.records) != 0 {
		t.Errorf("%d events of half requests were taken", len(held.records))
	}
	alive(t, server)
}

// TestSlowWorkIsNoSlowClient makes sure that the time for a body does not count while the ledger
// works on it.
func TestSlowWorkIsNoSlowClient(t *testing.T) {
	held := newMemory(t)
	held.hold = make(chan struct{})
	// Long enough for a busy machine to read a body of one packet.
	const patience = time.Second
	limits := Limits{Header: patience, Body: patience, Stream: patience, Write: patience}
	server := serve(t, held, Config{Limits: limits})
	timer := time.AfterFunc(2*patience, func() { close(held.hold) })
	defer timer.Stop()
	for _, c := range []struct{ contentType, body string }{
		{eventType, opened("1")},
		{batchType, "[" + opened("2") + "]"},
		{streamType, opened("3")},
	} {
		response, body := call(t, "POST", server.URL()+"/v1/events", c.contentType, c.body)
		if response.StatusCode != 200 || !strings.Contains(body, `"status":"appended"`) {
			t.Errorf("%s: %d %s", c.contentType, response.StatusCode, body)
		}
	}
}

// TestClientThatDoesNotRead fills the connection with receipts that nobody takes.
func TestClientThatDoesNotRead(t *testing.T) {
	held := newMemory(t)
	server := serve(t, held, Config{Limits: Limits{Write: short}})
	conn, _ := dial(t, server)
	_, err := fmt.Fprintf(conn, "POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\n"+
		"Transfer-Encoding: chunked\r\n\r\n", streamType)
	line := strings.Repeat("x\n", 10_000)
	for err == nil {
		_, err = fmt.Fprintf(conn, "%x\r\n%s\r\n", len(line), line)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the server does not hang up: %v", err)
	}
	alive(t, server)
}

// TestClientsThatLeave break off in the middle of a body: what was complete is taken of a
// stream, and nothing of a batch.
func TestClientsThatLeave(t *testing.T) {
	held := newMemory(t)
	server := serve(t, held, Config{})
	half := opened("9")[:50]
	for _, c := range []struct{ contentType, body string }{
		{eventType, half},
		{batchType, "[" + opened("1") + "," + half},
		{streamType, opened("2") + "\n" + half},
	} {
		conn, in := dial(t, server)
		if _, err := fmt.Fprintf(conn, "POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\n"+
			"Content-Length: 60000\r\n\r\n%s", c.contentType, c.body); err != nil {
			t.Fatal(err)
		}
		if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		answer, err := io.ReadAll(in)
		if !strings.Contains(string(answer), `"code":"body.incomplete"`) {
			t.Errorf("%s: %s, %v", c.contentType, answer, err)
		}
	}
	if len(held.records) != 1 {
		t.Errorf("%d events were taken, want the whole one of the stream", len(held.records))
	}
	alive(t, server)
}

// TestEndlessBodies sends more than a server should hold. Neither is read to its end.
func TestEndlessBodies(t *testing.T) {
	server := serve(t, newMemory(t), Config{})
	for _, c := range []struct {
		contentType, body string
		status            int
	}{
		{eventType, strings.Repeat(" ", 1<<20), 413},
		{batchType, "[" + strings.Repeat(" ", 17<<20), 413},
		{batchType, "[" + strings.Repeat("1,", 9<<20), 413},
	} {
		conn, in := dial(t, server)
		go func() {
			// The server hangs up on us.
			_, _ = fmt.Fprintf(conn, "POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\n"+
				"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n", c.contentType, len(c.body), c.body)
		}()
		response, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Error(err)
			continue
		}
		if response.StatusCode != c.status {
			t.Errorf("%s: %s", c.contentType, response.Status)
		}
		_ = response.Body.Close()
		_ = conn.Close()
	}
	// A stream may be endless, but a line may not: the rest of it is passed over.
	_, body := call(t, "POST", server.URL()+"/v1/events", streamType,
		strings.Repeat("x", 5<<20)+"\n"+opened("1"))
	if strings.Count(body, "\n") != 2 || !strings.Contains(body, `"code":"event.too_large"`) ||
		!strings.Contains(body, `"sequence":1`) {
		t.Errorf("%s", body)
	}
	alive(t, server)
}

// TestLedgerFails makes sure that a failure is told by its code, at once or as the last line.
func TestLedgerFails(t *testing.T) {
	held := newMemory(t)
	server := serve(t, held, Config{Log: slog.New(slog.DiscardHandler)})
	post := func(contentType, body string) (int, string, string) {
		response, got := call(t, "POST", server.URL()+"/v1/events", contentType, body)
		return response.StatusCode, response.Header.Get("Retry-After"), got
	}
	for _, c := range []struct {
		err    error
		status int
		retry  string
		code   string
	}{
		{eventstore.ErrFull, 507, "30", "log.full"},
		{fmt.Errorf("append: %w", eventstore.ErrUnknownOutcome), 503, "2", "log.unavailable"},
		{eventstore.ErrFenced, 503, "2", "log.unavailable"},
		{&eventstore.DamageError{From: 1, To: 2, Reason: "gone"}, 503, "", "log.damaged"},
		{problem.New(problem.ProjectionStopped, "it stopped"), 503, "", "projection.stopped"},
		{errors.New("secret"), 500, "", "internal"},
	} {
		held.submitErr = c.err
		for _, contentType := range []string{eventType, streamType} {
			status, retry, body := post(contentType, opened("1"))
			if status != c.status || retry != c.retry || strings.Contains(body, "secret") ||
				!strings.Contains(body, `"code":"`+c.code+`"`) {
				t.Errorf("%v: %d, %q, %s", c.err, status, retry, body)
			}
		}
		held.viewErr = c.err
		response, body := call(t, "GET", server.URL()+"/v1/coverage", "", "")
		if response.StatusCode != c.status || strings.Contains(body, "secret") {
			t.Errorf("%v: %d %s", c.err, response.StatusCode, body)
		}
	}
	held.submitErr, held.viewErr = nil, nil
	if status, _, body := post(batchType, "["+opened("1")+","+opened("2")+"]"); status != 200 {
		t.Errorf("no recovery: %s", body)
	}
	held.eventsErr = &eventstore.DamageError{From: 2, To: 2, Reason: "gone"}
	_, body := call(t, "GET", server.URL()+"/v1/events", "", "")
	lines := strings.Split(strings.TrimSpace(body), "\n")
	if len(lines) != 2 || !strings.Contains(lines[0], `"sequence":1`) ||
		!problem.IsLine([]byte(lines[1])) || problem.IsLine([]byte(lines[0])) {
		t.Errorf("%s", body)
	}
	held.health = ledger.Health{Status: "damaged", Why: "event 2 is damaged: gone"}
	response, body := call(t, "GET", server.URL()+"/healthz", "", "")
	if response.StatusCode != 503 || !strings.Contains(body, `"why":"event 2 is damaged: gone"`) {
		t.Errorf("%d %s", response.StatusCode, body)
	}
}

// TestStreamFailsMidway tells of a failure after receipts in the last line.
func TestStreamFailsMidway(t *testing.T) {
	held := newMemory(t)
	held.submitErr, held.failAfter = eventstore.ErrFull, 1
	server := serve(t, held, Config{})
	reader, writer := io.Pipe()
	request, err := http.NewRequestWithContext(t.Context(), "POST", server.URL()+"/v1/events", reader)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", streamType)
	go fmt.Fprintln(writer, opened("1")) //nolint:errcheck // the test fails otherwise
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	in := bufio.NewReader(response.Body)
	if line, err := in.ReadString('\n'); err != nil || !strings.Contains(line, `"sequence":1`) {
		t.Fatalf("%s, %v", line, err)
	}
	fmt.Fprintln(writer, opened("2")) //nolint:errcheck // the server may have hung up
	line, err := in.ReadBytes('\n')
	if err != nil || !problem.IsLine(line) || !strings.Contains(string(line), `"status":507`) {
		t.Errorf("%s, %v", line, err)
	}
	_ = writer.Close()
}

// TestShutdownDuringStream stops the server while a stream is open: it ends with the receipts of
// what was taken, and with the reason.
func TestShutdownDuringStream(t *testing.T) {
	held := newMemory(t)
	api := New(held, Config{})
	server, err := Listen(t.Context(), "127.0.0.1:0", api)
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve() }()
	conn, in := dial(t, server)
	line := opened("1") + "\n"
	if _, err := fmt.Fprintf(conn, "POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\n"+
		"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n", streamType, len(line), line); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
	body, err := io.ReadAll(response.Body)
	if err != nil || !strings.Contains(string(body), `"sequence":1`) ||
		!strings.Contains(string(body), `"code":"server.stopping"`) {
		t.Errorf("%s, %v", body, err)
	}
}

// TestOperatorRoutes are for the machine itself, and for no page of another site.
func TestOperatorRoutes(t *testing.T) {
	server := serve(t, newMemory(t), Config{})
	send := func(path, host, origin string) (int, string) {
		request, err := http.NewRequestWithContext(t.Context(), "POST", server.URL()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Host = host
		if origin != "" {
			request.Header.Set("Origin", origin)
		}
		response, body := do(t, request)
		return response.StatusCode, body
	}
	for _, c := range []struct {
		path, host, origin string
		status             int
	}{
		{"/v1/replay?to=0", "localhost", "", 200},
		{"/v1/replay?to=0&swap=true", "127.0.0.1:7070", "", 200},
		{"/v1/verify", "[::1]:7070", "", 200},
		{"/v1/verify", "evil.example", "", 403},
		{"/v1/verify", "localhost", "http://evil.example", 403},
		{"/v1/verify?x=1", "localhost", "", 400},
		{"/v1/replay?to=x", "localhost", "", 400},
	} {
		if status, body := send(c.path, c.host, c.origin); status != c.status {
			t.Errorf("%s to %s: %d %s", c.path, c.host, status, body)
		}
	}
	if _, body := send("/v1/verify", "localhost", ""); !strings.Contains(body,
		`"findings":[{"from":2,"to":3,"what":"gone"}]`) {
		t.Errorf("%s", body)
	}
}

// TestInProcess asks without a network.
func TestInProcess(t *testing.T) {
	held := newMemory(t)
	client := &http.Client{Transport: InProcess(New(held, Config{}))}
	ask := func(method, path, contentType, body string) (int, string) {
		request, err := http.NewRequestWithContext(t.Context(), method, "http://ledger"+path,
			strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", contentType)
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = response.Body.Close() }()
		got, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, string(got)
	}
	if status, body := ask("POST", "/v1/events", streamType, opened("1")+"\n"); status != 200 ||
		!strings.Contains(body, `"sequence":1`) {
		t.Errorf("%d %s", status, body)
	}
	if status, body := ask("GET", "/v1/events", "", ""); status != 200 || !strings.Contains(body, `"id":"1"`) {
		t.Errorf("%d %s", status, body)
	}
	if status, _ := ask("POST", "/v1/verify", "", ""); status != 200 {
		t.Errorf("verify: %d", status)
	}
	if status, body := ask("GET", "/v1/coverage?region=7503", "", ""); status != 404 {
		t.Errorf("%d %s", status, body)
	}
}
