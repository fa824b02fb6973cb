package writer_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"cakupan/domain/event"
	"cakupan/eventstore"
	"cakupan/eventstore/memlog"
	"cakupan/eventstore/writer"
)

// gate holds frames back until it is opened.
type gate struct {
	passed atomic.Int64 // frames that have come to the gate
	opened chan struct{}
}

func newGate(log *memlog.Log) *gate {
	g := &gate{opened: make(chan struct{})}
	log.SetHook(func(_ context.Context, store func() (eventstore.Tail, error)) (eventstore.Tail, error) {
		g.passed.Add(1)
		<-g.opened
		return store()
	})
	return g
}

func (g *gate) open() { close(g.opened) }

// letArrive gives what was started the time to come to the gate, or into the queue behind it.
func (g *gate) letArrive(before int64) {
	for range 100 {
		if before == 0 && g.passed.Load() > 0 {
			return
		}
		time.Sleep(200 * time.Microsecond)
	}
}

// What can happen to one append on its way.
const (
	arrives     = 0
	isFull      = 1 // refused, nothing stored
	fails       = 2 // some other error, nothing stored
	answerLost  = 3 // stored, and nobody is told
	frameLost   = 4 // not stored, and nobody is told
	frameIsLate = 5 // stored later, after the writer was told that nobody knows
	fates       = 6
)

var errOther = errors.New("some other error")

// fate makes the next appends go as told, and later ones arrive.
func fate(log *memlog.Log, next ...int) {
	log.SetHook(func(_ context.Context, store func() (eventstore.Tail, error)) (eventstore.Tail, error) {
		if len(next) == 0 {
			return store()
		}
		now := next[0]
		next = next[1:]
		var none eventstore.Tail
		switch now {
		case isFull:
			return none, fmt.Errorf("store: %w", eventstore.ErrFull)
		case fails:
			return none, errOther
		case answerLost:
			_, err := store()
			return none, errors.Join(eventstore.ErrUnknownOutcome, err)
		case frameLost:
			return none, eventstore.ErrUnknownOutcome
		case frameIsLate:
			go func() { // whether it arrives before the next attempt is left to chance
				runtime.Gosched()
				_, _ = store()
			}()
			return none, eventstore.ErrUnknownOutcome
		}
		return store()
	})
}

func TestLostAnswersAreFoundOut(t *testing.T) {
	for _, fates := range [][]int{
		{answerLost},
		{frameLost},
		{frameIsLate},
		{frameLost, answerLost},
		{frameLost, isFull, arrives},
		{frameIsLate, frameIsLate, answerLost},
		{frameLost, fails},
	} {
		t.Run(fmt.Sprint(fates), func(t *testing.T) {
			log := newMemlog()
			l := newLedger(t, log).open()
			fate(log, fates...)
			expect(t, "append", l.append(entry("a", 1), entry("b", 1)), "appended 1", "appended 2")
			expect(t, "retry", l.append(entry("b", 1), entry("c", 1)), "duplicate 2", "appended 3")
			check(t, log)
		})
	}
}

func TestFailuresAppendNothing(t *testing.T) {
	for what, want := range map[int]error{isFull: eventstore.ErrFull, fails: errOther} {
		log := newMemlog()
		l := newLedger(t, log).open()
		l.append(entry("a", 1))
		fate(log, what, what)
		for range 2 {
			results, err := l.writer.Append(t.Context(),
				[]writer.Entry{entry("a", 1), entry("b", 1), entry("b", 1), entry("a", 2)},
				writer.AppendOptions{})
			if !errors.Is(err, want) || errors.Is(err, eventstore.ErrUnknownOutcome) {
				t.Errorf("error %v", err)
			}
			expect(t, "failed", results, "duplicate 1", "-", "-", "refused event.conflict")
		}
		expect(t, "recovered", l.append(entry("b", 1), entry("a", 1)), "appended 2", "duplicate 1")
		check(t, log)
	}
}

// The log fails between two frames of a batch: what is stored stays, the rest is completed by
// sending the batch again.
func TestFailureWithinALargeBatch(t *testing.T) {
	log := newMemlog()
	l := newLedger(t, log).open()
	fate(log, arrives, isFull)
	batch, opts := entries("a", 2500), writer.AppendOptions{}
	results, err := l.writer.Append(t.Context(), batch, opts)
	if !errors.Is(err, eventstore.ErrFull) || results[999].Sequence != 1000 || results[1000].Status != "" {
		t.Errorf("%v, %v, %v", results[999], results[1000], err)
	}
	results, err = l.writer.Append(t.Context(), batch, opts)
	if err != nil || outcome(results[0]) != "duplicate 1" || outcome(results[2499]) != "appended 2500" {
		t.Errorf("%v, %v, %v", results[0], results[2499], err)
	}
	check(t, log)
}

