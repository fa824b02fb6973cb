package inspect

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
)

// Tree reads keys of a bbolt file as of one transaction, without what the values hold. It checks
// each page that it comes by, and is used by one goroutine. A file of any size may be read, since
// only some pages are kept.
type Tree struct {
	file     io.ReaderAt
	pageSize int64
	root     uint64
	// As many as the file is said to have: no page at or above it is read.
	high uint64 // pages
	// Those that were found.
	buckets map[string]bucketPlace
	// By their number; at most pagesKept.
	pages map[uint64]*treePage // some that were read
}

// pagesKept bounds how many pages a tree remembers: those near the root are read again and again.
const pagesKept = 64

// bucketPlace is where the pages of a bucket begin: in a page, or in the bytes.
type bucketPlace struct {
	// 0: it is inline.
	root uint64
	// A page without a number, kept in the element itself.
	inline []byte
}

// NewTree returns the tree that begins with the page root, in a file of so many bytes that count.
// The caller knows root and length from elsewhere, and sees to it that the pages stay as they are;
// the file is read as it is asked for.
func NewTree(file io.ReaderAt, pageSize int, root, bytes uint64) *Tree {
	return &Tree{
		file: file, pageSize: int64(pageSize), root: root, high: bytes / uint64(pageSize),
		buckets: map[string]bucketPlace{}, pages: map[uint64]*treePage{},
	}
}

// Transaction returns the number of the last transaction that has committed. It grows with each.
func (b *Bolt) Transaction() uint64 { return b.meta.transaction }

// Tree returns the tree of what has committed last, in a file that nobody writes to.
func (b *Bolt) Tree() *Tree {
	return NewTree(b.file, int(b.pageSize), b.meta.root, b.meta.high*uint64(b.pageSize))
}

// Scan visits all keys of all buckets of a file that nobody writes to. A bucket itself is visited
// with the key nil, before what is in it. Values are not read, only told where they are: what is
// asked of few need not be read of all. An error of visit ends it and is returned. Buckets in
// buckets are damage here: no file of this program has them.
func (b *Bolt) Scan(visit func(bucket string, key []byte, value Value) error) error {
	t := b.Tree()
	seen := map[uint64]bool{}
	return t.walk(bucketPlace{root: t.root}, seen, func(e *treeElement) error {
		if e.flags != boltBucket {
			return boltError("a value outside of all buckets")
		}
		name := string(e.key)
		if err := visit(name, nil, Value{}); err != nil {
			return err
		}
		place, err := e.bucket()
		if err != nil {
			return err
		}
		return t.walk(place, seen, func(e *treeElement) error {
			if e.flags != 0 {
				return boltError("element with flags %d in bucket %s", e.flags, name)
			}
			return visit(name, e.key, e.value)
		})
	})
}

// Value is where a value is. The zero value is of no key. It is good as long as the file stays as
// it is.
type Value struct {
	from   io.ReaderAt
	at     int64
	length int
	bytes  []byte // the value itself, of one that was read with its key
}

// Found tells whether there is one.
func (v Value) Found() bool { return v.from != nil }

// Read returns the value, which is the caller's own.
func (v Value) Read() ([]byte, error) { return v.Last(v.length) }

// Last returns the last n bytes of the value. n above its length is an error that wraps ErrBolt.
func (v Value) Last(n int) ([]byte, error) {
	if v.from == nil || n > v.length {
		return nil, boltError("a value of %d bytes is missing", n)
	}
	if v.bytes != nil {
		return bytes.Clone(v.bytes[v.length-n:]), nil
	}
	buf := make([]byte, n)
	return buf, readFull(v.from, buf, v.at+int64(v.length-n))
}

// readFull reads all of buf; that the file ends before is damage.
func readFull(from io.ReaderAt, buf []byte, at int64) error {
	n, err := from.ReadAt(buf, at)
	switch {
	case n == len(buf):
		return nil
	case errors.Is(err, io.EOF):
		return boltError("it ends before byte %d", at+int64(len(buf)))
	}
	return fmt.Errorf("inspect: %w", err)
}

// Find returns where the value of a key is, in a bucket that lies in no other one, or among the
// buckets themselves if that is nil. Where there is no such bucket or key, the value is the zero
// one and there is no error.
func (t *Tree) Find(bucket, key []byte) (Value, error) {
	place := bucketPlace{root: t.root}
	if bucket != nil {
		var there bool
		var err error
		if place, there, err = t.bucket(bucket); err != nil || !there {
			return Value{}, err
		}
	}
	e, err := t.find(place, key)
	if err != nil || e == nil {
		return Value{}, err
	}
	return e.value, nil
}

