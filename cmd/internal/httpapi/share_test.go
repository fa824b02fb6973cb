package httpapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/problem"
	"cakupan/cmd/internal/shares"
	"cakupan/domain/event"
)

// named lets everybody in as the publisher whose name is the secret.
type named struct{}

func (named) Guarded() bool { return true }
func (named) Err() error    { return nil }

func (named) Scope(string) (*event.Scope, error) { return nil, nil }

func (named) Login(_, secret, _ string) (Member, error) {
	return Member{
		Name: secret, Role: Publisher, Scope: &event.Scope{Publisher: secret},
		Current: func() bool { return true },
	}, nil
}

// auditing lets anybody in as an auditor of that name.
type auditing struct{ named }

func (auditing) Login(_, secret, _ string) (Member, error) {
	return Member{Name: secret, Role: Auditor, Current: func() bool { return true }}, nil
}

// as sends a request of a publisher, with a body that may be endless.
func as(t *testing.T, name, url, contentType string, body io.Reader) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), "POST", url+"/v1/events", body)
	if err != nil {
		t.Error(err)
		return &http.Response{}, ""
	}
	request.Header.Set("Content-Type", contentType)
	request.Header.Set("Authorization", "Bearer "+name)
	return do(t, request)
}

// TestSlowBodiesOfOne: who sends many bodies and ends none has his share in work, is refused the
// rest, and stands in nobody's way.
func TestSlowBodiesOfOne(t *testing.T) {
	server := serve(t, newMemory(t), Config{Access: named{}, Limits: Limits{Requests: 16}})
	const share = 16 / requestsPart
	var ends []*io.PipeWriter
	var slow sync.WaitGroup
	for i := range share {
		out, in := io.Pipe()
		ends = append(ends, in)
		slow.Go(func() {
			if response, body := as(t, "slow", server.URL(), eventType, out); response.StatusCode != 200 {
				t.Error(i, body)
			}
		})
	}
	wait(t, "his share", func() bool { return server.api.pools.requests.Held() == share })
	for range 20 {
		response, body := as(t, "slow", server.URL(), eventType, strings.NewReader(opened("x")))
		overload(t, response, body)
	}
	for i := range 20 {
		response, body := as(t, "other", server.URL(), eventType,
			strings.NewReader(opened(fmt.Sprint("other", i))))
		if response.StatusCode != 200 {
			t.Error(body)
		}
	}
	alive(t, server)
	for i, in := range ends {
		_, _ = io.WriteString(in, opened(fmt.Sprint("slow", i)))
		_ = in.Close()
	}
	slow.Wait()
	wait(t, "the end of all", func() bool { return server.api.pools.requests.Held() == 0 })
}

// TestIdleStreamsOfOne: who holds streams open has his share of them, and others have theirs.
func TestIdleStreamsOfOne(t *testing.T) {
	server := serve(t, newMemory(t), Config{Access: named{}, Limits: Limits{Streams: 4}})
	out, in := io.Pipe()
	var idling sync.WaitGroup
	idling.Go(func() { as(t, "idle", server.URL(), streamType, out) })
	wait(t, "his stream", func() bool { return server.api.pools.streams.Held() == 1 })
	response, body := as(t, "idle", server.URL(), streamType, strings.NewReader(opened("1")))
	overload(t, response, body)
	response, body = as(t, "other", server.URL(), streamType, strings.NewReader(opened("2")))
	if response.StatusCode != 200 || !strings.Contains(body, "appended") {
		t.Error(body)
	}
	_ = in.Close()
	idling.Wait()
}

// TestAuditsOfOne: who has as many long questions in work as he may waits for his own, and others
// are answered.
func TestAuditsOfOne(t *testing.T) {
	server := serve(t, newMemory(t), Config{Access: auditing{}})
	nosy := (&Member{Name: "nosy", Role: Auditor}).share()
	pool := server.api.pools.audits
	if !pool.Try(nosy, auditsOfOne) {
		t.Fatal("there is no room for him alone")
	}
	ask := func(name string) int { return askAs(t, server.URL()+"/v1/funding?year=x", name) }

	waits := make(chan int, 1)
	go func() { waits <- ask("nosy") }()
	if status := ask("other"); status != http.StatusBadRequest {
		t.Errorf("another: %d", status)
	}
	select {
	case status := <-waits:
		t.Errorf("he is answered at once: %d", status)
	default:
	}
	pool.Give(nosy, auditsOfOne)
	if status := <-waits; status != http.StatusBadRequest {
		t.Errorf("then: %d", status)
	}
}

