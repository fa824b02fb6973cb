package ledger

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"cakupan/cmd/internal/intake"
	"cakupan/domain/event"
	"cakupan/eventstore"
	"cakupan/eventstore/codec"
	"cakupan/eventstore/writer"
)

// vectorsDir holds inputs with the answers that the contract demands.
const vectorsDir = "../../../projections/coverage/testdata/vectors"

// crashPoints returns the places in the program where a child kills itself.
func crashPoints() []string {
	return []string{
		writer.FaultBeforeSend, writer.FaultAfterSend,
		writer.FaultAfterAck, writer.FaultAfterIndex,
		vaultBeforePersist, vaultAfterPersist,
		projectionBeforeStore, projectionBeforeCommit, projectionAfterCommit,
	}
}

// TestCrash kills a process that imports a file and keeps the coverage, at a crash point or at
// any time, up to three times in a row, and then looks at what is left. CAKUPAN_LONG: 100 runs.
func TestCrash(t *testing.T) {
	if testing.Short() {
		t.Skip("long in one goroutine")
	}
	runs := 6
	if os.Getenv("CAKUPAN_LONG") != "" {
		runs = 100
	}
	var mu sync.Mutex
	deaths := map[string]int{}
	t.Run("runs", func(t *testing.T) { // returns when all of them are over
		for seed := range runs {
			t.Run(fmt.Sprintf("seed %d", seed+1), func(t *testing.T) {
				t.Parallel()
				r := newCrashRun(t, uint64(seed+1))
				for kills := 1 + r.random.IntN(3); kills > 0 && len(r.acked) < len(r.file.lines); kills-- {
					if where, killed := r.crash(); killed {
						mu.Lock()
						deaths[where]++
						mu.Unlock()
					}
				}
				r.check()
			})
		}
	})
	t.Logf("killed: %v", deaths)
	for _, point := range crashPoints() {
		if runs == 100 && deaths[point] == 0 {
			t.Errorf("nothing was killed at %s", point)
		}
	}
}

// crashRun is one folder whose processes are killed.
type crashRun struct {
	t      *testing.T
	seed   uint64
	random *rand.Rand
	dir    string
	file   crashFile
	serve  bool
	acked  map[int]uint64 // line => sequence
	point  int            // the next one of crashPoints
}

// crashFile is a file of events.
type crashFile struct {
	path    string
	lines   []crashLine
	ordered bool // one publisher, original record times
	counts  struct{ Appended, Duplicates, Refused int }
	vector  string // folder with queries and answers; "": none
}

// crashLine is what a line says of itself. Those of lines that are refused mean nothing.
type crashLine struct {
	text       []byte
	Source, ID string
	Data       struct{ NIK any }
}

func newCrashRun(t *testing.T, seed uint64) *crashRun {
	r := &crashRun{
		t: t, seed: seed, random: rand.New(rand.NewPCG(seed, 0)), dir: filepath.Join(t.TempDir(), "data"),
		acked: map[int]uint64{}, point: int(seed),
	}
	r.serve = r.random.IntN(4) == 0
	if r.random.IntN(3) == 0 {
		r.file = peopleFile(t, seed)
		return r
	}
	// The short ones are as good at being cut in two, and there are many runs.
	names := []string{
		"random-1", "random-1", "random-2", "random-3", "evidence", "random-4", "random-4", "random-5",
	}
	r.file = vectorFile(t, names[r.random.IntN(len(names))])
	return r
}

