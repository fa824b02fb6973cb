package httpapi

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// wait waits until something is so.
func wait(t *testing.T, what string, so func() bool) {
	t.Helper()
	for began := time.Now(); !so(); time.Sleep(time.Millisecond) {
		if time.Since(began) > time.Minute {
			t.Fatal("waited in vain for " + what)
		}
	}
}

// overload makes sure that an answer says that there is too much to do, and when to come back.
func overload(t *testing.T, response *http.Response, body string) {
	t.Helper()
	p := problemOf(t, response, body)
	if p.Status != 429 || p.Code != "server.overloaded" || response.Header.Get("Retry-After") != "1" {
		t.Errorf("%d %v %s", response.StatusCode, response.Header, body)
	}
}

// TestTooManyRequests has as many requests in work as there may be, and sends one more. Whoever
// asks how the server is gets an answer all the same.
func TestTooManyRequests(t *testing.T) {
	ledger := newMemory(t)
	ledger.hold = make(chan struct{})
	server := serve(t, ledger, Config{Limits: Limits{Requests: 3}})
	var posting sync.WaitGroup
	for i := range 3 {
		posting.Go(func() {
			response, body := call(t, "POST", server.URL()+"/v1/events", eventType, opened(fmt.Sprint(i)))
			if response.StatusCode != 200 {
				t.Error(body)
			}
		})
	}
	wait(t, "three requests in work", func() bool { return len(ledger.sizes()) == 3 })
	response, body := call(t, "POST", server.URL()+"/v1/events", eventType, opened("9"))
	overload(t, response, body)
	response, body = call(t, "GET", server.URL()+"/v1/coverage", "", "")
	overload(t, response, body)
	alive(t, server)
	close(ledger.hold)
	posting.Wait()
	response, body = call(t, "POST", server.URL()+"/v1/events", eventType, opened("9"))
	if response.StatusCode != 200 || len(ledger.records) != 4 {
		t.Errorf("%s; %d events", body, len(ledger.records))
	}
}

// TestTooManyStreams opens as many streams as there may be, and one more.
func TestTooManyStreams(t *testing.T) {
	server := serve(t, newMemory(t), Config{Limits: Limits{Streams: 1}})
	conn, in := dial(t, server)
	line := opened("1") + "\n"
	if _, err := fmt.Fprintf(conn, "POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\n"+
		"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n", streamType, len(line), line); err != nil {
		t.Fatal(err)
	}
	first, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = first.Body.Close() }()
	receipts := bufio.NewReader(first.Body)
	if _, err := receipts.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	response, body := call(t, "POST", server.URL()+"/v1/events", streamType, opened("2"))
	overload(t, response, body)
	if _, err := io.WriteString(conn, "0\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(receipts); err != nil || len(rest) > 0 {
		t.Errorf("%s, %v", rest, err)
	}
	wait(t, "the end of the stream", func() bool { return server.api.pools.streams.Held() == 0 })
	if response, body = call(t, "POST", server.URL()+"/v1/events", streamType, opened("2")); response.StatusCode != 200 {
		t.Error(body)
	}
}

// TestTooMuchMemory has bodies in work that take all the memory there is. The next one waits a
// moment, and is refused; one that is refused half way gives back what it had. All memory is there
// again at the end.
func TestTooMuchMemory(t *testing.T) {
	const memory = 4 << 20
	ledger := newMemory(t)
	ledger.hold = make(chan struct{})
	server := serve(t, ledger, Config{Limits: Limits{Memory: memory}})
	batch := func(id string) string {
		return "[" + opened(id) + strings.Repeat(" ", 700<<10) + "]"
	}
	held := make(chan struct{})
	go func() {
		defer close(held)
		response, body := call(t, "POST", server.URL()+"/v1/events", batchType, batch("1"))
		if response.StatusCode != 200 {
			t.Error(body)
		}
	}()
	wait(t, "a batch in work", func() bool { return len(ledger.sizes()) == 1 })
	for _, contentType := range []string{batchType, streamType} {
		began := time.Now()
		response, body := call(t, "POST", server.URL()+"/v1/events", contentType, batch("2"))
		overload(t, response, body)
		if took := time.Since(began); took < roomPatience || took > time.Minute {
			t.Errorf("%s: waited %v", contentType, took)
		}
	}
	response, body := postEncoded(t, server.URL(), batchType, gzipName, encoded(t, gzipName, batch("2")))
	overload(t, response, body)
	close(ledger.hold)
	<-held
	// A batch that needs more than there is has all of it, and goes through.
	large := "[" + opened("3") + strings.Repeat(" ", 3<<20) + "]"
	if response, body := call(t, "POST", server.URL()+"/v1/events", batchType, large); response.StatusCode != 200 {
		t.Error(body)
	}
	wait(t, "all memory", func() bool {
		if !server.api.room.memory.Try("", memory) {
			return false
		}
		server.api.room.memory.Give("", memory)
		return true
	})
}

// TestIdempotencyKey pins what the header does, which is nothing: source and id make an event the
// same event, for ever.
func TestIdempotencyKey(t *testing.T) {
	url := serve(t, newMemory(t), Config{}).URL()
	send := func(key, body string) (int, string) {
		request, err := http.NewRequestWithContext(t.Context(), "POST", url+"/v1/events", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", eventType)
		request.Header.Set("Idempotency-Key", key)
		response, got := do(t, request)
		if echoed := response.Header.Get("Idempotency-Key"); echoed != "" {
			t.Errorf("the key came back as %q", echoed)
		}
		return response.StatusCode, got
	}
	for _, c := range []struct {
		key, body string
		status    int
		want      string
	}{
		{`"k1"`, opened("1"), 200, `"status":"appended","sequence":1`},
		{`"k1"`, opened("1"), 200, `"status":"duplicate","sequence":1`},
		{`"k2"`, opened("1"), 200, `"status":"duplicate","sequence":1`},               // another key, the same event
		{`"k1"`, opened("2"), 200, `"status":"appended","sequence":2`},                // the same key, another event
		{`not "a" string`, opened("3"), 200, `"status":"appended"`},                   // no key at all
		{`"k1"`, strings.Replace(opened("1"), "PU", "BPU", 1), 409, `event.conflict`}, // the event is the key
	} {
		if status, got := send(c.key, c.body); status != c.status || !strings.Contains(got, c.want) {
			t.Errorf("%s: %d %s, want %d %s", c.key, status, got, c.status, c.want)
		}
	}
}
