package projtest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"cakupan/eventstore"
	"cakupan/eventstore/memlog"
	"cakupan/projections"
	"cakupan/projections/checked"
)

// testRebuild rebuilds the projection beside the live one, to compare, and to swap, and starts
// again with the rebuilt one.
//
// It does so with a live projection that stands still and with one that follows the log; whoever
// still holds the old one after a swap must get the old answers, until he closes it. At the end
// there is one file in the folder, which holds all events.
func testRebuild(t *testing.T, kind projections.Kind) {
	events := AllTypes(14, historyEvents)
	log := Log(t, events[:200], 14, 9)
	opts := projections.Options{
		Folder: filepath.Join(t.TempDir(), "shelf"), Log: log, Kinds: []projections.Kind{kind},
	}
	// Without following, whoever opened the shelf has it catch up, as a command does beside no
	// server.
	for round, following := range []bool{false, true} {
		shelf := projections.NewShelf(opts)
		if following {
			shelf.Follow()
		}
		live, err := shelf.Open(t.Context(), kind.Name)
		if err == nil && !following {
			err = shelf.CatchUp(t.Context(), kind.Name, 200)
		}
		if err == nil {
			err = live.Wait(t.Context(), 200)
		}
		if err != nil {
			t.Fatal(err)
		}
		want, err := live.Digest(200)
		if err != nil {
			t.Fatal(err)
		}
		// A rebuild that is only compared leaves nothing; one that is swapped takes the place of
		// the file.
		compare := rebuild(t, shelf, kind.Name, "1", want)
		if err := compare.Remove(); err != nil {
			t.Fatal(err)
		}
		if err := rebuild(t, shelf, kind.Name, "2", want).Swap(); err != nil {
			t.Fatal(err)
		}
		if now, err := shelf.Open(t.Context(), kind.Name); err != nil || now == live {
			t.Errorf("after the swap the old one answers: %v", err)
		}
		if digest, err := live.Digest(200); err != nil || digest != want {
			t.Errorf("a reader of the old one: %s, %v", digest, err)
		}
		if round == 1 {
			// The one that was swapped in follows in the place of the old one.
			grow(t, log, events[200:], 14, 9)
			swapped, _ := shelf.Open(t.Context(), kind.Name)
			if err := swapped.Wait(t.Context(), historyEvents); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(shelf.Close(), live.Close()); err != nil {
			t.Fatal(err)
		}
	}
	files, err := os.ReadDir(opts.Folder)
	if err != nil || len(files) != 1 {
		t.Errorf("files left: %v, %v", files, err)
	}
	b := &book{t: t, kind: kind, log: log, path: filepath.Join(opts.Folder, kind.Name+".db")}
	b.open(nil)
	defer b.close()
	b.check(events)
}

// rebuild rebuilds beside the live projection, up to the events of the first part of the log, and
// checks the digest. The mark is of its file: two rebuilds must not be in one. Whoever gets it
// removes it or swaps it.
func rebuild(t *testing.T, shelf *projections.Shelf, name, mark, want string,
) *projections.Rebuild {
	t.Helper()
	r, err := shelf.Rebuild(t.Context(), name, mark)
	if err == nil {
		err = r.CatchUp(t.Context(), 200, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	if digest, err := r.Digest(200); err != nil || digest != want {
		t.Errorf("rebuilt: %s, %v, want %s", digest, err, want)
	}
	return r
}

// testShelf opens a shelf over what crashes have left: a file of other rules, or one that is no
// file of a projection, and parts of rebuilds.
//
// None of it is believed, and none of it makes anybody do something by hand: the shelf begins anew.
func testShelf(t *testing.T, kind projections.Kind) {
	t.Run("other version", func(t *testing.T) { testLeftovers(t, kind, ageFile, 100) })
	t.Run("damaged", func(t *testing.T) {
		testLeftovers(t, kind, func(t *testing.T, path string) {
			t.Helper()
			if err := os.WriteFile(path, []byte("no database at all"), 0o600); err != nil {
				t.Fatal(err)
			}
		}, 0)
	})
}

// testLeftovers spoils a file, whose position can be read up to stored then, and has the shelf
// begin anew.
//
// A position that can still be read is told as it is stored, of whatever version: it is a witness
// of how long the log once was, even if the file is of no other use. For a file that is none it is
// 0.
func testLeftovers(t *testing.T, kind projections.Kind, spoil func(*testing.T, string),
	stored eventstore.Sequence,
) {
	events := AllTypes(15, 100)
	log := Log(t, events, 15, 9)
	b := newBook(t, kind, log)
	b.catchUp(everything)
	b.close()
	spoil(t, b.path)
	// It is the name that a rebuild's file would have: nobody can go on with half of one.
	left := filepath.Join(filepath.Dir(b.path), kind.Name+"-17.db")
	if err := os.WriteFile(left, []byte("half a projection"), 0o600); err != nil {
		t.Fatal(err)
	}
	shelf := projections.NewShelf(projections.Options{
		Folder: filepath.Dir(b.path), Log: log, Kinds: []projections.Kind{kind},
	})
	positions, err := shelf.Stored()
	if err != nil || positions[kind.Name].Sequence != stored {
		t.Errorf("stored: %v, %v", positions, err)
	}
	if _, err := shelf.Open(t.Context(), kind.Name+"?"); !errors.Is(err, projections.ErrUnknown) {
		t.Errorf("a name that there is not: %v", err)
	}
	shelf.Follow()
	kept, err := shelf.Open(t.Context(), kind.Name)
	if err == nil {
		err = kept.Wait(t.Context(), 100)
	}
	if err != nil {
		t.Fatal(err)
	}
	states := shelf.States()
	if len(states) != 1 || states[0].Applied != 100 || states[0].Stopped != nil {
		t.Errorf("states: %+v", states)
	}
	if _, err := os.Stat(left); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("part of a rebuild: %v", err)
	}
	if err := shelf.Close(); err != nil {
		t.Fatal(err)
	}
	b.open(nil)
	b.check(events)
}

// stuck is a projection that stops in the middle until it is let go.
//
// It stands for one whose events are dear: it closes stuck when it gets there, and waits for let.
// It has no state, so that its digest is empty.
type stuck struct {
	at    eventstore.Sequence
	let   chan struct{}
	stuck chan struct{}
}

func (s *stuck) Version() uint32 { return 1 }

func (s *stuck) Apply(_ *checked.Tx, events []projections.Event) error {
	for i := range events {
		if events[i].Sequence == s.at {
			close(s.stuck)
			<-s.let
		}
	}
	return nil
}

func (s *stuck) Digest(eventstore.Sequence) (string, error) { return "", nil }

// testSlow puts another projection on the shelf that stands still in the middle of an event: this
// one goes on, and so does the other one when it is let go.
//
// Each projection has a pace of its own: one that takes long must not hold up the feed of the
// others. What the slow one has not read yet is kept for it, or read again.
func testSlow(t *testing.T, kind projections.Kind) {
	events := AllTypes(16, historyEvents)
	log := memlog.New(eventstore.NewIdentity(1))
	other := &stuck{at: 10, let: make(chan struct{}), stuck: make(chan struct{})}
	slow := projections.SimpleKind("slow", time.Millisecond,
		func(*checked.DB) *stuck { return other })
	shelf := projections.NewShelf(projections.Options{
		Folder: t.TempDir(), Log: log, Kinds: []projections.Kind{slow, kind},
	})
	shelf.Follow()
	held, err := shelf.Open(t.Context(), "slow")
	if err != nil {
		t.Fatal(err)
	}
	quick, err := shelf.Open(t.Context(), kind.Name)
	if err != nil {
		t.Fatal(err)
	}
	grow(t, log, events[:20], 16, 3)
	<-other.stuck
	grow(t, log, events[20:], 16, 9)
	for _, wait := range []func(context.Context, eventstore.Sequence) error{
		quick.Wait, func(ctx context.Context, seq eventstore.Sequence) error {
			close(other.let)
			return held.Wait(ctx, seq)
		},
	} {
		if err := wait(t.Context(), historyEvents); err != nil {
			t.Fatal(err)
		}
	}
	b := &book{t: t, kind: kind, log: log, kept: quick}
	b.check(events)
	if err := shelf.Close(); err != nil {
		t.Fatal(err)
	}
}
