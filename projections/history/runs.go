package history

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
	"sort"

	"github.com/cespare/xxhash/v2"

	"cakupan/eventstore"
	"cakupan/projections/checked"
)

// layout says how the index is cut. It is part of the file's format; tests use small ones.
type layout struct {
	chunk, block uint // a chunk has 1<<chunk events, a block 1<<block
	page         int  // entries in a page of a run
}

// fullLayout: a name is looked for in one run for each million events, in up to sixteen chunks,
// and among the names of up to 65,536 events that are not sorted yet, which takes some
// milliseconds at worst. Sorting a block takes some 25 MB of memory. Two pages of 2,000 entries
// fill eight pages of the file.
var fullLayout = layout{chunk: 16, block: 20, page: 2000}

// entry says that an event has a name: the name's number above, below it the event's place in its
// block. So entries in ascending order have the events of each name together, and in their order.
type entry uint64

// placeBits is what an entry has for the place in a block; the number of the name has the others.
const placeBits = 20

// numberOf returns the number of a name, shifted to its place in an entry. Names that share a
// number cost whoever looks for one a look at the other's events, and nothing more.
func numberOf(s Subject) entry {
	var text [80]byte // longer than any name
	sum := xxhash.Sum64(append(append(text[:0], byte(s.Kind)), s.Name...))
	return entry(sum >> placeBits << placeBits)
}

// entry returns that of a name and an event. Of the sequence only the place in its block is kept:
// which block it is, the run says.
func (l layout) entry(s Subject, seq eventstore.Sequence) entry {
	return numberOf(s) | entry(uint64(seq-1)&(1<<l.block-1))
}

// sequence returns the event of an entry, in the block with the number.
func (l layout) sequence(e entry, block uint64) eventstore.Sequence {
	return eventstore.Sequence(block<<l.block+uint64(e)&(1<<placeBits-1)) + 1
}

// chunkEnd returns the last event of the chunk that has the given one.
func (l layout) chunkEnd(seq eventstore.Sequence) eventstore.Sequence {
	return ((seq-1)>>l.chunk + 1) << l.chunk
}

// The buckets of entries. The tail has those of the events behind the last full chunk, as they
// came, in pages under their numbers. Chunks and blocks have pages of
// sorted runs under the number of the run and the page's first entry.
var (
	tailBucket  = []byte("tail")
	chunkBucket = []byte("chunks")
	blockBucket = []byte("blocks")
)

// errPage is returned for a page that is none: the file is damaged, and has to be built anew.
var errPage = fmt.Errorf("page of the index: %w", checked.ErrDamaged)

// putTail adds the entries to the tail. The last page is filled up first, so that the tail has full
// pages however small frames are.
func (p *Projection) putTail(tx *checked.Tx) error {
	if len(p.entries) == 0 {
		return nil
	}
	b, err := tx.CreateBucketIfNotExists(tailBucket)
	if err == nil {
		err = b.Ascending()
	}
	if err != nil {
		return err
	}
	number, entries := uint64(b.Len()), p.entries
	if number > 0 {
		page, err := b.Get(tailKey(number - 1))
		if err != nil {
			return err
		}
		last, err := decode(nil, page)
		if err != nil {
			return err
		}
		if len(last) < p.layout.page {
			number, entries = number-1, append(last, entries...)
		}
	}
	for page := range slices.Chunk(entries, p.layout.page) {
		if err := b.Put(tailKey(number), encode(page)); err != nil {
			return err
		}
		number++
	}
	return nil
}

// tailKey returns the key of a page of the tail.
func tailKey(number uint64) []byte { return binary.BigEndian.AppendUint64(nil, number) }

// tailEnd is behind the number of every page of the tail.
const tailEnd = 1 << 63

// encode returns the bytes of a page. They are new ones: the transaction keeps them.
func encode(entries []entry) []byte {
	page := make([]byte, 0, 8*len(entries))
	for _, e := range entries {
		page = binary.LittleEndian.AppendUint64(page, uint64(e))
	}
	return page
}

// decode appends the entries of a page.
func decode(entries []entry, page []byte) ([]entry, error) {
	if len(page)%8 != 0 {
		return nil, errPage
	}
	for i := range len(page) / 8 {
		entries = append(entries, entryAt(page, i))
	}
	return entries, nil
}

// entryAt returns one entry of a page, which is not decoded for it.
func entryAt(page []byte, i int) entry {
	return entry(binary.LittleEndian.Uint64(page[8*i:]))
}

// closeRuns sorts what is complete with the event: the tail into a chunk, chunks into a block.
//
// It is done within the transaction that brings the last event, so that a crash leaves the tail as
// it was before that, or the run.
func (p *Projection) closeRuns(tx *checked.Tx, last eventstore.Sequence) error {
	if uint64(last)&(1<<p.layout.chunk-1) != 0 {
		return nil
	}
	number := uint64(last-1) >> p.layout.chunk
	if err := p.sortInto(tx, tailBucket, chunkBucket, number); err != nil {
		return fmt.Errorf("make chunk %d: %w", number, err)
	}
	if uint64(last)&(1<<p.layout.block-1) != 0 {
		return nil
	}
	number = uint64(last-1) >> p.layout.block
	if err := p.sortInto(tx, chunkBucket, blockBucket, number); err != nil {
		return fmt.Errorf("make block %d: %w", number, err)
	}
	p.entries = nil // nothing needs so much soon
	return nil
}

