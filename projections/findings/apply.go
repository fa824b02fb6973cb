package findings

import (
	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections/facts"
)

// lateAfter is how many days after its date an event is not late yet (contract, section 8,
// REPORTED_LATE): what is reported in the month after that of the date mostly is not.
const lateAfter = 31

// apply folds one event, which was admitted to the state.
//
// The order is needed. Time passes first, with the events before it in force, because what time
// alone raises has as since the first event recorded after it. Then the event comes into force, and
// all whom either has touched are looked at once, so that a finding that one of them raises and the
// other resolves is never noted. The date comes last: those findings have this event as since, and
// records are in that order.
func (f *fold) apply(e *facts.Event, b *facts.Batch, x *extra) {
	day := e.Recorded.Date()
	// Show takes all steps up to the next begin as those of this event, and gives them its
	// sequence.
	f.do(step{do: begin, n: int64(e.Sequence)})
	f.l.addEvent(e.Sequence, day, x)
	f.pass(day)
	// Its retraction came before it. It has a sequence, and time has passed, but no rule ever sees
	// it.
	early := f.s.AddRetracted(e, b) // it was never in force
	if !early {
		f.add(e, b, x)
	}
	f.settle()
	if !early {
		f.date(e, b)
	}
}

// add brings an event into force. Each case counts out what it may change before the state has the
// event, and in after that: the state cannot be asked for what it was.
func (f *fold) add(e *facts.Event, b *facts.Batch, x *extra) {
	switch e.Kind {
	case event.EnrolmentOpened, event.EnrolmentAmended, event.EnrolmentTerminated,
		event.EnrolmentReinstated, event.FundingGranted, event.FundingRevoked,
		event.ContributionCredited:
		f.addFact(e)
	case event.WorkerDied:
		f.addDeath(e, b)
	case event.WorkerMerged:
		f.merge(e, b)
	case event.FundingCommitted, event.FundingAmended, event.FundingDisbursed,
		event.FundingClosed:
		f.addMoney(e, b, x)
	case event.WorkforcePublished:
		f.s.Add(e, b)
		f.publish(&b.Rare(e).Event.Data)
	case event.EventRetracted:
		f.retract(e, b)
	default:
		// A target changes no percent and no rule, and a retraction of one is nothing but its date.
		f.s.Add(e, b)
	}
}

// addFact adds a fact about an enrolment. What it was before need not be known: grants apart, no
// fact that is added changes what commitments pay, and none takes a worker from the enrolment.
//
// The long way is taken where that is not enough: a revocation changes what older grants pay, and
// crowds are counted by what each enrolment was. Most ledgers have no crowd, and the short way
// reads one course for an event instead of two.
func (f *fold) addFact(e *facts.Event) {
	if l := f.longOf(e.Enrolment); l != nil {
		f.addLong(l, e)
		return
	}
	if e.Kind == event.FundingRevoked || len(f.crowds) > 0 && f.ofCrowd(e) {
		f.changeFact(e)
		return
	}
	f.s.AddFact(e)
	f.read = false
	c := f.courseOf(e.Enrolment)
	// The new grant is the last one in the course: before the event there were the others. What
	// other commitments pay stays the same.
	if e.Kind == event.FundingGranted {
		own := c.grantsOf(e.Commitment)
		f.paid = c.appendPaysOf(f.paid, e.Commitment, own[:len(own)-1])
		f.pays = c.appendPaysOf(f.pays, e.Commitment, own)
		f.recount()
	}
	f.touched.after = causeOf(e.Kind)
	f.countLosing(c)
	f.self[0] = e.Enrolment
	f.people = f.persons(f.people[:0], c.workers)
	f.touch(f.self[:], f.people)
}

// ofCrowd reports whether the enrolment of a fact may count for a crowd, before the fact or after
// it.
func (f *fold) ofCrowd(e *facts.Event) bool {
	return f.crowded.has(e.Enrolment) ||
		e.Kind == event.EnrolmentOpened && f.crowds[f.s.Person(e.Worker)] != nil
}

