package index

import (
	"slices"

	"cakupan/eventstore"
	"cakupan/eventstore/merkle"
)

// tableEntries bounds the entries in memory; a power of two. It is also what a start reads again
// from the log, at most twice over; 131,072 events take about 0.2 s.
const tableEntries = 1 << 17

// table holds the entries of a run of consecutive events in memory, found by key.
// Open addressing over a dense array: 48 bytes an entry and nothing for the garbage collector.
type table struct {
	entries []Entry // in log order
	// slots hold 1 + a place in entries, or 0: free. A key's is given by the last bits of its
	// prefix. They are half empty at most, so that probes stay short.
	slots []uint32
	tree  merkle.Tree
}

func newTable(limit int) *table {
	return &table{entries: make([]Entry, 0, limit), slots: make([]uint32, 2*limit)}
}

// room returns how many entries more it takes.
func (t *table) room() int { return cap(t.entries) - len(t.entries) }

func (t *table) first() eventstore.Sequence { return t.entries[0].Sequence }

func (t *table) last() eventstore.Sequence { return t.entries[len(t.entries)-1].Sequence }

// add takes the entry of the next event. The caller has made sure that there is room.
func (t *table) add(e Entry) {
	t.entries = append(t.entries, e)
	mask := uint64(len(t.slots) - 1)
	slot := e.Key.prefix() & mask
	for ; t.slots[slot] != 0; slot = (slot + 1) & mask {
		if t.entries[t.slots[slot]-1].Key == e.Key {
			return // the log holds the key twice: the first event keeps it
		}
	}
	t.slots[slot] = uint32(len(t.entries))
}

// lookup sets found[i] for each key that the table holds and that is not found yet.
func (t *table) lookup(keys []Key, found []Entry) {
	if t == nil || len(t.entries) == 0 {
		return
	}
	mask := uint64(len(t.slots) - 1)
	for i := range keys {
		if found[i].Sequence != 0 {
			continue
		}
		for slot := keys[i].prefix() & mask; t.slots[slot] != 0; slot = (slot + 1) & mask {
			if e := &t.entries[t.slots[slot]-1]; e.Key == keys[i] {
				found[i] = *e
				break
			}
		}
	}
}

// sorted returns the entries as a run holds them. The table itself stays as it is, so that
// lookups may go on.
func (t *table) sorted() []Entry {
	entries := slices.Clone(t.entries)
	slices.SortFunc(entries, func(a, b Entry) int { return compare(&a, &b) })
	return entries
}

// reset empties the table and keeps its memory.
func (t *table) reset() {
	t.entries = t.entries[:0]
	clear(t.slots)
}
