package history

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"slices"

	"go.etcd.io/bbolt"

	"cakupan/eventstore"
	"cakupan/projections"
)

// Digest returns a SHA-256, in hexadecimal digits, over the index of the events up to k: block by
// block the sorted entries, then the retractions. It reads the index once; memory is that of one
// block.
func (p *Projection) Digest(k eventstore.Sequence) (string, error) {
	h := sha256.New()
	err := p.db.View(func(tx *bbolt.Tx) error {
		at, err := projections.PositionIn(tx)
		if err != nil {
			return err
		}
		k := min(k, at.Sequence)
		writeNumbers(h, version, uint64(k))
		for n := uint64(0); n<<p.layout.block < uint64(k); n++ {
			if err := p.digestBlock(tx, h, n, k); err != nil {
				return err
			}
		}
		digestRetractions(h, tx.Bucket(retractionsBucket), k)
		digestRetractions(h, tx.Bucket(earlyBucket), k)
		return nil
	})
	return hex.EncodeToString(h.Sum(nil)), err
}

// digestBlock writes the entries of one block up to k, wherever they are now.
func (p *Projection) digestBlock(tx *bbolt.Tx, h hash.Hash, block uint64, k eventstore.Sequence,
) error {
	var entries []entry
	collect := func(b *bbolt.Bucket, from, until uint64) (err error) {
		if b == nil {
			return nil
		}
		c := b.Cursor()
		end := binary.BigEndian.AppendUint64(nil, until)
		for key, page := c.Seek(binary.BigEndian.AppendUint64(nil, from)); key != nil &&
			string(key) < string(end) && err == nil; key, page = c.Next() {
			entries, err = decode(entries, page)
		}
		return err
	}
	l := p.layout
	err := collect(tx.Bucket(blockBucket), block, block+1)
	if err == nil {
		shift := l.block - l.chunk
		err = collect(tx.Bucket(chunkBucket), block<<shift, (block+1)<<shift)
	}
	if err == nil {
		err = collect(tx.Bucket(tailBucket), block<<l.block+1, (block+1)<<l.block+1)
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

// digestRetractions writes the keys and values of the retractions up to k.
func digestRetractions(h hash.Hash, b *bbolt.Bucket, k eventstore.Sequence) {
	n := uint64(0)
	if b != nil {
		c := b.Cursor()
		for key, value := c.First(); key != nil; key, value = c.Next() {
			if len(key) == 16 && sequenceAt(key[8:]) <= k {
				n++
				writeNumbers(h, uint64(len(value)))
				h.Write(key)
				h.Write(value)
			}
		}
	}
	writeNumbers(h, n)
}

func writeNumbers(h hash.Hash, numbers ...uint64) {
	for _, n := range numbers {
		h.Write(binary.LittleEndian.AppendUint64(nil, n))
	}
}
