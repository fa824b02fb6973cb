package bundle

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/transparency-dev/merkle/compact"
	"golang.org/x/mod/sumdb/tlog"

	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/eventstore/checkpoint"
	"cakupan/eventstore/merkle"
)

// magic begins a bundle, before the version of its format. It is in each version alike, so that any
// program can say what the file is.
const magic = "CKBN"

// The versions. The second one has successions of keys, and is written where there are any.
const (
	// A ledger that never changed its key goes on writing the first, which older programs read.
	versionFirst       = 1
	versionSuccessions = 2
)

// head is how many bytes come before the items.
const head = len(magic) + 1

// errMalformed is of bytes that are no bundle. It is wrapped with what is known besides. That
// something was changed by accident, the checksum tells before: this is then of whoever made the
// file.
var errMalformed = errors.New("not a bundle, or cut off")

const (
	tagEnd   = 0 // of the events
	tagEvent = 1

	// It holds a signature of each witness; what is longer is no note of ours, and is not read into
	// memory.
	noteMax = 64 << 10
	// A proof has at most two hashes for each level of the tree.
	proofMax = 128 // hashes
	// A bound that keeps sums of two sizes far from overflow.
	sizeMax = 1 << 48 // events
)

// factory makes ranges of the log's tree. It has no state, and is safe for concurrent use.
var factory = &compact.RangeFactory{Hash: func(left, right []byte) []byte {
	node := merkle.NodeHash(merkle.Hash(left), merkle.Hash(right))
	return node[:]
}}

// encoder writes a bundle. It keeps its first error. It holds the hashes of the path alone, however
// many events pass. It belongs to one goroutine.
type encoder struct {
	successions []byte

	w io.Writer
	// Over all that was written, to be the last 32 bytes.
	sum hash.Hash
	err error
	// For one item, used again.
	buf  []byte
	tree *compact.Range // over all that was passed
	// It begins where tree ends.
	gap *compact.Range // hidden events behind it
}

// newEncoder begins a bundle: its head is written at once, with the version that successions ask
// for. An error shows at the end.
func newEncoder(w io.Writer, successions []byte) *encoder {
	e := &encoder{
		successions: successions,
		w:           w, sum: sha256.New(),
		tree: factory.NewEmptyRange(0), gap: factory.NewEmptyRange(0),
	}
	version := byte(versionFirst)
	if len(successions) > 0 {
		version = versionSuccessions
	}
	e.write(append([]byte(magic), version))
	return e
}

// write writes to w and to the sum, unless something has failed before.
func (e *encoder) write(b []byte) {
	if e.err == nil {
		_, _ = e.sum.Write(b) // never fails: see hash.Hash
		_, e.err = e.w.Write(b)
	}
}

// hide passes an event of which only the leaf is known. Nothing is written before the next event
// that is shown: what is hidden is told by the roots of the largest subtrees that hold nothing
// else, which do not tell the leaves.
func (e *encoder) hide(leaf merkle.Hash) {
	if err := e.gap.Append(leaf[:], nil); err != nil && e.err == nil {
		e.err = err
	}
}

// endGap appends the hashes of what was hidden. They go into buf, and tree then has them, too.
func (e *encoder) endGap() {
	e.buf = binary.AppendUvarint(e.buf, e.gap.End()-e.gap.Begin())
	for _, node := range e.gap.Hashes() {
		e.buf = append(e.buf, node...)
	}
	if err := e.tree.AppendRange(e.gap, nil); err != nil && e.err == nil {
		e.err = err
	}
}

// reveal writes an event. Its sequence is not written: it follows from what came before. The
// event's bytes are those that the leaf is of, as they are stored.
func (e *encoder) reveal(r eventstore.Record, leaf merkle.Hash) {
	e.buf = append(e.buf[:0], tagEvent)
	e.endGap()
	e.buf = binary.BigEndian.AppendUint64(e.buf, uint64(r.RecordedAt))
	e.buf = binary.AppendUvarint(e.buf, uint64(len(r.Event)))
	e.write(e.buf)
	e.write(r.Event)
	if err := e.tree.Append(leaf[:], nil); err != nil && e.err == nil {
		e.err = err
	}
	e.gap = factory.NewEmptyRange(e.tree.End())
}

// endEvents writes what was hidden behind the last event, and returns the root over all. Nothing
// but end may be called afterwards.
func (e *encoder) endEvents() (tlog.Hash, error) {
	e.buf = append(e.buf[:0], tagEnd)
	e.endGap()
	e.write(e.buf)
	if e.err != nil {
		return tlog.Hash{}, e.err
	}
	return rootOf(e.tree)
}

// rootOf returns the root over all that a range holds, which must begin at 0.
func rootOf(tree *compact.Range) (root tlog.Hash, err error) {
	text, err := tree.GetRootHash(nil)
	if err != nil || len(text) != len(root) {
		return root, fmt.Errorf("%w: no root: %w", errMalformed, err)
	}
	return tlog.Hash(text), nil
}

// end writes the rest. The checksum is over all before it, and is no part of itself: sum is taken
// before it is written.
func (e *encoder) end(statement, checkpoint []byte, proof tlog.TreeProof) error {
	for _, note := range [][]byte{statement, checkpoint} {
		e.write(binary.AppendUvarint(nil, uint64(len(note))))
		e.write(note)
	}
	e.write(binary.AppendUvarint(nil, uint64(len(proof))))
	for i := range proof {
		e.write(proof[i][:])
	}
	if len(e.successions) > 0 {
		e.write(binary.AppendUvarint(nil, uint64(len(e.successions))))
		e.write(e.successions)
	}
	e.write(e.sum.Sum(nil))
	return e.err
}

