package coverage

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"

	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections/checked"
	"cakupan/projections/counts"
	"cakupan/projections/pages"
)

// The events of the log are hashed block by block, as they are shown, so that a digest as known at
// any k reads less than a block. A block is 4,096 events, the same ones as a page of record times;
// that is part of what a digest is.
const (
	digestShift = recordedPageShift
	headBytes   = sha256.Size
	headsShift  = 7 // a page of heads holds 128
)

// Digest returns a SHA-256, in hexadecimal digits, over everything that answers as known at k
// are made of. Two projections with the same digest give the same answer to every question about
// knowledge up to k. It does not depend on how the log was cut into frames, on restarts, or on what
// is known after k; the live projection can tell it for any k of the past.
//
// It is over the version of the rules and k; the head of the last block that is full at k, zeros if
// none is; the text of each event after it up to k; from which event on a region has an enrolment
// or has none; the publications. The head of a block is the SHA-256 over the head of the block
// before it and the texts of its events. The text of an event is its record time, how many deltas
// it makes, and these: see [appendText].
func (v *View) Digest(k eventstore.Sequence) (string, error) {
	k = min(k, v.known)
	var h hash.Hash
	var d digester
	err := v.p.db.View(func(tx *checked.Tx) error {
		head, err := v.head(tx, int(k>>digestShift))
		if err != nil {
			return err
		}
		h = beginDigest(k, head)
		d.h = h
		if err := v.hashSince(tx, k>>digestShift<<digestShift, k, h); err != nil {
			return err
		}
		return v.digestFlips(tx, &d, k)
	})
	if err != nil {
		return "", err
	}
	v.p.publications.digest(&d, k)
	return hex.EncodeToString(h.Sum(nil)), nil
}

// beginDigest begins the digest as known at k; the events of the block behind the head follow.
func beginDigest(k eventstore.Sequence, head []byte) hash.Hash {
	d := digester{h: sha256.New()}
	d.numbers(rules, uint64(k))
	d.h.Write(head)
	return d.h
}

// Digest is the one of what has been applied so far; see [View.Digest].
func (p *Projection) Digest(k eventstore.Sequence) (string, error) {
	if p.digestOnly {
		return p.digestAt(k)
	}
	return p.View().Digest(k)
}

// head returns the head of the first blocks, of which there are so many. Zeros stand for the head
// before the first block.
func (v *View) head(tx *checked.Tx, blocks int) ([]byte, error) {
	if blocks == 0 {
		return make([]byte, headBytes), nil
	}
	i := blocks - 1
	page, err := v.p.chain.heads.Page(&v.heads, bucket(tx, headsBucket), i>>headsShift)
	if err != nil {
		return nil, err
	}
	at := i & (1<<headsShift - 1) * headBytes
	return page[at : at+headBytes], nil
}

// hashSince writes the texts of the events of one block up to one of them. Begin is a multiple of
// the size of a block; what lies between it and k is less than a block. An event without changes
// has a text, too.
func (v *View) hashSince(tx *checked.Tx, begin, k eventstore.Sequence, h hash.Hash) error {
	if begin == k {
		return nil
	}
	times, err := v.recordTimes(tx, int(begin>>recordedPageShift))
	if err != nil {
		return err
	}
	from, err := v.until(tx, begin)
	if err != nil {
		return err
	}
	until, err := v.until(tx, k)
	if err != nil {
		return err
	}
	var text []byte
	var changes []counts.Change
	seq := begin + 1 // whose changes these are
	end := func() {
		text = appendText(text[:0], times.at(int(seq-1-begin)), changes)
		h.Write(text)
		seq, changes = seq+1, changes[:0]
	}
	err = v.counts.Each(tx, from, until, func(of eventstore.Sequence, c counts.Change) {
		for seq < of {
			end()
		}
		changes = append(changes, c)
	})
	for seq <= k && err == nil {
		end()
	}
	return err
}

// appendText appends what of an event is hashed, little endian: its record time (8), the number of
// its deltas (4); of each the day (4), the weight (4) and the cell (8). The changes must be those
// that are stored: sorted, and those of one cell and day added up.
func appendText(text []byte, at temporal.Instant, changes []counts.Change) []byte {
	text = binary.LittleEndian.AppendUint64(text, uint64(at))
	text = binary.LittleEndian.AppendUint32(text, uint32(len(changes)))
	for i := range changes {
		c := &changes[i]
		text = binary.LittleEndian.AppendUint32(text, uint32(c.Day))
		text = binary.LittleEndian.AppendUint32(text, uint32(c.Weight))
		text = binary.LittleEndian.AppendUint64(text, uint64(c.Cell))
	}
	return text
}

