package coverage

import (
	"encoding/binary"
	"iter"
	"sort"
	"sync"

	"cakupan/domain/enrolment"
	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/eventstore"
	"cakupan/projections/facts"
	"cakupan/projections/pages"
)

// places tells in which regions something is, as known at any moment. Where it is at a moment
// there is an odd number of flips up to then.
type places struct {
	// flips are the sequences at which it came to a region, went, came again …, in order.
	flips map[region.Code][]eventstore.Sequence
}

func newPlaces() places { return places{map[region.Code][]eventstore.Sequence{}} }

// flip notes that with the event it comes to a region, or goes.
func (p places) flip(seq eventstore.Sequence, r region.Code) {
	p.flips[r] = append(p.flips[r], seq)
}

// at yields the regions where it is, as known at k, in no order.
func (p places) at(k eventstore.Sequence) iter.Seq[region.Code] {
	return func(yield func(region.Code) bool) {
		for r, flips := range p.flips {
			n := sort.Search(len(flips), func(i int) bool { return flips[i] > k })
			if n%2 == 1 && !yield(r) {
				return
			}
		}
	}
}

// presence tells which regencies have an enrolment: one that an opened or amended event in force
// places there. One goroutine counts, others ask at the same time.
//
// It belongs to Show, and so counts in order of the log what the regions listed by a question
// without a region are (contract, section 6). Amendments count by themselves: one of an enrolment
// that was never opened lists a region, too.
type presence struct {
	counts *pages.Table[int64] // events that place one there, by region code
	flips  *pages.History      // see flipBytes

	mu     sync.RWMutex // guards places
	places places
}

// A flip says that from an event on, a regency has an enrolment, or has none any more: sequence
// (8), region (2), 1 or 0 (2), little endian. They are in order of sequence.
const (
	flipBytes     = 12
	flipPageShift = 8
)

func flipSequence(b []byte) eventstore.Sequence {
	return eventstore.Sequence(binary.LittleEndian.Uint64(b))
}
func flipRegion(b []byte) region.Code { return region.Code(binary.LittleEndian.Uint16(b[8:])) }
func flipPresent(b []byte) uint64     { return uint64(binary.LittleEndian.Uint16(b[10:])) }

// regionCodes is one more than the highest region code.
const regionCodes = 10000

func newPresence() *presence {
	counts := pages.NewTable[int64](9)
	for range regionCodes {
		counts.Append(0)
	}
	return &presence{
		counts: counts, flips: pages.NewHistory(flipBytes, flipPageShift), places: newPlaces(),
	}
}

// placing is what of an applied part the presence has not seen yet, beside its events: see [Batch].
// Each list is taken from its front, as the events come.
type placing struct {
	never []eventstore.Sequence
	gone  []facts.PackedTerms
}

// place counts the region that the next event places an enrolment in, or does not any more, and
// reports whether the event came into force. It must be called for each event of the part, in
// order.
func (r *placing) place(p *presence, e *facts.Event) (inForce bool) {
	switch {
	case e.Kind == event.EventRetracted:
		p.named(e.Sequence, r.gone[0], -1)
		r.gone = r.gone[1:]
	case len(r.never) > 0 && r.never[0] == e.Sequence:
		r.never = r.never[1:]
		return false
	case e.Terms != 0:
		p.named(e.Sequence, e.Terms, +1)
	}
	return true
}

// named counts the region that an opened or amended event names in its packed terms.
func (p *presence) named(seq eventstore.Sequence, packed facts.PackedTerms, by int64) {
	if terms, named := packed.Unpack(); named&enrolment.NamesRegion != 0 {
		p.count(seq, terms.Region, by)
	}
}

// count counts one more, or fewer, and keeps a flip where the regency comes to have one or loses
// its last.
func (p *presence) count(seq eventstore.Sequence, r region.Code, by int64) {
	n := p.counts.Edit(int(r))
	before := *n
	*n += by
	if (before > 0) == (*n > 0) {
		return
	}
	flip := p.flips.Append()
	binary.LittleEndian.PutUint64(flip, uint64(seq))
	binary.LittleEndian.PutUint16(flip[8:], uint16(r))
	if *n > 0 {
		flip[10] = 1
	}
	p.load(flip)
}

// load takes over a flip.
func (p *presence) load(flip []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.places.flip(flipSequence(flip), flipRegion(flip))
}

// regions adds the regencies with an enrolment as known at k, and their provinces.
func (p *presence) regions(into map[region.Code]bool, k eventstore.Sequence) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	for r := range p.places.at(k) {
		into[r], into[r.Parent()] = true, true
	}
}
