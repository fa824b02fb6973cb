package inspect

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"time"
)

// What a bbolt file holds is read here by itself, and not by bbolt, because bbolt trusts it: a bit
// that is wrong ends the program, or makes it read for ever. It also takes a lock, which a running
// ledger has.
//
// A file is pages of one size. Pages 0 and 1 are metas, of which the valid one with the higher
// number of transaction counts: it names the root. All that it refers to was written before it and
// stays until the next meta is written, so what was read is as of one moment if both metas are the
// same afterwards.
const (
	boltMagic      = 0xED0CDAED
	boltVersion    = 2
	boltPageHead   = 16
	boltMetaSize   = 64
	boltElement    = 16
	boltBucketHead = 16
	boltPageMin    = 1 << 9
	boltPageMax    = 1 << 16

	boltBranch = 0x01 // flags of a page
	boltLeaf   = 0x02

	boltMetaFlag = 0x04 // with no elements and no overflow behind it
	boltBucket   = 0x01 // flag of an element

	// No tree of 2^63 pages is as deep; a circle of them is.
	boltDepthMax  = 64 // pages from root to leaf
	boltNestedMax = 8  // buckets in buckets
)

// Errors of reading a bbolt file.
var (
	// ErrBolt is returned for a file that bbolt did not write so, wrapped with what is wrong.
	ErrBolt = errors.New("structure of the database is damaged")
	// ErrChanging is returned for a file that is written to faster than it can be read.
	ErrChanging = errors.New("database is being written to")
)

// boltError says what is wrong, as an error that wraps ErrBolt.
func boltError(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrBolt, fmt.Sprintf(format, args...))
}

// Bolt is a bbolt file as of a moment. Pages are read as they are asked for, and not kept. It
// belongs to one goroutine.
type Bolt struct {
	file     io.ReaderAt
	size     int64    // bytes; what the file says of its own length is not believed
	pageSize int64    // bytes; both metas must agree
	meta     boltMeta // the newer of the two
	// seen are the pages that were read. A page that is reached twice is damage, and would
	// otherwise be read for ever.
	seen map[uint64]bool
}

// boltMeta is what counts in a meta page. root and high are pages: where the tree begins, and the
// first that is not in use.
type boltMeta struct{ root, high, transaction uint64 }

// headPause is how long ReadBolt waits before it reads head pages again that are not whole: longer
// than anybody who writes them may be kept from the processor between two halves of a page.
const headPause = 20 * time.Millisecond

// ReadBolt opens a bbolt file for read, which may be called again when another process has written
// to the file meanwhile. Head pages are damaged when they are still not whole at the last of some
// attempts. The error wraps ErrBolt or ErrChanging, or is read's own, or one of the file system. No
// lock is taken, so a writer is neither waited for nor held up; read must begin anew each time it
// is called, as what it was told before may be of two moments.
func ReadBolt(path string, read func(*Bolt) error) (err error) {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("inspect: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	for attempt := range attempts {
		before, err := openBolt(file)
		if err != nil {
			if attempt == attempts-1 {
				return err
			}
			<-time.NewTimer(headPause).C
			continue
		}
		// Where the metas have changed, its result and its error alike may be of half a write.
		err = read(before)
		if after, again := openBolt(file); again == nil && before.meta == after.meta {
			return err
		}
	}
	return ErrChanging
}

// IsBolt tells whether a file that begins so is a bbolt file, whatever else may be wrong with it.
func IsBolt(head []byte) bool {
	return len(head) >= boltPageHead+4 &&
		binary.LittleEndian.Uint32(head[boltPageHead:]) == boltMagic
}

// OpenBolt reads the metas of a bbolt file that nobody writes to. Both of them must be whole,
// though one would do to read: the other is what is left after a crash, and a bit of it that is
// wrong is damage.
func OpenBolt(file io.ReaderAt, size int64) (*Bolt, error) {
	b := &Bolt{file: file, size: size, seen: map[uint64]bool{}}
	if size == 0 {
		return nil, boltError("it is empty")
	}
	head := make([]byte, boltPageHead+boltMetaSize)
	if err := b.readAt(head, 0); err != nil {
		return nil, err
	}
	page := int64(binary.LittleEndian.Uint32(head[boltPageHead+8:]))
	if page < boltPageMin || page > boltPageMax || page&(page-1) != 0 {
		return nil, boltError("pages of %d bytes", page)
	}
	b.pageSize = page
	first, err := readMeta(head, 0, page)
	if err != nil {
		return nil, fmt.Errorf("first meta page: %w", err)
	}
	if err := b.readAt(head, page); err != nil {
		return nil, err
	}
	second, err := readMeta(head, 1, page)
	if err != nil {
		return nil, fmt.Errorf("second meta page: %w", err)
	}
	if b.meta = first; second.transaction > first.transaction {
		b.meta = second
	}
	return b, nil
}