// Check checks all pages of a bucket. A bucket that is not there has nothing wrong. Values are not
// read.
func (t *Tree) Check(bucket []byte) error {
	place, there, err := t.bucket(bucket)
	if err != nil || !there {
		return err
	}
	return t.walk(place, map[uint64]bool{}, func(*treeElement) error { return nil })
}

// bucket returns where the pages of a bucket begin. It remembers those that are there.
func (t *Tree) bucket(name []byte) (place bucketPlace, there bool, err error) {
	if place, there = t.buckets[string(name)]; there {
		return place, true, nil
	}
	e, err := t.find(bucketPlace{root: t.root}, name)
	if err != nil || e == nil {
		return place, false, err
	}
	if place, err = e.bucket(); err == nil {
		t.buckets[string(name)] = place
	}
	return place, true, err
}

// bucket returns where the pages of a bucket begin, given its element.
func (e *treeElement) bucket() (place bucketPlace, err error) {
	if e.flags != boltBucket || e.value.length < boltBucketHead {
		return place, boltError("element with flags %d and %d bytes", e.flags, e.value.length)
	}
	head, err := e.value.Read()
	if err != nil {
		return place, err
	}
	place.root = binary.LittleEndian.Uint64(head)
	// A small bucket lies in its element.
	if place.root == 0 {
		place.inline = head[boltBucketHead:]
	}
	return place, nil
}

// find returns the element of a key; nil: there is none. It goes from the root to one leaf and
// checks each page on the way.
func (t *Tree) find(place bucketPlace, key []byte) (*treeElement, error) {
	page, err := t.first(place)
	for depth := 0; err == nil; depth++ {
		i, found := slices.BinarySearchFunc(page.elements, key,
			func(e treeElement, key []byte) int { return bytes.Compare(e.key, key) })
		if !page.branch {
			if !found {
				return nil, nil
			}
			return &page.elements[i], nil
		}
		if depth > boltDepthMax {
			return nil, boltError("page %d lies %d pages deep", page.id, depth)
		}
		if !found {
			i = max(i-1, 0)
		}
		page, err = t.load(page.elements[i].child, page.within(i))
	}
	return nil, err
}

// walk visits all elements of the leaves. It comes by no page twice. seen is kept by the caller,
// over several buckets where they must not share a page either.
func (t *Tree) walk(place bucketPlace, seen map[uint64]bool, visit func(*treeElement) error,
) error {
	page, err := t.first(place)
	if err != nil {
		return err
	}
	return t.walkPage(page, seen, visit)
}

