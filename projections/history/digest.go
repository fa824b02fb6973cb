package history

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"slices"

	"cakupan/eventstore"
	"cakupan/projections"
	"cakupan/projections/checked"
)

// Digest returns a SHA-256, in hexadecimal digits, over the index of the events up to k: block by
// block the sorted entries, then the retractions. It reads the index once; memory is that of one
// block.
//
// It is the same wherever the entries are at the time, in the tail, a chunk or a block, and so does
// not depend on how far the index is beyond k. A k beyond the index means all of it.
func (p *Projection) Digest(k eventstore.Sequence) (string, error) {
	h := sha256.New()
	err := p.db.View(func(tx *checked.Tx) error {
		at, err := projections.PositionIn(tx)
		if err != nil {
			return err
		}
		k := min(k, at.Sequence)
		writeNumbers(h, rules, uint64(k))
		for n := uint64(0); n<<p.layout.block < uint64(k); n++ {
			if err := p.digestBlock(tx, h, n, at.Sequence, k); err != nil {
				return err
			}
		}
		if err := digestRetractions(h, tx.Bucket(retractionsBucket), false, k); err != nil {
			return err
		}
		return digestRetractions(h, tx.Bucket(earlyBucket), true, k)
	})
	return hex.EncodeToString(h.Sum(nil)), err
}

// digestBlock writes the entries of one block up to k, wherever they are now; known is all that
// the index has. The tail has entries of the last block alone.
func (p *Projection) digestBlock(tx *checked.Tx, h hash.Hash, block uint64,
	known, k eventstore.Sequence,
) error {
	var entries []entry
	collect := func(b *checked.Bucket, from, until uint64) (err error) {
		if b == nil {
			return nil
		}
		end := b.Search(binary.BigEndian.AppendUint64(nil, until))
		for i := b.Search(binary.BigEndian.AppendUint64(nil, from)); i < end && err == nil; i++ {
			page, failed := b.At(i)
			if err = failed; err == nil {
				entries, err = decode(entries, page)
			}
		}
		return err
	}
	l := p.layout
	err := collect(tx.Bucket(blockBucket), block, block+1)
	if err == nil {
		shift := l.block - l.chunk
		err = collect(tx.Bucket(chunkBucket), block<<shift, (block+1)<<shift)
	}
	if err == nil && uint64(known-1)>>l.block == block {
		err = collect(tx.Bucket(tailBucket), 0, tailEnd)
	}
	if err != nil {
		return err
	}
	entries = slices.DeleteFunc(entries, func(e entry) bool { return l.sequence(e, block) > k })
	slices.Sort(entries)
	writeNumbers(h, block, uint64(len(entries)))
	for page := range slices.Chunk(entries, l.page) {
		h.Write(encode(page))
	}
	return nil
}

// digestRetractions writes the retractions up to k of a bucket. The length of a key goes before it,
// so that no two lists of records make the same bytes.
func digestRetractions(h hash.Hash, b *checked.Bucket, early bool, k eventstore.Sequence) error {
	n := uint64(0)
	for i := range b.Len() {
		page, err := b.At(i)
		if err != nil {
			return err
		}
		records, err := readRecords(page, early)
		if err != nil {
			return err
		}
		for _, r := range records {
			if r.retraction > k {
				continue
			}
			n++
			writeNumbers(h, uint64(len(r.key)))
			h.Write(binary.BigEndian.AppendUint64(nil, r.of))
			h.Write(binary.BigEndian.AppendUint64(nil, uint64(r.retraction)))
			h.Write([]byte(r.key))
		}
	}
	writeNumbers(h, n)
	return nil
}

// writeNumbers adds numbers to a digest. Writing to a hash never fails.
func writeNumbers(h hash.Hash, numbers ...uint64) {
	for _, n := range numbers {
		h.Write(binary.LittleEndian.AppendUint64(nil, n))
	}
}
