package projections_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"cakupan/eventstore"
	"cakupan/eventstore/logtest"
	"cakupan/eventstore/memlog"
	"cakupan/projections"
	"cakupan/projections/checked"
)

// tally is the smallest projection: the number and the sum of the sequences it was given.
type tally struct {
	version, count, sum uint64
	shown, settled      uint64 // events
	settling            uint64
	poison              uint64 // Apply fails when it has counted so many; 0: never
	dear                int    // how much work an event is; 0: as usual
	failSettle          bool
	failStore           bool
}

// frameTally is what Prepare makes of a frame.
type frameTally struct{ count, sum uint64 }

var tallyBucket = []byte("tally")

func (p *tally) Version() uint32 { return uint32(p.version) }

func (p *tally) Prepare(frame eventstore.Frame, into *frameTally) error {
	*into = frameTally{}
	for record := range frame.Records() {
		into.count++
		into.sum += uint64(record.Sequence)
	}
	return nil
}

func (p *tally) Apply(b *frameTally, _ int) (projections.Part, error) {
	if p.poison != 0 && p.count >= p.poison {
		return projections.Part{}, errPoison
	}
	p.count, p.sum = p.count+b.count, p.sum+b.sum
	return projections.Part{
		Last: eventstore.Sequence(p.count), Work: int(b.count) * max(1, p.dear),
	}, nil
}

var (
	errStore  = errors.New("no room")
	errPoison = errors.New("poison")
)

func (p *tally) Store(tx *checked.Tx) error {
	if p.failStore {
		return errStore
	}
	if p.shown != p.count {
		return fmt.Errorf("stored %d events when %d were shown", p.count, p.shown)
	}
	b, err := tx.CreateBucketIfNotExists(tallyBucket)
	if err != nil {
		return err
	}
	value := binary.BigEndian.AppendUint64(nil, p.count)
	return b.Put(tallyBucket, binary.BigEndian.AppendUint64(value, p.sum))
}

func (p *tally) Stored() {}

func (p *tally) Show(b *frameTally) { p.shown += b.count }

func (p *tally) Settle(tx *checked.Tx) error {
	if p.failSettle {
		return errStore
	}
	p.settling = p.shown
	_, err := tx.CreateBucketIfNotExists([]byte("settled"))
	return err
}

func (p *tally) Settled() { p.settled = p.settling }

func (p *tally) Finish() error { return nil }

func (p *tally) Digest(k eventstore.Sequence) (string, error) {
	n := min(uint64(k), p.shown)
	return fmt.Sprint(n, n*(n+1)/2), nil
}

func (p *tally) Load(tx *checked.Tx) error {
	value, err := tx.Bucket(tallyBucket).Get(tallyBucket)
	if err != nil {
		return err
	}
	p.count, p.sum = binary.BigEndian.Uint64(value), binary.BigEndian.Uint64(value[8:])
	p.shown = p.count
	return nil
}

type runner = projections.Runner[*tally, frameTally]

func open(t *testing.T, log eventstore.Log, path string, version uint64) (*runner, error) {
	t.Helper()
	return projections.Open[*tally, frameTally](t.Context(), log, projections.File{Path: path},
		func(*checked.DB) *tally { return &tally{version: version} })
}

