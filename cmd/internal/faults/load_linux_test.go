package faults

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cakupan/cmd/internal/nobody"
)

// load publishes over all ways in, as publishers do that try again until they have a receipt.
type load struct {
	program string
	scratch string
	nats    string   // addresses of the nodes
	ledgers []string // URLs of the ledgers
	ending  chan struct{}
	wait    sync.WaitGroup

	mu      sync.Mutex
	acked   map[string]receipt
	people  map[int]bool   // who stands in an acknowledged list
	last    time.Time      // of an acknowledgement over HTTP
	gap     time.Duration  // the longest between two
	answers int            // acknowledgements over HTTP
	ways    map[string]int // acknowledgements by way
	sights  [][]sight      // by ledger
	wrong   []string       // answers that must not be
}

const (
	answerMax   = 3 * time.Second // how long a publisher waits for an answer
	batchOf     = 5
	listOf      = 20
	listsEvery  = 700 * time.Millisecond
	samplePause = 100 * time.Millisecond
)

// begin begins to publish.
func (l *load) begin() {
	l.ending, l.last = make(chan struct{}), time.Now()
	l.acked, l.people, l.ways = map[string]receipt{}, map[int]bool{}, map[string]int{}
	l.sights = make([][]sight, len(l.ledgers))
	for n := range 4 {
		l.wait.Go(func() { l.overHTTP(n) })
	}
	l.wait.Go(l.messages)
	l.wait.Go(l.requests)
	l.wait.Go(l.lists)
	for n := range l.ledgers {
		l.wait.Go(func() { l.watch(n) })
	}
}

// end has each publisher finish what it is at, and returns once all have.
func (l *load) end() error {
	close(l.ending)
	done := make(chan struct{})
	go func() { defer close(done); l.wait.Wait() }()
	select {
	case <-done:
		return nil
	case <-time.After(patience):
		return fmt.Errorf("a publisher has no acknowledgement after %v", patience)
	}
}

func (l *load) ended() bool {
	select {
	case <-l.ending:
		return true
	default:
		return false
	}
}

// eventOf returns an event of a source.
func eventOf(source, id string) []byte {
	return fmt.Appendf(nil, `{"specversion":"1.0","id":"%s","source":"%s",`+
		`"type":"id.cakupan.enrolment.opened.v1","data":{"enrolment":"%s-%s","worker":"w-%s-%s",`+
		`"region":"75.03","segment":"PU","category":"PRIVATE","programmes":["JKK"],`+
		`"payer":"EMPLOYER","from":"2020-01-01"}}`, id, source, source, id, source, id)
}

