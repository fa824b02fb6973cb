package findings

import (
	"slices"

	"cakupan/domain/enrolment"
	"cakupan/projections/facts"
)

// A merge costs what the one of the two persons has who has less: what the enrolments of the other
// come to, if it is kept, stays and is told of those that come or go. So is the least id: of two
// persons who become one it is one of theirs.

// merge makes two persons one. Deaths count for the whole person, so that the enrolments of the one
// who is known to have died later, or not at all, may end earlier now. Those of the other one stay
// as they are.
func (f *fold) merge(e *facts.Event, b *facts.Batch) {
	one, other := f.s.Person(e.Worker), f.s.Person(e.Into())
	if one == other {
		// They are one already, by other merges: this one counts only if those are retracted.
		f.s.Add(e, b)
		return
	}
	var enrolments []uint32
	if died, too := f.died(one), f.died(other); died > too {
		enrolments = f.enrolments(f.homes(one))
	} else if too > died {
		enrolments = f.enrolments(f.homes(other))
	}
	leasts := []uint32{f.leastOf(one), f.leastOf(other)}
	f.countAllOut(enrolments)
	comes, stays := f.byOpenings(one, other)
	crowd := f.crowds[stays]
	var moved []uint32
	if crowd == nil {
		f.out(stays)
	} else {
		moved = butFor(f.enrolments(f.homes(comes)), enrolments)
		for _, e := range moved { // one that was opened for both is counted already
			if c, is := f.courseOf(e), f.members(stays); c.isOf(is) {
				crowd.add(c, is, -1, f.weigh)
			}
		}
		delete(f.crowds, stays)
	}
	f.out(comes)
	delete(f.least, one)
	delete(f.least, other)
	f.s.Add(e, b)
	f.read = false
	person := f.s.Person(e.Worker)
	f.least[person] = f.leastIn(leasts)
	if crowd != nil {
		f.crowds[person] = crowd
		f.addTo(crowd, moved, person)
	}
	f.countAllIn(enrolments)
	if crowd == nil {
		f.in(person)
	}
	f.touched.workers = append(append(f.touched.workers, leasts...), f.least[person])
	f.touched.enrolments = append(f.touched.enrolments, enrolments...)
}

// unmerge takes a merge out of force. Days change of those alone who are not one any more with the
// first who has died: else only who is one with whom does.
func (f *fold) unmerge(own facts.Owner, do func()) {
	worker, into := f.s.Merge(own)
	person := f.s.Person(worker)
	enrolments := f.revived(own)
	least := f.leastOf(person)
	f.countAllOut(enrolments)
	crowd := f.crowds[person]
	if crowd == nil {
		f.out(person)
	}
	delete(f.crowds, person)
	delete(f.least, person)
	do()
	f.read = false
	goes, stays := f.s.Person(worker), f.s.Person(into)
	f.least[f.s.Person(least)] = least
	f.touched.workers = append(f.touched.workers, least)
	if goes != stays {
		goes, stays = f.byOpenings(goes, stays)
		if crowd != nil {
			f.takeFrom(crowd, butFor(f.enrolments(f.homes(goes)), enrolments), goes, stays)
		}
		f.touched.workers = append(f.touched.workers, f.leastOf(goes), f.leastOf(stays))
	}
	if crowd != nil {
		f.crowds[stays] = crowd
	}
	f.countAllIn(enrolments)
	if goes != stays {
		f.in(goes)
	}
	if crowd != nil && !f.isCrowd(stays) {
		f.out(stays)
		crowd = nil
	}
	if crowd == nil {
		f.in(stays)
	}
	f.touched.enrolments = append(f.touched.enrolments, enrolments...)
}

// revived returns the enrolments of those whose last day of life is another one once a merge is not
// in force any more.
func (f *fold) revived(own facts.Owner) []uint32 {
	worker, _ := f.s.Merge(own)
	was := f.s.DiedOn(worker)
	if was == enrolment.Never {
		return nil
	}
	left, died, others := f.s.Parting(own)
	f.work += len(left)
	switch {
	case died != was:
		return f.enrolments(left)
	case others != was:
		slices.Sort(left)
		return f.enrolments(butFor(f.homes(worker), left))
	default:
		return nil
	}
}

// addTo tells a crowd of enrolments that come to its person.
func (f *fold) addTo(crowd *crowd, enrolments []uint32, person uint32) {
	is := f.members(person)
	for _, e := range enrolments {
		f.crowded.set(e, true)
		if c := f.courseOf(e); c.isOf(is) {
			crowd.add(c, is, +1, f.weigh)
		}
	}
}

// takeFrom takes the enrolments of a person from the crowd of one who was the same, and stays.
// Those that were opened for both stay with both.
func (f *fold) takeFrom(crowd *crowd, enrolments []uint32, goes, stays uint32) {
	were := func(w uint32) bool {
		person := f.s.Person(w)
		return person == goes || person == stays
	}
	is := f.members(stays)
	for _, e := range enrolments {
		c := f.courseOf(e)
		if c.isOf(were) {
			crowd.add(c, were, -1, f.weigh)
		}
		if c.isOf(is) {
			crowd.add(c, is, +1, f.weigh)
		}
	}
}

// byOpenings returns two persons, first the one for whom fewer enrolments were opened; each fact of
// a long course counts as one more. It costs as many as that one has, and where both have the same
// it says what it was told first.
func (f *fold) byOpenings(one, other uint32) (less, more uint32) {
	ones, others := f.longFacts(one), f.longFacts(other)
	for most := 16; ; most *= 2 {
		a, b := f.s.Opened(one, most), f.s.Opened(other, most)
		switch { // who has most of them has those at least
		case a < most && ones+a <= others+b:
			return one, other
		case b < most && others+b < ones+a:
			return other, one
		}
	}
}

// longFacts returns how many facts the long courses have that were ever opened for a person with
// few enrolments; 0 for one with many.
func (f *fold) longFacts(person uint32) (n int) {
	const few = 64
	if len(f.longs) == 0 || f.s.Opened(person, few) == few {
		return 0
	}
	for _, e := range f.enrolments(f.homes(person)) {
		if l := f.longOf(e); l != nil {
			n += l.line.Len()
		}
	}
	return n
}

// countAllOut counts enrolments out; countAllIn counts them in again, as they are then.
func (f *fold) countAllOut(enrolments []uint32) {
	for _, e := range enrolments {
		f.countOut(f.courseOf(e))
	}
}

func (f *fold) countAllIn(enrolments []uint32) {
	for _, e := range enrolments {
		f.countIn(f.courseOf(e))
	}
	f.recount()
}

// butFor returns the numbers that are not among others. Both are in order.
func butFor(numbers, others []uint32) []uint32 {
	return slices.DeleteFunc(numbers, func(n uint32) bool {
		_, found := slices.BinarySearch(others, n)
		return found
	})
}
