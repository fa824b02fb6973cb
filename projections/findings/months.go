package findings

import (
	"cmp"
	"slices"

	"cakupan/domain/enrolment"
	"cakupan/domain/temporal"
)

// months is a set of months: disjoint spans in order of time, with gaps between them.
//
// An until of NeverMonth is no end. Sets are small, a span or two: they are worked on as lists.
// Those that are made in memory belong to whoever gave it.
type months []enrolment.Span

// union makes a set of spans that may be in any order and overlap. It works in place. What has no
// month is dropped, and what touches is joined.
func union(spans []enrolment.Span) months {
	if len(spans) == 1 && spans[0].From < spans[0].Until {
		return spans // nearly always
	}
	spans = slices.DeleteFunc(spans, func(s enrolment.Span) bool { return s.Until <= s.From })
	if len(spans) < 2 {
		return spans
	}
	slices.SortFunc(spans, func(a, b enrolment.Span) int { return cmp.Compare(a.From, b.From) })
	joined := spans[:1]
	for _, s := range spans[1:] {
		if last := &joined[len(joined)-1]; s.From <= last.Until {
			last.Until = max(last.Until, s.Until)
			continue
		}
		joined = append(joined, s)
	}
	return joined
}

// span returns the set of the months [from, until).
func span(from, until temporal.Month) months {
	if until <= from {
		return nil
	}
	return months{{From: from, Until: until}}
}

// minus returns the months that are not in the other set.
func (m months) minus(other months) months { return m.appendMinus(nil, other) }

// appendMinus appends the months that are not in the other set. Both must be sets, and rest other
// memory than either. From one span to the next the place in the other set moves on, and back by as
// much as the last one reached beyond.
func (m months) appendMinus(rest, other months) months {
	at := other.reaching(m)
	for _, s := range m {
		for at > 0 && other[at-1].Until > s.From {
			at--
		}
		for ; at < len(other) && s.From < s.Until && other[at].From < s.Until; at++ {
			if s.From < other[at].From {
				rest = append(rest, enrolment.Span{From: s.From, Until: other[at].From})
			}
			s.From = max(s.From, other[at].Until)
		}
		if s.From < s.Until {
			rest = append(rest, s)
		}
	}
	return rest
}

// reaching returns the place of the first span that reaches beyond the beginning of another set: so
// that a few months cost a search of many, and not a look at all that were before.
func (m months) reaching(other months) int {
	const few = 8
	if len(m) <= few || len(other) == 0 {
		return 0
	}
	return enrolment.EndingAfter(m, other[0].From)
}

// meets reports whether one of the months [from, until) is in the set. It costs a search.
func (m months) meets(from, until temporal.Month) bool {
	i := enrolment.EndingAfter(m, from)
	return from < until && i < len(m) && m[i].From < until
}

// outside returns the months that are not in [from, until). Nearly always there are none, and
// nothing is made.
func (m months) outside(from, until temporal.Month) months {
	within := func(s enrolment.Span) bool { return from <= s.From && s.Until <= until }
	for _, s := range m {
		if !within(s) {
			return m.minus(span(from, until))
		}
	}
	return nil
}

// and returns the months that are in both sets.
func (m months) and(other months) months { return m.appendAnd(nil, other) }

// appendAnd appends the months that are in both sets. Both must be sets, and both neither of their
// memory.
func (m months) appendAnd(both, other months) months {
	for i, j := 0, other.reaching(m); i < len(m) && j < len(other); {
		from, until := max(m[i].From, other[j].From), min(m[i].Until, other[j].Until)
		if from < until {
			both = append(both, enrolment.Span{From: from, Until: until})
		}
		if m[i].Until < other[j].Until {
			i++
		} else {
			j++
		}
	}
	return both
}

// with returns the months of both sets together. It is new memory, so that sets that belong to
// others can be joined.
func (m months) with(other months) months {
	return union(append(slices.Clone(m), other...))
}

// count returns how many months there are. With a span without an end it is of no use but to
// compare.
func (m months) count() (n int64) {
	for _, s := range m {
		n += int64(s.Until) - int64(s.From)
	}
	return n
}

// ending returns the span that has the month before a month, if there is one. That span may go on
// behind it.
func (m months) ending(month temporal.Month) (enrolment.Span, bool) {
	i := enrolment.EndingAfter(m, month-1)
	if i == len(m) || m[i].From >= month {
		return enrolment.Span{}, false
	}
	return m[i], true
}

// spanOf returns a span of months that were counted as points. Points are months since 1970, as
// everywhere.
func spanOf(from, until int32) enrolment.Span {
	return enrolment.Span{From: temporal.Month(from), Until: temporal.Month(until)}
}