// sortInto makes one run of all entries in a bucket, and empties that. Memory holds all entries of
// the run for as long. Nothing is left in the old bucket: an entry is in one place.
func (p *Projection) sortInto(tx *checked.Tx, from, into []byte, number uint64) error {
	p.entries = p.entries[:0]
	if b := tx.Bucket(from); b != nil {
		err := b.ForEach(func(_, page []byte) (err error) {
			p.entries, err = decode(p.entries, page)
			return err
		})
		if err == nil {
			err = tx.DeleteBucket(from)
		}
		if err != nil {
			return err
		}
	}
	slices.Sort(p.entries)
	b, err := tx.CreateBucketIfNotExists(into)
	if err == nil {
		err = b.Ascending()
	}
	if err != nil {
		return err
	}
	for page := range slices.Chunk(p.entries, p.layout.page) {
		if err := b.Put(runKey(number, page[0]), encode(page)); err != nil {
			return err
		}
	}
	return nil
}

// runKey returns the key of a page of a run: pages of one run follow each other, in order of their
// entries.
func runKey(number uint64, first entry) []byte {
	key := binary.BigEndian.AppendUint64(make([]byte, 0, 16), number)
	return binary.BigEndian.AppendUint64(key, uint64(first))
}

// search is a question for the events of a name.
type search struct {
	number      entry
	from, known eventstore.Sequence // both in
	limit       int
	found       []eventstore.Sequence
}

// full reports whether there is no more to look for.
func (s *search) full() bool { return len(s.found) >= s.limit }

// take takes the event of an entry that has the name. Events outside are left out; those that come
// are in order.
func (s *search) take(seq eventstore.Sequence) {
	if seq >= s.from && seq <= s.known && !s.full() {
		s.found = append(s.found, seq)
	}
}

// compare tells where an entry is to those that have the name.
func (s *search) compare(e entry) int { return cmp.Compare(e>>placeBits, s.number>>placeBits) }

// about looks into one run after the other, which are in the order of the log. A chunk that is part
// of a block is in the block alone.
func (p *Projection) about(tx *checked.Tx, s search) ([]eventstore.Sequence, error) {
	l := p.layout
	blocks := uint64(s.known) >> l.block
	for n := uint64(s.from-1) >> l.block; n < blocks && !s.full(); n++ {
		if err := p.lookInto(tx.Bucket(blockBucket), n, n, &s); err != nil {
			return nil, err
		}
	}
	chunks, shift := uint64(s.known)>>l.chunk, l.block-l.chunk
	for n := max(blocks<<shift, uint64(s.from-1)>>l.chunk); n < chunks && !s.full(); n++ {
		if err := p.lookInto(tx.Bucket(chunkBucket), n, n>>shift, &s); err != nil {
			return nil, err
		}
	}
	err := p.lookIntoTail(tx.Bucket(tailBucket), &s)
	return s.found, err
}

// lookInto looks for the name in one run, which is in the given block.
func (p *Projection) lookInto(b *checked.Bucket, run, block uint64, s *search) error {
	key := runKey(run, s.number)
	// The page before the first one that begins with the name may end with it.
	at := b.Search(key)
	if at > 0 && sameRun(b.Key(at-1), key) {
		at--
	}
	for ; at < b.Len() && sameRun(b.Key(at), key) && !s.full(); at++ {
		page, err := b.At(at)
		switch {
		case err != nil:
			return err
		case len(page) == 0 || len(page)%8 != 0:
			return errPage
		case s.compare(entryAt(page, 0)) > 0:
			return nil
		}
		n := len(page) / 8
		i := sort.Search(n, func(i int) bool { return s.compare(entryAt(page, i)) >= 0 })
		for ; i < n && s.compare(entryAt(page, i)) == 0; i++ {
			s.take(p.layout.sequence(entryAt(page, i), block))
		}
	}
	return nil
}

// sameRun tells whether two keys are of pages of one run.
func sameRun(a, b []byte) bool { return len(a) == len(b) && string(a[:8]) == string(b[:8]) }

// lookIntoTail looks at all entries of the tail. They are not sorted by name, so all are looked at;
// they are in order of the log.
func (p *Projection) lookIntoTail(b *checked.Bucket, s *search) error {
	block := uint64(s.known-1) >> p.layout.block
	for i := 0; i < b.Len() && !s.full(); i++ {
		page, err := b.At(i)
		if err != nil {
			return err
		}
		if len(page)%8 != 0 {
			return errPage
		}
		for i := range len(page) / 8 {
			if e := entryAt(page, i); s.compare(e) == 0 {
				s.take(p.layout.sequence(e, block))
			}
		}
	}
	return nil
}
