package coverage

import (
	"slices"

	"cakupan/domain/enrolment"
	"cakupan/domain/temporal"
	"cakupan/projections/counts"
)

// comparePurses appends what differs for the persons of a commitment's grants between the purse it
// was and the one it is. The state has the new one already.
//
// Nearly all of them have one enrolment with few facts and one grant of the commitment: these are
// looked at in whatever order they come. The others are looked at in order of their numbers, so that
// it is known which of a person's enrolments see the purse as it was, still, and which as it is.
func (f *fold) comparePurses(c uint32, was *enrolment.Purse, edges []counts.Change,
) []counts.Change {
	is := f.state.Purse(c)
	if is.Equal(was) {
		return edges
	}
	now := f.state.Purses()
	before := now.With(c, was, 0)
	f.several = f.several[:0]
	some := edges[len(edges):]
	for enrolments := range f.state.Granted(c) {
		f.state.Prefetch(enrolments)
		for _, e := range enrolments {
			if !f.isSimple(c, e) {
				f.several = append(f.several, e)
				continue
			}
			own := &f.own
			own.before.Follow(&own.facts, before)
			own.after.Follow(&own.facts, now)
			some = f.compareCourses(e, now, some)
			f.sums.add(some)
			some = some[:0]
		}
	}
	edges = f.sums.flush(edges)
	slices.Sort(f.several)
	f.several = slices.Compact(f.several)
	if len(f.several) == 0 {
		return edges
	}
	paid := was.DisbursedByOne(&is)
	for _, e := range f.several {
		edges = f.comparePurse(e, c, was, paid, edges)
	}
	return edges
}

// isSimple gathers the facts of an enrolment and reports whether it has few, one grant of the
// commitment, and is the only enrolment of its workers.
func (f *fold) isSimple(c, e uint32) bool {
	if f.heavy.lines[e] != nil {
		return false
	}
	own := &f.own
	f.state.Gather(&own.facts, e)
	if own.facts.Len() >= f.heavy.facts || own.facts.GrantedBy(c) != 1 {
		return false
	}
	own.workers = own.facts.AppendWorkers(own.workers[:0])
	return !slices.ContainsFunc(own.workers, f.state.Several)
}

// comparePurse appends what differs for the persons of one enrolment. Enrolments with higher
// numbers see the purse as it was.
func (f *fold) comparePurse(e, c uint32, was *enrolment.Purse, paid []enrolment.Span,
	edges []counts.Change,
) []counts.Change {
	now := f.state.Purses()
	before, others := now.With(c, was, 0), now.With(c, was, e+1)
	line := f.heavy.lines[e]
	own := &f.own
	if line == nil {
		if f.state.Gather(&own.facts, e); own.facts.Len() >= f.heavy.facts {
			line = f.newLine(&own.facts, e, before)
		}
	}
	if line != nil {
		is := f.state.Purse(c)
		line.Repurse(c, was, &is, paid, f.state.DiedOn, &f.heavy.difference)
		return f.compareLine(line, e, others, edges)
	}
	own.workers = own.facts.AppendWorkers(own.workers[:0])
	own.before.Follow(&own.facts, before)
	own.after.Follow(&own.facts, now)
	return f.compareCourses(e, now.With(c, was, e), edges)
}

// edgeSums adds up edges of one event, of which there may be millions in few cells on few days. Its
// memory is that of what is left of them.
type edgeSums struct {
	slots []counts.Change // of a power of two; with the zero cell: empty
	used  int
}

// add takes edges in.
func (s *edgeSums) add(edges []counts.Change) {
	for i := range edges {
		if 2*s.used >= len(s.slots) {
			s.grow()
		}
		s.find(edges[i].Cell, edges[i].Day).Weight += edges[i].Weight
	}
}

// find returns the slot of a cell and day.
func (s *edgeSums) find(c counts.Key, day temporal.Date) *counts.Change {
	const mix = 0x9E3779B97F4A7C15 // 2^64 / golden ratio
	mask := uint64(len(s.slots) - 1)
	at := (uint64(c) ^ uint64(c)>>32 + uint64(uint32(day))*mix) * mix >> 32 & mask
	for s.slots[at].Cell != 0 && (s.slots[at].Cell != c || s.slots[at].Day != day) {
		at = (at + 1) & mask
	}
	if slot := &s.slots[at]; slot.Cell == 0 {
		slot.Cell, slot.Day = c, day
		s.used++
	}
	return &s.slots[at]
}

func (s *edgeSums) grow() {
	const slotsMin = 1 << 10
	old := s.slots
	s.slots, s.used = make([]counts.Change, max(slotsMin, 2*len(old))), 0
	for i := range old {
		if old[i].Weight != 0 {
			s.find(old[i].Cell, old[i].Day).Weight = old[i].Weight
		}
	}
}

// flush appends what the edges come to, and is empty then.
func (s *edgeSums) flush(edges []counts.Change) []counts.Change {
	if s.used == 0 {
		return edges
	}
	for i := range s.slots {
		if s.slots[i].Weight != 0 {
			edges = append(edges, s.slots[i])
		}
	}
	const slotsKept = 1 << 16
	if len(s.slots) > slotsKept {
		s.slots = nil
	}
	clear(s.slots)
	s.used = 0
	return edges
}
