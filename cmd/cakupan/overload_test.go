package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cakupan/cmd/internal/httpapi"
	"cakupan/cmd/internal/ledger"
)

const (
	overloadClients = 1_000
	overloadEvents  = 25       // of a batch
	overloadPadding = 6 << 10  // of an event, that the log does not keep
	overloadMemory  = 32 << 20 // for all of them
)

// overloadBatch is the body of a client's batch, made as it is read: the test's own memory must not
// hide the server's.
type overloadBatch struct {
	client, event int
	rest          []byte
}

func (b *overloadBatch) Read(to []byte) (int, error) {
	if len(b.rest) == 0 {
		switch {
		case b.event > overloadEvents:
			return 0, io.EOF
		case b.event == overloadEvents:
			b.rest = []byte("]")
		default:
			separator := ","
			if b.event == 0 {
				separator = "["
			}
			b.rest = fmt.Appendf(b.rest[:0], `%s{"specversion":"1.0","id":"%04d-%02d","source":"urn:overload",`+
				`"type":"id.cakupan.enrolment.reinstated.v1",%*s"data":{"enrolment":"e-%04d-%02d","from":"2021-01-01"}}`,
				separator, b.client, b.event, overloadPadding, "", b.client, b.event)
		}
		b.event++
	}
	n := copy(to, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

// overloadServer serves a ledger with little memory for bodies.
func overloadServer(t *testing.T) (*ledger.Ledger, string) {
	t.Helper()
	l, err := ledger.Open(t.Context(), ledger.Options{Dir: t.TempDir(), Create: true})
	if err != nil {
		t.Fatal(err)
	}
	server, err := httpapi.Listen(t.Context(), "127.0.0.1:0", httpapi.New(l, httpapi.Config{
		Log: slog.New(slog.DiscardHandler), Limits: httpapi.Limits{Memory: overloadMemory},
	}))
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve() }()
	t.Cleanup(func() {
		for _, err := range []error{server.Shutdown(context.Background()), <-served, l.Close()} {
			if err != nil {
				t.Error(err)
			}
		}
	})
	return l, server.URL()
}

// TestOverload has a thousand clients send large batches at the same time, five times what the
// server may hold: its memory stays bounded, some are told to come again later, whoever does is
// taken in, and every answer of 200 is true.
func TestOverload(t *testing.T) {
	clients := overloadClients
	if underRace {
		clients /= 8
	}
	// What is held counts, not what waits to be collected while the machine does other things.
	defer debug.SetGCPercent(debug.SetGCPercent(20))
	l, url := overloadServer(t)
	transport := &http.Transport{
		MaxIdleConnsPerHost: overloadClients, WriteBufferSize: 4 << 10,
		ExpectContinueTimeout: time.Minute,
	}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	var later, cut atomic.Int64
	peak, stop := watchHeap()
	var posting sync.WaitGroup
	for n := range clients {
		posting.Go(func() {
			for {
				status, retry, body, err := postBatch(t.Context(), client, url, n)
				switch {
				case err != nil: // hung up on before the answer could be read: to send again is safe
					cut.Add(1)
				case status == http.StatusOK && allThere(body):
					return
				case status != http.StatusTooManyRequests || retry == 0 ||
					!strings.Contains(string(body), `"code":"server.overloaded"`):
					t.Errorf("%d %.300s", status, body)
					return
				default:
					later.Add(1)
				}
				// As a good client does: after what was asked for, and not all at once.
				wait := time.Duration(max(retry, 1))*time.Second + time.Duration(n)*2*time.Millisecond
				select {
				case <-t.Context().Done():
					return
				case <-time.After(wait):
				}
			}
		})
	}
	posting.Wait()
	stop()
	t.Logf("%d answers of 429, %d cut off, heap at most %d MB", later.Load(), cut.Load(), peak.Load()>>20)
	if later.Load() == 0 {
		t.Error("nobody was told to come later")
	}
	// The bodies alone would be as much, and what is made of them three times that.
	if most := int64(3*overloadMemory + 64<<20); peak.Load() > most {
		t.Errorf("the heap grew by %d MB, want at most %d", peak.Load()>>20, most>>20)
	}
	want := uint64(clients * overloadEvents)
	if head := uint64(l.Health(t.Context()).Head); head != want {
		t.Errorf("the log has %d events, want %d", head, want)
	}
}

// allThere tells whether the receipts are of a whole batch, appended now or before.
func allThere(body []byte) bool {
	var got struct{ Appended, Duplicates, Refused int }
	return json.Unmarshal(body, &got) == nil && got.Refused == 0 &&
		got.Appended+got.Duplicates == overloadEvents
}

func postBatch(ctx context.Context, client *http.Client, url string, n int,
) (status, retry int, body []byte, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/v1/events", &overloadBatch{client: n})
	if err != nil {
		return 0, 0, nil, err
	}
	request.Header.Set("Content-Type", "application/cloudevents-batch+json")
	if n%4 != 0 { // the others send pieces, and say nothing of their length
		request.ContentLength, _ = io.Copy(io.Discard, &overloadBatch{client: n})
	}
	if n%2 != 0 { // these ask before they send
		request.Header.Set("Expect", "100-continue")
	}
	response, err := client.Do(request)
	if err != nil {
		return 0, 0, nil, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err = io.ReadAll(response.Body)
	retry, _ = strconv.Atoi(response.Header.Get("Retry-After"))
	return response.StatusCode, retry, body, err
}

// watchHeap watches by how much the live heap grows until stop is called, in bytes. Garbage does not
// count: it may grow as large as what lives, and the servers of tests before live on.
func watchHeap() (peak *atomic.Int64, stop func()) {
	live := func() int64 {
		sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}} // as of the last collection
		metrics.Read(sample)
		return int64(sample[0].Value.Uint64())
	}
	runtime.GC()
	before := live()
	const often = 16 << 20 // bytes of garbage between two collections
	percent := debug.SetGCPercent(int(min(100, often*100/max(before, 1))))
	peak = new(atomic.Int64)
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			peak.Store(max(peak.Load(), live()-before))
			select {
			case <-end:
				return
			case <-time.After(10 * time.Millisecond):
			}
		}
	}()
	return peak, func() {
		close(end)
		<-ended
		debug.SetGCPercent(percent)
	}
}
