package coverage

import (
	"cmp"
	"slices"

	"cakupan/domain/enrolment"
	"cakupan/domain/temporal"
	"cakupan/projections/counts"
	"cakupan/projections/facts"
	"cakupan/projections/timeline"
)

// span is a cell in which a worker counts on the days [from, until).
type span struct {
	cell        cell
	from, until temporal.Date
}

// comparison is memory in which a person is compared before and after an event: the spells of what
// the event changed, and others that are there before and after. All slices are memory that the
// next comparison uses again.
type comparison struct {
	were, are, others []enrolment.Spell

	counter
	other      change              // an enrolment that the event is not about
	difference timeline.Difference // of its timeline
}

// person is whom an event changes: the worker of an enrolment, whose other enrolments see purses.
// The state is that before the event as far as it is about the enrolment, but a timeline of the
// enrolment, if there is one, is that after it.
type person struct {
	worker, enrolment uint32
	purses            facts.Purses
	line              *timeline.Timeline
}

// differ appends the edges of what differs for a person between the spells of one enrolment before
// and after, which are in the comparison.
//
// Most of a person's past stays as it was, so only the days from the first to the last spell that
// differs are compared. Most persons have no other enrolment on those days.
//
// Both must be of one person, in order of time, and cut at the same days.
func (f *fold) differ(p person, edges []counts.Change) []counts.Change {
	days := &f.days
	first, last := same(days.were, days.are)
	were, are := days.were[first:len(days.were)-last], days.are[first:len(days.are)-last]
	if len(were) == 0 && len(are) == 0 {
		return edges
	}
	if !f.state.HasOthers(p.worker, p.enrolment) {
		return compareOwn(were, are, edges)
	}
	if t := f.tallyBefore(p, were, are); t != nil {
		return t.exchange(edges, were, are)
	}
	from, until := hull(were, are)
	days.others = f.spellsOfPerson(days.others[:0], p.worker, p.enrolment,
		facts.Days{From: from, Until: until}, p.purses)
	if len(days.others) == 0 {
		return compareOwn(were, are, edges)
	}
	edges = days.count(edges, were, days.others, -1)
	return days.count(edges, are, days.others, +1)
}

// compareOwn appends the edges of what differs between the spells before and after an event, all of
// one enrolment, whose worker has no others. That most changes move an end is worth a case: two
// edges in place of four.
func compareOwn(were, are []enrolment.Spell, edges []counts.Change) []counts.Change {
	first, last := same(were, are)
	were, are = were[first:len(were)-last], are[first:len(are)-last]
	if len(were) > 0 && len(are) > 0 {
		if longer := were[0]; longer.Until != are[0].Until {
			longer.Until = are[0].Until
			if longer == are[0] { // it ends on another day, no more: so most changes are
				c := spanOf(&longer).cell
				edges = appendEdge(edges, c, were[0].Until, +1)
				edges = appendEdge(edges, c, are[0].Until, -1)
				were, are = were[1:], are[1:]
			}
		}
	}
	for i := range were {
		edges = appendEdges(edges, spanOf(&were[i]), -1)
	}
	for i := range are {
		edges = appendEdges(edges, spanOf(&are[i]), +1)
	}
	return edges
}

// same returns how many spells before and after an event are the same, at the beginning and at the
// end. They must be in order of time.
func same(were, are []enrolment.Spell) (first, last int) {
	n := min(len(were), len(are))
	for first < n && were[first] == are[first] {
		first++
	}
	for first+last < n && were[len(were)-1-last] == are[len(are)-1-last] {
		last++
	}
	return first, last
}

// hull returns the days from the first to the last of the spells.
func hull(were, are []enrolment.Spell) (from, until temporal.Date) {
	from, until = enrolment.Never, -enrolment.Never
	for _, spells := range [...][]enrolment.Spell{were, are} {
		for i := range spells {
			from, until = min(from, spells[i].From), max(until, spells[i].Until)
		}
	}
	return from, until
}

// spanOf returns what a worker counts in for a spell, were it the only one on its days.
func spanOf(spell *enrolment.Spell) span {
	return span{newCell(spell.Terms.Region, measuresOf(spell)), spell.From, spell.Until}
}

// openSpan returns what the worker of an enrolment counts in from a day on, for as long as no fact
// changes it. Somebody else than the budget pays.
func openSpan(from int32, died temporal.Date, terms enrolment.Terms) span {
	spell := enrolment.Spell{
		From: temporal.Date(from), Until: enrolment.Never, Terms: terms,
		Evidence: enrolment.Presumed,
	}
	if died < enrolment.Never {
		spell.Until = max(spell.From, died+1)
	}
	return spanOf(&spell)
}

// appendEdges appends the edges of a span with the given weight. A span without an end has one
// edge.
func appendEdges(edges []counts.Change, s span, weight int32) []counts.Change {
	first := counts.Change{Cell: counts.Key(s.cell), Day: s.from, Weight: weight}
	return appendEdge(append(edges, first), s.cell, s.until, -weight)
}

// appendEdge appends an edge, unless it is on the day that never comes.
func appendEdge(edges []counts.Change, c cell, day temporal.Date, weight int32) []counts.Change {
	if day < enrolment.Never {
		edges = append(edges, counts.Change{Cell: counts.Key(c), Day: day, Weight: weight})
	}
	return edges
}

// overlap reports whether two of the spells share a day. It may sort them by their first day. Those
// that do not are counted as they are, each by itself.
func overlap(spells []enrolment.Spell) bool {
	if ordered(spells) {
		return false
	}
	sortSpells(spells)
	return !ordered(spells)
}

// sortSpells sorts spells by their first day.
func sortSpells(spells []enrolment.Spell) {
	slices.SortFunc(spells, func(a, b enrolment.Spell) int { return cmp.Compare(a.From, b.From) })
}

// ordered reports whether each spell ends before the next one begins.
func ordered(spells []enrolment.Spell) bool {
	for i := 1; i < len(spells); i++ {
		if spells[i].From < spells[i-1].Until {
			return false
		}
	}
	return true
}
