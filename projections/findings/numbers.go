package findings

// numbers is a set of numbers, of which it is known how many there are. Those that lie near each
// other share a word: hundreds of thousands of enrolments of one commitment take a bit each, a few
// of a whole nation no more than a map of them.
type numbers struct {
	words map[uint32]uint64 // by number / 64: none is 0
	count int
}

// newNumbers returns an empty set.
func newNumbers() *numbers { return &numbers{words: map[uint32]uint64{}} }

// set adds a number or takes it out, and returns whether that has changed anything. Nil stays
// empty.
func (n *numbers) set(number uint32, to bool) (changed bool) {
	if n == nil {
		return false
	}
	was := n.words[number>>6]
	is := was &^ (1 << (number & 63))
	if to {
		is = was | 1<<(number&63)
	}
	switch is {
	case was:
		return false
	case 0:
		delete(n.words, number>>6)
	default:
		n.words[number>>6] = is
	}
	n.count--
	if to {
		n.count += 2
	}
	return true
}

// len returns how many there are; of nil none.
func (n *numbers) len() int {
	if n == nil {
		return 0
	}
	return n.count
}