// content is a bundle, read and not believed: but for its root, which is that of its events and of
// what it hides, it only says so.
type content struct {
	// Those that are shown, with the sequences that follow from the hidden ones; their bytes alias
	// the file's.
	events []eventstore.Record
	// Of the log: shown and hidden events.
	size int64
	// Computed here over events and hidden hashes.
	root       tlog.Hash
	statement  []byte
	checkpoint []byte
	proof      tlog.TreeProof
	// successions prove that the key of both notes came in the place of others; empty: no other.
	successions []byte
}

// Whole tells whether bytes are a bundle that nothing has changed by accident. Whoever changes it
// on purpose can make the checksum anew: it says nothing about truth, only spares people a word of
// forgery where a disk has failed.
func Whole(data []byte) bool {
	if len(data) < head+sha256.Size || !bytes.HasPrefix(data, []byte(magic)) {
		return false
	}
	body := data[:len(data)-sha256.Size]
	sum := sha256.Sum256(body)
	return bytes.Equal(data[len(body):], sum[:])
}

// decoder reads a bundle. It keeps its first error, and returns nothing but zeros after it. The
// file is in memory as a whole, and every length is held against what is left of it, so that no
// claim takes memory for what is not there.
type decoder struct {
	// What is not read yet; empty after an error.
	rest []byte
	err  error
	// Over all that was passed: what does not follow on is no bundle.
	tree *compact.Range
}

// parse reads a bundle, whose bytes the events keep. The checksum must have been compared before;
// it is not looked at here. It accepts one form alone: numbers in their shortest, no bytes left
// over, so that a bundle has no second form that says the same.
func parse(data []byte) (*content, error) {
	if !bytes.HasPrefix(data, []byte(magic)) || len(data) < head+sha256.Size {
		return nil, errMalformed
	}
	version := data[len(magic)]
	if version != versionFirst && version != versionSuccessions {
		return nil, fmt.Errorf("%w: version %d is for a newer program", errMalformed, version)
	}
	d := &decoder{
		rest: data[head : len(data)-sha256.Size], tree: factory.NewEmptyRange(0),
	}
	c := &content{}
	for d.event(c) {
	}
	if d.err == nil {
		c.size = int64(d.tree.End())
		c.root, d.err = rootOf(d.tree)
	}
	c.statement, c.checkpoint = d.bytes(noteMax), d.bytes(noteMax)
	count := d.number(proofMax)
	for range count {
		c.proof = append(c.proof, d.hash())
	}
	if version == versionSuccessions {
		// The second version is written only where there are some.
		if c.successions = d.bytes(checkpoint.SuccessionsMax); len(c.successions) == 0 {
			d.fail()
		}
	}
	if len(d.rest) > 0 {
		d.fail()
	}
	if d.err != nil {
		return nil, d.err
	}
	return c, nil
}

// fail notes the first error, and leaves nothing to be read.
func (d *decoder) fail() {
	if d.err == nil {
		d.err = errMalformed
	}
	d.rest = nil
}

// number reads a number, in its shortest form. It is at most most; anything above is an error.
func (d *decoder) number(most uint64) uint64 {
	n, length := binary.Uvarint(d.rest)
	if length <= 0 || n > most || length > 1 && d.rest[length-1] == 0 {
		d.fail()
		return 0
	}
	d.rest = d.rest[length:]
	return n
}

// take returns the next n bytes, which alias the file's; nil after an error.
func (d *decoder) take(n int) []byte {
	if n > len(d.rest) {
		d.fail()
		return nil
	}
	taken := d.rest[:n:n]
	d.rest = d.rest[n:]
	return taken
}

func (d *decoder) bytes(most uint64) []byte { return d.take(int(d.number(most))) }

func (d *decoder) hash() (h tlog.Hash) {
	copy(h[:], d.take(len(h)))
	return h
}

// event reads an event and what is hidden before it, and reports whether there was one. It does not
// decode the event: that is for those who count.
func (d *decoder) event(c *content) bool {
	tag := d.take(1)
	if d.err != nil || tag[0] > tagEvent {
		d.fail()
		return false
	}
	d.gap()
	if tag[0] == tagEnd || d.err != nil {
		return false
	}
	at := d.take(8)
	stored := d.bytes(eventstore.EventBytesMax)
	if d.err != nil {
		return false
	}
	r := eventstore.Record{
		Sequence:   eventstore.Sequence(d.tree.End() + 1),
		RecordedAt: temporal.Instant(binary.BigEndian.Uint64(at)), Event: stored,
	}
	// Record times never decrease along a log, contract, section 1. Those of hidden events are not
	// known.
	if n := len(c.events); n > 0 && c.events[n-1].RecordedAt > r.RecordedAt {
		d.fail()
		return false
	}
	leaf := leafOf(r)
	if err := d.tree.Append(leaf[:], nil); err != nil {
		d.fail()
		return false
	}
	c.events = append(c.events, r)
	return true
}

// gap reads the hashes of what is hidden. How many hashes there are follows from where the gap
// begins and how long it is; a longer or a shorter list cannot be written down.
func (d *decoder) gap() {
	begin := d.tree.End()
	count := d.number(sizeMax)
	if d.err != nil || begin+count > sizeMax {
		d.fail()
		return
	}
	hashes := make([][]byte, compact.RangeSize(begin, begin+count))
	for i := range hashes {
		hashes[i] = d.take(merkle.HashSize)
	}
	if d.err != nil {
		return
	}
	hidden, err := factory.NewRange(begin, begin+count, hashes)
	if err == nil {
		err = d.tree.AppendRange(hidden, nil)
	}
	if err != nil {
		d.fail()
	}
}