// overHTTP sends batch after batch to one ledger until that does not acknowledge one, and then to
// another.
func (l *load) overHTTP(publisher int) {
	client := &http.Client{Timeout: answerMax, Transport: &http.Transport{}}
	source, to := fmt.Sprintf("urn:http:%d", publisher), publisher
	for batch := 0; !l.ended(); batch++ {
		var body []byte
		for i := range batchOf {
			body = append(append(body, ','), eventOf(source, fmt.Sprintf("%d-%d", batch, i))...)
		}
		body[0] = '['
		for !l.send(client, to%len(l.ledgers), source, append(body, ']')) {
			to++
			time.Sleep(20 * time.Millisecond)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// receipts is the answer to events.
type receipts struct {
	Receipts []struct {
		ID, Status string
		Sequence   uint64
	}
}

// note writes acknowledgements down.
func (l *load) note(way, source string, answer receipts) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ways[way] += len(answer.Receipts)
	for _, r := range answer.Receipts {
		if r.Status != "appended" && r.Status != "duplicate" || r.Sequence == 0 {
			l.wrong = append(l.wrong, fmt.Sprintf("receipt over %s: %+v", way, r))
		}
		l.acked[source+" "+r.ID] = receipt{r.Sequence}
	}
}

// send sends a batch to a ledger and tells whether it was acknowledged.
func (l *load) send(client *http.Client, to int, source string, body []byte) bool {
	response, err := client.Post(l.ledgers[to]+"/v1/events",
		"application/cloudevents-batch+json", bytes.NewReader(body))
	if err != nil {
		return false
	}
	text, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	if err != nil {
		return false
	}
	if response.StatusCode != http.StatusOK {
		if response.StatusCode == http.StatusServiceUnavailable {
			l.see(to, turnedOff)
		} else if response.StatusCode != http.StatusTooManyRequests {
			l.blame("events are answered %d %s", response.StatusCode, text)
		}
		return false
	}
	var answer receipts
	if err := json.Unmarshal(text, &answer); err != nil || len(answer.Receipts) != batchOf {
		l.blame("events are answered %s", text)
		return true
	}
	l.note("HTTP", source, answer)
	l.see(to, taken)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.gap, l.last = max(l.gap, time.Since(l.last)), time.Now()
	l.answers++
	return true
}

func (l *load) see(ledger int, what seen) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sights[ledger] = append(l.sights[ledger], sight{time.Now(), what})
}

func (l *load) blame(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wrong = append(l.wrong, fmt.Sprintf(format, args...))
}

// watch asks a ledger how it is, again and again.
func (l *load) watch(n int) {
	client := &http.Client{Timeout: answerMax}
	for !l.ended() {
		if h, err := healthOf(client, l.ledgers[n]); err == nil {
			what := saysNot
			if h.Status == "ok" {
				what = saysWell
			}
			l.see(n, what)
		}
		time.Sleep(samplePause)
	}
}

// connect returns a connection to the cluster that never gives up.
func (l *load) connect() (*nats.Conn, error) {
	return nats.Connect(l.nats, nats.MaxReconnects(-1), nats.ReconnectWait(100*time.Millisecond),
		nats.ReconnectBufSize(-1), nats.RetryOnFailedConnect(true),
		nats.PingInterval(time.Second), nats.MaxPingsOutstanding(2))
}

// messages sends events by NATS, stored and forwarded: an acknowledgement says that it is stored.
func (l *load) messages() {
	conn, err := l.connect()
	if err != nil {
		l.blame("%v", err)
		return
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		l.blame("%v", err)
		return
	}
	const source = "urn:message"
	for n := 0; !l.ended(); n++ {
		id := fmt.Sprint(n)
		for {
			ctx, cancel := context.WithTimeout(context.Background(), answerMax)
			_, err := js.Publish(ctx, "cakupan.intake.office", eventOf(source, id),
				jetstream.WithRetryAttempts(0))
			cancel()
			if err == nil {
				break
			}
			time.Sleep(20 * time.Millisecond)
		}
		l.mu.Lock()
		l.ways["messages"]++
		l.acked[source+" "+id] = receipt{}
		l.mu.Unlock()
		time.Sleep(20 * time.Millisecond)
	}
}

// requests sends events by NATS and waits for their receipts.
func (l *load) requests() {
	conn, err := l.connect()
	if err != nil {
		l.blame("%v", err)
		return
	}
	defer conn.Close()
	const source = "urn:request"
	for n := 0; !l.ended(); n++ {
		for !l.request(conn, source, fmt.Sprint(n)) {
			time.Sleep(20 * time.Millisecond)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// request sends one event and tells whether it was acknowledged.
func (l *load) request(conn *nats.Conn, source, id string) bool {
	reply, err := conn.Request("cakupan.request.office", eventOf(source, id), answerMax)
	var answer receipts
	if err != nil || json.Unmarshal(reply.Data, &answer) != nil || len(answer.Receipts) != 1 {
		return false
	}
	l.note("requests", source, answer)
	return true
}

// lists imports lists of people with the program itself. People stand in several lists, and count
// once each.
func (l *load) lists() {
	for n := 0; !l.ended(); n++ {
		name := filepath.Join(l.scratch, fmt.Sprintf("list-%d.csv", n))
		text := "NIK;Kode Wilayah;Segmen;Kategori;Program;Penanggung Iuran;Tanggal Mulai\n"
		people := map[int]bool{}
		for i := range listOf {
			person := (n*listOf/2 + i) % 2_000
			people[person] = true
			text += nobody.NIK(person) + ";75.03;BPU;VULNERABLE;JKK, JKM;APBD;01/02/2020\n"
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			l.blame("%v", err)
			return
		}
		for !l.list(name, fmt.Sprintf("L-%d", n)) {
			time.Sleep(200 * time.Millisecond)
		}
		l.mu.Lock()
		l.ways["lists"] += listOf
		maps.Copy(l.people, people)
		l.mu.Unlock()
		time.Sleep(listsEvery)
	}
}

// list imports a list and tells whether all of it was acknowledged.
func (l *load) list(file, id string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), patience/2)
	defer cancel()
	servers := l.ledgers[0]
	for _, url := range l.ledgers[1:] {
		servers += "," + url
	}
	output, err := exec.CommandContext(ctx, l.program, "import", "--server", servers,
		"--list", id, "--json", file).Output()
	if err == nil {
		return true
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) && (exit.ExitCode() == 2 || exit.ExitCode() == 3) {
		l.blame("import of %s: exit %d: %s%s", id, exit.ExitCode(), output, exit.Stderr)
		return true
	}
	return false
}
