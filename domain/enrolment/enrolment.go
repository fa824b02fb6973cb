// Package enrolment says what the facts about one enrolment mean: its terms on a day, the months
// its grants pay, and the days on which it is covered or in grace (contract, section 3).
//
// Everything here is a pure function over facts in force; which facts are in force, and what a
// worker or commitment is called, is the caller's business: it passes handles of its own.
package enrolment

import (
	"math"

	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
)

// Never is a day and a month later than every one a fact can name: the end of what has no end.
const (
	Never      temporal.Date  = math.MaxInt32
	NeverMonth temporal.Month = math.MaxInt32
)

// Terms are what an enrolment says of its worker while it is open.
type Terms struct {
	Region     region.Code // a regency: the worker's domicile
	Segment    event.Segment
	Category   event.Category
	Programmes event.ProgrammeSet
	Payer      event.Payer
}

// Named tells which terms an amendment replaces. Bits follow the order of the fields of event data
// that they stand for, which is also stored.
type Named uint8

// The terms an amendment can name.
const (
	NamesRegion     Named = 1 << 0
	NamesSegment    Named = 1 << 1
	NamesCategory   Named = 1 << 2
	NamesProgrammes Named = 1 << 3
	NamesPayer      Named = 1 << 4

	namesAll Named = 1<<5 - 1
)

// Change is one fact that opens, amends, closes or reopens an enrolment.
type Change struct {
	Kind     event.Type    // one of the four enrolment events
	On       temporal.Date // effective: from, or until of a termination
	Sequence uint64
	Worker   uint32 // opened: the caller's handle of the worker
	Terms    Terms  // opened: all; amended: those in Named
	Named    Named
}

// Before orders changes as they take effect: by day, then by place in the log. It is the order of
// the contract's section 3; no two changes are equal in it, as sequences differ.
func (c *Change) Before(other *Change) bool {
	if c.On != other.On {
		return c.On < other.On
	}
	return c.Sequence < other.Sequence
}

// Stretch is a span of days on which an enrolment is open for one worker under the same terms.
type Stretch struct {
	From, Until temporal.Date // Until is out; Never when nothing ends it
	Worker      uint32
	Terms       Terms
}

// State is what the changes of an enrolment up to a day come to. The zero value is that of an
// enrolment of which nothing is known. States that are equal stay so under the same changes.
type State struct {
	Worker uint32
	Terms  Terms
	Open   bool
	known  bool // an opened event has set terms
}

// Add adds the next change in order of [Change.Before].
func (s *State) Add(c *Change) {
	switch c.Kind {
	case event.EnrolmentOpened:
		s.Worker, s.known, s.Open = c.Worker, true, true
		s.Terms.replace(c.Terms, namesAll)
	case event.EnrolmentAmended:
		if s.known {
			s.Terms.replace(c.Terms, c.Named)
		}
	case event.EnrolmentTerminated:
		s.Open = false
	case event.EnrolmentReinstated:
		s.Open = s.known
	default: // other facts change no terms
	}
}

// Stretch returns the stretch of the days [from, until), on which the state holds and is open. The
// state must be open.
func (s *State) Stretch(from, until temporal.Date) Stretch {
	return Stretch{From: from, Until: until, Worker: s.Worker, Terms: s.Terms}
}

// AppendStretches folds the changes, which must be in order of [Change.Before], and appends the
// stretches they leave, in order of time. Neighbouring stretches may be equal but for their days.
func AppendStretches(dst []Stretch, changes []Change) []Stretch {
	var (
		now  State
		from temporal.Date
	)
	for i := range changes {
		c := &changes[i]
		if now.Open && from < c.On {
			dst = append(dst, now.Stretch(from, c.On))
		}
		now.Add(c)
		from = c.On
	}
	if now.Open {
		dst = append(dst, now.Stretch(from, Never))
	}
	return dst
}

// replace takes over those of the other terms that are named. What is not named keeps its value,
// also where other has one.
func (t *Terms) replace(other Terms, named Named) {
	if named&NamesRegion != 0 {
		t.Region = other.Region
	}
	if named&NamesSegment != 0 {
		t.Segment = other.Segment
	}
	if named&NamesCategory != 0 {
		t.Category = other.Category
	}
	if named&NamesProgrammes != 0 {
		t.Programmes = other.Programmes
	}
	if named&NamesPayer != 0 {
		t.Payer = other.Payer
	}
}
