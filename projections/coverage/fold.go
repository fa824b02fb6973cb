package coverage

import (
	"slices"

	"cakupan/domain/enrolment"
	"cakupan/domain/event"
	"cakupan/eventstore"
)

// apply folds one event into the state and returns what it changed: edges that are sorted,
// combined, and valid until the next call.
func (p *Projection) apply(e *prepared) []edge {
	s, seq, ev := p.state, e.sequence, &e.event
	s.scratch.edges = s.scratch.edges[:0]
	if ev.Type != event.EventRetracted && p.retracted.names(ev.Key) {
		s.owners.Append(ownedByNothing) // was retracted before it came: never in force
		return nil
	}
	switch ev.Type {
	case event.EnrolmentOpened, event.EnrolmentAmended, event.EnrolmentTerminated,
		event.EnrolmentReinstated:
		s.applyChange(e)
		p.presence.named(seq, ev, +1)
	case event.FundingGranted, event.FundingRevoked:
		s.applyGrant(e)
	case event.WorkerDied:
		s.applyDeath(e)
	case event.FundingCommitted, event.FundingClosed:
		s.applyMoney(e)
	case event.WorkforcePublished, event.TargetSet:
		index := p.publications.add(seq, ev)
		s.owners.Append(newOwner(ownedByPublication, index))
	case event.EventRetracted:
		p.retract(seq, ev, eventstore.Sequence(e.retracts))
		s.owners.Append(ownedByNothing)
	default: // amended and disbursed money changes no day of anybody's coverage
		s.owners.Append(ownedByNothing)
	}
	s.scratch.edges = combine(s.scratch.edges)
	return s.scratch.edges
}

// applyChange adds an opened, amended, terminated or reinstated event.
func (s *state) applyChange(p *prepared) {
	ev, d, e := &p.event, &p.event.Data, p.enrolment.number
	f := fact{kind: uint8(ev.Type), from: int32(d.From)}
	switch ev.Type {
	case event.EnrolmentOpened:
		f.subject = p.worker.number
		f.detail = packTerms(termsOf(d))
	case event.EnrolmentAmended:
		f.detail = packTerms(termsOf(d))
	case event.EnrolmentTerminated:
		f.from = int32(d.Until)
	default:
	}
	s.owners.Append(newOwner(ownedByEnrolment, e))
	s.scratch.workers = s.workersOf(s.scratch.workers[:0], e)
	if ev.Type == event.EnrolmentOpened && !slices.Contains(s.scratch.workers, f.subject) {
		s.scratch.workers = append(s.scratch.workers, f.subject)
	}
	s.during(func() { s.addFact(e, p.sequence, f) })
}

// termsOf returns the terms that an opened or amended event names.
func termsOf(d *event.Data) (enrolment.Terms, enrolment.Named) {
	terms := enrolment.Terms{
		Region: d.Region, Segment: d.Segment, Category: d.Category,
		Programmes: d.ProgrammeSet(), Payer: d.Payer,
	}
	var named enrolment.Named
	for _, t := range [...]struct {
		set  bool
		name enrolment.Named
	}{
		{d.Has.Has(event.FieldRegion), enrolment.NamesRegion},
		{d.Has.Has(event.FieldSegment), enrolment.NamesSegment},
		{d.Has.Has(event.FieldCategory), enrolment.NamesCategory},
		{d.Has.Has(event.FieldProgrammes), enrolment.NamesProgrammes},
		{d.Has.Has(event.FieldPayer), enrolment.NamesPayer},
	} {
		if t.set {
			named |= t.name
		}
	}
	return terms, named
}

// during makes the change and appends what it changes for the scratch's workers.
func (s *state) during(change func()) {
	x := &s.scratch
	x.before, x.ends = x.before[:0], x.ends[:0]
	for _, w := range x.workers {
		x.before = s.appendSpans(x.before, w)
		x.ends = append(x.ends, len(x.before))
	}
	change()
	from := 0
	for i, w := range x.workers {
		x.after = s.appendSpans(x.after[:0], w)
		x.edges = appendChange(x.edges, x.before[from:x.ends[i]], x.after)
		from = x.ends[i]
	}
}

// applyGrant adds a granted or revoked event.
func (s *state) applyGrant(p *prepared) {
	ev, e := &p.event, p.enrolment.number
	f := fact{
		kind: uint8(ev.Type), subject: p.commitment.number,
		from: int32(ev.Data.FromMonth), until: int32(ev.Data.UntilMonth),
	}
	s.owners.Append(newOwner(ownedByEnrolment, e))
	s.scratch.workers = s.workersOf(s.scratch.workers[:0], e)
	s.during(func() { s.addFact(e, p.sequence, f) })
}

// applyDeath adds a death of a worker.
func (s *state) applyDeath(p *prepared) {
	w, seq := p.worker.number, p.sequence
	s.owners.Append(newOwner(ownedByWorker, w))
	s.scratch.workers = append(s.scratch.workers[:0], w)
	s.during(func() {
		i := s.deaths.Append(death{
			worker: w, on: p.event.Data.On,
			sequenceLow: uint32(seq), sequenceHigh: uint32(seq >> 32),
		})
		s.noteDeath(w, uint32(i))
	})
}