// causeOf returns what a fact has done to an enrolment.
func causeOf(kind event.Type) cause {
	switch kind {
	case event.FundingGranted:
		return newGrant
	case event.ContributionCredited:
		return newCredit
	case event.EnrolmentTerminated:
		return newEnd
	default:
		return anything
	}
}

// changeFact adds a fact about an enrolment that may change anything. Whoever opened the enrolment
// before is looked at too, and the worker that the event names, who may be another one.
func (f *fold) changeFact(e *facts.Event) {
	workers := append(f.workers[:0], f.courseOf(e.Enrolment).workers...)
	if e.Kind == event.EnrolmentOpened {
		workers = append(workers, e.Worker)
	}
	if e.Kind == event.FundingRevoked {
		f.noteRevocation(e)
	}
	f.workers, f.self[0] = workers, e.Enrolment
	f.change(f.self[:], workers, func() { f.s.AddFact(e) })
}

// noteRevocation notes a revocation among the events about its commitment, too: it counts as a
// change by another publisher (FOREIGN_CHANGE), as grants do not.
func (f *fold) noteRevocation(e *facts.Event) {
	f.l.addMoney(money{
		sequence: e.Sequence, commitment: e.Commitment, kind: uint8(e.Kind),
		publisher: f.l.publisherOf(e.Sequence),
	})
	f.touched.commitments = append(f.touched.commitments, e.Commitment)
}

// addDeath adds a death. All enrolments of the person end with the first one, if it is that. Any
// later day of death changes nobody's days: the earliest counts (contract, section 3).
func (f *fold) addDeath(e *facts.Event, b *facts.Batch) {
	var enrolments []uint32
	if temporal.Date(e.From) < f.died(e.Worker) {
		enrolments = f.enrolments(f.homes(e.Worker))
	}
	f.changeLife(enrolments, e.Worker, func() { f.s.Add(e, b) })
}

// addMoney adds an event about a commitment. The commitment is looked at again, whatever it says;
// those to whom it is granted only when its period, its funder or its end are others than before.
func (f *fold) addMoney(e *facts.Event, b *facts.Batch, x *extra) {
	m := money{sequence: e.Sequence, commitment: e.Commitment, kind: uint8(e.Kind)}
	if x.money != nil {
		m = moneyFrom(e.Sequence, e.Commitment, x.money)
	}
	m.publisher = f.l.publisherOf(e.Sequence)
	f.touched.commitments = append(f.touched.commitments, e.Commitment)
	if e.Kind == event.FundingClosed {
		f.l.addMoney(m)
		m.from = temporal.Month(e.From)
		// What closes later than the commitment did already changes no paid month.
		if m.from < f.closedFrom(e.Commitment) {
			f.reclose(e.Commitment, func() { f.s.Add(e, b) })
		} else {
			f.s.Add(e, b)
		}
		return
	}
	// The budget is copied: the ledger replaces it in place.
	was := *f.budget(e.Commitment)
	f.l.addMoney(m)
	f.s.Add(e, b)
	f.rebudget(e.Commitment, &was)
}

// reclose does what changes from when on a commitment pays nothing. That can be every enrolment of
// a regency: each is read twice, and what that costs is counted as work, so that the frame is cut
// behind this event.
func (f *fold) reclose(c uint32, do func()) {
	enrolments := f.granted(c)
	short := f.short(enrolments)
	var workers []uint32
	for _, e := range short {
		workers = append(workers, f.courseOf(e).workers...)
	}
	f.change(short, sortedNumbers(workers), do)
	if len(short) == len(enrolments) {
		return
	}
	for _, e := range enrolments {
		if l := f.longOf(e); l != nil {
			l.reclose(c)
		}
	}
}

