package coverage

import (
	"cmp"
	"slices"
	"sync"

	"cakupan/domain/event"
	"cakupan/domain/figures"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections/facts"
)

// publication is a count of the workforce or a target, as published, with the span of knowledge in
// which it is in force. It is stored as JSON by these names, and hashed: see digest. Once in, only
// Retracted changes.
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
//
// They are few, a handful for each region and year, and all in memory; lines are what the file has.
// Apply adds an event's before Show shows it: an answer must ask as known at its view, not now.
type publications struct {
	lines  facts.Lines // of each that came, and of each retraction, as they came
	unkept bool        // there are none: nothing is stored

	mu      sync.RWMutex // guards what follows
	all     []publication
	byTopic map[topic]*competitors
	inForce map[region.Code]int // how many are in force now
	places  places              // that have one in force
}

// competitors are the publications of a topic by their indexes, in order of the day and of the log.
// Those that were retracted are kept apart, so that they do not lengthen the search of an answer as
// known now.
type competitors struct {
	inForce, gone []uint32
	lastGone      eventstore.Sequence // the last retraction
}

func newPublications() *publications {
	return &publications{
		lines:   facts.NewLines(),
		byTopic: map[topic]*competitors{}, inForce: map[region.Code]int{}, places: newPlaces(),
	}
}

// publicationLine is a publication or the retraction of one, as it is kept. Exactly one of Added
// and Retracts is set.
type publicationLine struct {
	Added    *publication        `json:",omitempty"`
	Retracts uint32              `json:",omitempty"` // index of the one that is retracted, plus 1
	By       eventstore.Sequence `json:",omitempty"`
}

// load takes over a line of the file. A line that names no publication is left out: checksums have
// said before that the file is sound.
func (ps *publications) load(line *publicationLine) {
	switch {
	case line.Added != nil:
		ps.append(*line.Added)
	case line.Retracts > 0 && int(line.Retracts) <= len(ps.all): // else damaged
		ps.takeOut(line.Retracts-1, line.By)
	}
}

// add takes over a publication and returns its index. The index is by what its retraction finds it.
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
	ps.keep(publicationLine{Added: &p})
	return ps.append(p)
}

// keep notes a line for the file. Where nothing will be stored there is none.
func (ps *publications) keep(line publicationLine) {
	if !ps.unkept {
		ps.lines.Add(line)
	}
}

// append adds a publication, in order of the log. A search finds its place, and what is behind
// moves up: most are of the latest day.
func (ps *publications) append(p publication) uint32 {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	index := uint32(len(ps.all))
	ps.all = append(ps.all, p)
	of := ps.byTopic[p.topic()]
	if of == nil {
		of = &competitors{}
		ps.byTopic[p.topic()] = of
	}
	at, _ := ps.find(of.inForce, index)
	of.inForce = slices.Insert(of.inForce, at, index)
	if ps.inForce[p.Region]++; ps.inForce[p.Region] == 1 {
		ps.places.flip(p.Sequence, p.Region)
	}
	return index
}

// find returns where among indexes in order one is, or belongs.
func (ps *publications) find(in []uint32, index uint32) (int, bool) {
	return slices.BinarySearchFunc(in, index, func(other, index uint32) int {
		return cmp.Or(cmp.Compare(ps.all[other].On, ps.all[index].On), cmp.Compare(other, index))
	})
}

// retract takes a publication out of force from the sequence on.
func (ps *publications) retract(index uint32, seq eventstore.Sequence) {
	ps.keep(publicationLine{Retracts: index + 1, By: seq})
	ps.takeOut(index, seq)
}

// takeOut takes a publication out of force. A second retraction of it changes nothing (contract,
// section 2).
func (ps *publications) takeOut(index uint32, seq eventstore.Sequence) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	p := &ps.all[index]
	if p.Retracted != 0 {
		return
	}
	p.Retracted = seq
	of := ps.byTopic[p.topic()]
	if at, found := ps.find(of.inForce, index); found {
		of.inForce = slices.Delete(of.inForce, at, at+1)
	}
	at, _ := ps.find(of.gone, index)
	of.gone, of.lastGone = slices.Insert(of.gone, at, index), seq
	if ps.inForce[p.Region]--; ps.inForce[p.Region] == 0 {
		ps.places.flip(seq, p.Region)
	}
}

// latest returns the publication of the topic in force at k with the latest day at or before on,
// among those of the same day the one with the highest sequence.
//
// As known now that is a search. As known then it passes those that came or went since.
func (ps *publications) latest(t topic, on temporal.Date,
	k eventstore.Sequence,
) (best publication, found bool) {
	ps.mu.RLock()
	defer ps.mu.RUnlock()
	of := ps.byTopic[t]
	if of == nil {
		return best, false
	}
	if p := ps.lastOf(of.inForce, on, k); p != nil {
		best, found = *p, true
	}
	if k >= of.lastGone {
		return best, found
	}
	p := ps.lastOf(of.gone, on, k)
	if p != nil && (!found || p.On > best.On || p.On == best.On && p.Sequence > best.Sequence) {
		best, found = *p, true
	}
	return best, found
}

// lastOf returns the last one in force at k that is of a day at or before on; nil: there is none.
// Those that are skipped came after k, or were out of force at it.
func (ps *publications) lastOf(in []uint32, on temporal.Date, k eventstore.Sequence) *publication {
	at, _ := slices.BinarySearchFunc(in, on, func(index uint32, on temporal.Date) int {
		if ps.all[index].On <= on {
			return -1
		}
		return 1
	})
	for _, index := range slices.Backward(in[:at]) {
		if p := &ps.all[index]; p.inForce(k) {
			return p
		}
	}
	return nil
}

// target returns the target of the region, or of the nearest region above it that has one. Sectors
// have targets of their own, and ALL stands in for none (contract, section 3).
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
	for r := range ps.places.at(k) {
		into[r] = true
	}
}
