package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// dearMemory is what a ledger may take to fold what is dear.
const dearMemory = 512 << 20

// dearCase is a history that would stall a ledger if an event cost more than it changes.
type dearCase struct {
	name   string
	before func(*dearFile) // what the dear events stand on
	events func(*dearFile)
}

// dearSizes are the sizes of the dear histories.
type dearSizes struct{ enrolments, facts, grants, restatements, closings int }

func dearCases(n dearSizes) []dearCase {
	return []dearCase{
		{"enrolments of one worker", func(*dearFile) {}, func(f *dearFile) {
			for i := range n.enrolments {
				f.open(fmt.Sprintf("n%d", i), "same", "EMPLOYER", i*7919%3650)
			}
		}},
		{
			"facts of one enrolment", func(f *dearFile) { f.open("hot", "w", "EMPLOYER", 0) },
			func(f *dearFile) {
				for i := range n.facts {
					f.add("enrolment.amended", `{"enrolment":"hot","from":"%s","region":"%s"}`,
						f.day(i%3650), f.region(i))
				}
			},
		},
		{
			"restatements of one commitment", func(f *dearFile) { f.granted(n.grants) },
			func(f *dearFile) {
				for i := range n.restatements {
					f.add("funding.committed", `{"commitment":"c","funder":"75.03",`+
						`"funding":"%s","fiscalYear":2026,"heads":1,"months":12,"tariff":16800,"ceiling":201600,"from":"2026-01","until":"2027-01","basis":"budget"}`, [...]string{"APBD", "POKIR"}[i%2])
				}
			},
		},
		{"closings taken back", func(f *dearFile) { f.granted(n.grants) }, func(f *dearFile) {
			for i := range n.closings {
				closing := f.add("funding.closed",
					`{"commitment":"c","from":"2026-%02d","reason":"spent"}`, 12-i%12)
				f.add("event.retracted", `{"source":"urn:dear","id":"%s","reason":"error"}`, closing)
			}
		}},
	}
}

// dearFile is a history in the making, an event a line.
type dearFile struct {
	text   bytes.Buffer
	events int
	random *rand.Rand
}

// add adds an event and returns its id.
func (f *dearFile) add(kind, data string, args ...any) string {
	f.events++
	id := fmt.Sprint(f.events)
	fmt.Fprintf(&f.text, `{"specversion":"1.0","id":"%s","source":"urn:dear",`+
		`"type":"id.cakupan.%s.v1","data":`, id, kind)
	fmt.Fprintf(&f.text, data+"}\n", args...)
	return id
}

func (f *dearFile) open(enrolment, worker, payer string, day int) {
	f.add("enrolment.opened", `{"enrolment":"%s","worker":"%s","region":"%s","segment":"PU",`+
		`"category":"PRIVATE","programmes":["JKK","JKM"],"payer":"%s","from":"%s"}`,
		enrolment, worker, f.region(f.random.IntN(6)), payer, f.day(day))
}

// granted opens enrolments on the budget, and grants each of them a year of one commitment.
func (f *dearFile) granted(n int) {
	for i := range n {
		f.open(fmt.Sprintf("e%d", i), fmt.Sprintf("w%d", i), "APBD", 0)
		f.add("funding.granted", `{"enrolment":"e%d","commitment":"c","from":"2026-01",`+
			`"until":"2027-01"}`, i)
	}
}

