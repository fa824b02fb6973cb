package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sys/unix"
)

// loud does too much, as members, in a process of its own that has what others leave of the
// processor: whoever does so is at another machine.
type loud struct {
	Way       string
	URL, NATS string
	Secrets   map[string]string
	Sizes     stallSizes
	Turn      int // what it publishes is new in each

	mu   sync.Mutex
	told map[string]int // answers, by status or code
}

// loudMain is the process: what it is to do is the first line of its input, which ends with it; how
// often it was told what are lines of its output.
func loudMain() {
	l := &loud{told: map[string]int{}}
	leaveOthers()
	in := bufio.NewReader(os.Stdin)
	line, err := in.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, l)
	}
	if err != nil {
		l.fail(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	if l.Way == stallControl {
		keepBusy(ctx, l, &done)
	}
	for _, w := range stallWays() {
		if w.name == l.Way {
			w.begin(ctx, l, &done)
		}
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = io.Copy(io.Discard, in)
	}()
	for going := true; going; {
		select {
		case <-ended:
			going = false
		case <-time.After(20 * time.Millisecond):
		}
		l.mu.Lock()
		text, _ := json.Marshal(l.told) // texts and numbers always encode
		l.mu.Unlock()
		fmt.Printf("%s\n", text)
	}
	cancel()
	done.Wait()
}

// leaveOthers has all threads of the process take what others leave of the processor.
func leaveOthers() {
	const lowest = 19
	threads, _ := os.ReadDir("/proc/self/task")
	for _, thread := range threads {
		if id, err := strconv.Atoi(thread.Name()); err == nil {
			_ = unix.Setpriority(unix.PRIO_PROCESS, id, lowest)
		}
	}
}

// fail ends the process.
func (l *loud) fail(err error) {
	fmt.Fprintln(os.Stderr, l.Way+":", err)
	os.Exit(1)
}

// request makes a request of a member.
func (l *loud) request(ctx context.Context, name, method, path string, body io.Reader,
) *http.Request {
	request, err := http.NewRequestWithContext(ctx, method, l.URL+path, body)
	if err != nil {
		l.fail(err)
	}
	request.Header.Set("Authorization", "Bearer "+l.Secrets[name])
	return request
}

// tell counts an answer.
func (l *loud) tell(what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.told[what]++
}

func (l *loud) toldSo(what string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.told[what]
}

// answer counts an answer of HTTP. Who is slowed must be told until when.
func (l *loud) answer(response *http.Response) {
	if response.StatusCode == http.StatusTooManyRequests && response.Header.Get("Retry-After") == "" {
		l.fail(errors.New("429 without Retry-After"))
	}
	l.tell(strconv.Itoa(response.StatusCode))
}

// stallControl is what has nothing to do with the program: a process that keeps a processor busy,
// and the network within the machine. What it does to others is the machine's doing.
const stallControl = "control"

func keepBusy(ctx context.Context, l *loud, done *sync.WaitGroup) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		l.fail(err)
	}
	out, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		l.fail(err)
	}
	in, err := listener.Accept()
	if err != nil {
		l.fail(err)
	}
	done.Go(func() {
		<-ctx.Done()
		_, _, _ = out.Close(), in.Close(), listener.Close()
	})
	done.Go(func() { _, _ = io.Copy(io.Discard, in) })
	done.Go(func() {
		piece := make([]byte, 64<<10)
		for sum := sha256.Sum256(piece); ctx.Err() == nil; sum = sha256.Sum256(piece) {
			copy(piece, sum[:])
			if _, err := out.Write(piece); err == nil {
				l.tell("busy")
			}
		}
	})
}

// bodiesMost are fewer than there may be connections.
const bodiesMost = 1_800

// slowBodies has members begin many requests, and go on with none of them.
func slowBodies(names ...string) func(context.Context, *loud, *sync.WaitGroup) {
	return func(ctx context.Context, l *loud, done *sync.WaitGroup) {
		for i := range len(names) * min(l.Sizes.Bodies, bodiesMost/len(names)) {
			name := names[i%len(names)]
			conn, err := net.Dial("tcp", strings.TrimPrefix(l.URL, "http://"))
			if err != nil {
				l.fail(err)
			}
			_, _ = fmt.Fprintf(conn, "POST /v1/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n"+
				"Content-Type: %s\r\nContent-Length: 60000\r\n\r\n{", l.Secrets[name], oneEvent)
			done.Go(func() {
				if response, err := http.ReadResponse(bufio.NewReader(conn), nil); err == nil {
					l.answer(response)
				}
			})
			done.Go(func() {
				<-ctx.Done()
				_ = conn.Close()
			})
		}
	}
}

