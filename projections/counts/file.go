package counts

import (
	"encoding/binary"

	"cakupan/projections/checked"
	"cakupan/projections/pages"
)

// Lengths are what must be noted of a cube beside its buckets.
type Lengths struct{ Deltas, Cells, Chunks int }

func (c *Cube) columns(n *Lengths) [2]pages.Column {
	return [...]pages.Column{
		{Bucket: c.rule.Deltas, Pages: c.deltas, Length: &n.Deltas},
		{Bucket: c.rule.Cells, Pages: c.storedCells, Length: &n.Cells},
	}
}

// Store writes all that changed since the last Stored or Load into the transaction. Call Wait
// before, and Stored once it has committed; when it has failed, Store again.
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
// the file leaves memory.
func (c *Cube) Stored() {
	var n Lengths
	for _, column := range c.columns(&n) {
		column.Pages.Stored()
	}
	c.summer.evict()
}

// Settle writes most of what readers read, ahead of Store: the full pages of deltas, and the runs.
func (c *Cube) Settle(tx *checked.Tx) error {
	if err := pages.StoreIn(tx, c.rule.Deltas, c.deltas.Settle); err != nil {
		return err
	}
	return c.summer.settle(tx)
}

// Settled tells that the transaction of the last Settle has committed.
func (c *Cube) Settled() {
	c.deltas.Settled()
	c.summer.settled()
}

// Load replaces the empty cube by what was stored.
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
