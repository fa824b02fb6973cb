package verify_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/eventstore/logtest"
	"cakupan/eventstore/memlog"
	"cakupan/eventstore/merkle"
	"cakupan/eventstore/verify"
)

const perFrame = 10

// newLog returns a log of the given number of frames of ten events, and its root.
func newLog(t *testing.T, frames int) (*memlog.Log, merkle.Hash) {
	t.Helper()
	log := memlog.New(eventstore.NewIdentity(1))
	var maker logtest.Maker
	for range frames {
		tail, err := log.Append(t.Context(), maker.Frame(perFrame), maker.Before())
		if err != nil {
			t.Fatal(err)
		}
		maker.Appended(tail)
	}
	return log, maker.Root()
}

func instant(ns int64) temporal.Instant { return temporal.Instant(ns) }

func check(t *testing.T, log eventstore.Log, opts verify.Options) verify.Report {
	t.Helper()
	report, err := verify.Check(t.Context(), log, opts)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func TestSoundLog(t *testing.T) {
	log, root := newLog(t, 30)
	calls := 0
	report := check(t, log, verify.Options{
		Decode: func(r eventstore.Record) error { return nil },
		Witnesses: []verify.Witness{
			{Name: "index", Sequence: 300, Root: root}, {Name: "coverage", Sequence: 120},
		},
		Progress: func(verify.Progress) { calls++ },
	})
	if !report.OK() || report.Root != root || report.Last != 300 || report.Events != 300 ||
		report.Frames != 30 || report.RootsUnverifiedFrom != 0 || calls != 30 {
		t.Errorf("report %+v, %d calls of Progress; want root %s", report, calls, root)
	}
}

func TestEmptyLog(t *testing.T) {
	log, root := newLog(t, 0)
	if report := check(t, log, verify.Options{}); !report.OK() || report.Root != root {
		t.Errorf("report %+v", report)
	}
}

func TestFindings(t *testing.T) {
	type finding struct {
		from, to eventstore.Sequence
		what     string // its beginning
	}
	undecodable := verify.Options{Decode: func(r eventstore.Record) error {
		if r.Sequence == 57 || r.Sequence == 201 {
			return errors.New("no event")
		}
		return nil
	}}
	for _, test := range []struct {
		name       string
		harm       func(*memlog.Log)
		opts       verify.Options
		unverified eventstore.Sequence
		want       []finding
	}{
		{
			"damage in the middle", func(l *memlog.Log) { l.Damage(4); l.Damage(5); l.Damage(9) },
			verify.Options{},
			51,
			[]finding{{31, 50, "damaged"}, {81, 90, "damaged"}},
		},
		{
			"damage at the beginning", func(l *memlog.Log) { l.Damage(1) },
			verify.Options{},
			11,
			[]finding{{1, 10, "damaged"}},
		},
		{
			"damage at the end", func(l *memlog.Log) { l.Damage(30) },
			verify.Options{},
			291,
			[]finding{{291, 0, "damaged"}},
		},
		{
			"damage at the end, with a witness", func(l *memlog.Log) { l.Damage(30) },
			verify.Options{Witnesses: []verify.Witness{{Name: "index", Sequence: 300}}},
			291,
			[]finding{{291, 0, "damaged"}, {291, 300, "lost: index"}},
		},
		{
			"end lost without a trace", func(l *memlog.Log) { l.Truncate(28) },
			verify.Options{Witnesses: []verify.Witness{
				{Name: "coverage", Sequence: 290}, {Name: "index", Sequence: 300},
			}},
			0,
			[]finding{{281, 300, "lost: index has seen the log up to event 300"}},
		},
		{
			"undecodable events", func(*memlog.Log) {}, undecodable,
			0,
			[]finding{{57, 57, "undecodable: no event"}, {201, 201, "undecodable"}},
		},
		{
			"witness with another root", func(*memlog.Log) {},
			verify.Options{Witnesses: []verify.Witness{
				{Name: "index", Sequence: 200, Root: merkle.Hash{1}},
			}},
			0,
			[]finding{{1, 200, "changed: the root over them"}},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			log, _ := newLog(t, 30)
			test.harm(log)
			report := check(t, log, test.opts)
			if report.RootsUnverifiedFrom != test.unverified || report.OK() {
				t.Errorf("roots unverified from %d, want %d; OK %t",
					report.RootsUnverifiedFrom, test.unverified, report.OK())
			}
			if len(report.Findings) != len(test.want) {
				t.Fatalf("findings %+v, want %+v", report.Findings, test.want)
			}
			for i, want := range test.want {
				got := report.Findings[i]
				if got.From != want.from || got.To != want.to ||
					!strings.HasPrefix(got.What, want.what) {
					t.Errorf("finding %d: %+v, want %+v", i, got, want)
				}
			}
		})
	}
}