// walkPage visits a page and all below it.
func (t *Tree) walkPage(page *treePage, seen map[uint64]bool, visit func(*treeElement) error,
) error {
	for id := page.id; id < page.end; id++ {
		if seen[id] {
			return boltError("page %d is there twice", id)
		}
		seen[id] = true
	}
	for i := range page.elements {
		if !page.branch {
			if err := visit(&page.elements[i]); err != nil {
				return err
			}
			continue
		}
		child, err := t.load(page.elements[i].child, page.within(i))
		if err == nil {
			err = t.walkPage(child, seen, visit) // no deeper than there are pages
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// treePage is a page with the keys that it holds.
type treePage struct {
	id, end uint64 // end is the page after it and those that it flows over to
	branch  bool
	// Those that its parent allows: the same page under other bounds is checked again.
	bounds boltBounds
	// In the order of keys.
	elements []treeElement
}

type treeElement struct {
	key   []byte
	child uint64 // of a branch
	flags uint32 // of a leaf, as the value
	value Value
}

// within returns which keys the child of an element may hold. Those of a first child begin with the
// element's own key, as in bbolt.
func (p *treePage) within(i int) boltBounds {
	bounds := boltBounds{first: p.elements[i].key, end: p.bounds.end}
	if i+1 < len(p.elements) {
		bounds.end = p.elements[i+1].key
	}
	return bounds
}

// first loads the first page of a bucket.
func (t *Tree) first(place bucketPlace) (*treePage, error) {
	if place.root != 0 {
		return t.load(place.root, boltBounds{})
	}
	if len(place.inline) < boltPageHead {
		return nil, boltError("bucket of %d bytes", len(place.inline))
	}
	p := &treePage{}
	raw := rawPage{
		from: bytes.NewReader(place.inline), size: int64(len(place.inline)), head: place.inline,
	}
	return p, p.read(raw)
}

// load reads a page of the file and checks it. bounds are what the page above says of its keys.
func (t *Tree) load(id uint64, bounds boltBounds) (*treePage, error) {
	if id < 2 || id >= t.high {
		return nil, boltError("page %d of %d", id, t.high)
	}
	if p := t.pages[id]; p != nil && p.bounds.equal(bounds) {
		return p, nil
	}
	raw := rawPage{from: t.file, at: int64(id) * t.pageSize, head: make([]byte, t.pageSize)}
	if err := readFull(t.file, raw.head, raw.at); err != nil {
		return nil, err
	}
	more := uint64(binary.LittleEndian.Uint32(raw.head[12:]))
	switch own := binary.LittleEndian.Uint64(raw.head); {
	case own != id:
		return nil, boltError("page %d says that it is page %d", id, own)
	case more >= t.high-id:
		return nil, boltError("page %d flows over %d pages of %d", id, more, t.high)
	}
	raw.size = int64(more+1) * t.pageSize
	p := &treePage{id: id, end: id + more + 1, bounds: bounds}
	if err := p.read(raw); err != nil {
		return nil, err
	}
	// All at once: which of them is used again is not known, and reading a page again costs little.
	if len(t.pages) == pagesKept {
		clear(t.pages)
	}
	t.pages[id] = p
	return p, nil
}

// equal tells whether two bounds allow the same keys.
func (b boltBounds) equal(other boltBounds) bool {
	return bytes.Equal(b.first, other.first) && bytes.Equal(b.end, other.end)
}

// rawPage is a page in a file, or in a bucket's element.
type rawPage struct {
	from     io.ReaderAt
	at, size int64
	head     []byte // how it begins
}

// bytes returns some of the page's bytes. Those of the first page are aliased, others read. Nothing
// outside of the page is.
func (r *rawPage) bytes(at, n int64) ([]byte, error) {
	switch {
	case at < 0 || n < 0 || at > r.size || n > r.size-at:
		return nil, boltError("element at byte %d lies outside", at)
	case at+n <= int64(len(r.head)):
		return r.head[at : at+n], nil
	}
	buf := make([]byte, n)
	return buf, readFull(r.from, buf, r.at+at)
}

// read reads the elements, and checks that they lie in the page, share no byte, and are in order.
func (p *treePage) read(raw rawPage) error {
	flags, count := binary.LittleEndian.Uint16(raw.head[8:]),
		int64(binary.LittleEndian.Uint16(raw.head[10:]))
	p.branch = flags == boltBranch
	if !p.branch && flags != boltLeaf || p.branch && (count == 0 || p.id == 0) {
		return boltError("page %d of kind %d has %d elements", p.id, flags, count)
	}
	table, err := raw.bytes(boltPageHead, count*boltElement)
	if err != nil {
		return err
	}
	p.elements = make([]treeElement, count)
	// Shared bytes would let a small file hold more than can be read.
	room := raw.size - boltPageHead
	for i := range p.elements {
		e := &p.elements[i]
		at := i * boltElement
		used, err := e.read(&raw, table[at:], int64(boltPageHead+at), p.branch)
		if err != nil {
			return fmt.Errorf("page %d: %w", p.id, err)
		}
		if room -= used; room < 0 {
			return boltError("elements of page %d overlap", p.id)
		}
		if i > 0 && bytes.Compare(e.key, p.elements[i-1].key) <= 0 ||
			bytes.Compare(e.key, p.bounds.first) < 0 ||
			p.bounds.end != nil && bytes.Compare(e.key, p.bounds.end) >= 0 {
			return boltError("key %d of page %d is out of order", i, p.id)
		}
	}
	return nil
}

// read reads an element and returns what it takes in the page, where it lies at the place.
func (e *treeElement) read(raw *rawPage, element []byte, at int64, branch bool,
) (used int64, err error) {
	word := func(i int) int64 { return int64(binary.LittleEndian.Uint32(element[4*i:])) }
	from, length, rest := word(0), word(1), int64(0)
	if branch {
		e.child = binary.LittleEndian.Uint64(element[8:])
	} else {
		e.flags = uint32(word(0))
		from, length, rest = word(1), word(2), word(3)
	}
	if e.key, err = raw.bytes(at+from, length); err != nil {
		return 0, err
	}
	if rest > raw.size-(at+from+length) {
		return 0, boltError("value at byte %d lies outside", at+from+length)
	}
	at += from + length
	e.value = Value{from: raw.from, at: raw.at + at, length: int(rest)}
	if at+rest <= int64(len(raw.head)) {
		e.value.bytes = raw.head[at : at+rest]
	}
	return boltElement + length + rest, nil
}
