package counts_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"

	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections/checked"
	"cakupan/projections/counts"
)

// rule packs a cell as kind in the high half and number in the low half: it adds to a row of its
// own, and those with an odd number to one of their kind, some of these to one for all.
func rule() counts.Rule {
	return counts.Rule{
		Layout: counts.Layout{Page: 2, Chunk: 4, Part: 3},
		RowsOf: rowsOf,
		Deltas: "a", Cells: "b", Runs: "c",
	}
}

const all = counts.Key(1) << 40

func rowsOf(cell counts.Key) counts.Rows {
	rows := counts.Rows{cell, counts.NoRow, counts.NoRow}
	if cell&1 == 1 {
		rows[1] = cell>>32<<32 | 1<<20
	}
	if cell&2 == 2 {
		rows[2] = all
	}
	return rows
}

// known is one change as a slow sum sees it.
type known struct {
	sequence eventstore.Sequence
	counts.Change
}

// slow is the number of each row in a range, one change after the other.
func slow(changes []known, k eventstore.Sequence, day temporal.Date,
	in counts.Range,
) map[counts.Key]int64 {
	sums := map[counts.Key]int64{}
	for _, c := range changes {
		if c.sequence > k || c.Day > day {
			continue
		}
		for _, row := range rowsOf(c.Cell) {
			if row != counts.NoRow && in.From <= row && row < in.Until {
				sums[row] += int64(c.Weight)
			}
		}
	}
	return sums
}

// book is a cube with its file, and the changes that it was given.
type book struct {
	*rand.Rand
	path    string
	db      *checked.DB
	cube    *counts.Cube
	changes []known
	last    eventstore.Sequence

	storedChanges int
	storedLast    eventstore.Sequence
	lengths       *counts.Lengths // of the last commit; nil: there was none
}

func newBook(t *testing.T, seed uint64) *book {
	t.Helper()
	b := &book{
		Rand: rand.New(rand.NewPCG(seed, 1)), path: filepath.Join(t.TempDir(), "counts.db"),
	}
	b.open(t)
	t.Cleanup(func() { _ = b.db.Close() })
	return b
}

func (b *book) open(t *testing.T) {
	t.Helper()
	var err error
	if b.db, err = checked.Open(b.path, checked.Options{Scratch: true}); err != nil {
		t.Fatal(err)
	}
	b.cube = counts.New(b.db, rule())
}

// event gives the cube what one event changes.
func (b *book) event() {
	b.last++
	var changes []counts.Change
	for range b.IntN(6) {
		changes = append(changes, counts.Change{
			Cell:   counts.Key(b.IntN(3))<<32 | counts.Key(b.IntN(5)),
			Day:    temporal.Date(b.IntN(12) - 6),
			Weight: int32(b.IntN(5) - 2),
		})
	}
	for _, c := range changes {
		b.changes = append(b.changes, known{b.last, c})
	}
	b.cube.Prefetch(changes)
	b.cube.Append(b.last, changes)
}

func (b *book) store(t *testing.T) {
	t.Helper()
	var lengths counts.Lengths
	err := errors.Join(b.cube.Wait(), b.db.Update(func(tx *checked.Tx) (err error) {
		lengths, err = b.cube.Store(tx)
		return err
	}))
	if err != nil {
		t.Fatal(err)
	}
	b.cube.Stored()
	b.storedChanges, b.storedLast, b.lengths = len(b.changes), b.last, &lengths
}

func (b *book) settle(t *testing.T) {
	t.Helper()
	if err := b.db.Update(b.cube.Settle); err != nil {
		t.Fatal(err)
	}
	b.cube.Settled()
}

// restart loads what the last commit stored, whatever was settled after it.
func (b *book) restart(t *testing.T) {
	t.Helper()
	if err := errors.Join(b.cube.Wait(), b.db.Close()); err != nil {
		t.Fatal(err)
	}
	b.open(t)
	b.changes, b.last = b.changes[:b.storedChanges], b.storedLast
	if b.lengths == nil {
		return
	}
	err := b.db.View(func(tx *checked.Tx) error { return b.cube.Load(tx, *b.lengths) })
	if err != nil {
		t.Fatal(err)
	}
}

