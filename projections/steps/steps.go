// Package steps counts how many spans lie over each point of a line, such as a day or a month, and
// tells where a span that comes or goes makes the count rise from zero or fall back to it.
//
// A span costs a search and a step for each hundred or so others, not for each of the points or
// spans that it covers; and what it tells.
package steps

import (
	"math"
	"slices"
)

// End is a point after every other: spans that end there have no end.
const End = math.MaxInt32

// Counts is a count for each point: how many of the spans that were added and not removed lie over
// it. The zero value counts nothing.
//
// A step (at, count) holds from its point to that of the next one; before the first one the count
// is 0. Neighbouring steps have different counts, so that there are no more than span ends.
type Counts struct {
	blocks []block
}

// block is a part of the steps, of which there is at least one.
type block struct {
	at     []int32
	counts []int32 // without plus
	plus   int32   // belongs to every count of the block
	least  int32   // the smallest of counts
}

// blockMax is how many steps a block has at most: what a span's ends cost, while the blocks between
// them cost a step each.
const blockMax = 128

// Add adds a span [from, until), and calls yield with each span of points, in order, over which
// there was none before. Spans without points add nothing.
func (c *Counts) Add(from, until int32, yield func(from, until int32)) {
	c.change(from, until, +1, yield)
}

// Remove removes a span that was added, and calls yield with each span of points, in order, over
// which there is none any more.
func (c *Counts) Remove(from, until int32, yield func(from, until int32)) {
	c.change(from, until, -1, yield)
}

// Len returns the number of steps: a measure of the memory.
func (c *Counts) Len() int {
	n := 0
	for i := range c.blocks {
		n += len(c.blocks[i].at)
	}
	return n
}

// Empty reports whether there is no span.
func (c *Counts) Empty() bool { return len(c.blocks) == 0 }

// At returns the count over a point, and up to which one it holds at least; End: for ever.
func (c *Counts) At(point int32) (count, until int32) {
	b, i := c.find(point)
	if b < 0 {
		if len(c.blocks) == 0 {
			return 0, End
		}
		return 0, c.blocks[0].at[0]
	}
	return c.blocks[b].counts[i] + c.blocks[b].plus, c.next(b, i)
}

// Each calls yield with each span of points that have a count above zero, in order.
func (c *Counts) Each(yield func(from, until int32)) {
	var told span
	for b := range c.blocks {
		k := &c.blocks[b]
		for i := range k.at {
			if k.counts[i]+k.plus > 0 {
				told.extend(k.at[i], c.next(b, i), yield)
			}
		}
	}
	told.end(yield)
}

// Step returns the count over a point, and the points around it over which there are as many: from
// the last one on at which the count changes, up to the next one. Where it never does, that is the
// beginning of the line or its End.
func (c *Counts) Step(point int32) (count, from, until int32) {
	b, i := c.find(point)
	if b < 0 {
		count, until = c.At(point)
		return count, math.MinInt32, until
	}
	return c.blocks[b].counts[i] + c.blocks[b].plus, c.blocks[b].at[i], c.next(b, i)
}

// Last returns the point behind the last one with a count above zero, End for one without an end.
func (c *Counts) Last() (point int32, found bool) {
	if len(c.blocks) == 0 {
		return 0, false
	}
	k := &c.blocks[len(c.blocks)-1]
	last := len(k.at) - 1
	if k.counts[last]+k.plus > 0 {
		return End, true
	}
	return k.at[last], true // a last step of 0 ends one above it
}

// First returns the first point with a count above zero.
func (c *Counts) First() (point int32, found bool) {
	if len(c.blocks) == 0 {
		return 0, false
	}
	return c.blocks[0].at[0], true // a first step of 0 would be none
}

