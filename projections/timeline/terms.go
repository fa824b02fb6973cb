package timeline

import (
	"slices"

	"cakupan/domain/enrolment"
	"cakupan/domain/temporal"
)

// terms are the changes of an enrolment in order, in blocks that know what those before come to. So
// a change costs a search, half a block and what differs behind it, and not all changes there are.
type terms struct{ blocks []block }

// block is a part of the changes, of which there is at least one.
type block struct {
	before  enrolment.State // derived: what the changes of the blocks before come to
	changes []enrolment.Change
}

// spot is where a change is, or belongs: its block, and its index there. It is true until something
// is inserted or removed before it.
type spot struct{ block, index int }

// blockMax is how many changes a block has at most: to fold half of them is what the beginning of
// a search costs.
const blockMax = 128

// fill makes the blocks of changes in order. Blocks are half full, so that each has room before it
// is halved.
func (t *terms) fill(changes []enrolment.Change) {
	var state enrolment.State
	for some := range slices.Chunk(changes, blockMax/2) {
		t.blocks = append(t.blocks, block{before: state, changes: slices.Clone(some)})
		for i := range some {
			state.Add(&some[i])
		}
	}
}

// place returns the block and index where a change is, or belongs, and the state before it. There
// must be a block.
func (t *terms) place(c *enrolment.Change) (b, i int, state enrolment.State) {
	// The block is the last one that begins before the change, or the first.
	b, _ = slices.BinarySearchFunc(t.blocks, c, func(k block, c *enrolment.Change) int {
		if k.changes[0].Before(c) {
			return -1
		}
		return 1
	})
	b = max(b-1, 0)
	k := &t.blocks[b]
	state = k.before
	for i < len(k.changes) && k.changes[i].Before(c) {
		state.Add(&k.changes[i])
		i++
	}
	return b, i, state
}

// insert adds a change and appends the stretches that it makes different, before and after. The
// stretches lie on the same days, those before and those after.
func (t *terms) insert(c enrolment.Change, d *Difference) {
	var (
		b, i  int
		state enrolment.State
	)
	if len(t.blocks) == 0 {
		t.blocks = append(t.blocks, block{})
	} else {
		b, i, state = t.place(&c)
	}
	k := &t.blocks[b]
	k.changes = slices.Insert(k.changes, i, c)
	after := state
	after.Add(&c)
	t.compare(spot{b, i + 1}, c.On, state, after, d)
	// The block is halved once it is full, before the next change comes.
	if len(k.changes) == blockMax {
		t.halve(b)
	}
}

// remove removes a change and appends the stretches that it makes different, before and after. A
// change that is not there changes nothing.
func (t *terms) remove(on temporal.Date, sequence uint64, d *Difference) {
	if len(t.blocks) == 0 {
		return
	}
	b, i, after := t.place(&enrolment.Change{On: on, Sequence: sequence})
	k := &t.blocks[b]
	if i == len(k.changes) && b+1 < len(t.blocks) { // it would begin the next block
		b, i, k = b+1, 0, &t.blocks[b+1]
	}
	if i == len(k.changes) || k.changes[i].Sequence != sequence {
		return
	}
	state := after
	state.Add(&k.changes[i])
	k.changes = slices.Delete(k.changes, i, i+1)
	t.compare(spot{b, i}, on, state, after, d)
	if len(k.changes) == 0 {
		t.blocks = slices.Delete(t.blocks, b, b+1)
	}
}

// compare goes through the changes from a spot on, with what was the state before them and what
// is, until the two are the same, and appends the stretches of both on the days between.
func (t *terms) compare(at spot, from temporal.Date, was, is enrolment.State, d *Difference) {
	// The states of later blocks are put right on the way. Once both are the same they stay so,
	// whatever comes: the blocks behind need no look.
	for b, i := at.block, at.index; b < len(t.blocks); b, i = b+1, 0 {
		k := &t.blocks[b]
		if i == 0 {
			if k.before = is; was == is {
				return
			}
		}
		for ; i < len(k.changes) && was != is; i++ {
			c := &k.changes[i]
			d.stretch(from, c.On, &was, &is)
			was.Add(c)
			is.Add(c)
			from = c.On
		}
		if was == is {
			return
		}
	}
	d.stretch(from, enrolment.Never, &was, &is)
}

// stretch appends the stretches of the days [from, until), before and after. Days on which neither
// is open are in none.
func (d *Difference) stretch(from, until temporal.Date, was, is *enrolment.State) {
	if until <= from {
		return
	}
	if was.Open {
		d.were = append(d.were, was.Stretch(from, until))
	}
	if is.Open {
		d.are = append(d.are, is.Stretch(from, until))
	}
}

// halve makes two of a block that is full. The state before the second comes from its own first
// half.
func (t *terms) halve(b int) {
	k := &t.blocks[b]
	half := len(k.changes) / 2
	second := block{before: k.before, changes: slices.Clone(k.changes[half:])}
	for i := range k.changes[:half] {
		second.before.Add(&k.changes[i])
	}
	k.changes = slices.Delete(k.changes, half, len(k.changes))
	t.blocks = slices.Insert(t.blocks, b+1, second)
}

// appendStretches appends the stretches of the days [from, until).
func (t *terms) appendStretches(dst []enrolment.Stretch, from, until temporal.Date,
) []enrolment.Stretch {
	if len(t.blocks) == 0 {
		return dst
	}
	b, i, state := t.place(&enrolment.Change{On: from}) // no sequence is as low
	for ; b < len(t.blocks); b, i = b+1, 0 {
		k := &t.blocks[b]
		for ; i < len(k.changes); i++ {
			c := &k.changes[i]
			if state.Open && from < min(c.On, until) {
				dst = append(dst, state.Stretch(from, min(c.On, until)))
			}
			if c.On >= until {
				return dst
			}
			from = max(from, c.On)
			state.Add(c)
		}
	}
	if state.Open && from < until {
		dst = append(dst, state.Stretch(from, until))
	}
	return dst
}