// check compares the numbers of one question, and how they change over days.
func (b *book) check(t *testing.T) {
	t.Helper()
	view := b.cube.View()
	k := eventstore.Sequence(b.IntN(int(b.last) + 2))
	in := counts.Range{From: counts.Key(b.IntN(3)) << 32, Until: counts.Key(1+b.IntN(3)) << 32}
	if b.IntN(3) == 0 {
		in.Until = all + 1
	}
	var days []temporal.Date
	for day := temporal.Date(-7); day < 8; day += temporal.Date(1 + b.IntN(4)) {
		days = append(days, day)
	}
	on := days[b.IntN(len(days))]
	got, sums := map[counts.Key]int64{}, map[counts.Key]int64{}
	overDays := make([]map[counts.Key]int64, len(days))
	err := b.db.View(func(tx *checked.Tx) error {
		n, err := view.Until(tx, k)
		if err != nil {
			return err
		}
		err = view.On(tx, n, on, in, func(row counts.Key, count int64) { got[row] += count })
		for i := range overDays {
			overDays[i] = map[counts.Key]int64{}
		}
		return errors.Join(err, view.Over(tx, n, days, in, func(row counts.Key, i int, by int64) {
			overDays[i][row] += by
		}))
	})
	if err != nil {
		t.Fatal(err)
	}
	same(t, got, slow(b.changes, k, on, in))
	for i, day := range days {
		for row, by := range overDays[i] {
			sums[row] += by
		}
		same(t, sums, slow(b.changes, k, day, in))
	}
}

// same compares numbers.
func same(t *testing.T, got, want map[counts.Key]int64) {
	t.Helper()
	if !sameCounts(got, want) {
		t.Fatalf("rows are %v, want %v", got, want)
	}
}

// TestCubeCountsLikeASlowSum asks random questions of random changes: settled, stored, and loaded
// again at any time.
func TestCubeCountsLikeASlowSum(t *testing.T) {
	for seed := range uint64(20) {
		b := newBook(t, seed)
		for range 400 {
			b.event()
			switch b.IntN(20) {
			case 0:
				b.store(t)
			case 1:
				b.settle(t)
			case 2:
				b.restart(t)
			case 3, 4:
				b.check(t)
			}
		}
		b.check(t)
	}
}

// TestManyAskWhileItGrows asks views from many goroutines while more is appended, cells that no view
// before had among it.
func TestManyAskWhileItGrows(t *testing.T) {
	b := newBook(t, 9)
	var asking sync.WaitGroup
	for range 60 {
		b.event()
		view, changes, k := b.cube.View(), b.changes, b.last
		in := counts.Range{From: counts.Key(b.IntN(3)) << 32, Until: all + 1}
		for range 3 {
			asking.Go(func() {
				got := map[counts.Key]int64{}
				err := b.db.View(func(tx *checked.Tx) error {
					return view.On(tx, view.All(), 0, in, func(row counts.Key, count int64) {
						got[row] += count
					})
				})
				if want := slow(changes, k, 0, in); err != nil || !sameCounts(got, want) {
					t.Errorf("after event %d: %v, want %v, %v", k, got, want, err)
				}
			})
		}
	}
	asking.Wait()
}

// sameCounts compares numbers; one that is 0 may be missing.
func sameCounts(got, want map[counts.Key]int64) bool {
	for _, one := range []map[counts.Key]int64{got, want} {
		for row := range one {
			if got[row] != want[row] {
				return false
			}
		}
	}
	return true
}

// TestThePastStays reads the same changes for what was known, whatever came later and wherever it is
// kept, all at once and from some place on.
func TestThePastStays(t *testing.T) {
	b := newBook(t, 75)
	changes := func(after, k eventstore.Sequence) (text string) {
		t.Helper()
		view := b.cube.View()
		err := b.db.View(func(tx *checked.Tx) error {
			from, err := view.Until(tx, after)
			if err != nil {
				return err
			}
			n, err := view.Until(tx, k)
			if err != nil {
				return err
			}
			return view.Each(tx, from, n, func(seq eventstore.Sequence, c counts.Change) {
				text += fmt.Sprintln(seq, c)
			})
		})
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	var then []string
	for k := eventstore.Sequence(1); k <= 60; k++ {
		b.event()
		then = append(then, changes(0, k))
	}
	b.store(t)
	b.restart(t)
	for i, want := range then {
		k := eventstore.Sequence(i + 1)
		if changes(0, k) != want || changes(0, k/2)+changes(k/2, k) != want {
			t.Fatalf("the changes up to %d are others now", k)
		}
	}
	if then[0] == then[len(then)-1] {
		t.Fatal("the changes of everything are those of one event")
	}
}
