package projtest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"cakupan/eventstore"
	"cakupan/eventstore/memlog"
	"cakupan/projections"
)

// LongEnv is the environment variable that has the long suites run. It is that of all tests of the
// project.
const LongEnv = "CAKUPAN_LONG"

// damages is how many damages a run does, of which every other one while the projection follows.
// Sixty meet each way of damage in the mean five times; a thousand find what one bit in a rare
// place does.
func damages() uint64 {
	if os.Getenv(LongEnv) != "" {
		return 1000
	}
	return 60
}

// Ask returns what a projection answers to many questions about knowledge up to an event.
//
// What it returns must be the same for the same state, and hold as much of what the projection
// answers as possible: damage that no question meets is not found. It must not hide an error, and k
// is never beyond what is applied.
type Ask func(kept projections.Kept, k eventstore.Sequence) (string, error)

// Damages damages the file of a projection in all ways that a seed may choose: while nobody has it
// open, and while it follows the log and is asked. No answer is ever another one than that of the
// sound projection; an error says that the file is damaged; and it heals without help.
//
// That is what the contract asks of a cache (section 10): no answer comes from a damaged one, and
// it is rebuilt by itself. Damage that nobody meets in some questions may go unnoticed, as the
// answers are right all the same; but if hardly any is noticed in either half, the test has not
// damaged what it meant to, and fails.
func Damages(t *testing.T, kind projections.Kind, ask Ask) {
	events := AllTypes(31, historyEvents)
	d := damaging{t: t, kind: kind, ask: ask, events: events}
	d.log = Log(t, events[:historyEvents-40], 31, 9)
	d.sound, d.want = d.make(d.log, d.all())
	_, d.wantLater = d.make(Log(t, events, 31, 9), historyEvents)
	// The older file is of the first twelve frames of the same log.
	older := d.log.Clone(d.log.Identity())
	older.Truncate(12)
	_, tail, err := older.Last(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	d.older, _ = d.make(older, tail.Sequence)
	d.other, _ = d.make(Log(t, AllTypes(32, historyEvents), 32, 9), historyEvents)
	healed := map[bool]int{}
	for seed := range damages() {
		if d.once(seed, seed%2 == 1) {
			healed[seed%2 == 1]++
		}
	}
	if healed[false] == 0 || healed[true] == 0 {
		t.Errorf("%v damages were found: too few to tell", healed)
	}
}

// damaging is what all damages are made from: the sound file and its answers, an older file and
// that of another ledger. It is made once, and never changed; each damage has a folder and a log of
// its own. Want are the answers as known at the last event of the files, when that is the last one;
// wantLater those when all events are applied. Both are asked as known at the same event.
type damaging struct {
	t                   *testing.T
	kind                projections.Kind
	ask                 Ask
	events              []projections.Event
	log                 *memlog.Log
	sound, older, other []byte
	want, wantLater     string
}

// all is the last event that the files know. The others come once it has healed.
func (d *damaging) all() eventstore.Sequence { return eventstore.Sequence(historyEvents - 40) }

// make returns the file of a projection over the log, and its answers. It commits several times on
// the way, so that pages are written more than once, as in a file that has been in use.
func (d *damaging) make(log *memlog.Log, until eventstore.Sequence) (file []byte, answers string) {
	d.t.Helper()
	b := newBook(d.t, d.kind, log)
	for at := eventstore.Sequence(0); at < until; at += 70 { // several commits
		b.catchUp(at)
	}
	b.catchUp(until)
	answers, err := d.ask(b.kept, min(until, d.all()))
	if err != nil {
		d.t.Fatal(err)
	}
	b.close()
	if file, err = os.ReadFile(b.path); err != nil {
		d.t.Fatal(err)
	}
	return file, answers
}

// damage writes another content over that of the file, in place. It returns what it did.
//
// In place, because a projection that has it open must see it: a renamed file would be another one.
// Half of the draws flip one bit, which is what is hardest to find.
func (d *damaging) damage(rng *rand.Rand, path string) string {
	content, err := os.ReadFile(path)
	if err != nil {
		d.t.Fatal(err)
	}
	// The size of a page of the database: what a disk loses or mixes up is mostly a whole one.
	const page = 4096
	pages := max(len(content)/page, 1)
	what := ""
	switch kind := rng.IntN(12); kind {
	default:
		at := rng.IntN(len(content))
		for content[at] == 0 && rng.IntN(50) > 0 { // most bytes that count are none
			at = rng.IntN(len(content))
		}
		content[at] ^= 1 << rng.IntN(8)
		what = fmt.Sprintf("bit of byte %d", at)
	case 6:
		at := rng.IntN(pages) * page
		clear(content[at:min(at+page, len(content))])
		what = fmt.Sprintf("zeros from byte %d", at)
	case 7:
		a, b := rng.IntN(pages)*page, rng.IntN(pages)*page
		var spare [page]byte
		copy(spare[:], content[a:a+page])
		copy(content[a:a+page], content[b:b+page])
		copy(content[b:b+page], spare[:])
		what = fmt.Sprintf("pages at %d and %d swapped", a, b)
	case 8:
		content = content[:rng.IntN(len(content))]
		what = fmt.Sprintf("cut at %d", len(content))
	case 9:
		content, what = d.older, "an older file"
	case 10:
		content, what = d.other, "the file of another ledger"
	case 11:
		nothing := [][]byte{{}, make([]byte, len(content)), []byte("no database at all")}
		content = nothing[rng.IntN(len(nothing))]
		what = fmt.Sprintf("%d bytes of nothing", len(content))
	}
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err == nil {
		err = errors.Join(file.Truncate(int64(len(content))), writeAll(file, content), file.Close())
	}
	if err != nil {
		d.t.Fatal(err)
	}
	return what
}

// writeAll writes the content from the beginning of the file on.
func writeAll(file *os.File, content []byte) error {
	_, err := file.WriteAt(content, 0)
	return err
}

// once does one damage, and reports whether it was noticed.
//
// A damage that is met while the projection follows may be met by the fold, by a commit or by a
// question; one in a file that nobody has open, when it is opened or only when the page is read. It
// fails the test on a wrong answer and on an error that is none of damage. A file of another ledger
// is refused and stays: to delete it could be the mistake.
func (d *damaging) once(seed uint64, following bool) (noticed bool) {
	d.t.Helper()
	rng := rand.New(rand.NewPCG(seed, 31))
	dir := d.t.TempDir()
	path := filepath.Join(dir, d.kind.Name+".db")
	if err := os.WriteFile(path, d.sound, 0o600); err != nil {
		d.t.Fatal(err)
	}
	log := d.log.Clone(d.log.Identity())
	what := ""
	if !following {
		what = d.damage(rng, path)
	}
	shelf := projections.NewShelf(projections.Options{
		Folder: dir, Log: log, Kinds: []projections.Kind{d.kind},
	})
	defer func() { _ = shelf.Close() }()
	shelf.Follow()
	kept, err := shelf.Open(d.t.Context(), d.kind.Name)
	if !following && errors.Is(err, projections.ErrOtherLog) {
		return true // refused, and both are named: nobody knows here which one is the wrong one
	}
	if err != nil {
		d.t.Fatalf("seed %d, %s: %v", seed, what, err)
	}
	// Some of the file may be in memory by then.
	if following {
		if rng.IntN(2) == 0 {
			_, _ = d.ask(kept, d.all())
		}
		what = d.damage(rng, path)
	}
	noticed = d.heals(seed, what, shelf, d.all(), d.want)
	// Healing must not stop at what was there: the log goes on, and so must the answers.
	grow(d.t, log, d.events[d.all():], 31, 9)
	noticed = d.heals(seed, what, shelf, historyEvents, d.wantLater) || noticed
	return noticed
}

// heals asks until the projection has applied as much and answers. What it answers is right.
//
// Each try opens the projection again, as the shelf replaces one that was found damaged. A minute
// is far more than it takes on a machine that does much else: what takes longer does not heal.
func (d *damaging) heals(seed uint64, what string, shelf *projections.Shelf,
	until eventstore.Sequence, want string,
) (noticed bool) {
	d.t.Helper()
	ctx, stop := context.WithTimeout(d.t.Context(), time.Minute)
	defer stop()
	tries := time.NewTicker(time.Millisecond)
	defer tries.Stop()
	for ; ; <-tries.C {
		kept, err := shelf.Open(d.t.Context(), d.kind.Name)
		if err != nil {
			d.t.Fatalf("seed %d, %s: open: %v", seed, what, err)
		}
		answers := ""
		applied, err := kept.Applied()
		if err == nil {
			err = kept.Damage()
		}
		if err == nil && applied >= until {
			answers, err = d.ask(kept, d.all())
		}
		// An answer that is given must be right, whenever it is given: there is no second try for a
		// wrong one.
		switch {
		case err == nil && answers != "" && answers != want:
			d.t.Fatalf("seed %d, %s: wrong answers:\n%s\nwant\n%s", seed, what, answers, want)
		case err == nil && answers != "":
			return noticed
		case err != nil && !errors.Is(err, projections.ErrDamaged):
			d.t.Fatalf("seed %d, %s: %v", seed, what, err)
		case ctx.Err() != nil:
			d.t.Fatalf("seed %d, %s: it does not heal: %d, %v", seed, what, applied, err)
		}
		noticed = true
	}
}