// openBolt reads the metas of a file as long as it is now.
func openBolt(file *os.File) (*Bolt, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("inspect: %w", err)
	}
	return OpenBolt(file, info.Size())
}

// readAt reads all of buf at a byte of the file; that it ends before is damage.
func (b *Bolt) readAt(buf []byte, at int64) error {
	if at < 0 || at > b.size-int64(len(buf)) {
		return boltError("it ends at byte %d, before byte %d", b.size, at+int64(len(buf)))
	}
	if _, err := b.file.ReadAt(buf, at); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("inspect: %w", err)
	}
	return nil
}

// readMeta reads a meta page and compares its checksum. page is how the page begins, id the number
// that it must have.
func readMeta(page []byte, id uint64, pageSize int64) (m boltMeta, err error) {
	meta := page[boltPageHead:]
	sum := fnv.New64a()
	_, _ = sum.Write(meta[:boltMetaSize-8]) // never fails: see hash.Hash
	word := binary.LittleEndian.Uint32
	long := binary.LittleEndian.Uint64
	switch {
	case long(page) != id || long(page[8:]) != boltMetaFlag:
		return m, boltError("its head is that of another page")
	case word(meta) != boltMagic:
		return m, boltError("no database")
	case word(meta[4:]) != boltVersion:
		return m, boltError("version %d", word(meta[4:]))
	case sum.Sum64() != binary.LittleEndian.Uint64(meta[boltMetaSize-8:]):
		return m, boltError("its checksum differs")
	case int64(word(meta[8:])) != pageSize:
		return m, boltError("pages of %d bytes", word(meta[8:]))
	}
	return boltMeta{root: long(meta[16:]), high: long(meta[40:]), transaction: long(meta[48:])}, nil
}

// Visitor is called with every key of a bucket in order; the names of nested buckets are joined by
// "/". A bucket itself is visited with the key nil, before what is in it. Key and value alias the
// page: who keeps them copies them. An error ends the walk.
type Visitor func(bucket string, key, value []byte) error

// Walk visits all that is in the file. It may be called again.
func (b *Bolt) Walk(visit Visitor) error {
	clear(b.seen)
	w := boltWalk{Bolt: b, visit: visit}
	return w.bucket("", b.meta.root)
}

// boltWalk goes through the tree of one bucket. It is copied for each bucket, so that name and
// nesting are those of where it is.
type boltWalk struct {
	*Bolt
	visit  Visitor
	name   string
	nested int
}

// bucket visits a bucket whose pages begin with root.
func (w boltWalk) bucket(name string, root uint64) error {
	if w.name = name; w.nested > boltNestedMax {
		return boltError("buckets in buckets in buckets")
	}
	return w.page(root, boltBounds{}, 0)
}

// boltBounds are which keys a page may hold: from the first, and before the end unless that is nil.
type boltBounds struct{ first, end []byte }

// page visits a page and all below it, whose keys must lie within.
func (w boltWalk) page(id uint64, within boltBounds, depth int) error {
	if depth > boltDepthMax {
		return boltError("page %d lies %d pages deep", id, depth)
	}
	page, err := w.load(id)
	if err != nil {
		return err
	}
	return w.elements(page, id, within, depth)
}

