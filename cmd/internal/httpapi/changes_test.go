package httpapi

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cakupan/cmd/internal/live"
	"cakupan/projections/coverage"
)

// sent is one Server-Sent Event.
type sent struct{ event, id, data string }

// answers reads the data of a snapshot or a change: covered by region.
func (s sent) answers(t *testing.T) map[string]int64 {
	t.Helper()
	var list []coverage.Answer
	if err := json.Unmarshal([]byte(s.data), &list); err != nil {
		t.Fatalf("%s: %v", s.data, err)
	}
	covered := map[string]int64{}
	for _, a := range list {
		covered[a.Region] = a.Covered
	}
	return covered
}

// viewer is a client of GET /v1/changes.
type viewer struct {
	t    *testing.T
	body *bufio.Scanner
	stop context.CancelFunc
}

// watch begins to watch. after is what the client has seen already.
func watch(t *testing.T, url, after string) *viewer {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	t.Cleanup(stop)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if after != "" {
		request.Header.Set("Last-Event-ID", after)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = response.Body.Close() })
	if got := response.Header.Get("Content-Type"); got != changesType {
		t.Fatalf("content type %s", got)
	}
	return &viewer{t, bufio.NewScanner(response.Body), stop}
}

// next returns the next event, nil at the end of the stream.
func (v *viewer) next() *sent {
	var s sent
	for v.body.Scan() {
		name, value, _ := strings.Cut(v.body.Text(), ": ")
		switch name {
		case "event":
			s.event = value
		case "id":
			s.id = value
		case "data":
			s.data = value
		case "":
			if s.event != "" {
				return &s
			}
		}
	}
	return nil
}

// expect returns the next event, which must be of a kind.
func (v *viewer) expect(event string) sent {
	v.t.Helper()
	s := v.next()
	if s == nil || s.event != event {
		v.t.Fatalf("got %+v, want event %s", s, event)
	}
	return *s
}

// change returns the next event that is no state, which must be a change.
func (v *viewer) change() sent {
	v.t.Helper()
	s := v.next()
	for s != nil && s.event == "state" {
		s = v.next()
	}
	if s == nil || s.event != "change" {
		v.t.Fatalf("got %+v, want a change", s)
	}
	return *s
}

// clock is a time that tests move.
type clock struct{ at atomic.Int64 }

func newClock(t *testing.T, at string) *clock {
	t.Helper()
	c := &clock{}
	c.set(t, at)
	return c
}

func (c *clock) set(t *testing.T, at string) {
	t.Helper()
	parsed, err := time.Parse(time.RFC3339, at)
	if err != nil {
		t.Fatal(err)
	}
	c.at.Store(parsed.UnixNano())
}

func (c *clock) now() time.Time { return time.Unix(0, c.at.Load()) }

// publish appends an event that must be taken.
func publish(t *testing.T, url, body string) {
	t.Helper()
	if response, got := call(t, "POST", url+"/v1/events", eventType, body); response.StatusCode != 200 {
		t.Fatal(got)
	}
}

func TestChanges(t *testing.T) {
	ledger, c := newMemory(t), newClock(t, "2021-01-04T04:00:00Z")
	url := serve(t, ledger, Config{Now: c.now}).URL()
	publish(t, url, opened("1"))

	v := watch(t, url+"/v1/changes?by=segment", "")
	first := v.expect("snapshot")
	if got := first.answers(t); first.id != "1" || len(got) != 3 || got["75.03"] != 1 {
		t.Errorf("snapshot %+v", first)
	}
	if !strings.Contains(first.data, `"by":{"segment":{"PU":1}}`) {
		t.Errorf("no dimension in %s", first.data)
	}
	var status live.Status
	if err := json.Unmarshal([]byte(v.expect("state").data), &status); err != nil ||
		status.State != live.Live || status.Sequence != 1 || status.Since == "" {
		t.Errorf("state %+v, %v", status, err)
	}
	publish(t, url, opened("2"))
	change := v.change()
	if got := change.answers(t); change.id != "2" || len(got) != 3 || got["75"] != 2 {
		t.Errorf("change %+v", change)
	}
	v.stop()

	// What has no effect on the figures is no change: of 75.03 alone the workforce differs.
	publish(t, url, workforce)
	v = watch(t, url+"/v1/changes?by=segment", change.id)
	missed := v.change()
	if got := missed.answers(t); missed.id != "3" || len(got) != 1 || got["75.03"] != 2 {
		t.Errorf("after event 2: %+v", missed)
	}
	v.stop()

	v = watch(t, url+"/v1/changes?by=segment", "3")
	v.expect("state")
}

