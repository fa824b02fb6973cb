package facts

import (
	"cakupan/domain/enrolment"
	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
)

// Place is where an enrolment is from a day on, as an event in force says. Only events that name a
// region are places: the one in force on a day is the last by day and sequence.
type Place struct {
	Region   region.Code
	On       temporal.Date
	Sequence eventstore.Sequence
	Opens    bool   // its event opens the enrolment
	Worker   uint32 // for whom it opens
}

// AppendPlaces appends where an enrolment is and will be, the newest event first. Without an
// opening among them nobody knows the enrolment. Those of days to come are among them.
func (s *State) AppendPlaces(dst []Place, e uint32) []Place {
	if int(e) >= s.enrolments.Len() {
		return dst
	}
	a := s.enrolments.At(int(e))
	at := a.newest
	if a.opening != 0 { // all others are credits
		return s.facts.At(int(a.opening - 1)).appendPlace(dst)
	}
	for at != 0 {
		f := s.facts.At(int(at - 1))
		dst, at = f.appendPlace(dst), f.next
	}
	return dst
}

// appendPlace appends where a fact says that its enrolment is, if it does. What is retracted has no
// kind, and so no place.
func (f *fact) appendPlace(dst []Place) []Place {
	kind := event.Type(f.kind)
	if kind != event.EnrolmentOpened && kind != event.EnrolmentAmended {
		return dst
	}
	terms, named := PackedTerms(f.detail).Unpack()
	if named&enrolment.NamesRegion == 0 {
		return dst
	}
	p := Place{Region: terms.Region, On: temporal.Date(f.from), Sequence: f.sequence()}
	if p.Opens = kind == event.EnrolmentOpened; p.Opens {
		p.Worker = f.subject
	}
	return append(dst, p)
}

// HasLives tells whether a death or a merge of a worker is in force, of this id of his. Merges of
// other ids of the person, and their deaths, do not count.
func (s *State) HasLives(w uint32) bool {
	return len(s.deathsOf[w]) > 0 || len(s.mergesOf[w]) > 0
}

// NewestGrants calls yield with the enrolments of a commitment's grants in force, the newest first,
// until it returns false. It follows so many links at most, and returns the newest grant if there
// are more; else 0. An enrolment may come several times. Retracted grants that are still linked
// count towards most.
func (s *State) NewestGrants(c uint32, most int, yield func(e uint32) bool,
) (beyond eventstore.Sequence) {
	if int(c) >= s.grantsOf.Len() {
		return 0
	}
	var newest eventstore.Sequence
	for at, n := *s.grantsOf.At(int(c)), 0; at != 0; n++ {
		if n == most {
			return newest
		}
		f := s.facts.At(int(at - 1))
		if at = f.detail; f.kind == 0 {
			continue
		}
		newest = max(newest, f.sequence())
		if !yield(s.OwnerOf(f.sequence()).Index()) {
			return 0
		}
	}
	return 0
}

// CommittedBy returns the newest event in force that committed a commitment, 0 when none has. It is
// the one whose source of money counts (contract, section 3).
func (s *State) CommittedBy(c uint32) eventstore.Sequence {
	if int(c) >= len(s.accounts) || s.accounts[c] == nil {
		return 0
	}
	committed := s.accounts[c].committed
	if len(committed) == 0 {
		return 0
	}
	return s.money.At(int(committed[len(committed)-1])).sequence()
}
