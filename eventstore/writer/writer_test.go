package writer_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/eventstore/index"
	"cakupan/eventstore/memlog"
	"cakupan/eventstore/writer"
)

func TestResults(t *testing.T) {
	l := newLedger(t, newMemlog()).open()
	expect(t, "new", l.append(entry("a", 1), entry("b", 1)), "appended 1", "appended 2")
	expect(t, "again, and within a batch",
		l.append(entry("b", 1), entry("c", 1), entry("c", 1), entry("c", 2), entry("a", 9)),
		"duplicate 2", "appended 3", "duplicate 3",
		"refused event.conflict", "refused event.conflict")
	l.restart()
	expect(t, "after a restart", l.append(entry("c", 1), entry("c", 2), entry("d", 1)),
		"duplicate 3", "refused event.conflict", "appended 4")
	if none, err := l.writer.Append(t.Context(), nil, writer.AppendOptions{}); err != nil || none != nil {
		t.Errorf("nothing to append: %v, %v", none, err)
	}
	if head := l.writer.Head(); head.Sequence != 4 || head.RecordedAt != start {
		t.Errorf("head %+v", head)
	}
	check(t, l.log)
}

func TestRecordTimes(t *testing.T) {
	l := newLedger(t, newMemlog()).open()
	kept := func(id string, at temporal.Instant) writer.Entry {
		e := entry(id, 1)
		e.RecordedAt = at
		return e
	}
	const refused = "refused recorded.orderrecordedat"
	expect(t, "original times",
		l.append(kept("a", start-50), kept("b", start-10), kept("c", start-20), kept("d", start-10),
			kept("e", start+1), kept("f", start)),
		"appended 1", "appended 2", refused, "appended 3", refused, "appended 4")
	expect(t, "duplicate and conflict come first",
		l.append(kept("a", start+9), kept("a", 1), func() writer.Entry {
			e := entry("b", 2)
			e.RecordedAt = start + 99
			return e
		}()), "duplicate 1", "duplicate 1", "refused event.conflict")
	l.clock.set(start - 1000) // the clock goes back
	expect(t, "clock went back", l.append(entry("g", 1), kept("h", start)), "appended 5", refused)
	l.clock.set(start + 5)
	expect(t, "clock goes on", l.append(entry("i", 1), kept("j", start+5)), "appended 6", "appended 7")
	events, _ := check(t, l.log)
	for id, want := range map[string]temporal.Instant{
		"a": start - 50, "d": start - 10, "f": start, "g": start, "i": start + 5,
	} {
		if got := events[id].at; got != want {
			t.Errorf("event %s recorded at %v, want %v", id, got, want)
		}
	}
}

// Times so far apart that one frame cannot hold them both.
func TestRecordTimesCenturiesApart(t *testing.T) {
	l := newLedger(t, newMemlog()).open()
	old := entry("old", 1)
	old.RecordedAt = temporal.Instant(-9_000_000_000_000_000_000)
	expect(t, "1684 and 2020", l.append(old, entry("new", 1)), "appended 1", "appended 2")
	if _, frames := check(t, l.log); len(frames) != 2 {
		t.Errorf("frames %v", frames)
	}
}

func TestAtomicBatches(t *testing.T) {
	l := newLedger(t, newMemlog()).open()
	atomic := func(entries ...writer.Entry) []writer.Result {
		t.Helper()
		results, err := l.writer.Append(t.Context(), entries, writer.AppendOptions{Atomic: true})
		if err != nil {
			t.Fatal(err)
		}
		return results
	}
	l.append(entry("a", 1))
	late := entry("z", 1)
	late.RecordedAt = start + 1
	expect(t, "one refused",
		atomic(entry("b", 1), entry("b", 1), entry("a", 1), entry("a", 2), entry("c", 1), late),
		"-", "-", "duplicate 1", "refused event.conflict", "-", "refused recorded.orderrecordedat")
	expect(t, "none refused", atomic(entry("c", 1), entry("a", 1), entry("b", 1), entry("c", 1)),
		"appended 2", "duplicate 1", "appended 3", "duplicate 2")
	if _, frames := check(t, l.log); !slices.Equal(frames, []int{1, 2}) {
		t.Errorf("frames %v", frames)
	}
}

