package findings

import "math/bits"

// heights counts how many spans lie over each point of a line, and tells the most that do. A span
// that comes or goes costs a few dozen steps at most, however many others there are, and a handful
// when all lie near each other. The zero value counts nothing.
//
// Nodes are made as they are needed and never freed: those of the spans that were removed are used
// again by others. A tree over all the line would be deep for the few years that matter; so the
// root covers what was counted, and grows upwards.
type heights struct {
	nodes []height
	root  int32  // 0: nothing was counted yet
	of    points // the root's: it grows with what is counted
}

// height is a node of a binary tree over the line: the spans that cover all of it, and the most
// over a point of it, these among them. Children are indexes; 0 is none. Each node is of a power of
// two of points, from a multiple of it on.
type height struct{ left, right, all, most int32 }

// lineEnd bounds the line on both sides: every day and month lies within it. Beyond it lies only
// Never, at which spans that have no end stop counting; what is cut off there changes no most. A
// power of two makes every node begin at a multiple of its size.
const lineEnd = 1 << 22

// points are those from one on and before another, counted from -lineEnd.
type points struct{ from, until int32 }

// add adds a span [from, until), or with weight -1 removes one that was added. A span without
// points adds nothing. What was never added must not be removed; what was may be in parts.
func (h *heights) add(from, until, weight int32) {
	span := points{max(from, -lineEnd) + lineEnd, min(until, lineEnd) + lineEnd}
	if span.until <= span.from {
		return
	}
	if h.root == 0 {
		h.nodes = append(h.nodes, height{}, height{})
		h.root, h.of = 1, around(span.from, span.until-1)
	}
	h.reach(span)
	h.addTo(h.root, h.of, span, weight)
}

// around returns the points of the smallest node that has both points.
func around(first, last int32) points {
	size := int32(1) << bits.Len32(uint32(first^last))
	from := first &^ (size - 1)
	return points{from, from + size}
}

// reach makes roots above the root until one has all points of the span. A new root covers twice as
// much, half of which is the old one.
func (h *heights) reach(span points) {
	for span.from < h.of.from || h.of.until < span.until {
		// Where the old root does not reach, nothing lies.
		above := height{most: max(0, h.nodes[h.root].most)}
		size := 2 * (h.of.until - h.of.from)
		from := h.of.from &^ (size - 1)
		if from == h.of.from {
			above.left = h.root
		} else {
			above.right = h.root
		}
		h.nodes = append(h.nodes, above)
		h.root, h.of = int32(len(h.nodes)-1), points{from, from + size}
	}
}

// addTo adds a span to what a node covers of it. A span that covers all of a node is noted there
// and not below: so the children never hear of it.
func (h *heights) addTo(node int32, of, span points, weight int32) {
	if span.from <= of.from && of.until <= span.until {
		h.nodes[node].all += weight
		h.nodes[node].most += weight
		return
	}
	half := of.from + (of.until-of.from)/2
	if span.from < half {
		left := h.child(node, h.nodes[node].left, false)
		h.addTo(left, points{of.from, half}, span, weight)
	}
	if span.until > half {
		right := h.child(node, h.nodes[node].right, true)
		h.addTo(right, points{half, of.until}, span, weight)
	}
	n := &h.nodes[node]
	n.most = n.all + max(h.nodes[n.left].most, h.nodes[n.right].most)
}

// child returns a child of a node, which it makes when there is none.
func (h *heights) child(node, child int32, right bool) int32 {
	if child != 0 {
		return child
	}
	child = int32(len(h.nodes))
	h.nodes = append(h.nodes, height{})
	if right {
		h.nodes[node].right = child
	} else {
		h.nodes[node].left = child
	}
	return child
}

// most returns the most spans that lie over one point.
func (h *heights) most() int32 {
	if h.root == 0 {
		return 0
	}
	return h.nodes[h.root].most
}

// after reports whether a span lies over a point from the given one on. It looks into the parts
// from the right: what lies over a late point is found first.
func (h *heights) after(from int32) bool {
	return h.anyIn(h.root, h.of, from+lineEnd, 0)
}

// anyIn does so for a node under so many spans that cover all of it. A node may have fewer of its
// own than none: where a part was removed of a span that is noted above it.
func (h *heights) anyIn(node int32, of points, from, above int32) bool {
	if of.until <= from {
		return false
	}
	if node == 0 {
		return above > 0
	}
	n := h.nodes[node]
	switch {
	case above+n.most <= 0:
		return false
	case of.from >= from:
		return true
	default:
		half := of.from + (of.until-of.from)/2
		return h.anyIn(n.right, points{half, of.until}, from, above+n.all) ||
			h.anyIn(n.left, points{of.from, half}, from, above+n.all)
	}
}
