package packs

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sync"
)

// Witness remembers how far a stream was, across its openings, for as long as the process lives:
// one that ends before, or otherwise, has lost records, whatever its server says. A server that
// finds its file damaged makes up its mind anew about what is in it, and says nothing.
//
// It is for a stream that only this process's own server keeps, and nobody erases from. The zero
// value has seen nothing. All methods may be called at the same time, and of nil.
type Witness struct {
	mu  sync.Mutex
	was mark
}

// mark is a record that was seen at the end of a stream.
type mark struct {
	number uint64
	sum    string
}

// Sum returns what tells a record from any other: the SHA-256 of its bytes, in hexadecimal.
func (r *Record) Sum() string {
	sum := sha256.Sum256(r.Bytes())
	return hex.EncodeToString(sum[:])
}

// Seen returns the number and the sum of the last record that was seen, 0 where none was.
func (w *Witness) Seen() (number uint64, sum string) {
	was := w.seen()
	return was.number, was.sum
}

func (w *Witness) seen() mark {
	if w == nil {
		return mark{}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.was
}

// saw notes that a record was at the end.
func (w *Witness) saw(r *Record) {
	if w == nil || r.Number == 0 {
		return
	}
	sum := r.Sum()
	w.mu.Lock()
	defer w.mu.Unlock()
	if r.Number > w.was.number {
		w.was = mark{r.Number, sum}
	}
}

// check compares a record, which may be the end of the stream, with what was seen before it was
// read. The error is a *DamageError.
func (m mark) check(stream string, r *Record) error {
	if r.Number != m.number || m.number == 0 || r.Sum() == m.sum {
		return nil
	}
	return &DamageError{
		Stream: stream, From: r.Number, To: r.Number,
		Reason: "it is another one than was there before", Witnessed: true,
	}
}

// checkEnd compares where a stream ends with what was seen before it was asked. The error is a
// *DamageError.
func (m mark) checkEnd(stream string, last uint64) error {
	if last >= m.number {
		return nil
	}
	return &DamageError{
		Stream: stream, From: last + 1, To: m.number,
		Reason:    fmt.Sprintf("the stream ends at %d now, and had them before", last),
		Witnessed: true,
	}
}
