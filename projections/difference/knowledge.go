package difference

import (
	"slices"

	"cakupan/projections/facts"
	"cakupan/projections/standing"
)

// group is the ids that are one worker at one of the two events, or through others that are: within
// it merges come and go, and no other worker is concerned.
//
// A merge may be known at one of the two events alone, so that each id has to be asked at both.
type group struct {
	ids    []uint32 // in order of their numbers
	person standing.Person
}

// read reads the group of a worker. Each person is read once, however many ids there are.
func (g *group) read(a *asked, s *facts.State, w uint32) {
	g.ids = append(g.ids[:0], w)
	var seen [2]map[uint32]bool // ids whose persons were read, by each reader
	for i := 0; i < len(g.ids); i++ {
		for side, r := range [2]*standing.Reader{a.before, a.after} {
			if seen[side][g.ids[i]] {
				continue
			}
			r.Person(s, &g.person, g.ids[i])
			if len(g.person.IDs) > 1 {
				seen[side] = g.join(seen[side])
			}
		}
	}
	slices.Sort(g.ids)
}

// join adds the ids of the person to the group, and to those that were seen. Persons of one id need
// not be remembered: they cannot be met again.
func (g *group) join(seen map[uint32]bool) map[uint32]bool {
	if seen == nil {
		seen = map[uint32]bool{}
	}
	for _, id := range g.person.IDs {
		seen[id] = true
		if !slices.Contains(g.ids, id) {
			g.ids = append(g.ids, id)
		}
	}
	return seen
}

// each calls yield with each person that the ids of the group are to a reader. The person is valid
// during the call.
func (g *group) each(s *facts.State, r *standing.Reader, yield func(p *standing.Person)) {
	var seen []uint32
	for _, id := range g.ids {
		if slices.Contains(seen, id) {
			continue
		}
		r.Person(s, &g.person, id)
		if len(g.ids) > 1 {
			seen = append(seen, g.person.IDs...)
		}
		yield(&g.person)
	}
}

// insured is the workers of a group who are covered. Both lists are of the same order.
type insured struct {
	places []standing.Place
	ids    [][]uint32 // of each
}

// insured finds those who are covered on the day of From: the step of knowledge stays on it.
func (a *asked) insured(s *facts.State, r *standing.Reader) (all insured) {
	on := a.From.On
	a.group.each(s, r, func(p *standing.Person) {
		if a.covered(s, r, p, on) {
			all.places = append(all.places, a.namer.Place(p.IDs))
			all.ids = append(all.ids, slices.Clone(p.IDs))
		}
	})
	return all
}

// merged returns by how many workers of a group who were covered there are less because they are
// one with others of them, whether covered or not. The place of one of them stays: of n who are one
// now, n - 1 have gone (contract, section 8).
func (g *group) merged(s *facts.State, r *standing.Reader, were *insured) (n int) {
	g.each(s, r, func(p *standing.Person) {
		several := -1
		for _, ids := range were.ids {
			if p.Has(ids[0]) { // merges that stay join the others too
				several++
			}
		}
		n += max(several, 0)
	})
	return n
}

// knowledge appends the flows of the group in the step of knowledge. Workers are counted before and
// after; between the two there is what would be covered had there only been the retractions.
//
// Where as many are covered as before, nobody joined or left, also where others are who they are
// known by. What retractions alone explain is theirs first; merges come next; the rest came late.
func (a *asked) knowledge(s *facts.State) {
	before, after := a.insured(s, a.before), a.insured(s, a.after)
	joined := len(after.places) - len(before.places)
	if joined == 0 {
		return
	}
	between := a.insured(s, a.without)
	came := len(between.places) - len(before.places)
	if joined > 0 {
		retracted := min(max(came, 0), joined)
		who := a.others(after.places, before.places, joined)
		a.add(who[:retracted], Retracted, true)
		a.add(who[retracted:], ReportedLate, true)
		return
	}
	left := -joined
	retracted := min(max(-came, 0), left)
	merged := min(a.group.merged(s, a.after, &between), left-retracted)
	who := a.others(before.places, after.places, left)
	a.add(who[:retracted], Retracted, false)
	a.add(who[retracted:retracted+merged], Merged, false)
	a.add(who[retracted+merged:], ReportedLate, false)
}

// others returns n of those in one list who are not in the other, in order of their ids: the last
// ones, since the first is the one by whom a merged worker is known. The lists hold few: a group is
// one person's ids.
func (a *asked) others(these, those []standing.Place, n int) []standing.Place {
	these = slices.DeleteFunc(these, func(p standing.Place) bool {
		return slices.Contains(those, p)
	})
	slices.SortFunc(these, a.namer.Compare)
	return these[len(these)-n:]
}

// add appends a flow for each of them.
func (a *asked) add(who []standing.Place, cause Cause, joined bool) {
	for _, place := range who {
		a.flows = append(a.flows, flow{Place: place, cause: cause, joined: joined})
	}
}