func TestChangesOfSome(t *testing.T) {
	ledger, c := newMemory(t), newClock(t, "2021-01-04T04:00:00Z")
	url := serve(t, ledger, Config{Now: c.now}).URL()
	v := watch(t, url+"/v1/changes?region=75&region=ID&on=2019-12-31", "")
	if got := v.expect("snapshot").answers(t); len(got) != 2 || got["75"] != 0 {
		t.Errorf("snapshot of two regions: %v", got)
	}
	v.expect("state")
	publish(t, url, opened("1")) // covered from 2020 on
	early := strings.Replace(opened("2"), "2020-01-01", "2019-01-01", 1)
	publish(t, url, early)
	change := v.change()
	if got := change.answers(t); change.id != "2" || len(got) != 2 || got["75"] != 1 {
		t.Errorf("change %+v", change)
	}
}

// TestChangesRefused: who has seen more than the log holds watches another log.
func TestChangesRefused(t *testing.T) {
	url := serve(t, newMemory(t), Config{}).URL()
	publish(t, url, opened("1"))
	for query, want := range map[string]string{
		"?region=75.99": "region", "?known=3": "known", "?on=today": "on", "?by=x": "by",
	} {
		response, body := call(t, "GET", url+"/v1/changes"+query, "", "")
		if p := problemOf(t, response, body); p.Field != want {
			t.Errorf("%s: %s", query, body)
		}
	}
	for after, want := range map[string]string{"2": "ends at event 1", "x": "must be the id"} {
		request, err := http.NewRequestWithContext(t.Context(), "GET", url+"/v1/changes", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Last-Event-ID", after)
		response, body := do(t, request)
		if p := problemOf(t, response, body); !strings.Contains(p.Detail, want) {
			t.Errorf("after %s: %s", after, body)
		}
	}
}

// TestChangesAtMidnight: without an event, figures move on with the day.
func TestChangesAtMidnight(t *testing.T) {
	ledger, c := newMemory(t), newClock(t, "2021-01-04T04:00:00Z")
	url := serve(t, ledger, Config{Now: c.now}).URL()
	publish(t, url, strings.Replace(opened("1"), "2020-01-01", "2021-01-05", 1))
	v := watch(t, url+"/v1/changes?region=75", "")
	if got := v.expect("snapshot").answers(t); got["75"] != 0 {
		t.Errorf("before the first day: %v", got)
	}
	v.expect("state")
	c.set(t, "2021-01-04T16:00:00Z") // midnight in Makassar
	if got := v.change().answers(t); got["75"] != 1 {
		t.Errorf("on the first day: %v", got)
	}
	v.stop()
	v = watch(t, url+"/v1/changes?region=75", "1")
	if got := v.change().answers(t); got["75"] != 1 {
		t.Errorf("who has seen the event, but not the day: %v", got)
	}
}

// TestChangesTellState: what is wrong is told, and that it is over.
func TestChangesTellState(t *testing.T) {
	ledger := newMemory(t)
	url := serve(t, ledger, Config{}).URL()
	v := watch(t, url+"/v1/changes", "")
	v.expect("snapshot")
	state := func() (s live.Status) {
		if err := json.Unmarshal([]byte(v.expect("state").data), &s); err != nil {
			t.Fatal(err)
		}
		return s
	}
	if s := state(); s.State != live.Live {
		t.Errorf("%+v", s)
	}
	ledger.mu.Lock()
	ledger.viewErr = errors.New("gone")
	ledger.mu.Unlock()
	if s := state(); s.State != live.Stale || s.Why == "" {
		t.Errorf("%+v", s)
	}
	ledger.mu.Lock()
	ledger.viewErr = nil
	ledger.mu.Unlock()
	for s := state(); s.State != live.Live; s = state() {
	}
}

// TestChangesEnd: who watches hears that the server stops.
func TestChangesEnd(t *testing.T) {
	server, err := Listen(t.Context(), "127.0.0.1:0", New(newMemory(t), Config{}))
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve() }()
	v := watch(t, server.URL()+"/v1/changes", "")
	v.expect("snapshot")
	if err := errors.Join(server.Shutdown(t.Context()), <-served); err != nil {
		t.Fatal(err)
	}
	for s := v.next(); s != nil; s = v.next() {
		if s.event == "end" {
			if !strings.Contains(s.data, "server.stopping") {
				t.Errorf("end %+v", s)
			}
			return
		}
	}
	t.Error("the stream ends without a reason")
}

