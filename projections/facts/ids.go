package facts

import "slices"

// idsFew is up to how many ids are compared one by one. Nearly every person has one or two.
const idsFew = 16

// IDs is a list of ids of workers, each once, in the order in which they came: for whoever follows
// merges, and goes through the list while it grows. Of many a set is kept beside the list, as a
// hostile person has tens of thousands. The zero value is empty.
type IDs struct {
	all  []uint32
	many map[uint32]bool // the same; nil while they are few
}

// Reset makes the list that of one id. It keeps the memory.
func (l *IDs) Reset(id uint32) { l.all, l.many = append(l.all[:0], id), nil }

// Add adds ids that are not in the list.
func (l *IDs) Add(ids ...uint32) {
	for _, id := range ids {
		if l.many == nil && len(l.all) == idsFew {
			l.many = make(map[uint32]bool, 2*idsFew)
			for _, known := range l.all {
				l.many[known] = true
			}
		}
		switch {
		case l.many == nil:
			if slices.Contains(l.all, id) {
				continue
			}
		case l.many[id]:
			continue
		default:
			l.many[id] = true
		}
		l.all = append(l.all, id)
	}
}

// Len returns how many there are.
func (l *IDs) Len() int { return len(l.all) }

// At returns one of them.
func (l *IDs) At(i int) uint32 { return l.all[i] }

// All returns the list. It belongs to l, which may add to it.
func (l *IDs) All() []uint32 { return l.all }
