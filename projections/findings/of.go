package findings

import (
	"cakupan/domain/event"
	"cakupan/eventstore"
	"cakupan/projections/facts"
)

// Of returns the open findings that an event has raised, or that rest on it, as known now. The
// event must be applied. It costs what is open of those whom the event names.
//
// It is for whoever has just reported the event and is told at once what that contradicts; an event
// that is not applied yet has none. Of a commitment that pays many it stops at findingsOfEvent. An
// error says that the file is damaged.
func (p *Projection) Of(seq eventstore.Sequence, in Language) ([]Finding, error) {
	if err := p.load(); err != nil {
		return nil, err
	}
	a := &asked{Query: Query{From: seq, To: seq, Language: in}, p: p}
	a.about(seq)
	all := []Finding{}
	err := a.flush(func(f *Finding) error {
		all = append(all, *f)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// findingsOfEvent is how many findings of one event are told at the most: an event may be about a
// commitment that pays a regency.
const findingsOfEvent = 1_000

// about works out the findings of an event. It holds the locks throughout, which is why it must be
// short.
func (a *asked) about(seq eventstore.Sequence) {
	defer a.p.read()()
	f := a.p.fold
	// Knowledge is what was shown last: the records say nothing of later events, which the fold may
	// have already.
	a.Known = f.shown.last
	if seq == 0 || seq > a.Known {
		return
	}
	var at []uint32
	records := f.shown.records
	t := records.table
	for i := records.from(seq); i < t.Len() && t.At(i).since == seq; i++ {
		if t.At(i).until == 0 {
			at = append(at, uint32(i))
		}
	}
	for _, o := range f.ownersOf(seq) {
		at = records.appendOpen(at, o)
	}
	d := teller{f: f, known: a.Known, kept: &a.kept}
	// An owner's findings are only candidates: takes sees whether they rest on the event.
	for _, i := range sortedNumbers(at) {
		if len(a.lines) == findingsOfEvent {
			return
		}
		if l := d.tell(t.At(int(i))); a.takes(&l) {
			a.lines = append(a.lines, l)
		}
	}
}

// ownersOf returns whom an event in force is about. It is more than those: an event about a
// commitment may be part of findings of everybody that is granted it. An event that is not in force
// is about nobody.
func (f *fold) ownersOf(seq eventstore.Sequence) (all []owner) {
	worker := func(w uint32) {
		least, known := f.least[f.s.Person(w)]
		if !known {
			least = f.leastIn(f.ids(w))
		}
		all = append(all, owner{kind: ofWorker, number: least})
	}
	commitment := func(c uint32) { all = append(all, owner{kind: ofCommitment, number: c}) }
	switch own := f.s.OwnerOf(seq); own.Kind() {
	case facts.OfEnrolment:
		all = append(all, owner{kind: ofEnrolment, number: own.Index()})
		if r, found := f.s.FactAt(seq); found &&
			(r.Kind == event.FundingGranted || r.Kind == event.FundingRevoked) {
			commitment(r.Commitment)
		}
		var c course
		c.read(&f.view, own.Index())
		for _, w := range c.workers {
			worker(w)
		}
	case facts.OfWorker:
		worker(own.Index())
	case facts.OfMerge:
		w, _ := f.s.Merge(own)
		worker(w)
	default:
	}
	if m := f.l.moneyAt(seq); m != nil {
		commitment(m.commitment)
		for _, e := range f.granted(m.commitment) {
			all = append(all, owner{kind: ofEnrolment, number: e})
		}
	}
	// A percent rests on the last publication before it: that may be any later month's.
	if p := f.l.publicationAt(seq); p != nil {
		for m := p.reference.Month(); m < f.shown.regions.ended; m++ {
			all = append(all, owner{ofRegion, uint32(p.region), int32(m)})
		}
	}
	return all
}
