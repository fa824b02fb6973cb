package groups_test

import (
	"fmt"
	"math/bits"
	"math/rand/v2"
	"testing"

	"cakupan/projections/groups"
)

// model is groups the slow way: it knows the group of each node by looking through all that were
// joined, and where each is by having followed every move.
type model struct {
	joined [][2]groups.Node
	known  map[groups.Node]bool
	places map[groups.Node]groups.Place
	went   map[groups.Node]int
}

// group returns all nodes of a node's group.
func (m *model) group(n groups.Node) map[groups.Node]bool {
	all := map[groups.Node]bool{n: true}
	for grown := true; grown; {
		grown = false
		for _, j := range m.joined {
			if all[j[0]] != all[j[1]] {
				all[j[0]], all[j[1]], grown = true, true, true
			}
		}
	}
	return all
}

// follow takes over where nodes are, and returns in what the groups contradict themselves, or "".
func (m *model) follow(g *groups.Groups) string {
	for _, move := range g.Moves() {
		for _, n := range move.Nodes {
			was, known := m.places[n.Node]
			if known && (was.Lane() != move.From || was.Number() != n.Was) {
				return fmt.Sprintf("node %d goes from lane %d, number %d; it was in %d, number %d",
					n.Node, move.From, n.Was, was.Lane(), was.Number())
			}
			m.went[n.Node]++
			m.places[n.Node] = groups.Place(n.Is<<3 | uint32(move.To))
		}
	}
	type taken struct {
		place     groups.Place
		enrolment bool
	}
	nodes := map[taken]groups.Node{}
	for n := range m.known {
		at := taken{g.Place(n), n.IsEnrolment()}
		if was, known := m.places[n]; known && was != at.place {
			return fmt.Sprintf("node %d went to %d without a move", n, at.place)
		}
		if other, found := nodes[at]; found {
			return fmt.Sprintf("nodes %d and %d are in one place", n, other)
		}
		m.places[n], nodes[at] = at.place, n
	}
	return ""
}

// TestGroups joins nodes at random, and compares with the model after each batch: whoever is joined
// is in one lane, each has a place of its own, and nobody goes from lane to lane without a move, nor
// more often than is told.
func TestGroups(t *testing.T) {
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 3))
		lanes := 1 + rng.IntN(groups.MostLanes)
		g := groups.New(lanes)
		m := &model{
			known:  map[groups.Node]bool{},
			places: map[groups.Node]groups.Place{}, went: map[groups.Node]int{},
		}
		given := [2]uint32{} // numbers, of workers and enrolments
		node := func(kind int) groups.Node {
			number := given[kind]
			if number > 0 && rng.IntN(3) > 0 {
				number = rng.Uint32N(number)
			} else {
				given[kind]++
			}
			n := groups.Worker(number)
			if kind == 1 {
				n = groups.Enrolment(number)
			}
			m.known[n] = true
			return n
		}
		for range 20 {
			for range rng.IntN(8) {
				if rng.IntN(3) == 0 {
					g.Know(node(rng.IntN(2)))
					continue
				}
				a, b := node(0), node(rng.IntN(2))
				m.joined = append(m.joined, [2]groups.Node{a, b})
				g.Join(a, b)
			}
			if wrong := m.follow(g); wrong != "" {
				t.Fatalf("seed %d: %s", seed, wrong)
			}
			for n := range m.known {
				for other := range m.group(n) {
					if lane := g.Place(other).Lane(); lane != g.Place(n).Lane() || lane >= lanes {
						t.Fatalf("seed %d: nodes %d and %d are joined, and in lanes %d and %d of %d",
							seed, n, other, g.Place(n).Lane(), lane, lanes)
					}
				}
			}
		}
		for n, times := range m.went {
			if most := bits.Len(uint(len(m.known))); times > most {
				t.Fatalf("seed %d: node %d went %d times, of %d nodes", seed, n, times, len(m.known))
			}
		}
	}
}
