package standing

import (
	"cmp"
	"encoding/binary"
	"slices"

	"cakupan/projections/facts"
)

// Place is where a worker stands among others that are in order of their ids.
type Place struct {
	begins uint64 // how the id begins
	Worker uint32
}

// Namer finds out how workers are called, some at a time: it may be asked while frames are
// prepared. Once a name was not found it says so for good. It belongs to one goroutine.
type Namer struct {
	names  *facts.Names
	texts  []string // memory
	failed error
}

// NewNamer returns a namer of the names.
func NewNamer(names *facts.Names) *Namer { return &Namer{names: names} }

// Err returns why a name was not found, nil when all were.
func (n *Namer) Err() error { return n.failed }

// Place returns the place of a person, who is known by the least of the ids.
func (n *Namer) Place(ids []uint32) Place {
	texts := n.look(ids)
	least := 0
	for i, text := range texts {
		if text < texts[least] {
			least = i
		}
	}
	var begin [8]byte
	copy(begin[:], texts[least])
	return Place{binary.BigEndian.Uint64(begin[:]), ids[least]}
}

// look returns the names of workers, empty ones once it has failed.
func (n *Namer) look(ids []uint32) []string {
	if n.failed == nil {
		n.texts, n.failed = n.names.AppendWorkers(n.texts[:0], ids...)
	}
	if n.failed != nil {
		n.texts = make([]string, len(ids))
	}
	return n.texts
}

// Compare compares two workers by their ids. Mostly the beginnings differ, and no name is looked
// up. After a failure all compare as equal that begin alike: ask Err.
func (n *Namer) Compare(a, b Place) int {
	if order := cmp.Compare(a.begins, b.begins); order != 0 || a.Worker == b.Worker {
		return order
	}
	texts := n.look([]uint32{a.Worker, b.Worker})
	return cmp.Compare(texts[0], texts[1])
}

// Sort brings workers in order of their ids.
func (n *Namer) Sort(places []Place) error {
	slices.SortFunc(places, n.Compare)
	return n.failed
}
