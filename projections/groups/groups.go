// Package groups deals workers and enrolments out to lanes, so that a log is folded by several
// goroutines: all that touch each other are in one lane.
//
// An opening joins an enrolment and a worker, a merge two workers. What is joined directly or
// through others is a group, and what an event changes about anybody depends on his group alone,
// and on money, which every lane is told of. Groups only grow: what is taken back leaves them
// joined.
//
// Within a lane, workers and enrolments have numbers of their own, from 0 on, so that each lane has
// its tables, dense, and shares no memory with another one.
package groups

import "cakupan/projections/pages"

// MostLanes is how many lanes there are at most.
const MostLanes = 1 << laneBits

// laneBits leaves 29 bits of a place to the number, which is as many as facts.Owner has.
const laneBits = 3

// Node is a worker or an enrolment, by its number in the whole log.
type Node uint32

// Worker returns the node of a worker.
func Worker(number uint32) Node { return Node(number << 1) }

// Enrolment returns the node of an enrolment.
func Enrolment(number uint32) Node { return Node(number<<1 | 1) }

// IsEnrolment reports whether a node is an enrolment. Else it is a worker.
func (n Node) IsEnrolment() bool { return n&1 != 0 }

// Place is where a node is: in which lane, and by what number there.
type Place uint32

func placeAt(lane int, number uint32) Place { return Place(number<<laneBits | uint32(lane)) }

// Lane returns the lane.
func (p Place) Lane() int { return int(p & (MostLanes - 1)) }

// Number returns the number within the lane.
func (p Place) Number() uint32 { return uint32(p >> laneBits) }

// Move is a group that goes from one lane to another, to be joined with a group there.
type Move struct {
	From, To int
	Nodes    []Moved
}

// Moved is one node of a group that goes, and its numbers in both lanes. The one it had is never
// given out again.
type Moved struct {
	Node    Node
	Was, Is uint32
}

// Groups knows the group and the place of every node. It belongs to one goroutine.
//
// Numbers of workers and enrolments come in the order in which the log first names them. What is
// asked for each event is the places alone: they lie by themselves, four bytes each.
type Groups struct {
	lanes   int
	kinds   [2]kind // workers, enrolments: by the lowest bit of a node
	joining []Move  // since Moves was last asked
}

// kind is all nodes of a kind, by their numbers.
type kind struct {
	places  *pages.Table[Place]
	members *pages.Table[member]
	given   [MostLanes]uint32 // how many numbers each lane has
}

// member is a node in its group, which is a ring: next leads to another one, round to itself.
// Groups are told apart by their leader.
type member struct{ next, leader Node }

// New returns groups that are dealt out to so many lanes, from one to MostLanes.
func New(lanes int) *Groups {
	g := &Groups{lanes: lanes}
	for i := range g.kinds {
		g.kinds[i].places = pages.NewTable[Place](12)
		g.kinds[i].members = pages.NewTable[member](11)
	}
	return g
}

// Place returns the place of a node that is known. It holds until Moves.
func (g *Groups) Place(n Node) Place { return *g.kinds[n&1].places.At(int(n >> 1)) }

// PrefetchEnrolments has the places of enrolments that are known brought into the cache.
func (g *Groups) PrefetchEnrolments(numbers []uint32) {
	g.kinds[Enrolment(0)&1].places.Prefetch(numbers)
}

// Know makes a node known that an event names by itself. One that is new is a group of its own, in
// a lane that its number tells.
func (g *Groups) Know(n Node) {
	for k := &g.kinds[n&1]; int(n>>1) >= k.places.Len(); {
		fresh := Node(k.places.Len())<<1 | n&1
		g.add(fresh, g.laneOf(fresh), member{fresh, fresh})
	}
}

// laneOf deals out groups, evenly whatever comes in turns in the log.
func (g *Groups) laneOf(n Node) int {
	const mix = 0x9E3779B1 // 2^32 / golden ratio
	return int(uint64(uint32(n)*mix) * uint64(g.lanes) >> 32)
}

// add adds the next node of its kind.
func (g *Groups) add(n Node, lane int, m member) {
	k := &g.kinds[n&1]
	*k.places.AppendZero() = placeAt(lane, k.given[lane])
	*k.members.AppendZero() = m
	k.given[lane]++
}

// isNew reports whether the node is the next one of its kind, which nothing has named.
func (g *Groups) isNew(n Node) bool { return int(n>>1) == g.kinds[n&1].places.Len() }

func (g *Groups) member(n Node) *member { return g.kinds[n&1].members.At(int(n >> 1)) }

// Join makes one group of those of two nodes, of which either may be new. When both are in groups
// of two lanes, the smaller one goes to the other: so no node goes more often than the logarithm of
// how many there are, whatever the log.
func (g *Groups) Join(a, b Node) {
	if g.isNew(a) && !g.isNew(b) {
		a, b = b, a
	}
	g.Know(a)
	if a == b {
		return
	}
	if g.isNew(b) { // most openings: of a new enrolment
		beside := g.member(a)
		g.add(b, g.Place(a).Lane(), member{beside.next, beside.leader})
		beside.next = b
		return
	}
	g.Know(b)
	if g.member(a).leader != g.member(b).leader {
		g.unite(a, b)
	}
}

// unite unites the groups of two nodes, which are different ones. It costs the nodes of the
// smaller.
func (g *Groups) unite(a, b Node) {
	small, large := a, b
	x, y := g.member(a).next, g.member(b).next
	for ; x != a && y != b; x, y = g.member(x).next, g.member(y).next {
	}
	if x != a {
		small, large = b, a
	}
	leader, from, to := g.member(large).leader, g.Place(small).Lane(), g.Place(large).Lane()
	move := Move{From: from, To: to}
	for at := small; ; {
		m := g.member(at)
		m.leader = leader
		if from != to {
			move.Nodes = append(move.Nodes, g.place(at, to))
		}
		if at = m.next; at == small {
			break
		}
	}
	one, other := g.member(small), g.member(large)
	one.next, other.next = other.next, one.next // two rings become one
	if from != to {
		g.joining = append(g.joining, move)
	}
}

// place gives a node a place in another lane.
func (g *Groups) place(n Node, lane int) Moved {
	k := &g.kinds[n&1]
	place := k.places.At(int(n >> 1))
	moved := Moved{n, place.Number(), k.given[lane]}
	*place = placeAt(lane, k.given[lane])
	k.given[lane]++
	return moved
}

// Moves returns the groups that go to other lanes since it was last asked, in the order in which
// they must: one may go on with a group that it came to. Nodes may be among them that are new since
// then.
func (g *Groups) Moves() []Move {
	moves := g.joining
	g.joining = nil
	return moves
}
