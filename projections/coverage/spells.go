package coverage

import (
	"slices"

	"cakupan/domain/enrolment"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/projections/counts"
)

// span is a cell in which a worker counts on the days [from, until).
type span struct {
	cell        cell
	from, until temporal.Date
}

// comparison is one worker before and after an event: the spells of what the event changed, and
// others that are there before and after. The rest is memory.
type comparison struct {
	were, are, others []enrolment.Spell

	together []enrolment.Spell
	spans    []span
	days     []temporal.Date
}

// compare appends the edges of what differs between the spells before and after, given the others.
// It spoils them.
//
// Most of a worker's past stays as it was, so only the days from the first to the last spell that
// differs are compared. Most workers have no other enrolment on those days.
func (c *comparison) compare(edges []counts.Change) []counts.Change {
	first, last := same(c.were, c.are)
	were, are := c.were[first:len(c.were)-last], c.are[first:len(c.are)-last]
	if len(were) == 0 && len(are) == 0 {
		return edges
	}
	c.others = append(append(c.others, c.were[:first]...), c.were[first+len(were):]...)
	if len(c.others) > 0 {
		from, until := hull(were, are)
		c.others = clip(c.others, from, until)
	}
	return c.count(c.count(edges, were, -1), are, +1)
}

// compareOwn appends the edges of what differs between the spells before and after an event, all of
// one enrolment, whose worker has no others.
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
// end.
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

// clip cuts off what lies outside of the days [from, until).
func clip(spells []enrolment.Spell, from, until temporal.Date) []enrolment.Spell {
	kept := spells[:0]
	for i := range spells {
		spell := spells[i]
		spell.From, spell.Until = max(spell.From, from), min(spell.Until, until)
		if spell.From < spell.Until {
			kept = append(kept, spell)
		}
	}
	return kept
}

// count appends the edges of what the worker counts in with the spells and the others, with the
// given weight: +1 for what is after an event, -1 for what was before it.
func (c *comparison) count(edges []counts.Change, spells []enrolment.Spell,
	weight int32,
) []counts.Change {
	c.together = append(append(c.together[:0], spells...), c.others...)
	if overlap(c.together) {
		c.spans = c.appendOverlapping(c.spans[:0], c.together)
		for i := range c.spans {
			edges = appendEdges(edges, c.spans[i], weight)
		}
		return edges
	}
	for i := range c.together {
		edges = appendEdges(edges, spanOf(&c.together[i]), weight)
	}
	return edges
}

// spanOf returns what a worker counts in for a spell, were it the only one on its days.
func spanOf(spell *enrolment.Spell) span {
	return span{newCell(spell.Terms.Region, measuresOf(spell)), spell.From, spell.Until}
}

// openSpan returns what the worker of an enrolment counts in from a day on, for as long as no fact
// changes it. Somebody else than the budget pays.
func openSpan(from int32, died temporal.Date, terms enrolment.Terms) span {
	spell := enrolment.Spell{From: temporal.Date(from), Until: enrolment.Never, Terms: terms}
	if died < enrolment.Never {
		spell.Until = max(spell.From, died+1)
	}
	return spanOf(&spell)
}

// appendEdges appends the edges of a span with the given weight.
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

// overlap reports whether two of the spells share a day. It may sort them by their first day.
func overlap(spells []enrolment.Spell) bool {
	if ordered(spells) {
		return false
	}
	slices.SortFunc(spells, func(a, b enrolment.Spell) int { return int(a.From) - int(b.From) })
	return !ordered(spells)
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

// appendOverlapping appends the spans of a worker some of whose spells overlap, sorted by first
// day: the worker counts once in each region and measure, however many enrolments say so.
func (c *comparison) appendOverlapping(spans []span, spells []enrolment.Spell) []span {
	days := c.days[:0]
	for i := range spells {
		days = append(days, spells[i].From, spells[i].Until)
	}
	slices.Sort(days)
	days = slices.Compact(days)
	c.days = days
	var active []*enrolment.Spell
	for i := 0; i+1 < len(days); i++ {
		active = active[:0]
		for j := range spells {
			if spells[j].From <= days[i] && days[i+1] <= spells[j].Until {
				active = append(active, &spells[j])
			}
		}
		for _, in := range cellsOf(active) {
			spans = append(spans, span{in, days[i], days[i+1]})
		}
	}
	return spans
}

// cellsOf returns the cells in which a worker counts on a day with the given spells.
func cellsOf(active []*enrolment.Spell) []cell {
	switch len(active) {
	case 0:
		return nil
	case 1:
		return []cell{newCell(active[0].Terms.Region, measuresOf(active[0]))}
	}
	cells := make([]cell, 0, 4*len(active))
	var regions []region.Code
	for _, spell := range active {
		if !spell.InGrace {
			cells = append(cells, newCell(spell.Terms.Region, enrolments))
		}
		own := spell.Terms.Region
		for _, r := range [...]region.Code{own, own.Parent(), region.Nation} {
			if !slices.Contains(regions, r) {
				regions = append(regions, r)
			}
		}
	}
	for _, r := range regions {
		cells = append(cells, newExactCell(r, unionIn(r, active)))
	}
	return cells
}

// unionIn returns the measures in which the spells' worker counts, once each, in a region.
func unionIn(r region.Code, active []*enrolment.Spell) measures {
	var union measures
	for _, spell := range active {
		if m := measuresOf(spell); newCell(spell.Terms.Region, m).countsIn(r) {
			union |= m &^ enrolments
		}
	}
	if union&covered != 0 {
		union &^= inGrace
	}
	return union
}