// chain is the heads of the blocks that are full, and the hash of the one that is not. The latter
// is derived: it is made again from the stored events.
//
// It belongs to Show. Heads are stored, and never change; text is what waits to be hashed: one
// write for each event would cost more than the hashing.
type chain struct {
	heads  *pages.History
	block  hash.Hash
	events int // of the block
	text   []byte
	told   *told // nil: none
}

func newChain() chain {
	c := chain{heads: pages.NewHistory(headBytes, headsShift), block: sha256.New()}
	c.block.Write(make([]byte, headBytes))
	return c
}

// add adds the next event. It must get every event in order, also those that change nothing.
func (c *chain) add(at temporal.Instant, changes []counts.Change) {
	const enough = 4 << 10 // to be hashed at once
	c.text = appendText(c.text, at, changes)
	c.events++
	full := c.events == 1<<digestShift
	last := c.told != nil && c.sequence() == c.told.until // of those in the digest that is told
	if !full && !last && len(c.text) < enough {
		return
	}
	c.block.Write(c.text)
	if c.told != nil {
		c.told.add(c.text, last)
	}
	c.text = c.text[:0]
	if full {
		head := c.block.Sum(c.heads.Append()[:0])
		c.block.Reset()
		c.block.Write(head)
		c.events = 0
		if c.told != nil {
			c.told.begin(c.sequence(), head)
		}
	}
}

// sequence returns how many events were added, of a chain that was empty. Of one that was loaded it
// counts on from what the file has.
func (c *chain) sequence() eventstore.Sequence {
	return eventstore.Sequence(c.heads.Len())<<digestShift + eventstore.Sequence(c.events)
}

// resume makes the hash of the block that is not full from what a view holds. It costs one page of
// record times and the deltas of those events.
func (c *chain) resume(tx *checked.Tx, v *View) error {
	begin := v.known >> digestShift << digestShift
	head, err := v.head(tx, int(v.known>>digestShift))
	if err != nil {
		return err
	}
	c.block.Reset()
	c.block.Write(head)
	c.text, c.events = c.text[:0], int(v.known-begin)
	return v.hashSince(tx, begin, v.known, c.block)
}

// digestFlips writes from which event on regions had an enrolment, up to k. They are in order.
func (v *View) digestFlips(tx *checked.Tx, d *digester, k eventstore.Sequence) error {
	flips := v.p.presence.flips
	size := flips.PageRecords()
	for first := 0; first < v.flips.Len(); first += size {
		page, err := flips.Page(&v.flips, bucket(tx, flipsBucket), first/size)
		if err != nil {
			return err
		}
		for i := range min(size, v.flips.Len()-first) {
			flip := page[i*flipBytes:]
			if flipSequence(flip) > k {
				return nil
			}
			d.numbers(uint64(flipSequence(flip)), uint64(flipRegion(flip)), flipPresent(flip))
		}
	}
	return nil
}

// digester writes fixed-size numbers and length-prefixed texts to a hash. Every value has a length
// that is known from what came before it: two different lists never write the same bytes.
type digester struct {
	h   hash.Hash
	buf []byte
}

func (d *digester) numbers(values ...uint64) {
	d.buf = d.buf[:0]
	for _, v := range values {
		d.buf = binary.LittleEndian.AppendUint64(d.buf, v)
	}
	d.h.Write(d.buf)
}

func (d *digester) text(s string) {
	d.numbers(uint64(len(s)))
	d.h.Write([]byte(s))
}

// digest writes the publications up to k. A retraction after k is left out, so that the digest as
// known at k stays the same.
func (ps *publications) digest(d *digester, k eventstore.Sequence) {
	ps.mu.RLock()
	defer ps.mu.RUnlock()
	for i := range ps.all {
		p := &ps.all[i]
		if p.Sequence > k {
			return // they are in order of sequence
		}
		retracted := p.Retracted
		if retracted > k {
			retracted = 0
		}
		d.numbers(uint64(p.Kind), uint64(p.Sequence), uint64(retracted), uint64(p.Region),
			uint64(p.Sector), uint64(p.Indicator), uint64(p.On), uint64(p.Count))
		d.text(p.Text)
	}
}
