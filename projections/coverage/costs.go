package coverage

import (
	"sync/atomic"

	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/projections/facts"
	"cakupan/projections/pages"
	"cakupan/projections/timeline"
)

// costs tells what an event will cost before it is in the log: for how many enrolments money was
// granted by a commitment, and how often it was stated and paid where that is often; how many
// enrolments a worker has who has many; and how many facts there are about an enrolment that has
// many. Show counts, anybody asks at the same time.
//
// What is in the log and not folded yet is not among it: see [Expected].
//
// It is an estimate, from above: each name counts in two of so many places, together with all
// others that share them, and the lower of the two numbers is taken. What is retracted stays
// counted, as the fold still passes it.
//
// Whoever takes events in asks it before: a number that is too high makes a sender wait for
// nothing, one that is too low would make everybody wait for the fold.
type costs struct{ grants, enrolments, facts *pages.Table[uint32] }

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
	return costs{table(), table(), table()}
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

// laden are those about whom a part of a batch has reported something when there was very much
// about them already, once for each such fact: numbers of enrolments and of commitments. All that
// is reported of most names stays far below that, so that costs count the others alone.
//
// What is counted follows from the events, and not from what is kept in memory of heavy ones.
type laden struct{ enrolments, commitments []uint32 }

func (l *laden) reset() { l.enrolments, l.commitments = l.enrolments[:0], l.commitments[:0] }

// lade notes a fact about an enrolment, which its timeline has and the state has not.
func (f *fold) lade(line *timeline.Timeline, e *facts.Event) {
	if line.Len() > f.heavy.dear && !f.follows(e) {
		f.laden.enrolments = append(f.laden.enrolments, e.Enrolment)
	}
}

// ladeCredited notes a credit of an unusual month if it follows all others: these are mostly not
// gathered, so that nobody knows how many they are.
func (f *fold) ladeCredited(e *facts.Event) {
	if f.follows(e) {
		f.laden.enrolments = append(f.laden.enrolments, e.Enrolment)
	}
}

// isUnusual reports whether a month lies outside of the years 1950 to 2049. These have no more than
// 1,200 months, and each is the first one of one credit at most that follows all others.
func isUnusual(month int32) bool { return month < -20*12 || month >= 80*12 }

// follows reports whether a fact that is not added yet is a credit after all others, of an
// enrolment of which nothing else is known but the opening.
func (f *fold) follows(e *facts.Event) bool {
	if e.Kind != event.ContributionCredited || e.From >= e.Until {
		return false
	}
	_, until, only := f.state.OnlyCredited(e.Enrolment)
	return only && temporal.Month(e.From) >= until
}

// ladeCommitment notes that a commitment was stated, closed or paid.
func (f *fold) ladeCommitment(c uint32) {
	if f.state.MoneyOf(c) > f.heavy.dear {
		f.laden.commitments = append(f.laden.commitments, c)
	}
}

// countLaden counts them, by their names: these are asked for here alone, as there are hardly any.
// Where they cannot be read the file is damaged, which others say who need them.
func (p *Projection) countLaden(l *laden) {
	for _, e := range l.enrolments {
		if names, err := p.names.AppendEnrolments(nil, e); err == nil {
			count(p.costs.facts, facts.TagOf(names[0]))
		}
	}
	for _, c := range l.commitments {
		if names, err := p.names.AppendCommitments(nil, c); err == nil {
			count(p.costs.grants, facts.TagOf(names[0]))
		}
	}
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