// The log fails under an atomic batch, at its first frame or at any later one there would be:
// nothing of it is there, or all.
func TestFailureOfAnAtomicBatch(t *testing.T) {
	for _, fates := range [][]int{{isFull}, {fails}, {arrives, isFull}, {arrives, fails}} {
		log := newMemlog()
		l := newLedger(t, log).open()
		fate(log, fates...)
		batch, opts := entries("a", writer.AtomicEventsMax), writer.AppendOptions{Atomic: true}
		_, err := l.writer.Append(t.Context(), batch, opts)
		events, _ := check(t, log)
		if (err == nil) != (fates[0] == arrives) || err == nil && len(events) != len(batch) || err != nil && len(events) != 0 {
			t.Errorf("%v: %d events in the log, %v", fates, len(events), err)
		}
	}
}

// The log does not tell within the writer's patience. Nobody is told success, and before anything
// else is appended the writer finds out.
func TestOutcomeStaysUnknown(t *testing.T) {
	for _, arrived := range []bool{true, false} {
		t.Run(fmt.Sprintf("stored=%v", arrived), func(t *testing.T) {
			log := &deafLog{Log: newMemlog()}
			l := newLedger(t, log).open()
			l.append(entry("a", 1))
			log.deaf.Store(true)
			log.stores.Store(arrived)
			results, err := l.writer.Append(t.Context(), []writer.Entry{entry("b", 1), entry("a", 1)},
				writer.AppendOptions{})
			if !errors.Is(err, eventstore.ErrUnknownOutcome) {
				t.Errorf("error %v", err)
			}
			expect(t, "unknown", results, "-", "duplicate 1")
			if _, err := l.writer.Append(t.Context(), entries("c", 1), writer.AppendOptions{}); !errors.Is(err, errDeaf) {
				t.Errorf("while it does not answer: %v", err)
			}
			if err := l.writer.FindOut(t.Context()); !errors.Is(err, errDeaf) {
				t.Errorf("what became of it is known: %v", err)
			}
			if l.writer.Err() != nil {
				t.Fatalf("the writer has ended: %v", l.writer.Err())
			}
			log.deaf.Store(false)
			want, size := "appended 2", eventstore.Sequence(1)
			if arrived {
				want, size = "duplicate 2", 2
			}
			if err := l.writer.FindOut(t.Context()); err != nil || l.writer.Head().Sequence != size {
				t.Errorf("settled: the log ends with %d, %v", l.writer.Head().Sequence, err)
			}
			expect(t, "found out", l.append(entry("b", 1), entry("c", 1)), want, "appended 3")
			check(t, log)
			l.restart()
			expect(t, "restarted", l.append(entry("b", 1)), "duplicate 2")
		})
	}
}

var errDeaf = errors.New("no connection")

// deafLog is a log that can lose its connection.
type deafLog struct {
	*memlog.Log
	deaf, stores atomic.Bool
}

func (l *deafLog) Last(ctx context.Context) (eventstore.Frame, eventstore.Tail, error) {
	if l.deaf.Load() {
		return eventstore.Frame{}, eventstore.Tail{}, errDeaf
	}
	return l.Log.Last(ctx)
}

func (l *deafLog) Append(ctx context.Context, frame []byte, after eventstore.Tail) (eventstore.Tail, error) {
	if !l.deaf.Load() {
		return l.Log.Append(ctx, frame, after)
	}
	if l.stores.Load() {
		_, _ = l.Log.Append(ctx, frame, after)
	}
	return eventstore.Tail{}, errors.Join(eventstore.ErrUnknownOutcome, errDeaf)
}

// staleLog is a log of which a server answers for a while that is behind.
type staleLog struct {
	*memlog.Log
	times atomic.Int64 // that it is still to answer so
}

func (l *staleLog) Last(ctx context.Context) (eventstore.Frame, eventstore.Tail, error) {
	if l.times.Add(-1) >= 0 {
		return eventstore.Frame{}, eventstore.Tail{}, nil
	}
	return l.Log.Last(ctx)
}

