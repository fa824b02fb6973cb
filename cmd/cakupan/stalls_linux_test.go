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
// environment it is all that was found, and so many events and questions of others are timed, before
// and meanwhile. How long they take depends on the machine, and is only told (docs/performance.md):
// what must hold everywhere is that all of them are answered, and that who does too much is told.
type stallSizes struct {
	Probes  int // events, and questions, of others
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

func sizesOfStalls(t *testing.T) stallSizes {
	sizes := stallSizes{
		Probes: 20, People: 500, Bodies: 280, Streams: 14, Readers: 20, Lines: 30_000, Points: 2_000,
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
		Probes: probes, People: 100_000, Bodies: 1_100, Streams: 50, Readers: 999,
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
		Way: way, URL: s.url, NATS: s.nats, Secrets: s.secrets, Sizes: s.sizes,
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

// timed are how long events and questions took, sorted.
type timed struct{ events, questions []time.Duration }

// p99 returns the time in which all but one of a hundred were answered.
func p99(sorted []time.Duration) time.Duration { return sorted[len(sorted)*99/100] }

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
	slices.Sort(took.events)
	slices.Sort(took.questions)
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
			quiet := s.others()
			end := s.begin(w.name)
			defer end()
			s.await("what might stall others", func() bool { return w.underWay(s) })
			busy := s.others()
			end()
			s.mu.Lock()
			told := fmt.Sprint(s.told)
			s.mu.Unlock()
			ratio := func(busy, quiet []time.Duration) string {
				return fmt.Sprintf("%v instead of %v (%.1f)", p99(busy).Round(10*time.Microsecond),
					p99(quiet).Round(10*time.Microsecond), float64(p99(busy))/float64(p99(quiet)))
			}
			t.Logf("p99 of an event %s, of a question %s; answers %s",
				ratio(busy.events, quiet.events), ratio(busy.questions, quiet.questions), told)
			_ = s.process.Process.Kill()
			_ = s.process.Wait() // what it said is whole then
			if bytes.Contains(s.stderr.Bytes(), []byte("panic")) {
				t.Error("the program panicked")
			}
		})
	}
}