// TestAtomicBounds appends atomic batches of the largest number and size, and of one more: a batch
// is one frame, or nothing of it is appended.
func TestAtomicBounds(t *testing.T) {
	l := newLedger(t, newMemlog()).open()
	atomic := func(batch []writer.Entry) error {
		t.Helper()
		results, err := l.writer.Append(t.Context(), batch, writer.AppendOptions{Atomic: true})
		for i, r := range results {
			if (r.Status == event.Appended) != (err == nil) {
				t.Fatalf("entry %d of %d: %+v, %v", i, len(batch), r, err)
			}
		}
		return err
	}
	// sized returns n entries that take so many bytes as the writer counts them.
	sized := func(id string, n, bytes int) []writer.Entry {
		batch := entries(id, n)
		const perEntry = 16
		for i := range batch {
			size := bytes/n - perEntry
			if i == 0 {
				size += bytes % n
			}
			batch[i].Event = append(batch[i].Event, padding(size-len(batch[i].Event)-5)...)
			if len(batch[i].Event) != size {
				t.Fatalf("%d bytes, want %d", len(batch[i].Event), size)
			}
		}
		return batch
	}
	if err := atomic(entries("most", writer.AtomicEventsMax)); err != nil {
		t.Error(err)
	}
	var large *writer.BatchTooLargeError
	err := atomic(entries("more", writer.AtomicEventsMax+1))
	if !errors.As(err, &large) || large.Events != 1001 || !strings.Contains(err.Error(), "1000 events, this one has 1001") {
		t.Errorf("one event too many: %v", err)
	}
	for _, n := range []int{9, 500, writer.AtomicEventsMax} {
		if err := atomic(sized(fmt.Sprint("full", n), n, writer.AtomicBytesMax)); err != nil {
			t.Errorf("%d events, full: %v", n, err)
		}
		err := atomic(sized(fmt.Sprint("over", n), n, writer.AtomicBytesMax+1))
		if !errors.As(err, &large) || large.Bytes != writer.AtomicBytesMax+1 ||
			!strings.Contains(err.Error(), fmt.Sprint(large.Bytes)) {
			t.Errorf("%d events, one byte too many: %v", n, err)
		}
	}
	// The bytes that the writer adds to a retraction count.
	batch := sized("retractions", 9, writer.AtomicBytesMax)
	batch[8].Retracts = &event.Key{Source: "urn:test", ID: "most-1"}
	if err := atomic(batch); !errors.As(err, &large) {
		t.Errorf("a retraction: %v", err)
	}
	if _, frames := check(t, l.log); !slices.Equal(frames, []int{1000, 9, 500, 1000}) {
		t.Errorf("frames %v", frames)
	}
}

// TestAtomicApart has an atomic batch whose record times one frame cannot hold.
func TestAtomicApart(t *testing.T) {
	l := newLedger(t, newMemlog()).open()
	kept := func(id string, at temporal.Instant) writer.Entry {
		e := entry(id, 1)
		e.RecordedAt, e.Original = at, true
		return e
	}
	const year = temporal.Instant(365 * 24 * time.Hour)
	early := -250 * year
	batch := []writer.Entry{kept("a", early), kept("b", early), kept("c", 45*year), kept("d", 45*year)}
	results, err := l.writer.Append(t.Context(), batch, writer.AppendOptions{Atomic: true})
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "apart", results, "-", "-", "refused recorded.orderrecordedat", "-")
	expect(t, "not atomic", l.append(batch...), "appended 1", "appended 2", "appended 3", "appended 4")
	if _, frames := check(t, l.log); !slices.Equal(frames, []int{2, 2}) {
		t.Errorf("frames %v", frames)
	}
}

