package findings

import (
	"cmp"
	"slices"

	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections/facts"
	"cakupan/projections/steps"
)

// regrant is a grant that came after a revocation of the same pair whose month it pays all the
// same.
type regrant struct {
	eventstore.Sequence
	from, until temporal.Month // from the first such month on
}

// grantedAgain returns those of a commitment's grants, or one of them, given its revocations, each
// in order of the log. From the newest grant on, the revocations that came after one are left out:
// what is left of them is found by their months, as each that is left out leads on to the next. So
// it costs a sort and some searches, however many of both there are.
func grantedAgain(grants []grant, revokes []facts.Grant, one bool) (all []regrant) {
	left := newRemainder(revokes)
	later := len(revokes)
	for i := range slices.Backward(grants) {
		g := &grants[i]
		for ; later > 0 && revokes[later-1].Sequence > g.Sequence; later-- {
			left.leaveOut(later - 1)
		}
		from, found := left.first(g.From)
		if !found || from >= g.until {
			continue
		}
		if all = append(all, regrant{g.Sequence, from, g.until}); one {
			return all
		}
	}
	return all
}

// remainder is some of the revocations of a pair, by their months.
type remainder struct {
	months []temporal.Month // of all of them, in order
	place  []int            // of each revocation: where it is among the months
	next   []int            // of each place: a place from it on before which none is left
}

func newRemainder(revokes []facts.Grant) *remainder {
	n := len(revokes)
	r := &remainder{make([]temporal.Month, n), make([]int, n), make([]int, n+1)}
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Compare(revokes[a].From, revokes[b].From)
	})
	for at, i := range order {
		r.months[at], r.place[i] = revokes[i].From, at
	}
	for at := range r.next {
		r.next[at] = at
	}
	return r
}

// leaveOut leaves a revocation out.
func (r *remainder) leaveOut(i int) { r.next[r.place[i]] = r.place[i] + 1 }

// first returns the first month from one on of those that are left. The way there is made shorter
// for the next one who goes it.
func (r *remainder) first(from temporal.Month) (temporal.Month, bool) {
	at, _ := slices.BinarySearch(r.months, from)
	end := at
	for r.next[end] != end {
		end = r.next[end]
	}
	for r.next[at] != end {
		at, r.next[at] = r.next[at], end
	}
	if end == len(r.months) {
		return 0, false
	}
	return r.months[end], true
}

// overruled returns the revocations of a pair whose month a grant pays that came after them.
func overruled(grants []grant, revokes []facts.Grant) (all []eventstore.Sequence) {
	var paid steps.Counts
	later := len(grants)
	for _, r := range slices.Backward(revokes) {
		for ; later > 0 && grants[later-1].Sequence > r.Sequence; later-- {
			g := &grants[later-1]
			paid.Add(int32(g.From), int32(g.until), func(int32, int32) {})
		}
		if count, _ := paid.At(int32(r.From)); count > 0 {
			all = append(all, r.Sequence)
		}
	}
	return all
}
