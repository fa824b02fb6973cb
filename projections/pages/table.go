package pages

import (
	"fmt"
	"math/bits"
	"unsafe"

	"cakupan/projections/checked"
)

// Table is an array of records of type T, which must not contain pointers: what is stored of a
// page is the memory it occupies, packed. Hosts are little-endian (amd64, arm64); see hostOrder in
// the tests.
//
// A Table is not safe for concurrent use.
//
// Pages are never moved, so that a pointer to a record stays good while the table grows.
type Table[T any] struct {
	shift  uint // a page holds 1<<shift records
	coding coding
	pages  [][]T
	n      int
	dirty  []uint64 // one bit a page: changed since Store
	last   int      // a page whose bit is set, the one marked last; noPage: none
	// storing are the pages that Store wrote and Stored has not confirmed. They are written
	// again when the transaction failed.
	storing []uint64
}

// NewTable returns an empty table with pages of 1<<shift records.
func NewTable[T any](shift uint) *Table[T] {
	var record T
	width := int(unsafe.Sizeof(record))
	return &Table[T]{shift: shift, coding: codingOf(width, width/wordBytes), last: noPage}
}

// noPage is the number of no page.
const noPage = -1

// Len returns the number of records.
func (t *Table[T]) Len() int { return t.n }

// At returns record i to be read. It is valid until the table is dropped. The index must be less
// than Len.
func (t *Table[T]) At(i int) *T { return &t.pages[i>>t.shift][i&(1<<t.shift-1)] }

// Prefetch has the records brought into the cache, all at the same time: At of each will soon be
// called.
func (t *Table[T]) Prefetch(indexes []uint32) {
	const together = 128
	var records [together]*T
	for len(indexes) > 0 {
		n := min(len(indexes), together)
		for i, index := range indexes[:n] {
			records[i] = t.At(int(index))
		}
		Prefetch(records[:n])
		indexes = indexes[n:]
	}
}

// Edit returns record i to be changed before the next Store. Whoever changes a record through At
// instead loses the change at the next start.
func (t *Table[T]) Edit(i int) *T {
	t.mark(i >> t.shift)
	return t.At(i)
}

// Append adds a record and returns its index. The page is marked, so that it is written whole at
// the next Store.
func (t *Table[T]) Append(record T) int {
	i := t.n
	*t.AppendZero() = record
	return i
}

// AppendZero adds a record of zeros and returns it to be filled in, before the next Store. A record
// of many fields that is put together first is copied while its fields are still being written,
// which the processor waits for.
func (t *Table[T]) AppendZero() *T {
	i := t.n
	page := i >> t.shift
	if page == len(t.pages) {
		t.pages = append(t.pages, make([]T, 1<<t.shift))
	}
	t.n++
	t.mark(page)
	return &t.pages[page][i&(1<<t.shift-1)]
}

// Extend adds n records of zeros that lie in one page and returns the index of the first. What
// is left of the current page stays unused if they do not fit. n is at most 1<<shift. Their bytes
// may be handed out as one slice: names need that.
func (t *Table[T]) Extend(n int) int {
	if room := 1<<t.shift - t.n&(1<<t.shift-1); t.n>>t.shift < len(t.pages) && room < n {
		t.n += room
	}
	if t.n>>t.shift == len(t.pages) {
		t.pages = append(t.pages, make([]T, 1<<t.shift))
	}
	first := t.n
	t.n += n
	t.mark(first >> t.shift)
	return first
}

// Tail returns the records from i to the end of its page. It goes on to what is not used yet, as
// far as the page has room.
func (t *Table[T]) Tail(i int) []T { return t.pages[i>>t.shift][i&(1<<t.shift-1):] }

// mark marks a page as changed. Mostly it is the one that was marked last.
func (t *Table[T]) mark(page int) {
	if page != t.last {
		t.markAnew(page)
	}
}

// markAnew does so for any page.
func (t *Table[T]) markAnew(page int) {
	for page>>6 >= len(t.dirty) {
		t.dirty = append(t.dirty, 0)
	}
	t.dirty[page>>6] |= 1 << (page & 63)
	t.last = page
}

// Store writes the pages that changed since the last Stored or Load. Call Stored once the
// transaction has committed; when it has failed, Store again. Records may be changed before it
// commits: their pages are marked again, and written the next time.
func (t *Table[T]) Store(b *checked.Bucket) error {
	for len(t.storing) < len(t.dirty) {
		t.storing = append(t.storing, 0)
	}
	for word, set := range t.dirty {
		t.storing[word] |= set
	}
	clear(t.dirty)
	t.last = noPage
	for word, set := range t.storing {
		for ; set != 0; set &= set - 1 {
			page := word<<6 + bits.TrailingZeros64(set)
			packed := t.coding.pack(asBytes(t.pages[page]), len(asBytes(t.used(page))))
			if err := b.Put(pageKey(page), packed); err != nil {
				return err
			}
		}
	}
	return nil
}

// used returns the records of a page.
func (t *Table[T]) used(page int) []T {
	return t.pages[page][:min(t.n-page<<t.shift, 1<<t.shift)]
}

// Stored tells that the transaction of the last Store has committed. Pages that were changed since
// Store stay marked.
func (t *Table[T]) Stored() { clear(t.storing) }

// Load replaces the table by the n records that were stored. After an error the table is of no use:
// it has the pages up to the one that was wrong.
func (t *Table[T]) Load(b *checked.Bucket, n int) error {
	t.pages, t.n = nil, n
	t.dirty, t.storing, t.last = nil, nil, noPage
	if n < 0 {
		return fmt.Errorf("%w: %d records", ErrCorrupt, n)
	}
	// They may be said to be any number: the first page that is missing ends it.
	for i := range pageCount(n, t.shift) {
		t.pages = append(t.pages, make([]T, 1<<t.shift))
		page, used := asBytes(t.pages[i]), len(asBytes(t.used(i)))
		if err := unpackPage(b, t.coding, i, page, used); err != nil {
			return err
		}
	}
	return nil
}

// asBytes returns the memory of the records. It is the table's own memory, not a copy.
func asBytes[T any](records []T) []byte {
	if len(records) == 0 {
		return nil
	}
	size := len(records) * int(unsafe.Sizeof(records[0]))
	return unsafe.Slice((*byte)(unsafe.Pointer(&records[0])), size)
}