// rebudget has all looked at again to whom a commitment is granted, if that is another one for
// them. Their findings tell the period and the funder of the commitment; heads and money are the
// commitment's own affair, which the caller has looked at again anyway.
func (f *fold) rebudget(c uint32, was *budget) {
	if is := f.budget(c); !is.sameGround(was) {
		enrolments := f.granted(c)
		f.touched.enrolments = append(f.touched.enrolments, enrolments...)
		if len(f.longs) == 0 {
			return
		}
		for _, e := range enrolments {
			if l := f.longOf(e); l != nil && l.payerOf[c] != nil {
				l.look(l.payerOf[c])
			}
		}
	}
}

// retract takes the event that a retraction names out of force.
//
// One that names an event which is not in the log yet is kept by the state until that comes. One
// that names a retraction, or an event that was retracted before, changes nothing (contract,
// section 2).
func (f *fold) retract(e *facts.Event, b *facts.Batch) {
	r := b.Rare(e)
	target := r.Retracts
	do := func() { f.s.Retract(e, r) }
	if target == 0 {
		do()
		return
	}
	// Dated findings go with the event itself, whatever it is about.
	f.do(step{do: resolve, n: int64(target)})
	switch own := f.s.OwnerOf(target); own.Kind() {
	case facts.OfEnrolment:
		// It may be a revocation, which is kept in both places.
		f.retractMoney(target, e.Sequence)
		if l := f.longOf(own.Index()); l != nil {
			if r, found := f.s.FactAt(target); found {
				do()
				f.takeLong(l, &r)
				return
			}
		}
		workers := append([]uint32(nil), f.courseOf(own.Index()).workers...)
		f.change([]uint32{own.Index()}, workers, do)
	case facts.OfWorker:
		f.changeLife(f.enrolments(f.homes(own.Index())), own.Index(), do)
	case facts.OfMerge:
		f.unmerge(own, do)
	case facts.OfCommitment:
		m := f.retractMoney(target, e.Sequence)
		if m != nil && event.Type(m.kind) == event.FundingClosed {
			f.reclose(own.Index(), do)
		} else {
			do()
		}
	default:
		// Amendments and publications mean nothing to the state, which knows only that they are
		// there.
		f.retractMoney(target, e.Sequence)
		f.do(step{do: unpublish, n: int64(target)})
		do()
	}
}

// retractMoney takes an event about a commitment out of force, if the event is one. It returns nil
// for any other event, and for one that was retracted before; then nothing has changed.
func (f *fold) retractMoney(target, by eventstore.Sequence) *money {
	m := f.l.moneyAt(target)
	if m == nil {
		return nil
	}
	was := *f.budget(m.commitment)
	f.l.retractMoney(target, by)
	f.touched.commitments = append(f.touched.commitments, m.commitment)
	f.rebudget(m.commitment, &was)
	return m
}

// date notes what is wrong with the date of an event in force. Only events with a day have one;
// months are never late (contract, section 8). It is judged once, against the day on which the
// event was recorded, and stays until the event is retracted.
func (f *fold) date(e *facts.Event, b *facts.Batch) {
	date, o := temporal.Date(e.From), owner{kind: ofEnrolment, number: e.Enrolment}
	switch e.Kind {
	case event.EnrolmentOpened, event.EnrolmentAmended, event.EnrolmentTerminated,
		event.EnrolmentReinstated:
	case event.WorkerDied:
		o = owner{kind: ofWorker, number: e.Worker}
	case event.TargetSet:
		d := &b.Rare(e).Event.Data
		date, o = d.From, owner{kind: ofRegion, number: uint32(d.Region)}
	default:
		return
	}
	// lateAfter days late is not late yet: more is.
	if f.today-date > lateAfter {
		f.raise(ReportedLate, o, date)
	}
	if date > f.today && date > yearAfter(f.today) {
		f.raise(FarFuture, o, date)
	}
}

// yearAfter returns the same day of the next year, 28 February for the 29th. A plain 365 days would
// call the same date far in one year and not in the next.
func yearAfter(day temporal.Date) temporal.Date {
	month := day.Month()
	return min((month+12).First()+(day-month.First()), (month + 12).Last())
}
