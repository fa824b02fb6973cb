package pages

import (
	"fmt"

	"cakupan/projections/checked"
)

// History is an array of records of a fixed number of bytes that only grows. One goroutine
// appends and stores; any number read through the views it hands out.
type History struct {
	width int  // bytes a record
	shift uint // a page holds 1<<shift records
	view  HistoryView
	dirty bool // something was appended since the last Stored
	// storing is how many records the last Store has written, settling how many full pages there
	// were at the last Settle.
	storing, settling int
}

// HistoryView is a History as of a moment. It stays valid and unchanged while the History grows.
type HistoryView struct {
	n      int
	stored int      // pages before this one are in the file, and only there
	recent [][]byte // the pages from stored on
}

// NewHistory returns an empty history of records of width bytes in pages of 1<<shift of them.
func NewHistory(width int, shift uint) *History { return &History{width: width, shift: shift} }

// View returns the history as it is now.
func (h *History) View() HistoryView { return h.view }

// Len returns the number of records.
func (h *History) Len() int { return h.view.n }

// Append adds one record of zeros and returns its bytes, to be filled in before the next View.
func (h *History) Append() []byte {
	v := &h.view
	page, at := v.n>>h.shift, v.n&(1<<h.shift-1)
	if page-v.stored == len(v.recent) {
		v.recent = append(v.recent, make([]byte, h.width<<h.shift))
	}
	v.n++
	h.dirty = true
	return v.recent[page-v.stored][at*h.width : (at+1)*h.width]
}

// Store writes the pages that are not in the file yet. Call Stored once the transaction has
// committed; until then the pages stay in memory too. When it has failed, Store again.
func (h *History) Store(b *checked.Bucket) error {
	if !h.dirty {
		return nil
	}
	for i, page := range h.view.recent {
		if err := b.Put(pageKey(h.view.stored+i), page); err != nil {
			return err
		}
	}
	h.storing = h.view.n
	return nil
}

// Stored tells that the transaction of the last Store has committed: the full pages it wrote
// leave memory. Views handed out before keep them.
func (h *History) Stored() {
	h.dirty = h.storing != h.view.n
	h.release(h.storing >> h.shift)
}

// Settle writes the full pages that are not in the file yet: they will not change any more. Call
// Settled once the transaction has committed.
func (h *History) Settle(b *checked.Bucket) error {
	v := &h.view
	h.settling = v.n >> h.shift
	for page := v.stored; page < h.settling; page++ {
		if err := b.Put(pageKey(page), v.recent[page-v.stored]); err != nil {
			return err
		}
	}
	return nil
}

// Settled tells that the transaction of the last Settle has committed: its pages leave memory. A
// history that is loaded before the next Store is as it was at the last one all the same.
func (h *History) Settled() { h.release(h.settling) }

// release drops the pages before the given one from memory: they are in the file.
func (h *History) release(until int) {
	v := &h.view
	if until <= v.stored {
		return
	}
	// A new slice: older views share the array of the present one.
	v.recent = append([][]byte(nil), v.recent[until-v.stored:]...)
	v.stored = until
}

// Load replaces the history by the n records that were stored; full pages stay in the file.
func (h *History) Load(b *checked.Bucket, n int) error {
	if n < 0 {
		return fmt.Errorf("%w: %d records", ErrCorrupt, n)
	}
	h.view = HistoryView{n: n, stored: n >> h.shift}
	h.dirty, h.storing = false, n
	if n&(1<<h.shift-1) == 0 {
		return nil
	}
	bytes, err := storedPage(b.Get, h.view.stored, h.width<<h.shift)
	if err != nil {
		return err
	}
	h.view.recent = [][]byte{bytes}
	return nil
}

// Len returns the number of records of the view.
func (v *HistoryView) Len() int { return v.n }

// Page returns the bytes of page i, of which the view's own records are to be read and no
// others. Nobody writes them.
func (h *History) Page(v *HistoryView, b *checked.Bucket, i int) ([]byte, error) {
	if i >= v.stored {
		return v.recent[i-v.stored], nil
	}
	if b == nil {
		return nil, fmt.Errorf("%w: no page %d", ErrCorrupt, i)
	}
	return storedPage(b.Shared, i, h.width<<h.shift) // a full page does not change any more
}

// PageRecords returns how many records a page holds.
func (h *History) PageRecords() int { return 1 << h.shift }