// change adds the weight to the counts of [from, until).
func (c *Counts) change(from, until, weight int32, yield func(from, until int32)) {
	if until <= from {
		return
	}
	c.cut(from)
	if until < End {
		c.cut(until)
	}
	edge := max(-weight, 0) // the count, before the change, at which it rises from or falls to zero
	told := span{from: from, until: from}
	for b, i := c.find(from); b < len(c.blocks); b, i = b+1, 0 {
		k := &c.blocks[b]
		if k.at[i] >= until {
			break
		}
		whole := i == 0 && k.at[len(k.at)-1] < until
		if whole && k.least+k.plus > edge {
			k.plus += weight
			continue
		}
		for ; i < len(k.at) && k.at[i] < until; i++ {
			if k.counts[i]+k.plus == edge {
				told.extend(k.at[i], min(until, c.next(b, i)), yield)
			}
			k.counts[i] += weight
		}
		k.least = slices.Min(k.counts)
	}
	told.end(yield)
	c.join(from)
	if until < End {
		c.join(until)
	}
}

// span is one that is told as a whole, however many steps it has.
type span struct{ from, until int32 }

func (s *span) extend(from, until int32, yield func(from, until int32)) {
	if s.until != from {
		s.end(yield)
		s.from = from
	}
	s.until = until
}

func (s *span) end(yield func(from, until int32)) {
	if s.from < s.until {
		yield(s.from, s.until)
	}
}

// find returns block and index of the step that holds at the point; the block is -1 before the
// first.
func (c *Counts) find(point int32) (b, i int) {
	b, exact := slices.BinarySearchFunc(c.blocks, point, func(k block, point int32) int {
		return compare(k.at[0], point)
	})
	if exact {
		return b, 0
	}
	if b--; b < 0 {
		return b, 0
	}
	i, exact = slices.BinarySearch(c.blocks[b].at, point)
	if !exact {
		i--
	}
	return b, i
}

func compare(a, b int32) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// next returns the point of the step after the one of block and index.
func (c *Counts) next(b, i int) int32 {
	if k := &c.blocks[b]; i+1 < len(k.at) {
		return k.at[i+1]
	}
	if b+1 < len(c.blocks) {
		return c.blocks[b+1].at[0]
	}
	return End
}

// cut makes a step begin at the point, if none does.
func (c *Counts) cut(point int32) {
	b, i := c.find(point)
	if b < 0 {
		if len(c.blocks) == 0 {
			c.blocks = append(c.blocks, block{})
		}
		c.blocks[0].insert(0, point, 0)
		c.halve(0)
		return
	}
	k := &c.blocks[b]
	if k.at[i] == point {
		return
	}
	k.insert(i+1, point, k.counts[i]+k.plus)
	c.halve(b)
}

// insert inserts a step of the count.
func (k *block) insert(i int, at, count int32) {
	k.at = slices.Insert(k.at, i, at)
	k.counts = slices.Insert(k.counts, i, count-k.plus)
	k.least = min(k.least, count-k.plus)
	if len(k.at) == 1 {
		k.least = count - k.plus
	}
}

// halve makes two of a block that is full.
func (c *Counts) halve(b int) {
	k := &c.blocks[b]
	if len(k.at) < blockMax {
		return
	}
	half := len(k.at) / 2
	second := block{
		at: slices.Clone(k.at[half:]), counts: slices.Clone(k.counts[half:]), plus: k.plus,
	}
	k.at, k.counts = k.at[:half], k.counts[:half]
	k.least, second.least = slices.Min(k.counts), slices.Min(second.counts)
	c.blocks = slices.Insert(c.blocks, b+1, second)
}

// join removes the step that begins at the point when it has the count of the one before.
func (c *Counts) join(point int32) {
	b, i := c.find(point)
	if b < 0 || c.blocks[b].at[i] != point {
		return
	}
	k, before := &c.blocks[b], int32(0)
	switch {
	case i > 0:
		before = k.counts[i-1] + k.plus
	case b > 0:
		last := &c.blocks[b-1]
		before = last.counts[len(last.counts)-1] + last.plus
	}
	if k.counts[i]+k.plus != before {
		return
	}
	k.at, k.counts = slices.Delete(k.at, i, i+1), slices.Delete(k.counts, i, i+1)
	if len(k.at) == 0 {
		c.blocks = slices.Delete(c.blocks, b, b+1)
		return
	}
	k.least = slices.Min(k.counts)
}
