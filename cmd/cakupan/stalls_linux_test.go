package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// stallSizes say how much is done of what might stall others. With CAKUPAN_STALLS=500 in the
// environment it is all that was found, and so many events and questions of others are timed, in
// turns: quiet, beside a process that only keeps a processor busy, and meanwhile. How long they take
// depends on the machine, and is only told (docs/performance.md): what must hold everywhere is that
// all of them are answered, and that who does too much is told.
type stallSizes struct {
	Turns   int // quiet, beside a control, and while others are stalled
	Probes  int // events, and questions, of others in each turn
	People  int // in the log
	Bodies  int // slow ones
	Streams int
	Readers int // consumers
	Lines   int // of gzip
	Points  int // days of a long series
	Asked   int // series, and replays
	Refused int // MiB
	Grants  int // of a commitment that opens and closes
}

// stallTurns is how often quiet and busy times follow each other: a machine that others use is not
// the same from one second to the next.
const stallTurns = 5

func sizesOfStalls(t *testing.T) stallSizes {
	sizes := stallSizes{
		Turns: 1, Probes: 20, People: 500, Bodies: 280, Streams: 14, Readers: 20, Lines: 30_000, Points: 2_000,
		Asked: 6, Refused: 4, Grants: 300,
	}
	text := os.Getenv("CAKUPAN_STALLS")
	if text == "" {
		return sizes
	}
	probes, err := strconv.Atoi(text)
	if err != nil || probes < 1 {
		t.Fatalf("CAKUPAN_STALLS=%s is no number of events to be timed", text)
	}
	return stallSizes{
		Turns: stallTurns, Probes: (probes + stallTurns - 1) / stallTurns, People: 100_000, Bodies: 1_100, Streams: 50, Readers: 999,
		Lines: 21_000_000, Points: 36_500, Asked: 60, Refused: 180, Grants: 100_000,
	}
}

// stalled is a served ledger with members: calm and eye do what everybody does, loud, nosy and
// their like do too much.
type stalled struct {
	*passing

	sizes   stallSizes
	secrets map[string]string
	calmed  int // events of calm
	turn    int

	mu   sync.Mutex
	told map[string]int // answers to who does too much, by status or code
}

// loudMembers are publishers beside loud, who do too much together.
const loudMembers = 5

func serveStalled(t *testing.T, dir string, args ...string) *stalled {
	t.Helper()
	s := &stalled{
		sizes: sizesOfStalls(t), secrets: map[string]string{}, told: map[string]int{},
	}
	dir = filepath.Join(dir, "data")
	names := []string{"calm", "loud"}
	for i := range loudMembers {
		names = append(names, fmt.Sprintf("loud-%d", i))
	}
	for _, name := range names {
		s.secrets[name] = addPublisher(t, dir, name)
	}
	for _, name := range []string{"eye", "nosy"} {
		s.secrets[name] = member(t, dir, "reader", "add", name, "--role", "auditor")
	}
	s.passing = servePassing(t, dir, args...)
	var people strings.Builder
	for i := range s.sizes.People {
		people.WriteString(openedBy("urn:calm", fmt.Sprintf("p-%d", i)) + "\n")
	}
	if status, answer := s.do("calm", "POST", "/v1/events", lineEvents, people.String()); status != 200 ||
		strings.Contains(answer, `"refused"`) {
		t.Fatalf("%d %.300s", status, answer)
	}
	return s
}

// do sends a request of a member and returns the answer.
func (s *stalled) do(name, method, path, contentType, body string) (status int, answer string) {
	request, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		return 0, err.Error()
	}
	request.Header.Set("Authorization", "Bearer "+s.secrets[name])
	request.Header.Set("Content-Type", contentType)
	response, err := s.client.Do(request)
	if err != nil {
		return 0, err.Error()
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, err.Error()
	}
	return response.StatusCode, string(text)
}

// toldSo returns how often who does too much was told something.
func (s *stalled) toldSo(what string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.told[what]
}

// begin has a way of stalling begin, in a process of its own, until the returned function is called.
func (s *stalled) begin(way string) (end func()) {
	text, err := json.Marshal(&loud{
		Way: way, URL: s.url, NATS: s.nats, Secrets: s.secrets, Sizes: s.sizes, Turn: s.turn,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	process := program()
	process.Args = []string{"loud"}
	var stderr bytes.Buffer
	process.Stderr = &stderr
	out, err := process.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	in, err := process.StdinPipe()
	if err == nil {
		err = process.Start()
	}
	s.mu.Lock()
	s.told = map[string]int{}
	s.mu.Unlock()
	if err == nil {
		_, err = in.Write(append(text, '\n'))
	}
	if err != nil {
		s.t.Fatal(err)
	}
	heard := make(chan struct{})
	go func() {
		defer close(heard)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			told := map[string]int{}
			if json.Unmarshal(lines.Bytes(), &told) == nil {
				s.mu.Lock()
				s.told = told
				s.mu.Unlock()
			}
		}
	}()
	return sync.OnceFunc(func() {
		_ = in.Close()
		<-heard
		if err := process.Wait(); err != nil {
			s.t.Errorf("%s: %v %s", way, err, &stderr)
		}
	})
}

// timed are how long events and questions took.
type timed struct{ events, questions []time.Duration }

// add adds those of another turn.
func (t *timed) add(more timed) {
	t.events, t.questions = append(t.events, more.events...), append(t.questions, more.questions...)
}

// p99 returns the time in which all but one of a hundred were answered.
func p99(took []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(took))
	return sorted[len(sorted)*99/100]
}

