package coverage

import (
	"cakupan/domain/event"
	"cakupan/eventstore"
	"cakupan/projections/counts"
	"cakupan/projections/facts"
)

// hashShares adds what a frame changes to the digest, as hash does, where it is folded in lanes: it
// takes the events of the shares in the order of the log, and waits for those not folded yet.
func (p *Projection) hashShares(b *Batch) {
	readers := make([]reader, len(b.shares))
	for i, s := range b.shares {
		readers[i] = reader{share: s}
		readers[i].receive()
	}
	all := b.facts.Events()
	var edges []counts.Change // of every lane
	for i := range all {
		e := &all[i]
		var o outcome
		switch t := b.turns[i]; t {
		case noLane:
		case everyLane:
			edges = edges[:0]
			for j := range readers {
				one := readers[j].next(e)
				edges = append(edges, one.edges...)
				o.never = one.never
				o.gone |= one.gone // of all but one it is 0
			}
			o.edges = edges
		default:
			o = readers[t].next(e)
		}
		p.chain.add(e.Recorded, counts.Combine(o.edges))
		switch {
		case e.Kind == event.EventRetracted:
			p.presence.named(e.Sequence, o.gone, -1)
		case !o.never && e.Terms != 0:
			p.presence.named(e.Sequence, e.Terms, +1)
		}
	}
	for i := range readers {
		readers[i].end()
	}
}

// outcome is what came of one event in one lane.
type outcome struct {
	edges []counts.Change
	never bool              // it was retracted before it came
	gone  facts.PackedTerms // what it took out of force named
}

// reader reads what came of the events of a share, one after the other.
type reader struct {
	share *share

	// What was not read yet of the events that are ready.
	ends  []uint32
	from  uint32 // where the edges of the next one begin
	never []eventstore.Sequence
	gone  []facts.PackedTerms
}

// receive waits until more events of the share are folded.
func (r *reader) receive() {
	b := &r.share.Batch
	<-r.share.ready
	r.ends, r.from, r.never, r.gone = b.ends, 0, b.never, b.gone
}

// next returns what came of the next event of the share, which e is. The edges may be changed, and
// are valid until the next call.
func (r *reader) next(e *facts.Event) (o outcome) {
	for len(r.ends) == 0 { // there is more, as the event was dealt out
		r.share.taken <- struct{}{}
		r.receive()
	}
	o.edges = r.share.edges[r.from:r.ends[0]:r.ends[0]]
	r.from, r.ends = r.ends[0], r.ends[1:]
	if len(r.never) > 0 && r.never[0] == e.Sequence {
		o.never, r.never = true, r.never[1:]
	} else if e.Kind == event.EventRetracted {
		o.gone, r.gone = r.gone[0], r.gone[1:]
	}
	return o
}

// end gives large memory of the share back.
func (r *reader) end() {
	if cap(r.share.edges) > edgesKept {
		r.share.edges = nil
	}
}
