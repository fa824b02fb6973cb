package coverage

import (
	"cakupan/domain/enrolment"
	"cakupan/domain/temporal"
	"cakupan/projections/counts"
	"cakupan/projections/facts"
)

// later is what events of a part change and what was not worked out by Apply, because it needs the
// state no more: the courses of an enrolment before and after an event, of a worker who has no
// other. Show works the edges out, on another processor.
//
// It is memory of a batch. Apply fills it and Show empties it; what is here is never stored.
type later struct {
	most      int    // see reset; less than the counts of a laterCourse can say
	event     uint32 // that is being applied: its place in the part
	courses   []laterCourse
	stretches []enrolment.Stretch // of the courses: before the event, then after it
	months    []enrolment.Months  // likewise

	were, are []enrolment.Spell // of Show, used again for each course
	edges     []counts.Change   // of Show: all of the part
	ends      []uint32          // where those of each event end
}

// laterCourse is what one enrolment was and is for its worker. Its stretches and months follow
// those of the course before it.
type laterCourse struct {
	event             uint32 // its place in the part
	worker            uint32
	died              temporal.Date
	days              facts.Days
	speaks            [2]temporal.Month // before, after
	stretches, months [2]uint16         // how many there are: before, after
}

// reset forgets what was left, and begins another part, of which it takes at most so many courses,
// stretches and months together. More are worked out at once, so that memory is bounded whatever
// the events are.
func (l *later) reset(most int) {
	l.courses, l.stretches, l.months = l.courses[:0], l.stretches[:0], l.months[:0]
	l.most = most
}

// leave leaves the comparison of two courses to Show, and reports whether it has: not so when there
// is no room left for it.
func (l *later) leave(w uint32, died temporal.Date, days facts.Days, before, after *facts.Course,
) bool {
	stretches := [2]int{len(before.Stretches), len(after.Stretches)}
	months := [2]int{len(before.Money.Months), len(after.Money.Months)}
	size := 1 + len(l.courses) + len(l.stretches) + len(l.months)
	if size+stretches[0]+stretches[1]+months[0]+months[1] > l.most {
		return false
	}
	l.stretches = append(append(l.stretches, before.Stretches...), after.Stretches...)
	l.months = append(append(l.months, before.Money.Months...), after.Money.Months...)
	l.courses = append(l.courses, laterCourse{})
	c := &l.courses[len(l.courses)-1]
	c.event, c.worker, c.died, c.days = l.event, w, died, days
	c.speaks[0], c.speaks[1] = before.Money.Speaks, after.Money.Speaks
	c.stretches[0], c.stretches[1] = uint16(stretches[0]), uint16(stretches[1])
	c.months[0], c.months[1] = uint16(months[0]), uint16(months[1])
	return true
}

// workOut works out what was left of the part, and puts it among the edges of the events. The order
// of the edges of one event says nothing: counting sorts them.
func (l *later) workOut(edges []counts.Change, ends []uint32) ([]counts.Change, []uint32) {
	if len(l.courses) == 0 {
		return edges, ends
	}
	l.edges, l.ends = l.edges[:0], l.ends[:0]
	rest, from := *l, uint32(0)
	for i, end := range ends {
		l.edges, from = append(l.edges, edges[from:end]...), end
		for len(rest.courses) > 0 && rest.courses[0].event == uint32(i) {
			l.compare(&rest)
		}
		l.ends = append(l.ends, uint32(len(l.edges)))
	}
	return l.edges, l.ends
}

// compare appends what differs between the courses that come next of what is left, and takes them
// off it.
func (l *later) compare(rest *later) {
	var before, after facts.Course
	c := &rest.courses[0]
	before.Stretches, rest.stretches = cut(rest.stretches, c.stretches[0])
	after.Stretches, rest.stretches = cut(rest.stretches, c.stretches[1])
	before.Money.Months, rest.months = cut(rest.months, c.months[0])
	after.Money.Months, rest.months = cut(rest.months, c.months[1])
	before.Money.Speaks, after.Money.Speaks = c.speaks[0], c.speaks[1]
	l.were = before.AppendSpells(l.were[:0], c.worker, c.died, c.days)
	l.are = after.AppendSpells(l.are[:0], c.worker, c.died, c.days)
	l.edges = compareOwn(l.were, l.are, l.edges)
	rest.courses = rest.courses[1:]
}

// cut takes the first n elements of a slice.
func cut[T any](all []T, n uint16) (first, rest []T) { return all[:n:n], all[n:] }
