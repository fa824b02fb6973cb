package counts

import (
	"encoding/binary"

	"cakupan/projections/checked"
	"cakupan/projections/pages"
)

// Lengths are what must be noted of a cube beside its buckets. They are kept with the position of
// the projection: Chunks says up to which one all runs are in the file.
type Lengths struct{ Deltas, Cells, Chunks int }

// columns returns what a cube keeps in pages. Runs have a bucket of their own.
func (c *Cube) columns(n *Lengths) [2]pages.Column {
	return [...]pages.Column{
		{Bucket: c.rule.Deltas, Pages: c.deltas, Length: &n.Deltas},
		{Bucket: c.rule.Cells, Pages: c.storedCells, Length: &n.Cells},
	}
}

// Store writes all that changed since the last Stored or Load into the transaction. Call Wait
// before, and Stored once it has committed; when it has failed, Store again. A crash before the
// commit leaves the file as the last Store made it, with what was settled since behind the noted
// lengths, where nobody reads it.
func (c *Cube) Store(tx *checked.Tx) (n Lengths, err error) {
	n.Chunks = c.summer.current().chunks
	for _, column := range c.columns(&n) {
		if err := column.Store(tx); err != nil {
			return n, err
		}
	}
	return n, c.summer.store(tx)
}

// Stored tells that the transaction of the last Store has committed: what readers can now find in
// the file leaves memory. Without it the same would be written once more.
func (c *Cube) Stored() {
	var n Lengths
	for _, column := range c.columns(&n) {
		column.Pages.Stored()
	}
	c.summer.evict()
}

// Settle writes most of what readers read, ahead of Store: the full pages of deltas, and the runs.
// None of that changes later, whatever becomes of the fold, so that it may be in the file early. It
// is no commit: after a crash the lengths are those of the last Store.
func (c *Cube) Settle(tx *checked.Tx) error {
	if err := pages.StoreIn(tx, c.rule.Deltas, c.deltas.Settle); err != nil {
		return err
	}
	return c.summer.settle(tx)
}

// Settled tells that the transaction of the last Settle has committed. Views from before keep what
// they had in memory.
func (c *Cube) Settled() {
	c.deltas.Settled()
	c.summer.settled()
}

// Load replaces the empty cube by what was stored. What was settled behind the noted lengths is not
// read; the fold comes to the same again, and writes over it. After an error the cube is of no use.
func (c *Cube) Load(tx *checked.Tx, n Lengths) error {
	for _, column := range c.columns(&n) {
		if err := column.Load(tx); err != nil {
			return err
		}
	}
	c.summer = newSummer(c.summer.db, c.rule, c.deltas, n.Chunks)
	err := pages.LoadFrom(tx, c.rule.Cells, func(b *checked.Bucket) error {
		return c.storedCells.Each(b, func(page []byte, records int) {
			for i := range records {
				cell := Key(binary.LittleEndian.Uint64(page[8*i:]))
				c.cells.number(cell)
				c.rows = append(c.rows, c.rule.RowsOf(cell))
			}
		})
	})
	if err != nil {
		return err
	}
	return pages.LoadFrom(tx, c.rule.Deltas, func(b *checked.Bucket) error {
		return c.deltas.EachWords(b, func(page pages.Words) {
			of := sequencesIn(&page)
			c.first = append(c.first, of.at(0))
		})
	})
}