// send sends a request, and counts the answer. It returns the last line of it.
func (l *loud) send(request *http.Request) (last string) {
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		if request.Context().Err() == nil {
			l.tell("hung up")
		}
		return ""
	}
	defer func() { _ = response.Body.Close() }()
	l.answer(response)
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, 32<<20)
	for lines.Scan() {
		last = lines.Text()
	}
	return last
}

// idleStreams opens streams and sends nothing.
func idleStreams(ctx context.Context, l *loud, done *sync.WaitGroup) {
	for range l.Sizes.Streams {
		out, in := io.Pipe()
		request := l.request(ctx, "loud", "POST", "/v1/events", out)
		request.Header.Set("Content-Type", lineEvents)
		done.Go(func() { l.send(request) })
		done.Go(func() {
			<-ctx.Done()
			_ = in.Close()
		})
	}
}

// connectAs connects to the program by NATS.
func (l *loud) connectAs(ctx context.Context, name string, done *sync.WaitGroup) *nats.Conn {
	conn, err := nats.Connect(l.NATS, nats.UserInfo(name, l.Secrets[name]), nats.MaxReconnects(-1))
	if err != nil {
		l.fail(err)
	}
	done.Go(func() {
		<-ctx.Done()
		conn.Close()
	})
	return conn
}

// manyConsumers makes consumers of the log, and has each wait for what comes.
func manyConsumers(ctx context.Context, l *loud, done *sync.WaitGroup) {
	conn := l.connectAs(ctx, "nosy", done)
	js, err := jetstream.New(conn)
	if err != nil {
		l.fail(err)
	}
	for i := range l.Sizes.Readers {
		name := "c" + strconv.Itoa(i)
		_, err := js.CreateConsumer(ctx, "CAKUPAN", jetstream.ConsumerConfig{
			Name: name, AckPolicy: jetstream.AckNonePolicy,
		})
		l.tell("asked")
		if err != nil {
			l.tell("refused")
			continue
		}
		l.tell("made")
		_ = conn.PublishRequest("$JS.API.CONSUMER.MSG.NEXT.CAKUPAN."+name, conn.NewInbox(),
			[]byte(`{"batch":10000,"expires":600000000000}`))
	}
}

// answers counts what the intake answers to who publishes.
func (l *loud) answers(conn *nats.Conn) (inbox string) {
	inbox = conn.NewInbox()
	_, err := conn.Subscribe(inbox, func(m *nats.Msg) {
		switch {
		case bytes.Contains(m.Data, []byte(`"seq"`)):
			l.tell("stored")
		case m.Header.Get("Retry-After") != "":
			l.tell("later")
		default:
			l.fail(fmt.Errorf("answer: %.300s", m.Data))
		}
	})
	if err != nil {
		l.fail(err)
	}
	return inbox
}

// flood publishes as fast as it can.
func flood(ctx context.Context, l *loud, done *sync.WaitGroup) {
	conn := l.connectAs(ctx, "loud", done)
	inbox := l.answers(conn)
	done.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			_ = conn.PublishRequest("cakupan.intake.loud", inbox,
				[]byte(openedBy("urn:loud", fmt.Sprintf("f-%d-%d", l.Turn, i))))
		}
	})
}

// manyLines sends streams that are short, and long once they are decoded.
func manyLines(ctx context.Context, l *loud, done *sync.WaitGroup) {
	var short bytes.Buffer
	out, _ := gzip.NewWriterLevel(&short, gzip.BestCompression) // the level is one
	piece := bytes.Repeat([]byte("{}\n"), 10_000)
	for range l.Sizes.Lines / 10_000 {
		_, _ = out.Write(piece) // a buffer takes everything
	}
	_ = out.Close()
	for range 4 {
		done.Go(func() {
			for ctx.Err() == nil {
				request := l.request(ctx, "loud", "POST", "/v1/events", bytes.NewReader(short.Bytes()))
				request.Header.Set("Content-Type", lineEvents)
				request.Header.Set("Content-Encoding", "gzip")
				var p struct{ Code string }
				if json.Unmarshal([]byte(l.send(request)), &p) == nil && p.Code != "" {
					l.tell(p.Code)
				}
			}
		})
	}
}

