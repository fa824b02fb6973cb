package pages

import (
	"fmt"

	"cakupan/projections/checked"
)

// History is an array of records of a fixed number of bytes that only grows. One goroutine
// appends and stores; any number read through the views it hands out.
type History struct {
	width  int  // bytes a record
	shift  uint // a page holds 1<<shift records
	coding coding
	view   HistoryView
	dirty  bool // something was appended since the last Stored
	// storing is how many records the last Store has written, settling how many full pages there
	// were at the last Settle.
	storing, settling int
}

// HistoryView is a History as of a moment. It stays valid and unchanged while the History grows. It
// holds the pages in memory that it needs, and leaves the others to the file, which must be open to
// be read.
type HistoryView struct {
	n      int
	stored int      // pages before this one are in the file, and only there
	recent [][]byte // the pages from stored on
}

// NewHistory returns an empty history of records of width bytes in pages of 1<<shift of them. Shift
// and width are of the file's format.
func NewHistory(width int, shift uint) *History { return NewChained(width, shift, 0) }

// NewChained returns an empty history as NewHistory does, of which readers of a page take the first
// so many words all at once, or none: these take less room.
func NewChained(width int, shift uint, words int) *History {
	return &History{width: width, shift: shift, coding: codingOf(width, words)}
}

// View returns the history as it is now. It shares the pages: records that come later are behind
// its own.
func (h *History) View() HistoryView { return h.view }

// Len returns the number of records.
func (h *History) Len() int { return h.view.n }

// Append adds one record of zeros and returns its bytes, to be filled in before the next View.
func (h *History) Append() []byte {
	v := &h.view
	page, at := v.n>>h.shift, v.n&(1<<h.shift-1)
	if page-v.stored == len(v.recent) {
		v.recent = append(v.recent, h.newPage())
	}
	v.n++
	h.dirty = true
	return v.recent[page-v.stored][at*h.width : (at+1)*h.width]
}

// newPage returns an empty page, with the room behind it for [WordsIn].
func (h *History) newPage() []byte {
	return make([]byte, h.width<<h.shift+wordsPad)[:h.width<<h.shift]
}

// used returns how many of the records of a page the view has.
func (h *History) used(v *HistoryView, page int) int {
	return min(v.n-page<<h.shift, 1<<h.shift)
}

// put writes a page of the present view that is in memory.
func (h *History) put(b *checked.Bucket, page int) error {
	bytes := h.view.recent[page-h.view.stored]
	return b.Put(pageKey(page), h.coding.pack(bytes, h.used(&h.view, page)*h.width))
}

// Store writes the pages that are not in the file yet. Call Stored once the transaction has
// committed; until then the pages stay in memory too. When it has failed, Store again. A page that
// is not full is written again each time.
func (h *History) Store(b *checked.Bucket) error {
	if !h.dirty {
		return nil
	}
	for i := range h.view.recent {
		if err := h.put(b, h.view.stored+i); err != nil {
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
// Settled once the transaction has committed. A crash after that leaves pages behind the length
// that is noted. Nobody reads them: the same fold comes to the same records, and writes them again.
func (h *History) Settle(b *checked.Bucket) error {
	v := &h.view
	h.settling = v.n >> h.shift
	for page := v.stored; page < h.settling; page++ {
		if err := h.put(b, page); err != nil {
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

// Load replaces the history by the n records that were stored; full pages stay in the file. Views
// from before must not be used any more. Of full pages nothing is read: that they are there and
// whole is found out when somebody asks.
func (h *History) Load(b *checked.Bucket, n int) error {
	if n < 0 {
		return fmt.Errorf("%w: %d records", ErrCorrupt, n)
	}
	h.view = HistoryView{n: n, stored: n >> h.shift}
	h.dirty, h.storing = false, n
	if n&(1<<h.shift-1) == 0 {
		return nil
	}
	page := h.newPage()
	used := h.used(&h.view, h.view.stored) * h.width
	if err := unpackPage(b, h.coding, h.view.stored, page, used); err != nil {
		return err
	}
	h.view.recent = [][]byte{page}
	return nil
}

// Len returns the number of records of the view.
func (v *HistoryView) Len() int { return v.n }

// Page returns the bytes of page i, of which the view's own records are to be read and no
// others. Nobody writes them. A page from the file is unpacked into memory of the caller's own.
func (h *History) Page(v *HistoryView, b *checked.Bucket, i int) ([]byte, error) {
	if i >= v.stored {
		return v.recent[i-v.stored], nil
	}
	stored, err := h.shared(b, i)
	if err != nil {
		return nil, err
	}
	page := h.newPage()
	if err := h.coding.unpack(page, stored, len(page)); err != nil {
		return nil, fmt.Errorf("page %d: %w", i, err)
	}
	return page, nil
}

// Words returns the view's records of page i, which are of words. It unpacks none. What it returns
// is good for as long as the file is open; nobody writes it.
func (h *History) Words(v *HistoryView, b *checked.Bucket, i int) (Words, error) {
	words, used := h.width/wordBytes, h.used(v, i)
	if i >= v.stored {
		return WordsIn(v.recent[i-v.stored], words, used), nil
	}
	stored, err := h.shared(b, i)
	if err != nil {
		return Words{}, err
	}
	w, err := ReadWords(stored, words)
	if err == nil && w.n != used {
		err = fmt.Errorf("%w: %d records, not %d", ErrCorrupt, w.n, used)
	}
	if err != nil {
		return w, fmt.Errorf("page %d: %w", i, err)
	}
	return w, nil
}

// shared returns what is stored of a full page, which does not change any more. It is kept in
// memory for the next one who asks.
func (h *History) shared(b *checked.Bucket, i int) ([]byte, error) {
	if b == nil {
		return nil, fmt.Errorf("%w: no page %d", ErrCorrupt, i)
	}
	stored, err := b.Shared(pageKey(i))
	if err == nil && stored == nil {
		err = fmt.Errorf("%w: no page %d", ErrCorrupt, i)
	}
	return stored, err
}

// PageRecords returns how many records a page holds.
func (h *History) PageRecords() int { return 1 << h.shift }
