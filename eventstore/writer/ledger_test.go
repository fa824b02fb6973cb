package writer_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/eventstore/codec"
	"cakupan/eventstore/index"
	"cakupan/eventstore/memlog"
	"cakupan/eventstore/merkle"
	"cakupan/eventstore/writer"
)

const start temporal.Instant = 1_577_836_800_000_000_000 // 2020-01-01

// ledger is a log with its writer and index, which can be killed and started again.
type ledger struct {
	t      testing.TB
	log    eventstore.Log
	dir    string
	index  *index.Index
	writer *writer.Writer
	opts   writer.Options
	clock  *clock
}

// clock is a clock that the test sets. It is read from several goroutines.
type clock struct{ now atomic.Int64 }

func (c *clock) read() temporal.Instant   { return temporal.Instant(c.now.Load()) }
func (c *clock) set(now temporal.Instant) { c.now.Store(int64(now)) }
func (c *clock) tick() temporal.Instant   { return temporal.Instant(c.now.Add(1000)) }

func newMemlog() *memlog.Log {
	return memlog.New(eventstore.Identity{Ledger: strings.Repeat("ab", 16), Created: start})
}

func newLedger(t testing.TB, log eventstore.Log) *ledger {
	t.Helper()
	l := &ledger{t: t, log: log, dir: t.TempDir(), clock: new(clock)}
	l.clock.set(start)
	l.opts = writer.Options{Now: l.clock.read, Patience: 200 * time.Millisecond}
	return l
}

// open starts index and writer.
func (l *ledger) open() *ledger {
	l.t.Helper()
	idx, err := index.Open(l.dir, l.log.Identity())
	if err != nil {
		l.t.Fatal(err)
	}
	w, err := writer.Open(l.t.Context(), l.log, idx, l.opts)
	if err != nil {
		_ = idx.Close()
		l.t.Fatal(err)
	}
	l.index, l.writer = idx, w
	l.t.Cleanup(func() {
		_ = w.Close() // a test may have ended it on purpose
		if err := idx.Close(); err != nil {
			l.t.Error(err)
		}
	})
	return l
}

// restart stops everything and starts it again. Nothing is saved on the way: as after a crash.
func (l *ledger) restart() {
	l.t.Helper()
	_ = l.writer.Close()
	if err := l.index.Close(); err != nil {
		l.t.Fatal(err)
	}
	l.open()
}

func (l *ledger) append(entries ...writer.Entry) []writer.Result {
	l.t.Helper()
	results, err := l.writer.Append(l.t.Context(), entries, writer.AppendOptions{})
	if err != nil {
		l.t.Fatal(err)
	}
	return results
}

// entry returns the entry of an event with the given id; events with another version say
// something else.
func entry(id string, version int64) writer.Entry {
	e := event.Event{Key: event.Key{Source: "urn:test", ID: id}, Type: event.WorkforcePublished}
	e.Data.Has = e.Data.Has.With(event.FieldCount)
	e.Data.Count = version
	return entryOf(&e)
}

// retraction returns the entry of an event that retracts another.
func retraction(id, retracted string) writer.Entry {
	e := event.Event{Key: event.Key{Source: "urn:test", ID: id}, Type: event.EventRetracted}
	e.Data.Has = e.Data.Has.With(event.FieldRetractedSource).With(event.FieldRetractedID)
	e.Data.RetractedSource, e.Data.RetractedID = "urn:test", retracted
	made := entryOf(&e)
	made.Retracts = &event.Key{Source: "urn:test", ID: retracted}
	return made
}

func entryOf(e *event.Event) writer.Entry {
	b := codec.Append(nil, e)
	digest, err := codec.Digest(b)
	if err != nil {
		panic(err)
	}
	return writer.Entry{Key: e.Key, Digest: digest, Event: b}
}

func entries(prefix string, n int) []writer.Entry {
	made := make([]writer.Entry, n)
	for i := range made {
		made[i] = entry(fmt.Sprint(prefix, i), 1)
	}
	return made
}

// stored is what the log holds of an event.
type stored struct {
	sequence eventstore.Sequence
	version  int64
	retracts uint64
	at       temporal.Instant
}

// check reads the whole log and checks every invariant: dense sequences, true roots, record times
// that never decrease, no key twice. It returns the events by id, and the sizes of the frames.
func check(t testing.TB, log eventstore.Log) (events map[string]stored, frames []int) {
	t.Helper()
	events = map[string]stored{}
	var tree merkle.Tree
	last := temporal.MinInstant
	for frame, err := range log.Read(t.Context(), 1) {
		if err != nil {
			t.Fatal(err)
		}
		if frame.Root() != tree.Root() || uint64(frame.First()) != tree.Size()+1 {
			t.Fatalf("frame from event %d: after %d events, or another root",
				frame.First(), tree.Size())
		}
		frames = append(frames, frame.Count())
		for record := range frame.Records() {
			var e event.Event
			retracts, err := codec.Decode(record.Event, &e)
			if err != nil {
				t.Fatal(err)
			}
			id := strings.Clone(e.ID)
			if first, ok := events[id]; ok || record.RecordedAt < last {
				t.Fatalf("event %d: %s, stored before as %v; at %v after %v",
					record.Sequence, id, first, record.RecordedAt, last)
			}
			last = record.RecordedAt
			events[id] = stored{record.Sequence, e.Data.Count, retracts, record.RecordedAt}
			tree.Append(merkle.LeafHash(
				uint64(record.Sequence), int64(record.RecordedAt), record.Event))
		}
	}
	return events, frames
}

// outcome writes a result in one word.
func outcome(r writer.Result) string {
	switch {
	case r.Refusal != nil:
		return fmt.Sprintf("%s %s%s", r.Status, r.Refusal.Code, r.Refusal.Field)
	case r.Status == "":
		return "-"
	}
	return fmt.Sprintf("%s %d", r.Status, r.Sequence)
}

func outcomes(results []writer.Result) string {
	var words []string
	for _, r := range results {
		words = append(words, outcome(r))
	}
	return strings.Join(words, ", ")
}

func expect(t testing.TB, what string, results []writer.Result, want ...string) {
	t.Helper()
	if got := outcomes(results); got != strings.Join(want, ", ") {
		t.Errorf("%s:\n got %s\nwant %s", what, got, strings.Join(want, ", "))
	}
}

// versionOf returns what the entry's event says.
func versionOf(e writer.Entry) int64 {
	var decoded event.Event
	if _, err := codec.Decode(e.Event, &decoded); err != nil {
		panic(err)
	}
	return decoded.Data.Count
}
