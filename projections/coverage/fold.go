package coverage

import (
	"encoding/binary"
	"slices"

	"cakupan/domain/enrolment"
	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
)

// apply folds one event into the state and appends what it changes to the scratch's edges.
func (p *Projection) apply(e *prepared, b *Batch) {
	s := p.state
	if p.retracted.marked(e.mark) && e.kind != event.EventRetracted &&
		p.retracted.names(b.key(e)) {
		s.owners.Append(ownedByNothing) // was retracted before it came: never in force
		e.terms = 0
		return
	}
	switch e.kind {
	case event.EnrolmentOpened, event.EnrolmentAmended, event.EnrolmentTerminated,
		event.EnrolmentReinstated:
		s.applyChange(e)
	case event.FundingGranted, event.FundingRevoked:
		s.applyGrant(e)
	case event.WorkerDied:
		s.applyDeath(e)
	case event.FundingCommitted, event.FundingClosed:
		s.applyMoney(e)
	case event.WorkforcePublished, event.TargetSet:
		index := p.publications.add(e.sequence, &b.rare[e.rare].event)
		s.owners.Append(newOwner(ownedByPublication, index))
	case event.EventRetracted:
		p.retract(e, &b.rare[e.rare])
		s.owners.Append(ownedByNothing)
	default: // amended and disbursed money changes no day of anybody's coverage
		s.owners.Append(ownedByNothing)
	}
}

// applyChange adds an opened, amended, terminated or reinstated event.
func (s *state) applyChange(e *prepared) {
	f := fact{kind: uint8(e.kind), from: e.from, detail: e.terms}
	if e.kind == event.EnrolmentOpened {
		f.subject = e.worker
	}
	s.applyFact(e, f)
}

// applyGrant adds a granted or revoked event.
func (s *state) applyGrant(e *prepared) {
	s.applyFact(e, fact{
		kind: uint8(e.kind), subject: e.commitment, from: e.from, until: e.until,
	})
}

// applyFact adds a fact about an enrolment. Its facts are gathered once: what they come to after
// the event follows from what they came to before it.
func (s *state) applyFact(e *prepared, f fact) {
	x := &s.scratch
	f.setSequence(e.sequence)
	s.owners.Append(newOwner(ownedByEnrolment, e.enrolment))
	if s.applyFirst(e, f) || s.applySecond(e, f) {
		return
	}
	s.gather(&x.own, e.enrolment)
	s.look(&x.before, &x.own)
	switch e.kind {
	case event.FundingGranted:
		x.after.copy(&x.before)
		if x.after.onBudget() {
			granted := f.grant()
			x.after.paid = enrolment.AddPaid(x.after.paid, s.paidBy(&granted, nil))
		}
	case event.FundingRevoked:
		x.own.revokes = append(x.own.revokes, f.grant())
		s.look(&x.after, &x.own)
	default:
		x.own.changes = append(x.own.changes, f.change())
		settle(x.own.changes)
		s.look(&x.after, &x.own)
	}
	x.workers = x.own.appendWorkers(x.workers[:0])
	for _, w := range x.workers {
		s.compareViews(w, e.enrolment)
	}
	s.addFact(e.enrolment, f)
}

// applyFirst adds the opened event that is the first fact about its enrolment, of a worker of whom
// no enrolment is known. So are more than half of all events, and before them there was nothing
// to compare with. It returns false, and has done nothing, for any other fact.
func (s *state) applyFirst(e *prepared, f fact) bool {
	if e.kind != event.EnrolmentOpened || *s.enrolments.At(int(e.enrolment)) != 0 ||
		s.workers.At(int(e.worker)).first != 0 {
		return false
	}
	if terms, _ := unpackTerms(e.terms); terms.Payer != event.APBD { // else nothing is paid yet
		s.scratch.edges = appendEdges(s.scratch.edges, s.openSpan(e.worker, e.from, terms), +1)
	}
	s.addFact(e.enrolment, f)
	return true
}

