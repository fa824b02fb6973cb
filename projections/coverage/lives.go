package coverage

import (
	"slices"

	"cakupan/domain/enrolment"
	"cakupan/domain/temporal"
	"cakupan/projections/counts"
	"cakupan/projections/facts"
)

// death adds a death of a worker. Of several the earliest counts (contract, section 3): often
// nothing changes.
func (f *fold) death(e *facts.Event, b *facts.Batch, edges []counts.Change) []counts.Change {
	w := e.Worker
	t := f.tally(w)
	was := f.state.DiedOn(w)
	f.state.Add(e, b)
	return f.live(w, nil, t, was, edges)
}

// unDeath takes a death of a worker out of force. The next earliest counts then, or none.
func (f *fold) unDeath(w uint32, e *facts.Event, r *facts.Rare,
	edges []counts.Change,
) []counts.Change {
	t := f.tally(w)
	was := f.state.DiedOn(w)
	f.state.Retract(e, r)
	return f.live(w, nil, t, was, edges)
}

// live appends what another last day of life changes for the person that a worker is, all but the
// ids of some, who has the tally or none. The days between the two last days come or go, and
// nothing else. The state must have the new last day. With Never as one of both the days have no
// end.
func (f *fold) live(w uint32, but []uint32, t *tally, was temporal.Date, edges []counts.Change,
) []counts.Change {
	is := f.state.DiedOn(w)
	if was == is {
		return edges
	}
	days, weight := facts.Days{From: min(was, is) + 1, Until: max(was, is)}, int32(+1)
	if days.Until < enrolment.Never {
		days.Until++
	}
	if is < was {
		weight = -1
	}
	return f.count(f.spellsOfIDs(f.others(w, but), enrolment.Never, days), t, weight, edges)
}

// others returns the ids of the person that a worker is who have enrolments, all but some.
func (f *fold) others(w uint32, but []uint32) []uint32 {
	ids := f.state.Homes(nil, w)
	if len(but) == 0 {
		return ids
	}
	slices.Sort(but)
	return slices.DeleteFunc(ids, func(id uint32) bool {
		_, found := slices.BinarySearch(but, id)
		return found
	})
}

// spellsOfIDs returns the spells of ids of one person on the days, given the last day of life.
// Timelines are told the last day instead of asking for it, so that one may ask as if nobody had
// died.
func (f *fold) spellsOfIDs(ids []uint32, died temporal.Date, days facts.Days,
) (spells []enrolment.Spell) {
	for _, id := range ids {
		spells = f.spellsOfID(spells, lived{id, died}, facts.NoEnrolment, days, f.state.Purses())
	}
	return spells
}

// count appends what spells count in that come to a person or go, and share no day with others
// unless the person has a tally.
func (f *fold) count(spells []enrolment.Spell, t *tally, weight int32, edges []counts.Change,
) []counts.Change {
	f.looked += len(spells)
	if t == nil {
		return f.days.count(edges, spells, nil, weight)
	}
	for i := range spells {
		edges = t.change(edges, &spells[i], weight)
	}
	return edges
}

// merge adds a merge of two workers. What the smaller of the two persons counted in goes, and its
// spells come to the other.
//
// The order is needed: tallies go first, as they are by the key of a person, which the merge
// changes; the smaller one's spells are counted out by the day of death that the person had, and
// come in by the one that both have now. The larger one is not read where it has a tally.
func (f *fold) merge(e *facts.Event, b *facts.Batch, edges []counts.Change) []counts.Change {
	small, large := e.Worker, e.Into()
	if f.state.Person(small) == f.state.Person(large) {
		f.state.Add(e, b)
		return edges
	}
	smallTally, tally := f.tally(small), f.tally(large)
	if smallTally != nil && (tally == nil || smallTally.spells > tally.spells) {
		small, large, smallTally, tally = large, small, tally, smallTally
	}
	ids, largeDied := f.state.Homes(nil, small), f.state.DiedOn(large)
	f.heavy.drop(f.state.Person(small))
	f.heavy.drop(f.state.Person(large))
	edges = f.count(f.spellsOfIDs(ids, f.state.DiedOn(small), facts.AllDays()), smallTally, -1,
		edges)
	f.state.Add(e, b)
	edges = f.live(large, ids, tally, largeDied, edges)
	died := f.state.DiedOn(large)
	come := f.spellsOfIDs(ids, died, facts.AllDays())
	if tally != nil {
		f.heavy.keep(f.state.Person(large), tally)
		return f.count(come, tally, +1, edges)
	}
	stay := f.spellsOfIDs(f.others(large, ids), died, facts.AllDays())
	edges = f.days.count(edges, stay, nil, -1)
	return f.days.count(edges, come, stay, +1)
}

// unmerge takes a merge out of force. The spells of the ids that leave go from the person, and
// count by themselves. If other merges still join them nothing differs. Which of the two sides
// leaves, the state says: the sums are the same either way.
func (f *fold) unmerge(owner facts.Owner, e *facts.Event, r *facts.Rare, edges []counts.Change,
) []counts.Change {
	one, other := f.state.Merge(owner)
	tally := f.tally(one)
	died, key := f.state.DiedOn(one), f.state.Person(one)
	leaving := f.state.Retract(e, r).Left
	if len(leaving) == 0 {
		return edges
	}
	left, stays := leaving[0], one
	if f.state.Person(left) == f.state.Person(one) {
		stays = other
	}
	f.heavy.drop(key)
	gone := f.spellsOfIDs(leaving, died, facts.AllDays())
	if tally != nil {
		edges = f.count(gone, tally, -1, edges)
		if _, heavy := f.hasTally(stays); heavy {
			f.heavy.keep(f.state.Person(stays), tally)
		}
	} else {
		stay := f.spellsOfIDs(f.state.Homes(nil, stays), died, facts.AllDays())
		edges = f.days.count(edges, gone, stay, -1)
		edges = f.days.count(edges, stay, nil, +1)
	}
	edges = f.live(stays, nil, tally, died, edges)
	come := f.spellsOfIDs(leaving, f.state.DiedOn(left), facts.AllDays())
	return f.countAnew(left, come, edges)
}

// countAnew appends what spells count in that are all that a person has. A person with many gets a
// tally, which is made empty and then told of them.
func (f *fold) countAnew(w uint32, spells []enrolment.Spell, edges []counts.Change,
) []counts.Change {
	if most := f.heavy.enrolments; f.state.Opened(w, most) < most {
		return f.days.count(edges, spells, nil, +1)
	}
	return f.count(spells, f.newTally(f.state.Person(w), nil), +1, edges)
}