// TestChangedEvent rewrites one frame with a valid checksum but other events, as somebody would
// who has access to the files but not to every root.
func TestChangedEvent(t *testing.T) {
	original, _ := newLog(t, 30)
	forged := memlog.New(original.Identity())
	var tail eventstore.Tail
	for frame, err := range original.Read(t.Context(), 1) {
		if err != nil {
			t.Fatal(err)
		}
		b := eventstore.NewFrameBuilder(frame.First(), frame.Root(), frame.RecordedAt())
		for r := range frame.Records() {
			event := append([]byte(nil), r.Event...)
			if r.Sequence == 123 {
				event[50]++
			}
			if err := b.Append(r.RecordedAt, event); err != nil {
				t.Fatal(err)
			}
		}
		if tail, err = forged.Append(t.Context(), b.Bytes(), tail); err != nil {
			t.Fatal(err)
		}
	}
	report := check(t, forged, verify.Options{})
	if len(report.Findings) != 1 || report.Findings[0].From != 121 ||
		report.Findings[0].To != 130 || report.RootsUnverifiedFrom != 141 {
		t.Errorf("report %+v; want one finding, events 121 to 130", report)
	}
}

// TestFalseRoot changes only the root in one frame: the frames after it are true again.
func TestFalseRoot(t *testing.T) {
	log := memlog.New(eventstore.NewIdentity(1))
	var maker logtest.Maker
	for n := range 10 {
		raw := maker.Frame(perFrame)
		if n == 5 {
			frame, err := eventstore.ParseFrame(raw)
			if err != nil {
				t.Fatal(err)
			}
			b := eventstore.NewFrameBuilder(frame.First(), merkle.Hash{9}, frame.RecordedAt())
			for r := range frame.Records() {
				if err := b.Append(r.RecordedAt, r.Event); err != nil {
					t.Fatal(err)
				}
			}
			raw = b.Bytes()
		}
		tail, err := log.Append(t.Context(), raw, maker.Before())
		if err != nil {
			t.Fatal(err)
		}
		maker.Appended(tail)
	}
	report := check(t, log, verify.Options{})
	if len(report.Findings) != 1 || report.Findings[0].To != 50 ||
		report.RootsUnverifiedFrom != 0 || report.Root != maker.Root() {
		t.Errorf("report %+v; want one finding, up to event 50", report)
	}
}

// TestRecordTimes appends a frame whose record time lies before that of the frame before it.
func TestRecordTimes(t *testing.T) {
	log := memlog.New(eventstore.NewIdentity(1))
	var tail eventstore.Tail
	var tree merkle.Tree
	for i, at := range []int64{100, 300, 200, 400} {
		sequence := eventstore.Sequence(i + 1)
		b := eventstore.NewFrameBuilder(sequence, tree.Root(), instant(at))
		if err := b.Append(instant(at), []byte("event")); err != nil {
			t.Fatal(err)
		}
		tree.Append(merkle.LeafHash(uint64(sequence), at, []byte("event")))
		var err error
		if tail, err = log.Append(t.Context(), b.Bytes(), tail); err != nil {
			t.Fatal(err)
		}
	}
	report := check(t, log, verify.Options{})
	if len(report.Findings) != 1 || report.Findings[0].From != 3 {
		t.Errorf("report %+v; want one finding, event 3", report)
	}
}

func TestCancelled(t *testing.T) {
	log, _ := newLog(t, 30)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := verify.Check(ctx, log, verify.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("check under a cancelled context: %v", err)
	}
}

// BenchmarkCheck checks a log in memory: what verifying costs beside reading.
func BenchmarkCheck(b *testing.B) {
	const frames, events = 200, 1000
	log := memlog.New(eventstore.NewIdentity(1))
	var maker logtest.Maker
	for range frames {
		tail, err := log.Append(b.Context(), maker.Frame(events), maker.Before())
		if err != nil {
			b.Fatal(err)
		}
		maker.Appended(tail)
	}
	for b.Loop() {
		report, err := verify.Check(b.Context(), log, verify.Options{})
		if err != nil || !report.OK() {
			b.Fatalf("%+v, %v", report, err)
		}
	}
	checked := float64(frames) * events * float64(b.N)
	b.ReportMetric(checked/b.Elapsed().Seconds()/1e6, "Mevents/s")
}