// applySecond adds the second fact about an enrolment, when the first one opened it and the worker
// has no other enrolment: the first grant of those on the budget, the first change of others. It
// returns false, and has done nothing, for any other fact.
func (s *state) applySecond(e *prepared, f fact) bool {
	head := *s.enrolments.At(int(e.enrolment))
	if head == 0 || e.kind == event.EnrolmentOpened {
		return false
	}
	opened := s.facts.At(int(head - 1))
	if opened.next != 0 || event.Type(opened.kind) != event.EnrolmentOpened {
		return false
	}
	if l := s.workers.At(int(opened.subject)); l.more != 0 || l.first != e.enrolment+1 {
		return false
	}
	x, died, change := &s.scratch, s.diedOn(opened.subject), opened.change()
	stretch := enrolment.Stretch{
		From: change.On, Until: enrolment.Never, Worker: change.Worker, Terms: change.Terms,
	}
	x.were = enrolment.AppendSpells(x.were[:0], stretch, died, nil)
	switch e.kind {
	case event.FundingGranted:
		granted := f.grant()
		x.after.paid = enrolment.AddPaid(x.after.paid[:0], s.paidBy(&granted, nil))
		x.are = enrolment.AppendSpells(x.are[:0], stretch, died, x.after.paid)
	case event.FundingRevoked: // of nothing
		x.are = append(x.are[:0], x.were...)
	default:
		changes := append(x.own.changes[:0], change, f.change())
		settle(changes)
		x.own.changes, x.after.paid = changes, x.after.paid[:0]
		x.after.stretches = enrolment.AppendStretches(x.after.stretches[:0], changes)
		x.are = x.after.appendSpells(x.are[:0], change.Worker, died)
	}
	s.compareOwn()
	s.addFact(e.enrolment, f)
	return true
}

// compareViews appends what differs for a worker between the scratch's views before and after,
// which are of one of its enrolments.
func (s *state) compareViews(w, e uint32) {
	x := &s.scratch
	before, after := differing(&x.before, &x.after)
	died := s.diedOn(w)
	x.were = before.appendSpells(x.were[:0], w, died)
	x.are = after.appendSpells(x.are[:0], w, died)
	if slices.Equal(x.were, x.are) {
		return
	}
	if x.others = s.appendOthers(x.others[:0], w, e, died); len(x.others) == 0 {
		s.compareOwn()
	} else {
		s.compareSpells()
	}
}

// compareAll appends what differs for a worker between the scratch's spells before an event, which
// are all that it had, and those that it has now.
func (s *state) compareAll(w uint32) {
	x := &s.scratch
	x.are, x.others = s.appendAll(x.are[:0], w), x.others[:0]
	s.compareSpells()
}

// applyDeath adds a death of a worker.
func (s *state) applyDeath(e *prepared) {
	x, w := &s.scratch, e.worker
	s.owners.Append(newOwner(ownedByWorker, w))
	x.were = s.appendAll(x.were[:0], w)
	i := s.deaths.Append(death{
		worker: w, on: temporal.Date(e.from),
		sequenceLow: uint32(e.sequence), sequenceHigh: uint32(e.sequence >> 32),
	})
	s.noteDeath(w, uint32(i))
	s.compareAll(w)
}

// applyMoney adds a committed or closed event. It can change every enrolment the commitment
// was ever granted to.
func (s *state) applyMoney(e *prepared) {
	c, seq := e.commitment, e.sequence
	s.owners.Append(newOwner(ownedByCommitment, c))
	fact := moneyFact{
		commitment: c, kind: uint8(e.kind), funding: e.funding,
		sequenceLow: uint32(seq), sequenceHigh: uint16(seq >> 32),
	}
	if e.kind == event.FundingClosed {
		fact.from = temporal.Month(e.from)
	}
	i := s.money.Append(fact)
	s.moneyOf[c] = append(s.moneyOf[c], uint32(i))
	s.comparePurses(c)
}

// comparePurses works out the purse of a commitment again, and appends what differs for the
// workers of its grants: those that have a single enrolment one enrolment after the other.
func (s *state) comparePurses(c uint32) {
	x, was := &s.scratch, s.purses[c]
	s.reckon(c)
	is := s.purses[c]
	if is == was {
		return
	}
	x.enrolments = s.granted(x.enrolments[:0], c)
	s.prefetch(x.enrolments)
	x.several = x.several[:0]
	for _, e := range x.enrolments {
		s.gather(&x.own, e)
		s.purses[c] = was
		s.look(&x.before, &x.own)
		s.purses[c] = is
		s.look(&x.after, &x.own)
		x.workers = x.own.appendWorkers(x.workers[:0])
		for _, w := range x.workers {
			if s.workers.At(int(w)).more == 0 {
				s.compareViews(w, e)
			} else { // another enrolment may have a grant of the same commitment
				x.several = append(x.several, w)
			}
		}
	}
	slices.Sort(x.several)
	for _, w := range slices.Compact(x.several) {
		s.purses[c] = was
		x.were = s.appendAll(x.were[:0], w)
		s.purses[c] = is
		s.compareAll(w)
	}
}