func (*dearFile) day(n int) string {
	return time.Date(2015, 1, 1+n, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
}

func (*dearFile) region(n int) string {
	return [...]string{"75.01", "75.02", "75.03", "75.04", "75.05", "75.71"}[n%6]
}

// take returns what was added since the last time.
func (f *dearFile) take() []byte {
	text := bytes.Clone(f.text.Bytes())
	f.text.Reset()
	return text
}

// TestDear sends dear events to the program, in one request, with little memory; kills it twice
// while it folds them; and finds the answers of a replay.
func TestDear(t *testing.T) {
	if testing.Short() {
		t.Skip("long in one goroutine")
	}
	sizes := dearSizes{
		enrolments: 3_000, facts: 4_000, grants: 4_000, restatements: 300, closings: 20,
	}
	if os.Getenv("CAKUPAN_LONG") == "" {
		testDear(t, sizes)
		return
	}
	sizes = dearSizes{
		enrolments: 4_000, facts: 8_000, grants: 8_000, restatements: 1_200, closings: 20,
	}
	t.Run("many", func(t *testing.T) { testDear(t, sizes) })
	t.Run("large", func(t *testing.T) {
		testDear(t, dearSizes{
			enrolments: 20_000, facts: 20_000, grants: 500_000, restatements: 40, closings: 20,
		})
	})
}

func testDear(t *testing.T, sizes dearSizes) {
	for _, c := range dearCases(sizes) {
		t.Run(c.name, func(t *testing.T) {
			s := &dearServer{t: t, dir: filepath.Join(t.TempDir(), "data")}
			f := &dearFile{random: rand.New(rand.NewPCG(1, 2))}
			c.before(f)
			s.start()
			s.post(f.take())
			standing := f.events
			s.wait(standing)
			c.events(f)
			s.post(f.take())
			s.wait(standing + 1)
			s.ask() // it is at work
			s.kill()
			s.start()
			s.wait((standing + f.events) / 2)
			s.kill()
			s.start()
			s.wait(f.events)
			s.waitFor("findings", f.events)
			s.ask()
			s.stop()
			s.checkReplay(f.events)
		})
	}
}

// dearServer is the program, serving a folder with little memory.
type dearServer struct {
	t       *testing.T
	dir     string
	url     string
	process *exec.Cmd
	stderr  bytes.Buffer
}

// start starts it, and returns once it answers.
func (s *dearServer) start() {
	s.t.Helper()
	address, err := freeAddress()
	if err != nil {
		s.t.Fatal(err)
	}
	s.url = "http://" + address
	s.process = s.bounded("serve", "--data", s.dir, "--listen", address)
	s.process.Stderr = &s.stderr
	began := time.Now()
	s.run(s.process)
	s.t.Cleanup(func() {
		_ = s.process.Process.Kill()
		if s.t.Failed() {
			s.t.Logf("the program said: %.2000s", &s.stderr)
		}
	})
	for {
		if healthOf(s.url) != "" {
			s.t.Logf("answers after %v", time.Since(began).Round(time.Millisecond))
			return
		}
		if s.process.ProcessState != nil || time.Since(began) > time.Minute {
			s.t.Fatalf("the server does not answer: %s", &s.stderr)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// bounded returns a command of the program that knows how much memory it has.
func (s *dearServer) bounded(args ...string) *exec.Cmd {
	command := program(args...)
	command.Env = append(os.Environ(), fmt.Sprintf("GOMEMLIMIT=%d", dearMemory*3/4))
	return command
}

// run starts a command that ends if it takes half as much again: all memory of its own counts,
// mapped files do not. The half is for what the collector has not come to on a busy machine. The
// race detector takes many times as much for itself: under it nothing ends.
func (s *dearServer) run(command *exec.Cmd) {
	s.t.Helper()
	if err := command.Start(); err != nil {
		s.t.Fatal(err)
	}
	if underRace {
		return
	}
	bound := unix.Rlimit{Cur: dearMemory * 3 / 2, Max: dearMemory * 3 / 2}
	if err := unix.Prlimit(command.Process.Pid, unix.RLIMIT_DATA, &bound, nil); err != nil {
		s.t.Fatal(err)
	}
}

// post sends events in requests of some thousands, and waits as long as it is told to.
func (s *dearServer) post(events []byte) {
	s.t.Helper()
	for some := range slices.Chunk(bytes.SplitAfter(events, []byte{'\n'}), 5_000) {
		for body := bytes.Join(some, nil); len(body) > 0; {
			status, answer, retry := s.send(body)
			if status == http.StatusOK && !bytes.Contains(answer, []byte(`"refused"`)) {
				break
			}
			if status != http.StatusTooManyRequests || retry <= 0 {
				s.t.Fatalf("sent: %d %.500s %s", status, answer, &s.stderr)
			}
			s.t.Logf("is told to wait %v", retry)
			time.Sleep(retry)
		}
	}
}

// send sends a request, and returns its answer and when to send it again.
func (s *dearServer) send(body []byte) (status int, answer []byte, retry time.Duration) {
	s.t.Helper()
	response, err := http.Post(s.url+"/v1/events", "application/x-ndjson", bytes.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if answer, err = io.ReadAll(response.Body); err != nil {
		s.t.Fatal(err)
	}
	seconds, _ := strconv.Atoi(response.Header.Get("Retry-After"))
	return response.StatusCode, answer, time.Duration(seconds) * time.Second
}

// applied returns the last event that the coverage shows: asked of a server that is at work.
func (s *dearServer) applied() int {
	s.t.Helper()
	return s.appliedBy("coverage")
}

// appliedBy does so for any projection.
func (s *dearServer) appliedBy(projection string) int {
	s.t.Helper()
	_, body := e2eDo(s.t, http.MethodGet, s.url+"/healthz", "", nil)
	var health struct {
		Status      string
		Projections map[string]struct{ Sequence int }
	}
	if err := json.Unmarshal(body, &health); err != nil || health.Status != "ok" {
		s.t.Fatalf("health: %s %v %s", body, err, &s.stderr)
	}
	return health.Projections[projection].Sequence
}

// wait waits until the coverage shows an event.
func (s *dearServer) wait(seq int) {
	s.t.Helper()
	s.waitFor("coverage", seq)
}

// waitFor waits until a projection shows an event.
func (s *dearServer) waitFor(projection string, seq int) {
	s.t.Helper()
	began := time.Now()
	for s.appliedBy(projection) < seq {
		time.Sleep(5 * time.Millisecond)
	}
	s.t.Logf("%s: event %d is shown after %v", projection, seq,
		time.Since(began).Round(time.Millisecond))
}

// ask asks a question, which is answered whatever waits to be folded.
func (s *dearServer) ask() {
	s.t.Helper()
	status, body := e2eDo(s.t, http.MethodGet,
		s.url+"/v1/coverage?region=75.03&on=2026-06-15", "", nil)
	if status != http.StatusOK {
		s.t.Fatalf("asked: %d %s %s", status, body, &s.stderr)
	}
}

// kill ends it as a crash does.
func (s *dearServer) kill() {
	s.t.Helper()
	s.t.Logf("killed at event %d", s.applied())
	if err := s.process.Process.Kill(); err != nil {
		s.t.Fatal(err)
	}
	_ = s.process.Wait()
}

func (s *dearServer) stop() {
	s.t.Helper()
	if err := s.process.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Fatal(err)
	}
	if err := s.process.Wait(); err != nil {
		s.t.Fatalf("%v: %s", err, &s.stderr)
	}
	if usage, ok := s.process.ProcessState.SysUsage().(*syscall.Rusage); ok {
		s.t.Logf("took %v processor time, at most %d MiB with mapped files",
			s.process.ProcessState.UserTime(), usage.Maxrss>>10)
	}
}

// checkReplay replays the log with as little memory, and compares the digest.
func (s *dearServer) checkReplay(events int) {
	s.t.Helper()
	replay := s.bounded("replay", "--data", s.dir, "--json")
	var stdout bytes.Buffer
	replay.Stdout, replay.Stderr = &stdout, &s.stderr
	s.run(replay)
	if err := replay.Wait(); err != nil {
		s.t.Fatalf("replay: %v: %s %s", err, &stdout, &s.stderr)
	}
	var result struct {
		Events  int
		Matches bool
	}
	if err := json.Unmarshal(stdout.Bytes(), &result); err != nil {
		s.t.Fatal(err)
	}
	if result.Events != events || !result.Matches {
		s.t.Errorf("replay: %s", &stdout)
	}
}
