package findings

// heights counts how many spans lie over each point of a line, and tells the most that do. A span
// that comes or goes costs a few dozen steps, however many others there are. The zero value counts
// nothing.
type heights struct {
	nodes []height
	half  int32 // the line is from -half to half; 0: lineEnd
}

// height is a node of a binary tree over the line: the spans that cover all of it, and the most
// over a point of it, these among them. Children are indexes; 0 is none, the root is at 1.
type height struct{ left, right, all, most int32 }

// lineEnd bounds the line on both sides: every day and month lies within it.
const lineEnd = 1 << 22

// monthsEnd does so for months alone.
const monthsEnd = 1 << 17

// add adds a span [from, until), or with weight -1 removes one that was added.
func (h *heights) add(from, until, weight int32) {
	if h.half == 0 {
		h.half = lineEnd
	}
	from, until = max(from, -h.half), min(until, h.half)
	if until <= from {
		return
	}
	if len(h.nodes) == 0 {
		h.nodes = append(h.nodes, height{}, height{})
	}
	h.addTo(1, points{-h.half, h.half}, points{from, until}, weight)
}

// points are those from one on and before another.
type points struct{ from, until int32 }

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
	if len(h.nodes) == 0 {
		return 0
	}
	return h.nodes[1].most
}

// after reports whether a span lies over a point from the given one on.
func (h *heights) after(from int32) bool {
	return len(h.nodes) > 0 && h.anyIn(1, points{-h.half, h.half}, from)
}

func (h *heights) anyIn(node int32, of points, from int32) bool {
	switch n := h.nodes[node]; {
	case node == 0 || of.until <= from || n.most == 0:
		return false
	case n.all > 0 || of.from >= from:
		return true
	default:
		half := of.from + (of.until-of.from)/2
		return h.anyIn(n.right, points{half, of.until}, from) ||
			h.anyIn(n.left, points{of.from, half}, from)
	}
}
