package coverage

import (
	"math/bits"

	"cakupan/domain/enrolment"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/projections/counts"
	"cakupan/projections/steps"
)

// tally counts the spells of one person by day, region and measure. It is for a person with many
// enrolments, whose spells would be too many to be looked at for each event: a spell that comes or
// goes costs what it changes, and a search.
//
// It says the same as [counter.count] by other cells: those of each enrolment, and for each region
// those of the person, a cell for each measure. Sums of both agree, so that it does not matter from
// which event on a person is counted so. And what spells count in does not depend on the order in
// which they came, or on how they are cut: the same edges follow from a tally that was kept and
// from one that is made anew, which after a restart all of them are.
type tally struct {
	spells  int                                         // that came: a measure of the memory
	regions map[region.Code]*[measureCount]steps.Counts // looked up only: its order tells nothing
}

// add appends the edges of a spell that comes. The order in which spells come says nothing.
func (t *tally) add(edges []counts.Change, s *enrolment.Spell) []counts.Change {
	return t.change(edges, s, +1)
}

// exchange appends the edges of spells that go, and of others that come. What goes must have come
// before.
func (t *tally) exchange(edges []counts.Change, gone, come []enrolment.Spell) []counts.Change {
	for i := range gone {
		edges = t.change(edges, &gone[i], -1)
	}
	for i := range come {
		edges = t.change(edges, &come[i], +1)
	}
	return edges
}

func (t *tally) change(edges []counts.Change, s *enrolment.Spell, weight int32) []counts.Change {
	t.spells += int(weight)
	m := measuresOf(s)
	if m&covered != 0 {
		own := span{newEnrolmentCell(s.Terms.Region, m), s.From, s.Until}
		edges = appendEdges(edges, own, weight)
	}
	for in := s.Terms.Region; ; in = in.Parent() {
		edges = t.changeIn(edges, in, span{cell(m), s.From, s.Until}, weight)
		if in == region.Nation {
			return edges
		}
	}
}

// changeIn appends what a spell that comes or goes changes for the person in one region.
//
// In grace is who is in grace and not covered. So that each measure is counted by itself, that of
// grace counts both, and is taken off again where the person is covered.
func (t *tally) changeIn(edges []counts.Change, in region.Code, s span, weight int32,
) []counts.Change {
	by := t.of(in)
	for m := measures(s.cell) | inGrace; m != 0; m &= m - 1 {
		i := bits.TrailingZeros64(uint64(m))
		note := func(from, until int32) {
			days := span{newWorkerCell(in, 1<<i), temporal.Date(from), temporal.Date(until)}
			edges = appendEdges(edges, days, weight)
			if i == coveredMeasure {
				days.cell = newWorkerCell(in, inGrace)
				edges = appendEdges(edges, days, -weight)
			}
		}
		if weight > 0 {
			by[i].Add(int32(s.from), int32(s.until), note)
		} else {
			by[i].Remove(int32(s.from), int32(s.until), note)
		}
	}
	return edges
}

// of returns the counts of a region. It is made when there is none.
func (t *tally) of(in region.Code) *[measureCount]steps.Counts {
	by := t.regions[in]
	if by == nil {
		by = new([measureCount]steps.Counts)
		if t.regions == nil {
			t.regions = map[region.Code]*[measureCount]steps.Counts{}
		}
		t.regions[in] = by
	}
	return by
}