// granted appends the enrolments that the commitment was granted to, each once.
func (s *state) granted(dst []uint32, c uint32) []uint32 {
	for at := *s.grantsOf.At(int(c)); at != 0; {
		f := s.facts.At(int(at - 1))
		if at = f.detail; f.kind != 0 {
			dst = append(dst, *s.owners.At(int(f.sequence() - 1))>>ownerKindBits)
		}
	}
	slices.Sort(dst)
	return slices.Compact(dst)
}

// retract takes the event that a retraction names out of force.
func (p *Projection) retract(e *prepared, r *rare) {
	target := r.retracts
	if target == 0 {
		p.retracted.add(r.event.Data.RetractedSource, r.event.Data.RetractedID)
		return
	}
	s := p.state
	own := s.owners.At(int(target - 1))
	index := *own >> ownerKindBits
	switch *own & (1<<ownerKindBits - 1) {
	case ownedByEnrolment:
		r.gone = s.retractFact(index, target)
	case ownedByWorker:
		s.retractDeath(index, target)
	case ownedByCommitment:
		s.removeMoney(index, target)
		s.comparePurses(index)
	case ownedByPublication:
		p.publications.retract(index, e.sequence)
	default: // a retraction, an event retracted before, or one that changes no coverage
		return
	}
	*s.owners.Edit(int(target - 1)) = ownedByNothing
}

// retractFact takes a fact about an enrolment out of force. It returns the packed terms that it
// named, 0 when it named none.
func (s *state) retractFact(e uint32, target eventstore.Sequence) uint32 {
	x := &s.scratch
	s.gather(&x.own, e)
	x.workers = x.own.appendWorkers(x.workers[:0])
	s.look(&x.before, &x.own)
	x.own.remove(target)
	s.look(&x.after, &x.own)
	for _, w := range x.workers {
		s.compareViews(w, e)
	}
	f, found := s.removeFact(e, target)
	kind := event.Type(f.kind)
	if found && (kind == event.EnrolmentOpened || kind == event.EnrolmentAmended) {
		return f.detail
	}
	return 0
}

// retractDeath takes a death of a worker out of force.
func (s *state) retractDeath(w uint32, target eventstore.Sequence) {
	x := &s.scratch
	x.were = s.appendAll(x.were[:0], w)
	s.removeDeath(w, target)
	s.compareAll(w)
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

	marks [1 << markBits / 64]uint64 // a bit for the mark of each key: spares most look-ups
}

// mark is a few bits that keys of the same id share.
type mark uint16

const markBits = 16

// markOf returns the mark of the keys with an id.
func markOf(id string) mark {
	const mix = 0x9E3779B97F4A7C15 // 2^64 / golden ratio
	var end [8]byte                // where ids of a publisher mostly differ
	copy(end[:], id[max(0, len(id)-len(end)):])
	return mark(binary.LittleEndian.Uint64(end[:]) * mix >> (64 - markBits))
}

// marked reports whether a key with the mark may be among the keys.
func (r *earlyRetractions) marked(m mark) bool { return r.marks[m>>6]>>(m&63)&1 != 0 }

func (r *earlyRetractions) names(k event.Key) bool {
	_, named := r.keys[k]
	return named
}

func (r *earlyRetractions) add(source, id string) {
	k := event.Key{Source: string([]byte(source)), ID: string([]byte(id))} // outlive the frame
	if r.names(k) {
		return
	}
	r.insert(k)
	r.order = append(r.order, k)
	r.changed = true
}

func (r *earlyRetractions) insert(k event.Key) {
	if r.keys == nil {
		r.keys = map[event.Key]struct{}{}
	}
	r.keys[k] = struct{}{}
	m := markOf(k.ID)
	r.marks[m>>6] |= 1 << (m & 63)
}

// load makes the set of the keys that were read from the file.
func (r *earlyRetractions) load() {
	r.keys, r.marks = nil, [len(r.marks)]uint64{}
	for _, k := range r.order {
		r.insert(k)
	}
}
