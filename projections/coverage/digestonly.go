package coverage

import (
	"encoding/hex"
	"fmt"
	"hash"
	"runtime"

	"cakupan/eventstore"
	"cakupan/projections/checked"
	"cakupan/projections/counts"
)

// DigestOnly says, before any event is applied, that the projection will be asked for its digest
// as known at one event and for nothing else. Then what an event changes is hashed and dropped:
// nothing is counted, summed up, kept or shown, and no view has any events.
//
// It is for a rebuild that is only compared with the live projection. It cannot be taken back, and
// the projection cannot be stored: errDigestOnly.
func (p *Projection) DigestOnly(until eventstore.Sequence) {
	p.digestOnly, p.publications.unkept = true, true
	p.chain.tellAt(until)
	p.foldInLanes(min(runtime.GOMAXPROCS(0), runtime.NumCPU(), mostLanes))
}

// foldInLanes has so many lanes fold; of one there is the fold itself.
func (p *Projection) foldInLanes(n int) {
	if p.lanes = nil; n > 1 {
		p.lanes = newLanes(p, n)
	}
}

// hash adds what an applied part changes to the digest. The changes are combined as counting them
// would, because the digest is over what is stored.
func (p *Projection) hash(b *Batch, edges []counts.Change, ends []uint32) {
	from, rest := uint32(0), placing{b.never, b.gone}
	for i := range b.part {
		e := &b.part[i]
		p.chain.add(e.Recorded, counts.Combine(edges[from:ends[i]]))
		from = ends[i]
		rest.place(p.presence, e)
	}
}

// told is the digest as known at one event, which is made as the events go by. It runs beside the
// block of the chain, and has its head and the texts up to one event.
type told struct {
	until eventstore.Sequence
	h     hash.Hash // nil: its block has not begun
	done  bool      // it has all events
	text  string    // once it was asked for
}

// tellAt has the chain, which is empty, make the digest as known at an event too.
func (c *chain) tellAt(until eventstore.Sequence) {
	c.told = &told{until: until}
	c.told.begin(0, make([]byte, headBytes))
}

// begin takes over the head of the blocks that are full, of so many events, if the digest is made
// of that one.
func (t *told) begin(events eventstore.Sequence, head []byte) {
	if events != t.until>>digestShift<<digestShift {
		return
	}
	t.h = beginDigest(t.until, head)
	t.done = events == t.until
}

// add adds the texts of events of the block, the last of which may be the last of the digest.
func (t *told) add(text []byte, last bool) {
	if t.h != nil && !t.done {
		t.h.Write(text)
		t.done = last
	}
}

// digestAt returns the digest that was made as the events went by. Any other k, or one whose event
// has not been applied, is an error: what it would need is dropped. Asked again it returns the
// same.
func (p *Projection) digestAt(k eventstore.Sequence) (string, error) {
	t := p.chain.told
	if k != t.until || !t.done {
		return "", fmt.Errorf("coverage: digest as known at %d: it is made as known at %d only, "+
			"when %d events are applied", k, t.until, t.until)
	}
	if t.text != "" {
		return t.text, nil
	}
	d := digester{h: t.h}
	v := View{p: p, flips: p.presence.flips.View()}
	err := p.db.View(func(tx *checked.Tx) error { return v.digestFlips(tx, &d, k) })
	if err != nil {
		return "", err
	}
	p.publications.digest(&d, k)
	t.text = hex.EncodeToString(t.h.Sum(nil))
	return t.text, nil
}