// others has a publisher and a reader do what they always do, and times it. Health is asked too.
func (s *stalled) others() (took timed) {
	s.t.Helper()
	var both sync.WaitGroup
	both.Go(func() {
		for range s.sizes.Probes {
			s.calmed++
			event := openedBy("urn:calm", strconv.Itoa(s.calmed))
			began := time.Now()
			status, answer := s.do("calm", "POST", "/v1/events", oneEvent, event)
			took.events = append(took.events, time.Since(began))
			if status != http.StatusOK {
				s.t.Errorf("another's event: %d %.300s", status, answer)
			}
			time.Sleep(2 * time.Millisecond) // as many a second as a busy publisher has
		}
	})
	both.Go(func() {
		for i := range s.sizes.Probes {
			began := time.Now()
			status, answer := s.do("eye", "GET", "/v1/coverage?region=75.03", "", "")
			took.questions = append(took.questions, time.Since(began))
			if status != http.StatusOK {
				s.t.Errorf("another's question: %d %.300s", status, answer)
			}
			if i%10 == 0 && s.status("/healthz") != http.StatusOK {
				s.t.Errorf("health: %s", s.body("/healthz"))
			}
			time.Sleep(2 * time.Millisecond)
		}
	})
	both.Wait()
	return took
}

// TestStalls does each thing that once held up everybody, and looks how others fare meanwhile.
func TestStalls(t *testing.T) {
	if underRace {
		t.Skip("too much for the race detector")
	}
	for _, w := range stallWays() {
		t.Run(w.name, func(t *testing.T) {
			dir := t.TempDir()
			if w.disk != "" {
				dir = smallDisk(t, w.disk)
			}
			s := serveStalled(t, dir, w.flags...)
			if w.prepare != nil {
				w.prepare(s)
			}
			s.inTurns(w)
			_ = s.process.Process.Kill()
			_ = s.process.Wait() // what it said is whole then
			if bytes.Contains(s.stderr.Bytes(), []byte("panic")) {
				t.Error("the program panicked")
			}
		})
	}
}

// inTurns has a way of stalling begin and end, again and again, and tells how others fared.
func (s *stalled) inTurns(w stallWay) {
	s.t.Helper()
	var quiet, beside, busy timed
	told := map[string]int{}
	during := func(way string, underWay func() bool) (took timed) {
		end := s.begin(way)
		defer end()
		s.await("what might stall others", underWay)
		return s.others()
	}
	for s.turn = range s.sizes.Turns {
		quiet.add(s.others())
		if s.sizes.Turns > 1 {
			beside.add(during(stallControl, func() bool { return s.toldSo("busy") > 0 }))
		}
		busy.add(during(w.name, func() bool { return w.underWay(s) }))
		s.mu.Lock()
		for what, count := range s.told {
			told[what] += count
		}
		s.mu.Unlock()
		if s.sizes.Turns > 1 {
			s.await("what was left to do", s.idle)
		}
	}
	if s.sizes.Turns == 1 {
		s.t.Logf("answers %v", told) // too few for any figure
		return
	}
	tell := func(of string, quiet, beside, busy []time.Duration) {
		s.t.Logf("p99 of %s: %v, %.1f of quiet (%v), %.1f of the control (%v)", of,
			p99(busy).Round(10*time.Microsecond),
			float64(p99(busy))/float64(p99(quiet)), p99(quiet).Round(10*time.Microsecond),
			float64(p99(busy))/float64(p99(beside)), p99(beside).Round(10*time.Microsecond))
	}
	tell("an event", quiet.events, beside.events, busy.events)
	tell("a question", quiet.questions, beside.questions, busy.questions)
	s.t.Logf("answers %v", told)
}

// idle tells whether the program uses less than a tenth of a processor just now.
func (s *stalled) idle() bool {
	const tick, long = 10 * time.Millisecond, 200 * time.Millisecond // as Linux counts everywhere
	used := func() (ticks int) {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.process.Process.Pid))
		if err != nil {
			s.t.Fatal(err)
		}
		fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
		for _, field := range fields[11:13] { // of the user, of the system
			number, err := strconv.Atoi(field)
			if err != nil {
				s.t.Fatal(err)
			}
			ticks += number
		}
		return ticks
	}
	before := used()
	time.Sleep(long)
	return time.Duration(used()-before)*tick <= long/10
}