func vectorFile(t *testing.T, name string) crashFile {
	t.Helper()
	f := crashFile{
		path: filepath.Join(vectorsDir, name, "events.ndjson"), vector: filepath.Join(vectorsDir, name),
		ordered: true,
	}
	refused, err := os.ReadFile(filepath.Join(f.vector, "refused.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	_, summary, _ := strings.Cut(string(refused), "# ")
	if err := json.Unmarshal([]byte(summary), &f.counts); err != nil {
		t.Fatal(err)
	}
	f.read(t)
	return f
}

func peopleFile(t *testing.T, seed uint64) crashFile {
	t.Helper()
	const lines, persons = 1_000, 300
	f := crashFile{path: filepath.Join(t.TempDir(), "events.ndjson")}
	f.counts.Appended, f.counts.Duplicates = lines-lines/10, lines/10
	if err := os.WriteFile(f.path, people(seed, lines, persons), 0o600); err != nil {
		t.Fatal(err)
	}
	f.read(t)
	return f
}

func (f *crashFile) read(t *testing.T) {
	t.Helper()
	text, err := os.ReadFile(f.path)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range bytes.Split(bytes.TrimSuffix(text, []byte("\n")), []byte("\n")) {
		l := crashLine{text: line}
		_ = json.Unmarshal(line, &l)
		f.lines = append(f.lines, l)
	}
}

// crash starts a process that imports the file, and kills it unless it has ended before. It
// returns the crash point, "any time" if it was none.
func (r *crashRun) crash() (where string, killed bool) {
	r.t.Helper()
	orders := childOrders{
		Task: importTask, Dir: r.dir, File: r.file.path, Seed: r.random.Uint64(),
		Chunk: 1 + r.random.IntN(len(r.file.lines)/20), Publishers: 1,
		Keep: r.file.ordered, Serve: r.serve,
	}
	if !r.file.ordered {
		orders.Publishers = 4
	}
	delay, acks := time.Duration(-1), 0
	switch r.random.IntN(6) {
	case 0: // at any time
		delay = time.Duration(r.random.IntN(150)) * time.Millisecond
	case 1: // while the ledger is opened, and perhaps made
		delay, acks = time.Duration(r.random.IntN(15_000))*time.Microsecond, 1
	case 2: // shortly after some chunk
		delay, acks = time.Duration(r.random.IntN(20_000))*time.Microsecond, 2+r.random.IntN(10)
	default:
		points := crashPoints()
		if r.serve {
			points = points[:6] // the others are not in its code
		}
		orders.Point, orders.Hit = points[r.point%len(points)], 1+r.random.IntN(5)
		r.point++
	}
	before := len(r.acked)
	killed = r.run(orders, delay, acks)
	r.t.Logf("%s of %d lines in chunks of up to %d, %q hit %d, delay %v after %d answers: "+
		"killed %t, %d more lines acknowledged", filepath.Base(filepath.Dir(r.file.path)),
		len(r.file.lines), orders.Chunk, orders.Point, orders.Hit, delay, acks, killed,
		len(r.acked)-before)
	return cmp.Or(orders.Point, "any time"), killed
}

// run runs a child and takes note of what it says. A delay that is not negative starts after the
// given number of answers and ends with a SIGKILL.
func (r *crashRun) run(orders childOrders, delay time.Duration, acks int) (killed bool) {
	r.t.Helper()
	command, answers, output := startChild(r.t, orders)
	kill := func() { _ = command.Process.Kill() }
	if delay >= 0 && acks == 0 {
		defer time.AfterFunc(delay, kill).Stop()
	}
	lines := bufio.NewScanner(answers)
	lines.Buffer(nil, 1<<20)
	for seen := 1; lines.Scan(); seen++ {
		var ack acknowledged
		if json.Unmarshal(lines.Bytes(), &ack) != nil {
			break // it was killed in the middle of saying it
		}
		r.note(ack)
		if delay >= 0 && seen == acks {
			defer time.AfterFunc(delay, kill).Stop()
		}
	}
	err := command.Wait()
	status := command.ProcessState.Sys().(syscall.WaitStatus)
	killed = status.Signaled() && status.Signal() == syscall.SIGKILL
	if err != nil && !killed {
		r.t.Fatalf("child: %v\n%s", err, output)
	}
	return killed
}

// note keeps what was acknowledged. A line keeps its sequence for ever.
func (r *crashRun) note(ack acknowledged) {
	for i, seq := range ack.Sequences {
		line := ack.Line + i
		if was, found := r.acked[line]; found && was != seq {
			r.t.Errorf("line %d has the receipt %d, and had %d before", line, seq, was)
		}
		r.acked[line] = seq
	}
}

// startChild starts the test binary with orders, and returns where its answers come from and
// what it prints.
func startChild(t *testing.T, orders childOrders) (*exec.Cmd, *os.File, *bytes.Buffer) {
	t.Helper()
	text, err := json.Marshal(orders)
	if err != nil {
		t.Fatal(err)
	}
	answers, end, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = answers.Close() })
	output := new(bytes.Buffer)
	command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestChild$")
	command.Env = append(os.Environ(), childEnv+"="+string(text), "TMPDIR="+t.TempDir())
	command.Stdout, command.Stderr = output, output
	command.ExtraFiles = []*os.File{end}
	_, err = command.StdinPipe() // open until the child has ended
	if err == nil {
		err = command.Start()
	}
	_ = end.Close()
	if err != nil {
		t.Fatal(err)
	}
	return command, answers, output
}

// logged is an event as it stands in the log.
type logged struct {
	key    event.Key
	worker string
}

// check looks at what the killed processes have left, imports the file again, and compares.
func (r *crashRun) check() {
	r.t.Helper()
	l, err := Open(r.t.Context(), Options{Dir: r.dir, Create: true})
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() {
		if err := l.Close(); err != nil {
			r.t.Error(err)
		}
	}()
	before := r.checkLog(l)
	r.checkAcknowledged(before)
	r.checkReplay(l)
	r.importAgain(l, len(before))
	after := r.checkLog(l)
	if len(after) != r.file.counts.Appended {
		r.t.Errorf("the log has %d events in the end, want %d", len(after), r.file.counts.Appended)
	}
	if !slices.Equal(after[:len(before)], before) {
		r.t.Error("importing again has changed what was in the log")
	}
	r.checkPersons(after)
	r.checkReplay(l)
	if r.file.vector != "" {
		checkAnswers(r.t, l, r.file.vector)
	}
}