// applyMoney adds a committed or closed event. It can change every enrolment the commitment
// was ever granted to.
func (s *state) applyMoney(p *prepared) {
	ev, c, seq := &p.event, p.commitment.number, p.sequence
	s.owners.Append(newOwner(ownedByCommitment, c))
	fact := moneyFact{
		commitment: c, kind: uint8(ev.Type), funding: ev.Data.Funding,
		sequenceLow: uint32(seq), sequenceHigh: uint16(seq >> 32),
	}
	if ev.Type == event.FundingClosed {
		fact.from = ev.Data.FromMonth
	}
	s.duringMoney(c, func() {
		i := s.money.Append(fact)
		s.moneyOf[c] = append(s.moneyOf[c], uint32(i))
	})
}

// duringMoney makes a change to a commitment, and appends what it changes for the workers of
// its grants.
func (s *state) duringMoney(c uint32, change func()) {
	s.scratch.workers = s.granted(s.scratch.workers[:0], c)
	s.during(change)
}

// granted appends the workers of all enrolments that the commitment was granted to, each once.
func (s *state) granted(dst []uint32, c uint32) []uint32 {
	for at := *s.grantsOf.At(int(c)); at != 0; {
		f := s.facts.At(int(at - 1))
		at = f.detail
		if f.kind == 0 {
			continue
		}
		e := *s.owners.At(int(f.sequence() - 1)) >> ownerKindBits
		for link := *s.enrolments.At(int(e)); link != 0; {
			g := s.facts.At(int(link - 1))
			link = g.next
			if event.Type(g.kind) == event.EnrolmentOpened {
				dst = append(dst, g.subject)
			}
		}
	}
	slices.Sort(dst)
	return slices.Compact(dst)
}

// retract takes the event with the given key, which target names when the log holds it, out of
// force.
func (p *Projection) retract(seq eventstore.Sequence, ev *event.Event, target eventstore.Sequence) {
	if target == 0 {
		p.retracted.add(ev.Data.RetractedSource, ev.Data.RetractedID)
		return
	}
	s := p.state
	own := s.owners.At(int(target - 1))
	index := *own >> ownerKindBits
	switch *own & (1<<ownerKindBits - 1) {
	case ownedByEnrolment:
		p.retractFact(seq, index, target)
	case ownedByWorker:
		s.scratch.workers = append(s.scratch.workers[:0], index)
		s.during(func() { s.removeDeath(index, target) })
	case ownedByCommitment:
		s.duringMoney(index, func() { s.removeMoney(index, target) })
	case ownedByPublication:
		p.publications.retract(index, seq)
	default: // a retraction, an event retracted before, or one that changes no coverage
		return
	}
	*s.owners.Edit(int(target - 1)) = ownedByNothing
}

// retractFact takes a fact about an enrolment out of force.
func (p *Projection) retractFact(seq eventstore.Sequence, e uint32, target eventstore.Sequence) {
	s := p.state
	s.scratch.workers = s.workersOf(s.scratch.workers[:0], e)
	s.during(func() {
		f, found := s.removeFact(e, target)
		kind := event.Type(f.kind)
		if !found || kind != event.EnrolmentOpened && kind != event.EnrolmentAmended {
			return
		}
		if terms, named := unpackTerms(f.detail); named&enrolment.NamesRegion != 0 {
			p.presence.count(seq, terms.Region, -1)
		}
	})
}

func (s *state) removeDeath(w uint32, target eventstore.Sequence) {
	s.deathsOf[w] = slices.DeleteFunc(s.deathsOf[w], func(i uint32) bool {
		d := s.deaths.At(int(i))
		if eventstore.Sequence(d.sequenceHigh)<<32|eventstore.Sequence(d.sequenceLow) != target {
			return false
		}
		s.deaths.Edit(int(i)).sequenceHigh = retractedDeath
		return true
	})
	if len(s.deathsOf[w]) == 0 {
		delete(s.deathsOf, w)
	}
}

func (s *state) removeMoney(c uint32, target eventstore.Sequence) {
	s.moneyOf[c] = slices.DeleteFunc(s.moneyOf[c], func(i uint32) bool {
		f := s.money.At(int(i))
		if eventstore.Sequence(f.sequenceHigh)<<32|eventstore.Sequence(f.sequenceLow) != target {
			return false
		}
		s.money.Edit(int(i)).kind = 0
		return true
	})
}

// retractedDeath in the high half of a death's sequence says that it is not in force.
const retractedDeath = ^uint32(0)

// earlyRetractions are the keys of events that were retracted before they came.
type earlyRetractions struct {
	keys  map[event.Key]struct{}
	order []event.Key // as they came, for the file

	changed bool // since the last Store
}

func (r *earlyRetractions) names(k event.Key) bool {
	if len(r.keys) == 0 {
		return false
	}
	_, named := r.keys[k]
	return named
}

func (r *earlyRetractions) add(source, id string) {
	k := event.Key{Source: string([]byte(source)), ID: string([]byte(id))} // outlive the frame
	if r.names(k) {
		return
	}
	if r.keys == nil {
		r.keys = map[event.Key]struct{}{}
	}
	r.keys[k] = struct{}{}
	r.order = append(r.order, k)
	r.changed = true
}

// load makes the set of the keys that were read from the file.
func (r *earlyRetractions) load() {
	r.keys = make(map[event.Key]struct{}, len(r.order))
	for _, k := range r.order {
		r.keys[k] = struct{}{}
	}
}
