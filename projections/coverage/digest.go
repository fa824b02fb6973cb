package coverage

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"

	"go.etcd.io/bbolt"

	"cakupan/eventstore"
)

// Digest returns a SHA-256, in hexadecimal digits, over everything that answers as known at k
// are made of: the deltas, record times, publications and regions of the events up to k. Two
// projections with the same digest give the same answer to every question about knowledge up to
// k. It does not depend on how the log was cut into frames, on restarts, or on what is known
// after k; the live projection can tell it for any k of the past.
func (v *View) Digest(k eventstore.Sequence) (string, error) {
	k = min(k, v.known)
	h := sha256.New()
	d := digester{h: h}
	d.numbers(rules, uint64(k))
	err := v.p.db.View(func(tx *bbolt.Tx) error {
		n, err := v.until(tx, k)
		if err != nil {
			return err
		}
		if err := v.counts.Digest(tx, n, h); err != nil {
			return err
		}
		return v.digestRecorded(tx, h, k)
	})
	if err != nil {
		return "", err
	}
	for _, f := range v.flips {
		if f.Sequence <= k {
			present := uint64(0)
			if f.Present {
				present = 1
			}
			d.numbers(uint64(f.Sequence), uint64(f.Region), present)
		}
	}
	v.p.publications.digest(&d, k)
	return hex.EncodeToString(h.Sum(nil)), nil
}

// Digest is the one of what has been applied so far; see [View.Digest].
func (p *Projection) Digest(k eventstore.Sequence) (string, error) { return p.View().Digest(k) }

func (v *View) digestRecorded(tx *bbolt.Tx, h hash.Hash, k eventstore.Sequence) error {
	for first := 0; first < int(k); first += 1 << recordedPageShift {
		b := bucket(tx, recordedBucket)
		page, err := v.p.recorded.Page(&v.recorded, b, first>>recordedPageShift)
		if err != nil {
			return err
		}
		h.Write(page[:8*min(int(k)-first, 1<<recordedPageShift)])
	}
	return nil
}

// digester writes fixed-size numbers and length-prefixed texts to a hash.
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

// digest writes the publications up to k.
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