func mustOpen(t *testing.T, log eventstore.Log, path string) *runner {
	t.Helper()
	r, err := open(t, log, path, 1)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// grow appends frames of three events.
func grow(t *testing.T, log *memlog.Log, maker *logtest.Maker, frames int) {
	t.Helper()
	for range frames {
		tail, err := log.Append(t.Context(), maker.Frame(3), maker.Before())
		if err != nil {
			t.Fatal(err)
		}
		maker.Appended(tail)
	}
}

func newLog(t *testing.T, frames int) (*memlog.Log, *logtest.Maker) {
	t.Helper()
	log, maker := memlog.New(eventstore.NewIdentity(1)), new(logtest.Maker)
	grow(t, log, maker, frames)
	return log, maker
}

// check compares the tally with that of a log of n events.
func check(t *testing.T, p *tally, n uint64) {
	t.Helper()
	if p.count != n || p.sum != n*(n+1)/2 {
		t.Errorf("%d events with sum %d, want %d with %d", p.count, p.sum, n, n*(n+1)/2)
	}
}

// TestCatchUp stops in the middle, starts again, and sees every event once.
func TestCatchUp(t *testing.T) {
	log, maker := newLog(t, 10)
	path := filepath.Join(t.TempDir(), "tally.db")
	r := mustOpen(t, log, path)
	if err := r.CatchUp(t.Context(), 14, nil); err != nil { // in the frame of 13 to 15
		t.Fatal(err)
	}
	check(t, r.Projection(), 15)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	grow(t, log, maker, 5)
	r = mustOpen(t, log, path)
	last := eventstore.Sequence(0)
	err := r.CatchUp(t.Context(), 45, func(at eventstore.Sequence) { last = at })
	if err != nil || last != 45 {
		t.Fatalf("caught up to %d, %v", last, err)
	}
	check(t, r.Projection(), 45)
	if at, err := projections.StoredPosition(filepath.Join(t.TempDir(), "none")); err != nil ||
		at.Sequence != 0 {
		t.Errorf("position of no file: %v, %v", at, err)
	}
	if err := r.Remove(); err != nil {
		t.Fatal(err)
	}
}

// TestCatchUpCommits catches up with so much work that it commits on the way: a crash does not go
// back to the beginning.
func TestCatchUpCommits(t *testing.T) {
	log, _ := newLog(t, 10)
	path := filepath.Join(t.TempDir(), "tally.db")
	r := mustOpen(t, log, path)
	r.Projection().dear = 3_000_000 // two or three frames between two commits
	r.Projection().poison = 24
	if err := r.CatchUp(t.Context(), 30, nil); !errors.Is(err, projections.ErrPoisoned) {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	r = mustOpen(t, log, path)
	if n := r.Projection().count; n < 9 || n > 24 {
		t.Errorf("%d events were committed", n)
	}
	if err := r.CatchUp(t.Context(), 30, nil); err != nil {
		t.Fatal(err)
	}
	check(t, r.Projection(), 30)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestFold folds without a commit: the next start finds nothing of it.
func TestFold(t *testing.T) {
	log, _ := newLog(t, 10)
	path := filepath.Join(t.TempDir(), "tally.db")
	for range 2 {
		r := mustOpen(t, log, path)
		check(t, r.Projection(), 0)
		if err := r.Fold(t.Context(), 30, nil); err != nil {
			t.Fatal(err)
		}
		check(t, r.Projection(), 30)
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestCatchUpSettles catches up with so many events that they settle on the way.
func TestCatchUpSettles(t *testing.T) {
	const frames, each = 250, 1000
	log, maker := memlog.New(eventstore.NewIdentity(1)), new(logtest.Maker)
	for range frames {
		tail, err := log.Append(t.Context(), maker.Frame(each), maker.Before())
		if err != nil {
			t.Fatal(err)
		}
		maker.Appended(tail)
	}
	for name, test := range map[string]struct {
		prepare func(*tally)
		want    error
	}{
		"well":             {func(*tally) {}, nil},
		"settling fails":   {func(p *tally) { p.failSettle = true }, errStore},
		"storing fails":    {func(p *tally) { p.failStore = true }, errStore},
		"poison":           {func(p *tally) { p.poison = 100 * each }, projections.ErrPoisoned},
		"poison afterward": {func(p *tally) { p.poison = 220 * each }, projections.ErrPoisoned},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "tally.db")
			r := mustOpen(t, log, path)
			test.prepare(r.Projection())
			if err := r.CatchUp(t.Context(), frames*each, nil); !errors.Is(err, test.want) {
				t.Fatalf("%v, want %v", err, test.want)
			}
			p := r.Projection()
			if p.shown != p.count {
				t.Errorf("%d events shown of %d", p.shown, p.count)
			}
			if test.want == nil && p.settled < frames*each/2 {
				t.Errorf("%d events settled", p.settled)
			}
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
			// What was only settled is not there for the next start, which does it all again.
			r = mustOpen(t, log, path)
			if err := r.CatchUp(t.Context(), frames*each, nil); err != nil {
				t.Fatal(err)
			}
			check(t, r.Projection(), frames*each)
			if err := r.Remove(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// TestOpenRefuses opens the file of a projection over logs it was not made from.
func TestOpenRefuses(t *testing.T) {
	log, _ := newLog(t, 10)
	path := filepath.Join(t.TempDir(), "tally.db")
	r := mustOpen(t, log, path)
	if err := r.CatchUp(t.Context(), 30, nil); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	shorter := log.Clone(log.Identity())
	shorter.Truncate(7)
	other, _ := newLog(t, 10)
	forged := memlog.New(log.Identity()) // the same name and length, other events
	maker := new(logtest.Maker)
	for range 10 {
		tail, err := forged.Append(t.Context(), maker.FrameOf(9, 9, 9), maker.Before())
		if err != nil {
			t.Fatal(err)
		}
		maker.Appended(tail)
	}
	for name, test := range map[string]struct {
		log     eventstore.Log
		version uint64
		want    error
	}{
		"the same":      {log, 1, nil},
		"other version": {log, 2, projections.ErrOutdated},
		"shorter":       {shorter, 1, projections.ErrLogShorter},
		"other":         {other, 1, projections.ErrOtherLog},
		"forged":        {forged, 1, projections.ErrOtherLog},
	} {
		r, err := open(t, test.log, path, test.version)
		if !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
		if err == nil {
			check(t, r.Projection(), 30)
			_ = r.Close()
		}
	}
}

// TestRun follows a log as it grows, waits for events, and commits when it ends.
func TestRun(t *testing.T) {
	log, maker := newLog(t, 2)
	path := filepath.Join(t.TempDir(), "tally.db")
	r := mustOpen(t, log, path)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	for n := eventstore.Sequence(9); n <= 30; n += 3 {
		grow(t, log, maker, 1)
		if err := r.Wait(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
	soon, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := r.Wait(soon, 31); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("wait for what is not there: %v", err)
	}
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if err := r.Wait(t.Context(), 31); !errors.Is(err, projections.ErrStopped) {
		t.Errorf("wait after the end: %v", err)
	}
	_ = r.Close()
	if at, err := projections.StoredPosition(path); err != nil || at.Sequence != 30 {
		t.Errorf("stored position %d, %v", at.Sequence, err)
	}
}

// TestRunStopsAtDamage does not skip events that cannot be read.
func TestRunStopsAtDamage(t *testing.T) {
	log, _ := newLog(t, 10)
	log.Damage(5)
	r := mustOpen(t, log, filepath.Join(t.TempDir(), "tally.db"))
	var damage *eventstore.DamageError
	if err := r.Run(t.Context()); !errors.As(err, &damage) || damage.From != 13 {
		t.Fatalf("run: %v", err)
	}
	applied, why := r.Applied()
	if applied != 12 || !errors.As(why, &damage) {
		t.Errorf("applied %d, stopped by %v", applied, why)
	}
	check(t, r.Projection(), 12)
	_ = r.Close()
}

// TestRunSurvivesAFailedCommit goes on answering, says that it is unsaved, and saves later.
func TestRunSurvivesAFailedCommit(t *testing.T) {
	log, _ := newLog(t, 3)
	path := filepath.Join(t.TempDir(), "tally.db")
	r := mustOpen(t, log, path)
	r.Projection().failStore = true
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	for r.Unsaved() == nil {
		time.Sleep(10 * time.Millisecond)
	}
	if applied, why := r.Applied(); applied != 9 || why != nil {
		t.Errorf("applied %d, stopped by %v", applied, why)
	}
	stop()
	if err := <-done; !errors.Is(err, errStore) {
		t.Errorf("run: %v, want that it could not save", err)
	}
	_ = r.Close()
	r = mustOpen(t, log, path) // begins again at the last commit: none
	if err := r.CatchUp(t.Context(), 9, nil); err != nil {
		t.Fatal(err)
	}
	check(t, r.Projection(), 9)
	_ = r.Close()
}
