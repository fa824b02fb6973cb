package pages

import (
	"fmt"

	"cakupan/projections/checked"
)

// Column is a table or a history, the bucket that keeps it, and where its length is noted: the
// length is kept beside the pages, since a page does not tell how many of its records are used.
type Column struct {
	Bucket string
	Pages  Paged
	Length *int
}

// Paged is what a [Table] and a [History] have in common.
type Paged interface {
	Len() int
	Store(*checked.Bucket) error
	Stored()
	Load(*checked.Bucket, int) error
}

// Store writes what changed in the column, and notes its length. The length has to be stored by the
// caller, in the same transaction.
func (c *Column) Store(tx *checked.Tx) error {
	*c.Length = c.Pages.Len()
	return StoreIn(tx, c.Bucket, c.Pages.Store)
}

// Load replaces the column by what is stored of the noted length. After an error the column is of
// no use.
func (c *Column) Load(tx *checked.Tx) error {
	return LoadFrom(tx, c.Bucket, func(b *checked.Bucket) error {
		return c.Pages.Load(b, *c.Length)
	})
}

// StoreIn stores into a bucket, which it makes when there is none. An error names the bucket.
func StoreIn(tx *checked.Tx, name string, store func(*checked.Bucket) error) error {
	b, err := tx.CreateBucketIfNotExists([]byte(name))
	if err != nil {
		return fmt.Errorf("make bucket %s: %w", name, err)
	}
	if err := store(b); err != nil {
		return fmt.Errorf("store %s: %w", name, err)
	}
	return nil
}

// LoadFrom loads from a bucket, which must be there. A bucket that is missing is damage: Store has
// made it, also for an empty column.
func LoadFrom(tx *checked.Tx, name string, load func(*checked.Bucket) error) error {
	b := tx.Bucket([]byte(name))
	if b == nil {
		return fmt.Errorf("%w: no bucket %s", ErrCorrupt, name)
	}
	if err := load(b); err != nil {
		return fmt.Errorf("load %s: %w", name, err)
	}
	return nil
}

// Each calls visit with every page of a history and the number of its records. Those of pages in
// the file are unpacked one by one, so that memory does not grow with the history.
func (h *History) Each(b *checked.Bucket, visit func(page []byte, records int)) error {
	for first := 0; first < h.view.n; first += h.PageRecords() {
		page, err := h.Page(&h.view, b, first/h.PageRecords())
		if err != nil {
			return err
		}
		visit(page, min(h.view.n-first, h.PageRecords()))
	}
	return nil
}

// EachWords calls visit with the records of every page of a history of words. They are read where
// they lie, without being unpacked.
func (h *History) EachWords(b *checked.Bucket, visit func(Words)) error {
	for first := 0; first < h.view.n; first += h.PageRecords() {
		page, err := h.Words(&h.view, b, first/h.PageRecords())
		if err != nil {
			return err
		}
		visit(page)
	}
	return nil
}