// load reads a page with those that it flows over to. Its bytes are the caller's.
func (b *Bolt) load(id uint64) ([]byte, error) {
	head := make([]byte, boltPageHead)
	if id < 2 || id >= b.meta.high || id > uint64(b.size/b.pageSize) {
		return nil, boltError("page %d of %d", id, b.meta.high)
	}
	at := int64(id) * b.pageSize
	if err := b.readAt(head, at); err != nil {
		return nil, err
	}
	more := uint64(binary.LittleEndian.Uint32(head[12:]))
	switch own := binary.LittleEndian.Uint64(head); {
	case own != id:
		return nil, boltError("page %d says that it is page %d", id, own)
	case more >= b.meta.high-id:
		return nil, boltError("page %d flows over %d pages of %d", id, more, b.meta.high)
	}
	for page := id; page <= id+more; page++ {
		if b.seen[page] {
			return nil, boltError("page %d is there twice", page)
		}
		b.seen[page] = true
	}
	if size := int64(more+1) * b.pageSize; at > b.size-size {
		return nil, boltError("it ends at byte %d, within page %d", b.size, id)
	}
	page := make([]byte, int64(more+1)*b.pageSize)
	return page, b.readAt(page, at)
}

// elements goes through what a page holds. An inline bucket's page has the number 0.
func (w boltWalk) elements(page []byte, id uint64, within boltBounds, depth int) error {
	flags, count := binary.LittleEndian.Uint16(page[8:]), int(binary.LittleEndian.Uint16(page[10:]))
	if flags != boltBranch && flags != boltLeaf || flags == boltBranch && (count == 0 || id == 0) {
		return boltError("page %d of kind %d has %d elements", id, flags, count)
	}
	if len(page) < boltPageHead+count*boltElement {
		return boltError("page %d has room for fewer than %d elements", id, count)
	}
	var before []byte
	// Elements share no byte: otherwise buckets in buckets could hold more than anybody can read.
	room := len(page) - boltPageHead
	for i := range count {
		key, rest, err := boltKey(page, i, flags == boltBranch)
		if err != nil {
			return fmt.Errorf("page %d: %w", id, err)
		}
		if room -= boltElement + len(key) + len(rest); room < 0 {
			return boltError("elements of page %d overlap", id)
		}
		if i > 0 && bytes.Compare(key, before) <= 0 || bytes.Compare(key, within.first) < 0 ||
			within.end != nil && bytes.Compare(key, within.end) >= 0 {
			return boltError("key %d of page %d is out of order", i, id)
		}
		before = key
		element := page[boltPageHead+i*boltElement:]
		if flags == boltBranch {
			child := boltBounds{first: key, end: within.end}
			if i+1 < count {
				if child.end, _, err = boltKey(page, i+1, true); err != nil {
					return fmt.Errorf("page %d: %w", id, err)
				}
			}
			err = w.page(binary.LittleEndian.Uint64(element[8:]), child, depth+1)
		} else {
			err = w.leaf(binary.LittleEndian.Uint32(element), key, rest)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// boltKey returns the key of an element, and of a leaf's its value. Both alias the page.
func boltKey(page []byte, i int, branch bool) (key, value []byte, err error) {
	at := boltPageHead + i*boltElement
	element := page[at:]
	word := binary.LittleEndian.Uint32
	place, length, more := uint64(word(element)), uint64(word(element[4:])), uint64(0)
	if !branch {
		place, length, more = length, uint64(word(element[8:])), uint64(word(element[12:]))
	}
	from := uint64(at) + place
	if from > uint64(len(page)) || length+more > uint64(len(page))-from {
		return nil, nil, boltError("element %d lies outside", i)
	}
	return page[from : from+length], page[from+length : from+length+more], nil
}

// leaf visits an element of a leaf, and what is in it if it is a bucket.
func (w boltWalk) leaf(flags uint32, key, value []byte) error {
	switch {
	case flags == 0 && w.name == "":
		return boltError("a value outside of all buckets")
	case flags == 0:
		return w.visit(w.name, key, value)
	case flags != boltBucket || len(value) < boltBucketHead:
		return boltError("element with flags %d and %d bytes", flags, len(value))
	}
	name := string(key)
	if w.name != "" {
		name = w.name + "/" + name
	}
	if err := w.visit(name, nil, nil); err != nil {
		return err
	}
	w.nested++
	root := binary.LittleEndian.Uint64(value)
	if root != 0 {
		return w.bucket(name, root)
	}
	if w.name = name; len(value) < boltBucketHead+boltPageHead || w.nested > boltNestedMax {
		return boltError("bucket of %d bytes", len(value))
	}
	return w.elements(value[boltBucketHead:], 0, boltBounds{}, 0)
}
