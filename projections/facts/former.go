package facts

import (
	"cakupan/domain/event"
	"cakupan/eventstore"
)

// former is what was said and is not in force any more, or never was because it had been retracted
// before it came. Any event about an enrolment, a worker or a commitment is kept as a fact:
// of a death the subject is the worker and from the day, of a committed or closed event the
// subject is the commitment, detail the funding, and from the month.
type former struct {
	fact           // next links to the former one of the same owner that came before it
	owner    Owner // enrolment, worker or commitment
	takenLow uint32
	taken    uint16 // with takenLow: the sequence of the retraction
	_        uint16
	// nextAbout links to the former one about the same worker (opened) or commitment (granted).
	nextAbout link
}

// formerLinks are where the links between former facts begin. They are maps: few have any.
type formerLinks struct {
	ofOwner   map[Owner]link
	ofSubject map[Owner]link // of workers: opened; of commitments: granted
}

func (f *former) takenBy() eventstore.Sequence { return sequenceOf(uint32(f.taken), f.takenLow) }

// whom returns whom a fact that is not theirs is about too.
func (f *fact) whom() (Owner, bool) {
	switch event.Type(f.kind) {
	case event.EnrolmentOpened:
		return newOwner(OfWorker, f.subject), true
	case event.FundingGranted:
		return newOwner(OfCommitment, f.subject), true
	default:
		return 0, false
	}
}

// keep keeps a fact that was taken out of force by the event with the sequence.
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

// note notes that the newest of its owner and of its subject is at a place.
func (l *formerLinks) note(f *former, at link) {
	l.ofOwner[f.owner] = at
	if subject, ok := f.whom(); ok {
		l.ofSubject[subject] = at
	}
}

// keepNever keeps an event that never was in force.
func (s *State) keepNever(e *Event, by eventstore.Sequence) {
	f := former{fact: factOf(e)}
	switch e.Kind {
	case event.EnrolmentOpened, event.EnrolmentAmended, event.EnrolmentTerminated,
		event.EnrolmentReinstated, event.FundingGranted, event.FundingRevoked:
		f.owner = newOwner(OfEnrolment, e.Enrolment)
	case event.WorkerDied:
		f.owner, f.subject = newOwner(OfWorker, e.Worker), e.Worker
	case event.FundingCommitted, event.FundingClosed:
		f.owner, f.subject = newOwner(OfCommitment, e.Commitment), e.Commitment
		f.detail = uint32(e.Funding)
	default: // says nothing that is kept here
		return
	}
	s.keep(f, by)
}