// askMany has a reader ask the same many times at once, again and again.
func askMany(ctx context.Context, l *loud, done *sync.WaitGroup, method, path string, atOnce int) {
	for range atOnce {
		done.Go(func() {
			for ctx.Err() == nil {
				l.tell("asked")
				l.send(l.request(ctx, "nosy", method, path, http.NoBody))
			}
		})
	}
}

func longSeries(ctx context.Context, l *loud, done *sync.WaitGroup) {
	from := time.Now().AddDate(0, 0, -l.Sizes.Points).Format(time.DateOnly)
	askMany(ctx, l, done, "GET", "/v1/series?region=75.03&step=day&from="+from, l.Sizes.Asked)
}

func replays(ctx context.Context, l *loud, done *sync.WaitGroup) {
	askMany(ctx, l, done, "POST", "/v1/replay", max(2, l.Sizes.Asked/3))
}

// longQuestions asks all else that may take long, several of each at once.
func longQuestions(ctx context.Context, l *loud, done *sync.WaitGroup) {
	for _, path := range []string{
		"/v1/explain?region=75", "/v1/difference?region=75&on=2026-06-30&to_on=2025-06-30&workers=true",
		"/v1/findings?summary=true", "/v1/findings?region=75", "/v1/funding?year=2026",
		"/v1/bundle?region=75", "/v1/events",
	} {
		askMany(ctx, l, done, "GET", path, max(2, l.Sizes.Asked/10))
	}
	askMany(ctx, l, done, "POST", "/v1/verify", 2)
}

// refusals publishes long messages that are all refused.
func refusals(ctx context.Context, l *loud, done *sync.WaitGroup) {
	conn := l.connectAs(ctx, "loud", done)
	inbox := l.answers(conn)
	message := []byte(`{"text":"` + strings.Repeat("x", 60<<10) + `"}`)
	done.Go(func() {
		for sent := 0; sent < l.Sizes.Refused<<20 && ctx.Err() == nil; sent += len(message) {
			_ = conn.PublishRequest("cakupan.intake.loud", inbox, message)
			for ctx.Err() == nil && (l.toldSo("stored")+l.toldSo("later")+100)*len(message) < sent {
				time.Sleep(time.Millisecond) // as fast as they are stored
			}
		}
	})
}

// closing is an event that changes all grants, and then one that takes it back.
func (l *loud) closing(n int64) string {
	if n%2 == 0 {
		return loudEvent(fmt.Sprintf("d-%d-%d", l.Turn, n), "funding.closed",
			fmt.Sprintf(`{"commitment":"c","from":"2026-%02d","reason":"spent"}`, 12-n/2%12))
	}
	return loudEvent(fmt.Sprintf("d-%d-%d", l.Turn, n), "event.retracted",
		fmt.Sprintf(`{"source":"urn:loud","id":"d-%d-%d","reason":"error"}`, l.Turn, n-1))
}

// closings has so many at once close and take back, each in its order and until it is taken in: a
// closing that stays would leave those after it nothing to change.
func (l *loud) closings(ctx context.Context, done *sync.WaitGroup, atOnce int, send func(string) bool) {
	var next atomic.Int64
	for range atOnce {
		done.Go(func() {
			for ctx.Err() == nil {
				pair := next.Add(2) - 2
				for n := pair; n < pair+2; n++ {
					for ctx.Err() == nil && !send(l.closing(n)) {
						continue // who does too much does not wait, whatever he is told
					}
				}
			}
		})
	}
}

func dearEvents(ctx context.Context, l *loud, done *sync.WaitGroup) {
	l.closings(ctx, done, 4, func(event string) bool {
		request := l.request(ctx, "loud", "POST", "/v1/events", strings.NewReader(event))
		request.Header.Set("Content-Type", oneEvent)
		return strings.Contains(l.send(request), `"receipts"`)
	})
}

func dearMessages(ctx context.Context, l *loud, done *sync.WaitGroup) {
	conn := l.connectAs(ctx, "loud", done)
	pace := time.NewTicker(time.Millisecond)
	context.AfterFunc(ctx, pace.Stop)
	l.closings(ctx, done, 64, func(event string) bool {
		select {
		case <-pace.C:
		case <-ctx.Done():
			return false
		}
		answer, err := conn.RequestWithContext(ctx, "cakupan.intake.loud", []byte(event))
		switch {
		case err != nil:
			return false
		case bytes.Contains(answer.Data, []byte(`"seq"`)):
			l.tell("stored")
			return true
		case answer.Header.Get("Retry-After") == "":
			l.fail(fmt.Errorf("answer: %.300s", answer.Data))
		}
		l.tell("later")
		return false
	})
}
