package findings

import (
	"cakupan/domain/enrolment"
	"cakupan/domain/temporal"
)

// light is what the few enrolments of one person are, piece by piece: for so few it is quicker to
// compare the pieces than to count them. It is memory that is used again.
type light struct {
	open []piece // days; of: the segment
	paid []piece // months; of: the commitment
	last temporal.Month
}

// piece is a span of days or months of one enrolment.
type piece struct {
	from, until   int32
	of, enrolment uint32
}

// lightMax is how many pieces are compared with each other. Beyond that pairs cost more than
// counting does.
const lightMax = 48

// add adds an enrolment. What it takes is what whole.add does.
func (w *light) add(c *course, is members) {
	for i := range c.stretches {
		s := &c.stretches[i]
		if s.From < s.Until && is(s.Worker) {
			w.open = append(w.open,
				piece{int32(s.From), int32(s.Until), uint32(s.Terms.Segment), c.e})
		}
	}
	for i := range c.grants {
		g := &c.grants[i]
		if g.From < g.until {
			w.last = max(w.last, g.until-1)
			w.paid = append(w.paid, piece{int32(g.From), int32(g.until), g.Commitment, c.e})
		}
	}
	for _, credit := range c.facts.Credits() {
		if credit.From < credit.Until {
			w.last = max(w.last, credit.Until-1)
		}
	}
}

// check returns what is wrong with the person, as that of [whole] does. Its codes are in order of
// their numbers, as done would bring them.
func (w *light) check(died temporal.Date) []found {
	var k sink
	double := meet(w.paid, func(a, b *piece) bool { return a.of != b.of })
	if double {
		k.add(DoubleFunded, 0, nil)
	}
	if died < enrolment.Never && w.last > died.Month() {
		k.add(PaidAfterDeath, 0, nil)
	}
	two := meet(w.open, func(a, b *piece) bool {
		return a.of == b.of && a.enrolment != b.enrolment
	})
	if two {
		k.add(TwoOpen, 0, nil)
	}
	return k.found
}

// meet reports whether two pieces of such a pair share a point.
func meet(pieces []piece, such func(a, b *piece) bool) bool {
	for i := range pieces {
		for j := range pieces[:i] {
			a, b := &pieces[i], &pieces[j]
			if a.from < b.until && b.from < a.until && such(a, b) {
				return true
			}
		}
	}
	return false
}
