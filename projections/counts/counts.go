// Package counts keeps numbers that add up, on two axes of time: how many on a day, as known at a
// place in the log.
//
// What changes is written as deltas: (cell, day, sequence, ±weight). A cell adds to one row or a
// few; the number of a row on a day D, as known at K, is the sum of the deltas of its cells with
// day ≤ D and sequence ≤ K. Runs that sum up whole chunks of deltas make that a matter of
// microseconds. What cells and rows are is the business of whoever keeps such numbers: here they
// are keys.
package counts

import (
	"encoding/binary"

	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections/checked"
	"cakupan/projections/pages"
)

// Key is a cell or a row, packed by whoever counts. It is stored: what a key means may change with
// the file's version alone. Zero is a key like others; NoRow is none.
type Key uint64

// Rows are those that a cell adds to; places that are not needed hold NoRow. The first is needed.
// No row may stand in two of the places, or it would be counted twice.
type Rows [3]Key

// NoRow is no row.
const NoRow = ^Key(0)

// Change is by how much the number of a cell changes from a day on. Weights are added up: one may
// be negative, and one of 0 changes nothing.
type Change struct {
	Cell   Key
	Day    temporal.Date
	Weight int32
}

// Rule says how a cube counts and where it is kept. It is part of what the file means: one who
// changes it must rebuild the file.
type Rule struct {
	Layout Layout
	// RowsOf returns the rows that a cell adds to: the same for ever, each once.
	RowsOf func(cell Key) Rows
	// The buckets of the file that the cube has for itself.
	Deltas, Cells, Runs string
}

// Layout says how many deltas go together, as powers of two. Tests use small ones.
//
// They are of the file's format. A page must not be larger than a chunk.
type Layout struct {
	Page  uint // a page of the history, the unit that is read from the file
	Chunk uint // a chunk, the unit that is summed up in a run: what a query scans is less
	Part  uint // rows and steps of a part of a run, the unit that is read of it
}

// FullLayout is of pages of 4,096 deltas (some 20 KiB, packed) and chunks of 65,536. Scanning a
// chunk is most of what a query costs, and takes a fraction of a millisecond; runs of smaller
// chunks would be more, and larger in sum. A part has what the rows of most regencies take: some
// 8 KiB, packed.
func FullLayout() Layout { return Layout{Page: 12, Chunk: 16, Part: 12} }

// chunkPages returns how many pages a chunk has.
func (l Layout) chunkPages() int { return 1 << (l.Chunk - l.Page) }

// Cube holds the numbers. One goroutine appends and stores; any number read through views.
//
// Persisted are the deltas, the cells in the order of their numbers, and the runs of full chunks.
// Derived from them when loaded: the numbers of cells, their rows, the first sequence of each page.
//
// A crash between two commits loses what was appended since the first: whoever counts folds the
// same events again, and gets the same bytes.
type Cube struct {
	rule Rule

	cells       keySet
	rows        []Rows         // of each cell, by its number; readers keep prefixes of it
	storedCells *pages.History // the cells again, 8 bytes each, as they go to the file
	deltas      *pages.History
	summer      *summer
	first       []eventstore.Sequence // of each page of deltas
	wanted      wanted

	slots []*keySlot // memory of Prefetch
}

// A page of cells holds 512.
const cellPageShift = 9

// New returns an empty cube, to be kept in the database. It starts no goroutine before the first
// chunk is full.
func New(db *checked.DB, rule Rule) *Cube {
	c := &Cube{
		rule:        rule,
		storedCells: pages.NewChained(8, cellPageShift, 2),
		deltas:      pages.NewChained(deltaBytes, rule.Layout.Page, chainedWords),
	}
	c.summer = newSummer(db, rule, c.deltas, 0)
	return c
}

// Prefetch has what Append reads first brought into the cache. The changes need not be those that
// are appended in the end.
func (c *Cube) Prefetch(changes []Change) {
	c.slots = c.cells.appendSlots(c.slots[:0], changes)
	pages.Prefetch(c.slots)
}

// Append adds what an event changes, each event once and in the order of the log. It sorts the
// changes in place, adds up those of the same cell and day, and returns what is left. Sequences
// must ascend; views that were handed out before do not see it. What it returns is valid until the
// changes are used again.
func (c *Cube) Append(seq eventstore.Sequence, changes []Change) []Change {
	combined := Combine(changes)
	for i := range combined {
		c.add(seq, &combined[i])
	}
	return combined
}

// add appends one delta. The sequence that a page begins with is noted, and a chunk that it fills
// is handed over to be summed up.
func (c *Cube) add(seq eventstore.Sequence, change *Change) {
	number, fresh := c.cells.number(change.Cell)
	if fresh {
		c.rows = append(c.rows, c.rule.RowsOf(change.Cell))
		binary.LittleEndian.PutUint64(c.storedCells.Append(), uint64(change.Cell))
	}
	if c.deltas.Len()&(1<<c.rule.Layout.Page-1) == 0 {
		c.first = append(c.first, seq)
	}
	putDelta(c.deltas.Append(), seq, change.Day, number, change.Weight)
	if c.deltas.Len()&(1<<c.rule.Layout.Chunk-1) == 0 {
		c.summer.add(chunkJob{view: c.deltas.View(), rows: c.rows})
	}
}

// View returns what has been appended so far. It costs nothing: what grows later, grows behind what
// the view has.
func (c *Cube) View() View {
	return View{
		cube:   c,
		cells:  c.cells.keys,
		rows:   c.rows,
		deltas: c.deltas.View(),
		first:  c.first,
		runs:   c.summer.current(),
	}
}

// Wait waits for the runs that are being made, and returns why one could not be. After an error no
// more chunks are summed up, and the cube is not to be stored.
func (c *Cube) Wait() error { return c.summer.wait() }