// A server that is behind says that the log ends before what it has acknowledged. The writer does
// not take that for another writer, unless it stays so: then the log has lost its end.
func TestStaleAnswers(t *testing.T) {
	for times, lost := range map[int64]bool{1: false, 5: false, 1 << 40: true} {
		t.Run(fmt.Sprint(times), func(t *testing.T) {
			t.Parallel()
			log := &staleLog{Log: newMemlog()}
			l := newLedger(t, log).open()
			l.append(entry("a", 1))
			fate(log.Log, answerLost)
			log.times.Store(times)
			if !lost {
				expect(t, "append", l.append(entry("b", 1)), "appended 2")
				check(t, log)
				return
			}
			for l.writer.Err() == nil { // it may say for a while that nobody knows
				_, err := l.writer.Append(t.Context(), entries("b", 1), writer.AppendOptions{})
				if err == nil {
					t.Fatal("a log that has lost its end is appended to")
				}
			}
			if err := l.writer.Err(); !errors.Is(err, writer.ErrOtherWriter) {
				t.Errorf("of a log that has lost its end the writer says %v", err)
			}
		})
	}
}

func TestOfTwoWritersOneIsRefused(t *testing.T) {
	log := newMemlog()
	one, two := newLedger(t, log).open(), newLedger(t, log).open()
	one.append(entry("a", 1))
	results, err := two.writer.Append(t.Context(), []writer.Entry{entry("a", 1), entry("b", 1)},
		writer.AppendOptions{})
	if !errors.Is(err, writer.ErrOtherWriter) || !errors.Is(err, eventstore.ErrFenced) {
		t.Fatalf("%v, %v", outcomes(results), err)
	}
	expect(t, "fenced", results, "-", "-")
	<-two.writer.Done()
	for range 2 { // it stays refused
		_, err := two.writer.Append(t.Context(), entries("c", 1), writer.AppendOptions{})
		if !errors.Is(err, writer.ErrOtherWriter) || !errors.Is(two.writer.Close(), writer.ErrOtherWriter) {
			t.Errorf("again: %v", err)
		}
	}
	expect(t, "the other goes on", one.append(entry("b", 1)), "appended 2")
	two.restart()
	expect(t, "taking over", two.append(entry("a", 1), entry("d", 1)), "duplicate 1", "appended 3")
	check(t, log)
}

// The writer dies at each point of a frame's life, once and again. What was acknowledged is there,
// nothing is there twice, and sending again completes.
func TestDeathAtEveryPoint(t *testing.T) {
	for _, point := range []string{
		writer.FaultBeforeSend, writer.FaultAfterSend, writer.FaultAfterAck, writer.FaultAfterIndex,
	} {
		t.Run(point, func(t *testing.T) {
			log := newMemlog()
			l := newLedger(t, log).open()
			l.append(entry("before", 1))
			var deadly atomic.Bool
			l.opts.Fault = func(at string) {
				if deadly.Load() && at == point {
					runtime.Goexit()
				}
			}
			l.restart()
			deadly.Store(true)
			results, err := l.writer.Append(t.Context(), entries("a", 1200), writer.AppendOptions{})
			if err == nil {
				t.Fatalf("acknowledged: %v", outcomes(results[:3]))
			}
			deadly.Store(false)
			events, _ := check(t, log)
			stored := len(events) - 1
			if want := map[bool]int{true: 0, false: 1000}[point == writer.FaultBeforeSend]; stored != want {
				t.Errorf("%d events are stored, want %d", stored, want)
			}
			l.restart()
			results = l.append(entries("a", 1200)...)
			for i, r := range results {
				want := event.Appended
				if i < stored {
					want = event.Duplicate
				}
				if r.Status != want || int(r.Sequence) != i+2 {
					t.Fatalf("event %d: %s", i, outcome(r))
				}
			}
			if events, _ := check(t, log); len(events) != 1201 {
				t.Errorf("%d events", len(events))
			}
		})
	}
}

// The writer against a model: random batches, duplicates, conflicts, original times, lost answers,
// failures, crashes. The model is the set of what was acknowledged; the log is checked whole.
func TestModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		log := newMemlog()
		l := newLedger(t, log).open()
		m := model{t: rt, known: map[string]stored{}}
		rt.Repeat(map[string]func(*rapid.T){
			"append": func(rt *rapid.T) {
				l.clock.tick()
				fate(log, rapid.SliceOfN(rapid.IntRange(0, fates-1), 0, 3).Draw(rt, "fates")...)
				batch := drawBatch(rt, l)
				opts := writer.AppendOptions{Atomic: rapid.Bool().Draw(rt, "atomic")}
				results, err := l.writer.Append(t.Context(), batch, opts)
				m.verify(batch, results, err, opts)
			},
			"clock": func(rt *rapid.T) {
				l.clock.now.Add(rapid.Int64Range(-5000, 5000).Draw(rt, "by"))
			},
			"restart": func(*rapid.T) { l.restart() },
			"": func(*rapid.T) {
				events, _ := check(t, log)
				m.compare(events)
			},
		})
	})
}