// TestManyWatch: all come to the same figures, whoever does not read.
func TestManyWatch(t *testing.T) {
	const viewers, events = 100, 60
	url := serve(t, newMemory(t), Config{}).URL()
	watch(t, url+"/v1/changes", "") // and never reads
	var watching sync.WaitGroup
	for range viewers {
		v := watch(t, url+"/v1/changes?on=2020-06-30", "")
		watching.Go(func() {
			covered := map[string]int64{}
			for covered["75.03"] < events {
				s := v.next()
				if s == nil {
					t.Error("a stream ended")
					return
				}
				if s.event == "state" {
					continue
				}
				var list []coverage.Answer
				if err := json.Unmarshal([]byte(s.data), &list); err != nil {
					t.Error(err)
					return
				}
				for _, a := range list {
					covered[a.Region] = a.Covered
				}
			}
		})
	}
	for i := range events {
		publish(t, url, opened(fmt.Sprint(i)))
	}
	watching.Wait()
}

// TestCached: an answer has a tag, by which it is not sent twice, and is kept for ever where no
// event can change it.
func TestCached(t *testing.T) {
	ledger, c := newMemory(t), newClock(t, "2021-01-04T04:00:00Z")
	url := serve(t, ledger, Config{Now: c.now}).URL()
	publish(t, url, opened("1"))
	get := func(path, tag string) *http.Response {
		request, err := http.NewRequestWithContext(t.Context(), "GET", url+path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		if tag != "" {
			request.Header.Set("If-None-Match", tag)
		}
		response, body := do(t, request)
		if response.StatusCode == http.StatusNotModified && body != "" {
			t.Errorf("%s: 304 with a body", path)
		}
		return response
	}
	for path, always := range map[string]bool{
		"/v1/coverage":                                          false,
		"/v1/coverage?on=2020-06-30":                            false,
		"/v1/coverage?on=2020-06-30&known=1":                    true,
		"/v1/coverage?known=1":                                  false, // its day moves on
		"/v1/coverage?on=2020-06-30&known=9":                    false, // the log may grow
		"/v1/coverage?on=2020-06-30&known=2021-01-31":           false,
		"/v1/coverage?on=2020-06-30&known=2020-12-31":           true,
		"/v1/series?region=75&from=2020-01-01&until=2020-06-30": false,
		"/v1/series?until=2020-06-30&known=1":                   true,
		"/v1/series?until=2020-06-30&known=9":                   false,
		"/v1/series?from=2020-06-30&known=1":                    false, // it ends today
	} {
		first := get(path, "")
		tag := first.Header.Get("ETag")
		if got := first.Header.Get("Cache-Control"); (got == forever) != always {
			t.Errorf("%s: Cache-Control %s", path, got)
		}
		if got := get(path, `"x", W/`+tag).StatusCode; got != http.StatusNotModified {
			t.Errorf("%s again: %d", path, got)
		}
	}
	before := get("/v1/coverage", "").Header.Get("ETag")
	publish(t, url, opened("2"))
	after := get("/v1/coverage", before)
	if after.StatusCode != http.StatusOK || after.Header.Get("ETag") == before {
		t.Error("an answer that has changed has the tag of the one before")
	}
	c.set(t, "2021-01-05T04:00:00Z")
	if get("/v1/coverage", after.Header.Get("ETag")).StatusCode != http.StatusOK {
		t.Error("tomorrow's answer has the tag of today's")
	}
}

// TestPacked: an answer of many lines is sent packed to who takes it so, under a tag of its own, and
// plain to all others.
func TestPacked(t *testing.T) {
	ledger, c := newMemory(t), newClock(t, "2021-01-04T04:00:00Z")
	url := serve(t, ledger, Config{Now: c.now}).URL()
	publish(t, url, opened("1"))
	get := func(coding, tag string) (*http.Response, string) {
		request, err := http.NewRequestWithContext(t.Context(), "GET",
			url+"/v1/series?region=75&from=2018-01-31&until=2020-12-31", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Accept-Encoding", coding) // so the library leaves it as it is
		request.Header.Set("If-None-Match", tag)
		return do(t, request)
	}
	plain, text := get("identity", "")
	packed, body := get("br, gzip", "")
	tag := packed.Header.Get("ETag")
	if packed.Header.Get("Content-Encoding") != "gzip" || len(body) > len(text)/4 ||
		plain.Header.Get("Content-Encoding") != "" || tag == plain.Header.Get("ETag") ||
		!slices.Contains(packed.Header.Values("Vary"), "Accept-Encoding") {
		t.Fatalf("%d bytes, %d packed: %v", len(text), len(body), packed.Header)
	}
	r, err := gzip.NewReader(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if again, err := io.ReadAll(r); err != nil || string(again) != text {
		t.Errorf("%v: %s", err, again)
	}
	if got, _ := get("gzip", tag); got.StatusCode != http.StatusNotModified {
		t.Errorf("packed again: %d", got.StatusCode)
	}
	if got, _ := get("identity", tag); got.StatusCode != http.StatusOK {
		t.Errorf("plain, of the other's tag: %d", got.StatusCode)
	}
}
