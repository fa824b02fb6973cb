package jetstream

import (
	"slices"

	"cakupan/eventstore"
	"cakupan/eventstore/merkle"
)

// chain tells which of several frames in one place was stored: that one over whose events the roots
// were made which the frames after it carry. It is a [copies.Judge]. Behind something that all
// copies have lost, or that differs from the roots in all of them, it knows nothing more.
type chain struct {
	branches []*branch
	right    map[uint64]int // by message: which of its frames
}

// branch is the log if certain frames were stored.
type branch struct {
	tree  merkle.Tree
	want  eventstore.Sequence
	picks map[uint64]int // of messages that are not sure
}

// branchesMax bounds how many logs are thought of at a time: each frame in dispute that nothing has
// told apart yet doubles them.
const branchesMax = 8

func newChain() *chain {
	return &chain{
		branches: []*branch{{want: 1, picks: map[uint64]int{}}}, right: map[uint64]int{},
	}
}

// Next is told what copies have of the next message.
func (c *chain) Next(number uint64, all [][]byte) {
	var next []*branch
	for _, b := range c.branches {
		for which, raw := range all {
			frame, err := eventstore.ParseFrame(raw)
			if err != nil || frame.First() != b.want || frame.Root() != b.tree.Root() {
				continue
			}
			if len(all) > 1 {
				next = append(next, b.with(number, which, frame))
				continue
			}
			b.add(frame)
			next = append(next, b)
		}
	}
	if len(next) > branchesMax {
		next = nil
	}
	c.branches = next
	c.narrow()
}

// narrow notes what is sure, since all logs that are thought of have it.
func (c *chain) narrow() {
	if len(c.branches) == 0 {
		return
	}
	for number, which := range c.branches[0].picks {
		other := func(b *branch) bool { return b.picks[number] != which }
		if slices.ContainsFunc(c.branches, other) {
			continue
		}
		c.right[number] = which
		for _, b := range c.branches {
			delete(b.picks, number)
		}
	}
}

// Right returns which frame of a message was stored.
func (c *chain) Right(number uint64) (which int, sure bool) {
	which, sure = c.right[number]
	return which, sure
}

// with returns the log that goes on with a frame in dispute.
func (b *branch) with(number uint64, which int, frame eventstore.Frame) *branch {
	other := &branch{tree: b.tree, want: b.want, picks: map[uint64]int{number: which}}
	for before, which := range b.picks {
		other.picks[before] = which
	}
	other.add(frame)
	return other
}

// add goes on with a frame.
func (b *branch) add(frame eventstore.Frame) {
	for r := range frame.Records() {
		b.tree.Append(merkle.LeafHash(uint64(r.Sequence), int64(r.RecordedAt), r.Event))
	}
	b.want = frame.Last() + 1
}
