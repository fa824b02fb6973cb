package facts

import (
	"iter"
	"slices"
)

// granted is the enrolments that a commitment was ever granted to. Those that were added since
// somebody asked follow in the order of the log, some more than once. It is memory alone: after a
// start it is made again when somebody asks.
type granted struct {
	enrolments []uint32
	sorted     int // so many of them are in order, each once
}

// Granted returns the enrolments that the commitment was ever granted to, some at a time, each once
// and in order of their numbers. A grant may not be in force any more. Who asks for the first time
// waits until links are followed to all of them; from then on they are kept in a list, which is
// read many times as fast. The commitment must have been admitted. What it yields is valid until
// the next event is added.
func (s *State) Granted(c uint32) iter.Seq[[]uint32] {
	g := s.granted[c]
	if g == nil {
		g = s.linked(c)
		s.granted[c] = g
	}
	g.sort()
	return slices.Chunk(g.enrolments, Together)
}

// linked returns the enrolments of the commitment's grants, which links lead to.
func (s *State) linked(c uint32) *granted {
	g := &granted{}
	for at := *s.grantsOf.At(int(c)); at != 0; {
		f := s.facts.At(int(at - 1))
		if f.kind != 0 {
			g.add(s.OwnerOf(f.sequence()).Index())
		}
		at = f.detail
	}
	return g
}

// add adds the enrolment of another grant. Grants of one enrolment mostly follow each other; others
// that are here twice go when they are sorted.
func (g *granted) add(e uint32) {
	if n := len(g.enrolments); n == 0 || g.enrolments[n-1] != e {
		g.enrolments = append(g.enrolments, e)
	}
}

// sort brings what was added to its place among the others, which costs a step for each of them. It
// merges in place from the end, since what is sorted may be tens of thousands and what was added a
// few.
func (g *granted) sort() {
	if g.sorted == len(g.enrolments) {
		return
	}
	added := slices.Clone(g.enrolments[g.sorted:])
	slices.Sort(added)
	old, all := g.enrolments[:g.sorted], g.enrolments
	for at := len(all); len(added) > 0; { // the last ones first, behind what is still to be moved
		at--
		if n := len(old); n > 0 && old[n-1] > added[len(added)-1] {
			all[at], old = old[n-1], old[:n-1]
			continue
		}
		all[at], added = added[len(added)-1], added[:len(added)-1]
	}
	g.enrolments = slices.Compact(all)
	g.sorted = len(g.enrolments)
}