func drawBatch(rt *rapid.T, l *ledger) []writer.Entry {
	var batch []writer.Entry
	for range rapid.IntRange(1, 6).Draw(rt, "events") {
		id := fmt.Sprint("e", rapid.IntRange(0, 30).Draw(rt, "id"))
		e := entry(id, int64(rapid.IntRange(1, 2).Draw(rt, "version")))
		if rapid.IntRange(0, 3).Draw(rt, "kept") == 0 {
			e.RecordedAt = l.clock.read() - 500
			e.RecordedAt += 250 * 4 * (e.RecordedAt % 2)
		}
		batch = append(batch, e)
	}
	return batch
}

// model knows what must be in the log.
type model struct {
	t     *rapid.T
	known map[string]stored
	maybe []writer.Entry // sent, with an unknown outcome
}

// verify checks the results of a batch against what is known, and learns from them.
func (m *model) verify(batch []writer.Entry, results []writer.Result, err error, opts writer.AppendOptions) {
	refused := 0
	appended := 0
	for i, r := range results {
		id := batch[i].Key.ID
		first, ok := m.known[id]
		switch r.Status {
		case event.Appended:
			if ok {
				m.t.Fatalf("%s was appended as %d and again as %d", id, first.sequence, r.Sequence)
			}
			appended++
			m.known[id] = stored{sequence: r.Sequence, version: versionOf(batch[i])}
		case event.Duplicate:
			if ok && (first.sequence != r.Sequence || first.version != versionOf(batch[i])) {
				m.t.Fatalf("%s is %v, called a duplicate of %d", id, first, r.Sequence)
			}
			m.known[id] = stored{sequence: r.Sequence, version: versionOf(batch[i])}
		case event.Refused:
			refused++
		default:
			if err == nil && (!opts.Atomic || ok && first.version == versionOf(batch[i])) {
				m.t.Fatalf("%s has no result", id)
			}
			if errors.Is(err, eventstore.ErrUnknownOutcome) {
				m.maybe = append(m.maybe, batch[i])
			}
		}
	}
	if opts.Atomic && refused > 0 && appended > 0 {
		m.t.Fatalf("atomic: %s", outcomes(results))
	}
}

// compare checks that the log holds what is known, and nothing that was not sent.
func (m *model) compare(events map[string]stored) {
	for id, want := range m.known {
		if got := events[id]; got.sequence != want.sequence || got.version != want.version {
			m.t.Fatalf("%s is %v in the log, was acknowledged as %v", id, got, want)
		}
	}
	for _, e := range m.maybe {
		if got, ok := events[e.Key.ID]; ok && got.version == versionOf(e) {
			m.known[e.Key.ID] = stored{sequence: got.sequence, version: got.version}
		}
	}
	m.maybe = nil
	if len(events) != len(m.known) {
		m.t.Fatalf("the log holds %d events, %d are known: %v, %v", len(events), len(m.known), events, m.known)
	}
}

// The index cannot write its files, as on a full disk, and its memory is used up: events are
// refused before they are in the log, and the writer goes on when there is room again.
func TestIndexWithoutRoom(t *testing.T) {
	l := newLedger(t, newMemlog()).open()
	obstacle := filepath.Join(l.dir, "0000000001-0000131000.run.tmp")
	if err := os.Mkdir(obstacle, 0o700); err != nil {
		t.Fatal(err)
	}
	const both = 262 // batches of 1,000 that fill both tables of the index
	for n := range both {
		l.append(entries(fmt.Sprint(n, "-"), 1000)...)
	}
	more := entries("more", 1000)
	for range 2 {
		results, err := l.writer.Append(t.Context(), more, writer.AppendOptions{})
		if err == nil || results[0].Status != "" || l.writer.Err() != nil {
			t.Fatalf("%v, %v, %v", outcomes(results[:1]), err, l.writer.Err())
		}
	}
	if err := os.Remove(obstacle); err != nil {
		t.Fatal(err)
	}
	expect(t, "with room again", l.append(more...)[:1], fmt.Sprint("appended ", both*1000+1))
	expect(t, "nothing forgotten", l.append(entry("0-0", 1), entry("261-999", 1), entry("130-999", 2)),
		"duplicate 1", "duplicate 262000", "refused event.conflict")
	l.restart()
	expect(t, "nor after a restart", l.append(entry("0-0", 1), entry("261-999", 1)),
		"duplicate 1", "duplicate 262000")
}
