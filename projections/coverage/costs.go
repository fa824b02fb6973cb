package coverage

import (
	"sync/atomic"

	"cakupan/domain/temporal"
	"cakupan/projections/facts"
	"cakupan/projections/pages"
)

// costs tells what an event will cost before it is in the log: for how many enrolments money was
// granted by a commitment, and how many a worker has who has many. Show counts, anybody asks at the
// same time.
//
// What is in the log and not folded yet is not among it: see [Expected].
//
// It is an estimate, from above: each name counts in two of so many places, together with all
// others that share them, and the lower of the two numbers is taken. What is retracted stays
// counted, as the fold still passes it.
//
// Whoever takes events in asks it before: a number that is too high makes a sender wait for
// nothing, one that is too low would make everybody wait for the fold.
type costs struct{ grants, enrolments *pages.Table[uint32] }

// Each name has a place in each of two rows, told by half of its tag. What names share by chance is
// so twice.
const (
	costPlaces    = 1 << 13
	costPageShift = 12
)

func newCosts() costs {
	table := func() *pages.Table[uint32] {
		t := pages.NewTable[uint32](costPageShift)
		for range 2 * costPlaces {
			t.Append(0)
		}
		return t
	}
	return costs{table(), table()}
}

// costPlacesOf returns where a name is counted.
func costPlacesOf(t facts.Tag) [2]int {
	return [...]int{int(t) % costPlaces, costPlaces + int(t>>16)%costPlaces}
}

// count counts a name once more; counted returns how often it was counted, or more. Both may be
// called while the other is.
func count(in *pages.Table[uint32], t facts.Tag) {
	for _, at := range costPlacesOf(t) {
		atomic.AddUint32(in.Edit(at), 1)
	}
}

func counted(in *pages.Table[uint32], t facts.Tag) int {
	most := ^uint32(0)
	for _, at := range costPlacesOf(t) {
		most = min(most, atomic.LoadUint32(in.At(at)))
	}
	return int(most)
}

// hasMany reports whether the person that a worker is has many enrolments. Only the openings from
// then on count in costs.
func (f *fold) hasMany(w uint32) bool {
	many := f.heavy.enrolments
	return f.state.Several(w) && f.state.Opened(w, many) == many
}

// rows returns how many rows of months that follow one another there are, in the order given.
func rows(months []temporal.Month) (n int) {
	for i := range months {
		if i == 0 || months[i] != months[i-1]+1 {
			n++
		}
	}
	return n
}
