// Package spans keeps spans of a line, such as of days or months, in order, and finds those of them
// that have a point of another one.
//
// A span that comes or goes costs a search, however many others there are, and who asks what lies
// over some points is told of those that do and of no others.
package spans

import "math"

// Span is the points from one on and before another, of whoever the ID is: a set has no two spans
// that begin at the same point and have the same ID.
type Span struct {
	From, Until int32
	ID          uint64
}

// before reports whether the span comes before those that begin at a point with an ID.
func (s *Span) before(from int32, id uint64) bool {
	return s.From < from || s.From == from && s.ID < id
}

// Set is a set of spans, in order of their beginnings and IDs. The zero value is empty.
//
// It is a search tree whose nodes lie below those of a higher rank. Ranks are hashes of what the
// nodes have, so that the shape of the tree follows from the spans alone, and its depth is that of
// a random one. Nodes of spans that went are used again.
type Set struct {
	nodes []node // the first is none
	root  int32
	free  []int32
}

// node is a span, and where those are that come before it and after it.
type node struct {
	Span
	left, right int32
	most        int32 // up to which point a span of the node or below it reaches
}

// Add adds a span, which must not be in the set.
func (s *Set) Add(is Span) {
	if len(s.nodes) == 0 {
		s.nodes = append(s.nodes, node{Span: Span{Until: math.MinInt32}, most: math.MinInt32})
	}
	at := int32(len(s.nodes))
	if n := len(s.free); n > 0 {
		at, s.free = s.free[n-1], s.free[:n-1]
	} else {
		s.nodes = append(s.nodes, node{})
	}
	s.nodes[at] = node{Span: is, most: is.Until}
	before, after := s.split(s.root, is.From, is.ID)
	s.root = s.join(s.join(before, at), after)
}

// Remove removes a span and returns it; false when there is none that begins there with the ID.
func (s *Set) Remove(from int32, id uint64) (is Span, found bool) {
	before, others := s.split(s.root, from, id)
	at, after := others, int32(0)
	if id < math.MaxUint64 {
		at, after = s.split(others, from, id+1)
	}
	if found = at != 0; found {
		is = s.nodes[at].Span
		s.free = append(s.free, at)
	}
	s.root = s.join(before, after)
	return is, found
}

// Len returns how many spans there are.
func (s *Set) Len() int { return max(0, len(s.nodes)-1-len(s.free)) }

// Before returns the last span before those that begin at a point with an ID.
func (s *Set) Before(from int32, id uint64) (is Span, found bool) {
	for at := s.root; at != 0; {
		if n := &s.nodes[at]; n.before(from, id) {
			is, found, at = n.Span, true, n.right
		} else {
			at = n.left
		}
	}
	return is, found
}

// From returns the first span that begins at a point with an ID, or behind that.
func (s *Set) From(from int32, id uint64) (is Span, found bool) {
	for at := s.root; at != 0; {
		if n := &s.nodes[at]; n.before(from, id) {
			at = n.right
		} else {
			is, found, at = n.Span, true, n.left
		}
	}
	return is, found
}

// Over calls yield with the spans that have a point of [from, until), in order. The set must not
// change meanwhile.
func (s *Set) Over(from, until int32, yield func(Span)) { s.over(s.root, from, until, yield) }

func (s *Set) over(at, from, until int32, yield func(Span)) {
	if at == 0 || s.nodes[at].most <= from {
		return
	}
	n := &s.nodes[at]
	s.over(n.left, from, until, yield)
	if n.From >= until {
		return
	}
	if n.Until > from && n.From < n.Until {
		yield(n.Span)
	}
	s.over(n.right, from, until, yield)
}

// split makes two trees of one: of what comes before a beginning and an ID, and of the others.
func (s *Set) split(at, from int32, id uint64) (before, others int32) {
	if at == 0 {
		return 0, 0
	}
	n := &s.nodes[at]
	if n.before(from, id) {
		n.right, others = s.split(n.right, from, id)
		s.lift(at)
		return at, others
	}
	before, n.left = s.split(n.left, from, id)
	s.lift(at)
	return before, at
}

// join makes one tree of two, all of the first of which comes before all of the second.
func (s *Set) join(before, after int32) int32 {
	switch {
	case before == 0:
		return after
	case after == 0:
		return before
	case s.rank(before) >= s.rank(after):
		s.nodes[before].right = s.join(s.nodes[before].right, after)
		s.lift(before)
		return before
	default:
		s.nodes[after].left = s.join(before, s.nodes[after].left)
		s.lift(after)
		return after
	}
}

// lift works out up to where a node and those below it reach.
func (s *Set) lift(at int32) {
	n := &s.nodes[at]
	n.most = max(n.Until, s.nodes[n.left].most, s.nodes[n.right].most)
}

// rank returns the rank of a node. The finish of the hash is that of SplitMix64.
func (s *Set) rank(at int32) uint64 {
	n := &s.nodes[at]
	x := n.ID*0x9E3779B97F4A7C15 + uint64(uint32(n.From))
	x = (x ^ x>>30) * 0xBF58476D1CE4E5B9
	x = (x ^ x>>27) * 0x94D049BB133111EB
	return x ^ x>>31
}
