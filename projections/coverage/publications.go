package coverage

import (
	"sync"

	"cakupan/domain/enrolment"
	"cakupan/domain/event"
	"cakupan/domain/figures"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections/facts"
	"cakupan/projections/pages"
)

// publication is a count of the workforce or a target, as published, with the span of knowledge
// in which it is in force.
type publication struct {
	Kind      event.Type // WorkforcePublished or TargetSet
	Sequence  eventstore.Sequence
	Retracted eventstore.Sequence // of the retraction; 0: never
	Region    region.Code
	Sector    event.Sector
	Indicator event.Indicator // workforce
	On        temporal.Date   // workforce: reference; target: from
	Count     int64           // workforce: people; target: hundredths of a percent
	Text      string          // workforce: the publication; target: the percentage as sent
}

// inForce reports whether the publication is in force as known at k.
func (p *publication) inForce(k eventstore.Sequence) bool {
	return p.Sequence <= k && (p.Retracted == 0 || p.Retracted > k)
}

// topic is what publications compete about: the latest one of a topic counts.
type topic struct {
	kind      event.Type
	region    region.Code
	sector    event.Sector
	indicator event.Indicator
}

func (p *publication) topic() topic { return topic{p.Kind, p.Region, p.Sector, p.Indicator} }

// publications holds all of them. One goroutine adds, others ask at the same time. What an answer
// sees is fixed by the knowledge asked for, whatever is added meanwhile.
type publications struct {
	mu      sync.RWMutex // guards all but changed
	all     []publication
	byTopic map[topic][]uint32
	changed bool // since the last Store
}

// add takes over a publication and returns its index.
func (ps *publications) add(seq eventstore.Sequence, ev *event.Event) uint32 {
	d := &ev.Data
	p := publication{Kind: ev.Type, Sequence: seq, Region: d.Region, Sector: d.Sector}
	if ev.Type == event.WorkforcePublished {
		p.Indicator, p.On, p.Count = d.Indicator, d.Reference, d.Count
		p.Text = string([]byte(d.Publication)) // outlive the frame
	} else {
		p.On, p.Text = d.From, string([]byte(d.Percent))
		p.Count, _ = figures.ParsePercent(d.Percent) // was accepted, so it parses
	}
	return ps.append(p)
}

func (ps *publications) append(p publication) uint32 {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	index := uint32(len(ps.all))
	ps.all = append(ps.all, p)
	if ps.byTopic == nil {
		ps.byTopic = map[topic][]uint32{}
	}
	ps.byTopic[p.topic()] = append(ps.byTopic[p.topic()], index)
	ps.changed = true
	return index
}

// retract takes a publication out of force from the sequence on.
func (ps *publications) retract(index uint32, seq eventstore.Sequence) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if ps.all[index].Retracted == 0 {
		ps.all[index].Retracted = seq
		ps.changed = true
	}
}

// latest returns the publication of the topic in force at k with the latest day at or before on,
// among those of the same day the one with the highest sequence.
func (ps *publications) latest(t topic, on temporal.Date,
	k eventstore.Sequence,
) (best publication, found bool) {
	ps.mu.RLock()
	defer ps.mu.RUnlock()
	for _, i := range ps.byTopic[t] {
		p := &ps.all[i]
		if p.On <= on && p.inForce(k) && (!found || p.On >= best.On) {
			best, found = *p, true // indexes are in order of sequence
		}
	}
	return best, found
}

// target returns the target of the region, or of the nearest region above it that has one.
func (ps *publications) target(r region.Code, sector event.Sector, on temporal.Date,
	k eventstore.Sequence,
) (publication, bool) {
	for {
		t := topic{kind: event.TargetSet, region: r, sector: sector}
		if p, found := ps.latest(t, on, k); found || r == region.Nation {
			return p, found
		}
		r = r.Parent()
	}
}

// regions adds the regions that have a publication in force at k.
func (ps *publications) regions(into map[region.Code]bool, k eventstore.Sequence) {
	ps.mu.RLock()
	defer ps.mu.RUnlock()
	for i := range ps.all {
		if ps.all[i].inForce(k) {
			into[ps.all[i].Region] = true
		}
	}
}

// presence tells which regencies have an enrolment: one that an opened or amended event in force
// places there.
type presence struct {
	counts  *pages.Table[int64] // events that place one there, by region code
	flips   []flip              // in order of sequence
	changed bool                // since the last Store
}

// flip says that from the sequence on, a regency has an enrolment, or has none any more.
type flip struct {
	Sequence eventstore.Sequence
	Region   region.Code
	Present  bool
}

// named counts the region that an opened or amended event names in its packed terms.
func (p *presence) named(seq eventstore.Sequence, packed facts.PackedTerms, by int64) {
	if terms, named := packed.Unpack(); named&enrolment.NamesRegion != 0 {
		p.count(seq, terms.Region, by)
	}
}

// regionCodes is one more than the highest region code.
const regionCodes = 10000

func newPresence() presence {
	counts := pages.NewTable[int64](9)
	for range regionCodes {
		counts.Append(0)
	}
	return presence{counts: counts}
}

func (p *presence) count(seq eventstore.Sequence, r region.Code, by int64) {
	n := p.counts.Edit(int(r))
	before := *n
	*n += by
	if (before > 0) != (*n > 0) {
		p.flips = append(p.flips, flip{seq, r, *n > 0})
		p.changed = true
	}
}

// presentRegions adds the regencies with an enrolment as known at k, and their provinces.
func presentRegions(into map[region.Code]bool, flips []flip, k eventstore.Sequence) {
	present := map[region.Code]bool{}
	for _, f := range flips {
		if f.Sequence <= k {
			present[f.Region] = f.Present
		}
	}
	for r, is := range present {
		if is {
			into[r], into[r.Parent()] = true, true
		}
	}
}