// An atomic batch is one frame, whatever else is queued.
func TestAtomicBatchesAndFrames(t *testing.T) {
	l := newLedger(t, newMemlog())
	gate := newGate(l.log.(*memlog.Log))
	l.open()
	var wait sync.WaitGroup
	send := func(entries []writer.Entry, want int, opts writer.AppendOptions) {
		queued := gate.passed.Load()
		wait.Go(func() {
			results, err := l.writer.Append(context.Background(), entries, opts)
			if err != nil {
				t.Error(err)
			}
			n := 0
			for _, r := range results {
				if r.Status == event.Appended {
					n++
				}
			}
			if n != want {
				t.Errorf("%d appended, want %d", n, want)
			}
		})
		gate.letArrive(queued)
	}
	all := writer.AppendOptions{Atomic: true}
	send(entries("first", 1), 1, writer.AppendOptions{}) // this one waits at the gate
	send(entries("a", 400), 400, writer.AppendOptions{})
	send(entries("b", 700), 700, all)
	send(entries("c", 1000), 1000, all)
	send(append(entries("d", 999), entry("a0", 2)), 0, all)
	large := entries("e", 8) // 800 kB: more than the usual frame, but it fits one
	for i := range large {
		large[i].Event = append(large[i].Event, padding(100_000)...)
	}
	send(large, 8, all)
	gate.open()
	wait.Wait()
	if _, frames := check(t, l.log); !slices.Equal(frames, []int{1, 400, 700, 1000, 8}) {
		t.Errorf("frames %v", frames)
	}
}

// padding is an unknown field of the event's encoding of the given size.
func padding(size int) []byte {
	field := []byte{0xfa, 0x7f} // field 2047, length-delimited
	field = append(field, byte(size)|0x80, byte(size>>7)|0x80, byte(size>>14))
	return append(field, bytes.Repeat([]byte{'x'}, size)...)
}

func TestFramesAreBounded(t *testing.T) {
	l := newLedger(t, newMemlog()).open()
	l.append(entries("small", 2345)...)
	large := entries("large", 20)
	for i := range large {
		large[i].Event = append(large[i].Event, padding(100_000)...)
	}
	l.append(large...)
	too := entry("too large", 1)
	too.Event = append(too.Event, padding(eventstore.EventBytesMax)...)
	expect(t, "one event", l.append(too), "refused event.too_large")
	_, frames := check(t, l.log)
	if !slices.Equal(frames, []int{1000, 1000, 345, 5, 5, 5, 5}) {
		t.Errorf("frames %v", frames)
	}
}

func TestRetractionsNameTheSequence(t *testing.T) {
	l := newLedger(t, newMemlog()).open()
	l.append(entry("a", 1))
	r := retraction("ra", "a")
	before := bytes.Clone(r.Event)
	r.Event = append(make([]byte, 0, 100), r.Event...) // room behind, which is the caller's
	spare := r.Event[len(r.Event):cap(r.Event)]
	expect(t, "retractions",
		l.append(r, entry("b", 1), retraction("rb", "b"), retraction("rc", "c"), entry("c", 1)),
		"appended 2", "appended 3", "appended 4", "appended 5", "appended 6")
	if !bytes.Equal(r.Event, before) || !bytes.Equal(spare, make([]byte, len(spare))) {
		t.Error("the caller's bytes were written")
	}
	events, _ := check(t, l.log)
	for id, want := range map[string]uint64{"a": 0, "ra": 1, "rb": 3, "rc": 0} {
		if got := events[id].retracts; got != want {
			t.Errorf("%s retracts %d, want %d", id, got, want)
		}
	}
	l.restart()
	expect(t, "again", l.append(retraction("ra", "a"), retraction("rc", "c")),
		"duplicate 2", "duplicate 5")
}

func TestCheckAppendsNothing(t *testing.T) {
	l := newLedger(t, newMemlog()).open()
	l.append(entry("a", 1))
	late := entry("l", 1)
	late.RecordedAt = start + 1
	for range 2 {
		results, err := l.writer.Check(t.Context(),
			[]writer.Entry{entry("a", 1), entry("a", 2), entry("b", 1), entry("b", 1), entry("b", 2), late})
		if err != nil {
			t.Fatal(err)
		}
		expect(t, "check", results, "duplicate 1", "refused event.conflict",
			"appended 0", "duplicate 0", "refused event.conflict", "refused recorded.orderrecordedat")
	}
	expect(t, "append", l.append(entry("b", 1)), "appended 2")
}

// linearized is what one call of Append was told, and when it ran.
type linearized struct {
	began, ended int64
	results      []writer.Result
	entries      []writer.Entry
}

