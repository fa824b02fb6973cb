package coverage

import (
	"cmp"
	"slices"

	"cakupan/domain/enrolment"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/projections/counts"
)

// counter works out what a person counts in, in memory that it uses again. It looks at each region
// on each day on which a spell begins or ends: persons with many enrolments have a tally.
type counter struct {
	spells  []enrolment.Spell
	bounds  []bound
	active  []int32 // indexes in spells
	cells   []cell
	regions []region.Code
}

// bound is a day on which a spell begins or ends.
type bound struct {
	day   temporal.Date
	spell int32
	ends  bool
}

// count appends the edges of what a person with the spells and the others counts in, with the given
// weight: +1 for what is after an event, -1 for what was before it.
//
// Where no two spells share a day, each counts with its enrolment in one cell. Where they do, the
// worker counts in cells of each region alone, once, and each enrolment in its own.
func (c *counter) count(edges []counts.Change, spells, others []enrolment.Spell, weight int32,
) []counts.Change {
	c.spells = append(append(c.spells[:0], spells...), others...)
	if !overlap(c.spells) {
		for i := range c.spells {
			edges = appendEdges(edges, spanOf(&c.spells[i]), weight)
		}
		return edges
	}
	c.sortBounds()
	for i, day := 0, temporal.Date(0); i < len(c.bounds); {
		for day = c.bounds[i].day; i < len(c.bounds) && c.bounds[i].day == day; i++ {
			c.pass(c.bounds[i])
		}
		if i == len(c.bounds) {
			break
		}
		for _, cell := range c.cellsOf() {
			edges = appendEdges(edges, span{cell, day, c.bounds[i].day}, weight)
		}
	}
	return edges
}

// sortBounds makes the bounds of the spells, in order of the days. On one day those that begin and
// those that end may come in any order: all of them pass before the cells are asked for.
func (c *counter) sortBounds() {
	c.bounds = c.bounds[:0]
	for i := range c.spells {
		c.bounds = append(c.bounds,
			bound{c.spells[i].From, int32(i), false}, bound{c.spells[i].Until, int32(i), true})
	}
	slices.SortFunc(c.bounds, func(a, b bound) int { return cmp.Compare(a.day, b.day) })
}

// pass makes a spell active that begins, or ends it.
func (c *counter) pass(b bound) {
	if !b.ends {
		c.active = append(c.active, b.spell)
		return
	}
	i := slices.Index(c.active, b.spell)
	c.active[i] = c.active[len(c.active)-1]
	c.active = c.active[:len(c.active)-1]
}

// cellsOf returns the cells in which a person counts with the active spells. They are the counter's
// memory.
func (c *counter) cellsOf() []cell {
	c.cells, c.regions = c.cells[:0], c.regions[:0]
	if len(c.active) == 1 {
		return append(c.cells, spanOf(&c.spells[c.active[0]]).cell)
	}
	for _, i := range c.active {
		spell := &c.spells[i]
		if !spell.InGrace() {
			c.cells = append(c.cells, newEnrolmentCell(spell.Terms.Region, measuresOf(spell)))
		}
		own := spell.Terms.Region
		for _, r := range [...]region.Code{own, own.Parent(), region.Nation} {
			if !slices.Contains(c.regions, r) {
				c.regions = append(c.regions, r)
			}
		}
	}
	for _, r := range c.regions {
		c.cells = append(c.cells, newWorkerCell(r, c.unionIn(r)))
	}
	return c.cells
}

// unionIn returns the measures in which the person counts, once each, in a region. In grace is
// nobody who is covered there by another enrolment (contract, section 3).
func (c *counter) unionIn(r region.Code) measures {
	var union measures
	for _, i := range c.active {
		spell := &c.spells[i]
		if m := measuresOf(spell); newCell(spell.Terms.Region, m).countsIn(r) {
			union |= m
		}
	}
	if union&covered != 0 {
		union &^= inGrace
	}
	return union
}