// looking is a client in process, which looks at something when a piece of an answer is written.
type looking struct {
	*httptest.ResponseRecorder
	look func()
}

func (l looking) Write(b []byte) (int, error) {
	l.look()
	return l.ResponseRecorder.Write(b)
}

// TestShift: the answers of one member are worked on by his half of the processors, one after the
// other; another member's are not waited for; and while a client takes a piece it is nobody's turn.
func TestShift(t *testing.T) {
	a := serve(t, newMemory(t), Config{Access: auditing{}}).api
	pool := a.pools.questions
	half := int64(max(2, shares.Processors()) / 2)
	answer := func(ctx context.Context, name string, look func()) (*reply, func()) {
		to := looking{httptest.NewRecorder(), look}
		w := &reply{
			ResponseWriter: to, control: http.NewResponseController(to), api: a,
			member: &Member{Name: name, Role: Auditor},
		}
		return w, a.openShift(w, httptest.NewRequestWithContext(ctx, "GET", "/", http.NoBody))
	}
	held := int64(-1)
	first, end := answer(t.Context(), "nosy", func() { held = pool.Held() })
	for range 2 { // the second finds that it has its turn
		if err := first.work.begin(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := first.Write([]byte("x")); err != nil || held != 0 || pool.Held() != 1 {
		t.Errorf("%v: %d in work while a piece was taken, %d after", err, held, pool.Held())
	}
	for range half - 1 {
		if !pool.Try(first.member.share(), 1) {
			t.Fatal("less than half of the processors")
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	second, endSecond := answer(ctx, "nosy", func() {})
	waits := make(chan error, 1)
	go func() { waits <- second.work.begin() }()
	other, endOther := answer(t.Context(), "other", func() {})
	if err := other.work.begin(); err != nil {
		t.Error(err)
	}
	select {
	case err := <-waits:
		t.Errorf("a second one of his is worked on: %v", err)
	default:
	}
	cancel()
	if err := <-waits; !errors.Is(err, context.Canceled) {
		t.Errorf("whose client is gone: %v", err)
	}
	endSecond()
	endOther()
	pool.Give(first.member.share(), half-1)
	end()
	end()
	if pool.Held() != 0 {
		t.Errorf("%d are left", pool.Held())
	}
	var none shift
	if none.begin() != nil || none.pause() {
		t.Error("a short answer has a turn")
	}
}

// TestShiftOfRoutes: long answers wait for the turn of who asks, and for nobody else's.
func TestShiftOfRoutes(t *testing.T) {
	ledger := newMemory(t)
	got, err := ledger.Submit(t.Context(), [][]byte{[]byte(opened("1"))}, intake.Options{})
	if err != nil || got[0].Status != event.Appended {
		t.Fatal(got, err)
	}
	server := serve(t, ledger, Config{Access: auditing{}})
	pool := server.api.pools.questions
	nosy := (&Member{Name: "nosy", Role: Auditor}).share()
	half := int64(max(2, shares.Processors()) / 2)
	ask := func(name, path string) int { return askAs(t, server.URL()+path, name) }

	for _, path := range []string{
		"/v1/explain", "/v1/difference?to_on=2020-01-01", "/v1/findings", "/v1/findings?summary=true",
		"/v1/funding", "/v1/reconcile?count=1", "/v1/events",
	} {
		if !pool.Try(nosy, half) {
			t.Fatal(path, ": a turn is left from before")
		}
		answered := make(chan int, 1)
		go func() { answered <- ask("nosy", path) }()
		wait(t, path+" to be asked", func() bool { return server.api.requests.Load() == 1 })
		if status := ask("other", path); status != http.StatusOK {
			t.Errorf("%s: another gets %d", path, status)
		}
		select {
		case status := <-answered:
			t.Errorf("%s: he did not wait: %d", path, status)
		default:
		}
		pool.Give(nosy, half)
		if status := <-answered; status != http.StatusOK {
			t.Errorf("%s: %d", path, status)
		}
		wait(t, "the turn to end", func() bool { return pool.Held() == 0 })
	}
}

// TestMemoryOfOne: bodies of one member take his share of the memory at most.
func TestMemoryOfOne(t *testing.T) {
	ledger := newMemory(t)
	ledger.hold = make(chan struct{})
	server := serve(t, ledger, Config{Access: named{}, Limits: Limits{Memory: 9 << 20}})
	batch := func(id string) io.Reader {
		return strings.NewReader("[" + opened(id) + strings.Repeat(" ", 900<<10) + "]")
	}
	var sending sync.WaitGroup
	send := func(name string) {
		sending.Go(func() {
			if response, body := as(t, name, server.URL(), batchType, batch(name)); response.StatusCode != 200 {
				t.Error(name, body)
			}
		})
	}
	send("large")
	wait(t, "a batch in work", func() bool { return len(ledger.sizes()) == 1 })
	response, body := as(t, "large", server.URL(), batchType, batch("more"))
	overload(t, response, body)
	send("other")
	wait(t, "another's", func() bool { return len(ledger.sizes()) == 2 })
	close(ledger.hold)
	sending.Wait()
}

// TestSlowUpload: a body below the floor of speed is ended with a reason.
func TestSlowUpload(t *testing.T) {
	server := serve(t, newMemory(t), Config{Limits: Limits{Grace: time.Millisecond}})
	out, in := io.Pipe()
	defer func() { _ = in.Close() }()
	go func() { _, _ = io.WriteString(in, "{") }()
	response, body := as(t, "x", server.URL(), eventType, out)
	if p := problemOf(t, response, body); p.Status != 408 || p.Code != string(problem.RequestTooSlow) {
		t.Error(body)
	}
}

// TestCredit: who takes as much as the floor asks may go on for ever, who takes less may not, and
// nobody saves for later.
func TestCredit(t *testing.T) {
	limits := &Limits{Floor: 1_000, Grace: 10 * time.Second}
	var c credit
	c.note(1<<20, 0, limits)
	if c.left(limits) != limits.Grace {
		t.Errorf("saved up to %v", c.left(limits))
	}
	for range 100 {
		c.note(1_000, time.Second, limits)
	}
	if c.left(limits) != limits.Grace {
		t.Errorf("of who keeps to the floor there is left %v", c.left(limits))
	}
	for i := range 10 {
		c.note(500, 2*time.Second, limits)
		if want := max(limits.Grace-time.Duration(i+1)*1500*time.Millisecond, time.Millisecond); c.left(limits) != want {
			t.Errorf("of who is below it there is left %v, want %v", c.left(limits), want)
		}
	}
}

// TestSlowDownload: an answer whose reader stands still is ended when his credit is used up, though
// each piece might wait longer.
func TestSlowDownload(t *testing.T) {
	ended := make(chan error, 1)
	server := serve(t, newMemory(t), Config{
		Limits: Limits{Grace: 50 * time.Millisecond, Write: 24 * time.Hour, Floor: 1 << 40},
		Pages: pageAnywhere(func(w http.ResponseWriter, _ *http.Request) {
			for piece := make([]byte, 1<<20); ; {
				if _, err := w.Write(piece); err != nil {
					ended <- err
					return
				}
			}
		}),
	})
	conn, err := net.Dial("tcp", strings.TrimPrefix(server.URL(), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error(err)
		}
	case <-time.After(time.Minute):
		t.Error("it waits for its reader still")
	}
}

// TestRefusalsInRow: a stream of nothing but refusals ends, and one with something good in it
// does not.
func TestRefusalsInRow(t *testing.T) {
	server := serve(t, newMemory(t), Config{Access: named{}, Limits: Limits{Refusals: 10}})
	bad := strings.Repeat("{}\n", 9)
	_, body := as(t, "x", server.URL(), streamType,
		strings.NewReader(bad+opened("1")+"\n"+bad+opened("2")+"\n"+bad))
	if n := strings.Count(body, "\n"); n != 29 || strings.Contains(body, "stream.refused") {
		t.Errorf("%d lines: %s", n, body)
	}
	_, body = as(t, "x", server.URL(), streamType, strings.NewReader(strings.Repeat("{}\n", 5_000)))
	if n := strings.Count(body, "\n"); n > 4_000 || !strings.Contains(body, "stream.refused") {
		t.Errorf("%d lines, and no end", n)
	}
}

// askAs has a member ask, reads all of the answer and returns its status; 0 after an error.
func askAs(t *testing.T, url, name string) (status int) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Error(err)
		return 0
	}
	request.Header.Set("Authorization", "Bearer "+name)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Error(err)
		return 0
	}
	defer func() { _ = response.Body.Close() }()
	_, _ = io.Copy(io.Discard, response.Body)
	return response.StatusCode
}

// pageAnywhere is a dashboard that has something at each path.
type pageAnywhere func(w http.ResponseWriter, r *http.Request)

func (p pageAnywhere) ServeHTTP(w http.ResponseWriter, r *http.Request) { p(w, r) }

func (pageAnywhere) Has(string) bool { return true }