// 64 publishers share frames, and what they are told is what one after the other would be told:
// the events of a call that ended before another began come before those of the other; each key
// is appended once, and whoever else sends it gets that receipt.
func TestPublishersAreLinearized(t *testing.T) {
	const publishers, calls = 64, 20
	log := newMemlog()
	log.SetHook(func(_ context.Context, store func() (eventstore.Tail, error)) (eventstore.Tail, error) {
		time.Sleep(300 * time.Microsecond) // what stable storage takes
		return store()
	})
	l := newLedger(t, log).open()
	var now atomic.Int64
	history := make([][]linearized, publishers)
	var wait sync.WaitGroup
	for p := range publishers {
		wait.Go(func() {
			for c := range calls {
				batch := []writer.Entry{
					entry(fmt.Sprintf("own %d %d", p, c), 1),
					entry(fmt.Sprintf("shared %d", c), 1),
					entry(fmt.Sprintf("disputed %d", c), int64(p%2)),
				}
				call := linearized{began: now.Add(1), entries: batch}
				var err error
				call.results, err = l.writer.Append(context.Background(), batch,
					writer.AppendOptions{Atomic: p%8 == 0})
				call.ended = now.Add(1)
				if err != nil {
					t.Error(err)
				}
				history[p] = append(history[p], call)
			}
		})
	}
	wait.Wait()
	events, frames := check(t, l.log)
	checkHistory(t, slices.Concat(history...), events)
	if len(frames) > publishers*calls/4 {
		t.Errorf("%d frames for %d calls: publishers do not share", len(frames), publishers*calls)
	}
}

func checkHistory(t *testing.T, history []linearized, events map[string]stored) {
	t.Helper()
	type span struct{ began, ended int64 }
	bySequence := map[eventstore.Sequence]span{}
	for _, call := range history {
		for i, r := range call.results {
			in := events[call.entries[i].Key.ID]
			switch {
			case r.Status == event.Appended:
				if _, twice := bySequence[r.Sequence]; twice || in.sequence != r.Sequence {
					t.Fatalf("%s: appended as %d, stored as %d", call.entries[i].Key.ID, r.Sequence, in.sequence)
				}
				bySequence[r.Sequence] = span{call.began, call.ended}
			case r.Status == event.Duplicate && in.sequence != r.Sequence:
				t.Fatalf("%s: duplicate of %d, stored as %d", call.entries[i].Key.ID, r.Sequence, in.sequence)
			}
		}
	}
	if len(bySequence) != len(events) {
		t.Fatalf("%d events are stored, %d were acknowledged", len(events), len(bySequence))
	}
	latest := int64(0) // when the latest beginning so far was
	for s := eventstore.Sequence(1); int(s) <= len(events); s++ {
		if bySequence[s].ended < latest {
			t.Fatalf("event %d was acknowledged before one with a lower sequence was sent", s)
		}
		latest = max(latest, bySequence[s].began)
	}
}

func TestCallersMayLeaveTheQueue(t *testing.T) {
	l := newLedger(t, newMemlog())
	gate := newGate(l.log.(*memlog.Log))
	l.open()
	var wait sync.WaitGroup
	wait.Go(func() { l.append(entry("first", 1)) })
	gate.letArrive(0)
	ctx, cancel := context.WithCancel(t.Context())
	wait.Go(func() {
		results, err := l.writer.Append(ctx, entries("gone", 10), writer.AppendOptions{})
		if !errors.Is(err, context.Canceled) || results[0].Status != "" {
			t.Errorf("%v, %v", outcomes(results), err)
		}
		gate.open()
	})
	cancel()
	wait.Wait()
	l.append(entry("last", 1))
	if events, _ := check(t, l.log); len(events) != 2 {
		t.Errorf("events %v", events)
	}
}

