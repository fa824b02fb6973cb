package facts

import (
	"cakupan/domain/event"
	"cakupan/eventstore"
)

// former is what was said and is not in force any more, or never was because it had been retracted
// before it came. Any event about an enrolment, a worker or a commitment is kept as a fact:
// of a death the subject is the worker and from the day, of a merge the subject and detail are the
// workers, of money the subject is the commitment, detail the funding or how many months, and from
// the month.
//
// It is stored, and never changes or goes. Nothing of it counts for coverage: it is there to tell
// what was known before, and what was taken back.
type former struct {
	fact           // next links to the former one of the same owner that came before it
	owner    Owner // enrolment, worker or commitment
	takenLow uint32
	taken    uint16 // with takenLow: the sequence of the retraction
	_        uint16
	// nextAbout links to the former one about the same worker (opened; merged: the second one) or
	// commitment (granted).
	nextAbout link
}

// formerLinks are where the links between former facts begin. They are maps: few have any.
type formerLinks struct {
	ofOwner   map[Owner]link
	ofSubject map[Owner]link // of workers: opened, merged; of commitments: granted
}

// takenBy returns the sequence of the retraction, which may be lower than that of the fact.
func (f *former) takenBy() eventstore.Sequence { return sequenceOf(uint32(f.taken), f.takenLow) }

// whom returns whom a fact that is not theirs is about too. Through it the former facts of a worker
// or commitment are found that are listed with an enrolment.
func (f *fact) whom() (Owner, bool) {
	switch event.Type(f.kind) {
	case event.EnrolmentOpened:
		return newOwner(OfWorker, f.subject), true
	case event.FundingGranted:
		return newOwner(OfCommitment, f.subject), true
	case event.WorkerMerged:
		return newOwner(OfWorker, f.detail), true
	default:
		return 0, false
	}
}

// keep keeps a fact that was taken out of force by the event with the sequence. The caller takes it
// away from where facts in force are.
func (s *State) keep(f former, by eventstore.Sequence) {
	f.takenLow, f.taken = uint32(by), uint16(by>>32)
	f.next = s.formers.ofOwner[f.owner]
	if event.Type(f.kind) == event.FundingGranted {
		f.detail = 0 // linked those in force
	}
	if subject, ok := f.whom(); ok {
		f.nextAbout = s.formers.ofSubject[subject]
	}
	s.formers.note(&f, link(s.former.Append(f)+1))
}

// note notes that the newest of its owner and of its subject is at a place. It is called in the
// order of the table, when a fact is kept and when the table is loaded.
func (l *formerLinks) note(f *former, at link) {
	l.ofOwner[f.owner] = at
	if subject, ok := f.whom(); ok {
		l.ofSubject[subject] = at
	}
}

// keepNever keeps an event that never was in force. The event leaves nothing else behind: no purse,
// no person and no short way changes by it.
func (s *State) keepNever(e *Event, b *Batch, by eventstore.Sequence) {
	switch e.Kind {
	case event.EnrolmentOpened, event.EnrolmentAmended, event.EnrolmentTerminated,
		event.EnrolmentReinstated, event.FundingGranted, event.FundingRevoked,
		event.ContributionCredited:
		s.keep(former{fact: factOf(e), owner: newOwner(OfEnrolment, e.Enrolment)}, by)
	case event.WorkerDied:
		f := factOf(e)
		f.subject = e.Worker
		s.keep(former{fact: f, owner: newOwner(OfWorker, e.Worker)}, by)
	case event.WorkerMerged:
		f := factOf(e)
		f.subject, f.detail = e.Worker, e.Into()
		s.keep(former{fact: f, owner: newOwner(OfWorker, e.Worker)}, by)
	case event.FundingCommitted, event.FundingClosed, event.FundingDisbursed:
		for _, m := range moneyOf(e, b) {
			f := fact{
				kind: m.kind, subject: e.Commitment, from: int32(m.from), detail: uint32(m.detail),
			}
			f.setSequence(e.Sequence)
			s.keep(former{fact: f, owner: newOwner(OfCommitment, e.Commitment)}, by)
		}
	default: // says nothing that is kept here
	}
}