// checkLog reads the whole log: it is dense, sound, and has nothing twice.
func (r *crashRun) checkLog(l *Ledger) []logged {
	r.t.Helper()
	events := readLog(r.t, l)
	places := map[event.Key]int{}
	for i, e := range events {
		if first, twice := places[e.key]; twice {
			r.t.Errorf("events %d and %d are the same: %v", first+1, i+1, e.key)
		}
		places[e.key] = i
	}
	report, err := l.Verify(r.t.Context(), nil)
	if err != nil {
		r.t.Fatal(err)
	}
	if !report.OK || int(report.Events) != len(events) {
		r.t.Errorf("verify: %+v, want %d events without findings", report, len(events))
	}
	return events
}

// readLog returns the events of the log and checks their numbers.
func readLog(t *testing.T, l *Ledger) (events []logged) {
	t.Helper()
	var e event.Event
	for frame, err := range l.log.Read(t.Context(), 1) {
		if err != nil {
			t.Fatal(err)
		}
		for record := range frame.Records() {
			if _, err := codec.Decode(record.Event, &e); err != nil {
				t.Fatal(err)
			}
			if record.Sequence != eventstore.Sequence(len(events)+1) {
				t.Fatalf("event %d comes after event %d", record.Sequence, len(events))
			}
			events = append(events, logged{key: e.Key, worker: e.Data.Worker})
		}
	}
	return events
}

// checkAcknowledged checks that every receipt is kept.
func (r *crashRun) checkAcknowledged(events []logged) {
	r.t.Helper()
	for line, seq := range r.acked {
		sent := r.file.lines[line-1]
		switch {
		case seq == 0: // refused
		case int(seq) > len(events):
			r.t.Errorf("line %d was acknowledged as event %d: the log ends with %d",
				line, seq, len(events))
		case events[seq-1].key != event.Key{Source: sent.Source, ID: sent.ID}:
			r.t.Errorf("line %d was acknowledged as event %d, which is %v",
				line, seq, events[seq-1].key)
		}
	}
	if !r.file.ordered {
		return
	}
	// One publisher: what is there is the beginning of the file.
	next := 0
	for i, line := range r.file.lines {
		if next < len(events) && events[next].key == (event.Key{Source: line.Source, ID: line.ID}) {
			next++
		} else if r.acked[i+1] > uint64(next) {
			r.t.Errorf("line %d was acknowledged as event %d before its turn", i+1, r.acked[i+1])
		}
	}
	if next != len(events) {
		r.t.Errorf("event %d is not in the order of the file", next+1)
	}
}

// importAgain imports the file into a log that has some of it.
func (r *crashRun) importAgain(l *Ledger, has int) {
	r.t.Helper()
	counts := map[event.Status]int{}
	const chunk = 700
	for from := 0; from < len(r.file.lines); from += chunk {
		var lines [][]byte
		for _, line := range r.file.lines[from:min(from+chunk, len(r.file.lines))] {
			lines = append(lines, line.text)
		}
		receipts, err := l.Submit(r.t.Context(), lines,
			intake.Options{KeepRecorded: r.file.ordered})
		if err != nil {
			r.t.Fatal(err)
		}
		ack := acknowledged{Line: from + 1}
		for _, receipt := range receipts {
			counts[receipt.Status]++
			ack.Sequences = append(ack.Sequences, receipt.Sequence)
		}
		r.note(ack)
	}
	c := r.file.counts
	want := map[event.Status]int{
		event.Appended: c.Appended - has, event.Duplicate: c.Duplicates + has, event.Refused: c.Refused,
	}
	maps.DeleteFunc(want, func(_ event.Status, n int) bool { return n == 0 })
	if !maps.Equal(counts, want) {
		r.t.Errorf("the log had %d events; importing again: %v, want %v", has, counts, want)
	}
}

// checkPersons checks that each NIK has become one worker id, and no id is that of two.
func (r *crashRun) checkPersons(events []logged) {
	r.t.Helper()
	workers, persons := map[any]string{}, map[string]any{}
	for i, line := range r.file.lines {
		seq := r.acked[i+1]
		if line.Data.NIK == nil || seq == 0 {
			continue
		}
		worker := events[seq-1].worker
		if was, found := workers[line.Data.NIK]; found && was != worker {
			r.t.Errorf("line %d: a person has got a second worker id", i+1)
		}
		if was, found := persons[worker]; found && was != line.Data.NIK {
			r.t.Errorf("line %d: two persons have one worker id", i+1)
		}
		workers[line.Data.NIK], persons[worker] = worker, line.Data.NIK
	}
}

// checkReplay checks that the coverage, as the killed processes have left it and brought up to
// date, is what a replay from the first event gives.
func (r *crashRun) checkReplay(l *Ledger) {
	r.t.Helper()
	result, err := l.Replay(r.t.Context(), ReplayOptions{}, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	_, tail, err := l.log.Last(r.t.Context())
	if err != nil || result.Events != tail.Sequence || !result.Matches {
		r.t.Errorf("replay: %+v, %v; the log ends with event %d", result, err, tail.Sequence)
	}
}