func TestCloseAppendsWhatIsQueued(t *testing.T) {
	l := newLedger(t, newMemlog())
	gate := newGate(l.log.(*memlog.Log))
	l.open()
	var wait sync.WaitGroup
	for p := range 5 {
		wait.Go(func() {
			_, err := l.writer.Append(context.Background(), entries(fmt.Sprint(p, "-"), 3),
				writer.AppendOptions{})
			if err != nil && !errors.Is(err, writer.ErrClosed) {
				t.Error(err)
			}
		})
	}
	gate.letArrive(0)
	gate.open()
	if err := l.writer.Close(); err != nil {
		t.Error(err)
	}
	wait.Wait()
	if _, err := l.writer.Append(t.Context(), entries("x", 1), writer.AppendOptions{}); !errors.Is(err, writer.ErrClosed) {
		t.Errorf("append after close: %v", err)
	}
	if _, err := l.writer.Check(t.Context(), entries("x", 1)); !errors.Is(err, writer.ErrClosed) {
		t.Errorf("check after close: %v", err)
	}
	check(t, l.log)
}

func TestOpenRefuses(t *testing.T) {
	log := newMemlog()
	l := newLedger(t, log).open()
	l.append(entries("a", 1500)...)
	l.append(entries("b", 10)...)
	reopen := func(log eventstore.Log, idx *index.Index) error {
		w, err := writer.Open(t.Context(), log, idx, l.opts)
		if err == nil {
			_ = w.Close()
		}
		return err
	}
	if err := reopen(log, l.index); err != nil {
		t.Errorf("the log itself: %v", err)
	}
	other := log.Clone(eventstore.NewIdentity(start))
	if err := reopen(other, l.index); !errors.As(err, new(*index.OtherLedgerError)) {
		t.Errorf("another ledger: %v", err)
	}
	shorter := log.Clone(log.Identity())
	shorter.Truncate(1)
	err := reopen(shorter, l.index)
	if !errors.As(err, new(*index.AheadError)) ||
		!strings.Contains(err.Error(), "1510") || !strings.Contains(err.Error(), "1000") {
		t.Errorf("an older log: %v", err)
	}
	forked := newLedger(t, shorter)
	forked.open().append(entries("c", 510)...)
	if err := reopen(shorter, l.index); !errors.As(err, new(*eventstore.DamageError)) {
		t.Errorf("a log with another end: %v", err)
	}
	forked.append(entries("d", 1)...)
	if err := reopen(shorter, l.index); !errors.As(err, new(*eventstore.DamageError)) {
		t.Errorf("a log that forked: %v", err)
	}
	log.Damage(2)
	idx, err := index.Open(t.TempDir(), log.Identity())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = idx.Close() }()
	var damage *eventstore.DamageError
	if err := reopen(log, idx); !errors.As(err, &damage) || damage.From != 1001 || damage.To != 1500 {
		t.Errorf("a hole: %v", err)
	}
	if _, err := writer.Open(t.Context(), log, idx, writer.Options{}); err == nil {
		t.Error("opened without a clock")
	}
}

// Who sends little is in the next frame, however much others have sent before; those come on in each
// frame all the same.
func TestSmallRequestsComeFirst(t *testing.T) {
	l := newLedger(t, newMemlog())
	gate := newGate(l.log.(*memlog.Log))
	l.open()
	var wait sync.WaitGroup
	firsts := map[string]eventstore.Sequence{}
	var mu sync.Mutex
	send := func(name string, n int) {
		queued := l.writer.Queued()
		wait.Go(func() {
			results, err := l.writer.Append(context.Background(), entries(name, n), writer.AppendOptions{})
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			firsts[name] = results[0].Sequence
		})
		for gate.passed.Load() == 0 || name != "first" && l.writer.Queued() == queued {
			time.Sleep(time.Millisecond)
		}
	}
	send("first", 1) // this one waits at the gate
	for _, name := range []string{"a", "b", "c"} {
		send(name, 1_000)
	}
	small := []string{"d", "e", "f", "g", "h", "i", "j", "k", "l", "m"}
	for _, name := range small {
		send(name, 64)
	}
	gate.open()
	wait.Wait()
	_, frames := check(t, l.log)
	if len(frames) != 5 || frames[1] != 1_000 {
		t.Fatalf("frames %v", frames)
	}
	for i, name := range small {
		if at, inNext := firsts[name], i < 8; (at <= 1_001) != inNext {
			t.Errorf("%s is at %d", name, at)
		}
	}
	if firsts["a"] > 1_001 {
		t.Errorf("the first of the large ones waits for all small ones: it is at %d", firsts["a"])
	}
}
