package projections_test

import (
	"context"
	"encoding/binary"
	"errors"
	"iter"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"cakupan/eventstore"
	"cakupan/eventstore/memlog"
	"cakupan/projections"
	"cakupan/projections/checked"
	"cakupan/projections/projtest"
)

// counter is the smallest simple projection: it counts events, and knows when each was recorded.
type counter struct{ db *checked.DB }

var counterBucket = []byte("counter")

func (c *counter) Version() uint32 { return 1 }

func (c *counter) Apply(tx *checked.Tx, events []projections.Event) error {
	b, err := tx.CreateBucketIfNotExists(counterBucket)
	if err != nil {
		return err
	}
	for i := range events {
		key := binary.BigEndian.AppendUint64(nil, uint64(events[i].Sequence))
		value := binary.BigEndian.AppendUint64(nil, uint64(events[i].RecordedAt))
		if err := b.Put(key, append(value, events[i].ID...)); err != nil {
			return err
		}
	}
	return nil
}

func (c *counter) Digest(k eventstore.Sequence) (digest string, err error) {
	err = c.db.View(func(tx *checked.Tx) error {
		b := tx.Bucket(counterBucket)
		if b == nil {
			digest = "0-0"
			return nil
		}
		n, sum := 0, uint64(0)
		err := b.ForEach(func(key, value []byte) error {
			if eventstore.Sequence(binary.BigEndian.Uint64(key)) > k {
				return nil
			}
			n++
			for _, c := range append(key, value...) {
				sum = sum*1_000_003 + uint64(c)
			}
			return nil
		})
		digest = strconv.Itoa(n) + "-" + strconv.FormatUint(sum, 36)
		return err
	})
	return digest, err
}

func counterKind(name string) projections.Kind {
	return projections.SimpleKind(name, time.Millisecond,
		func(db *checked.DB) *counter { return &counter{db} })
}

// TestSuite runs the suite of projections over the smallest one.
func TestSuite(t *testing.T) { projtest.Run(t, counterKind("counter")) }

// ailing is a log that cannot be read while it fails.
type ailing struct {
	eventstore.Log
	fails atomic.Bool
}

var errAway = errors.New("the log is out of reach")

func (l *ailing) frames(frames iter.Seq2[eventstore.Frame, error],
) iter.Seq2[eventstore.Frame, error] {
	return func(yield func(eventstore.Frame, error) bool) {
		for frame, err := range frames {
			if l.fails.Load() {
				frame, err = eventstore.Frame{}, errAway
			}
			if !yield(frame, err) || err != nil {
				return
			}
		}
	}
}

func (l *ailing) Read(ctx context.Context, from eventstore.Sequence,
) iter.Seq2[eventstore.Frame, error] {
	return l.frames(l.Log.Read(ctx, from))
}

func (l *ailing) Follow(ctx context.Context, from eventstore.Sequence,
) iter.Seq2[eventstore.Frame, error] {
	return l.frames(l.Log.Follow(ctx, from))
}

// TestShelfOpensAgain lets the log fail for some time: all projections stop, say so, and go on by
// themselves once it is back.
func TestShelfOpensAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := projtest.Events(1, 90)
		inner := projtest.Log(t, events[:30], 1, 4)
		log := &ailing{Log: inner}
		names := []string{"one", "two", "three"}
		shelf := projections.NewShelf(projections.Options{
			Folder: filepath.Join(t.TempDir(), "shelf"), Log: log, Kinds: []projections.Kind{
				counterKind(names[0]), counterKind(names[1]), counterKind(names[2]),
			},
		})
		shelf.Follow()
		for _, name := range names {
			if _, err := shelf.Open(t.Context(), name); err != nil {
				t.Fatal(err)
			}
		}
		// check waits until everything that goes on has done so.
		check := func(applied eventstore.Sequence, stopped error) {
			t.Helper()
			time.Sleep(time.Minute)
			synctest.Wait()
			states := shelf.States()
			if len(states) != len(names) {
				t.Fatalf("states: %+v", states)
			}
			for i, s := range states {
				if s.Name != names[i] || s.Applied != applied || !errors.Is(s.Stopped, stopped) {
					t.Errorf("state: %+v, want %d, %v", s, applied, stopped)
				}
			}
		}
		check(30, nil)
		log.fails.Store(true)
		appendTo(t, inner, events[30:60])
		check(30, errAway)
		log.fails.Store(false)
		appendTo(t, inner, events[60:])
		check(90, nil)
		if err := shelf.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := shelf.Open(t.Context(), "one"); err == nil {
			t.Error("opened after the end")
		}
	})
}

func appendTo(t *testing.T, log *memlog.Log, events []projections.Event) {
	t.Helper()
	if err := projtest.Append(log, events, 2, 4); err != nil {
		t.Fatal(err)
	}
}

// TestShelfFollows: also what was opened, and has caught up, before the shelf began to follow.
func TestShelfFollows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := projtest.Events(1, 60)
		log := projtest.Log(t, events[:30], 1, 4)
		shelf := projections.NewShelf(projections.Options{
			Folder: filepath.Join(t.TempDir(), "shelf"), Log: log,
			Kinds: []projections.Kind{counterKind("one")},
		})
		if err := shelf.CatchUp(t.Context(), "one", 30); err != nil {
			t.Fatal(err)
		}
		shelf.Follow()
		appendTo(t, log, events[30:])
		kept, err := shelf.Open(t.Context(), "one")
		if err == nil {
			err = kept.Wait(t.Context(), 60)
		}
		if err == nil {
			err = shelf.CatchUp(t.Context(), "one", 60)
		}
		if err = errors.Join(err, shelf.Close()); err != nil {
			t.Fatal(err)
		}
	})
}
