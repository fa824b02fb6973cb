package findings

import (
	"cakupan/domain/enrolment"
	"cakupan/domain/temporal"
	"cakupan/projections/spans"
	"cakupan/projections/steps"
)

// What a long course keeps of days and months are sets that change a span at a time. Who uses such
// a set is told of each span of months that came or went, and so need never compare two sets.

// flip is told of months that came into a set, with weight 1, or left it, with -1.
type flip func(s enrolment.Span, weight int64)

// untold is for who asks a count what it is, and not what it was.
func untold(int32, int32) {}

// tally is how many give each month, and the set of those that one gives at least.
type tally struct{ given, set steps.Counts }

// give counts one more who gives months, or with weight -1 one less.
func (t *tally) give(s enrolment.Span, weight int64, tell flip) {
	if weight > 0 {
		t.given.Add(int32(s.From), int32(s.Until), func(from, until int32) {
			t.set.Add(from, until, untold)
			tell(spanOf(from, until), +1)
		})
		return
	}
	t.given.Remove(int32(s.From), int32(s.Until), func(from, until int32) {
		t.set.Remove(from, until, untold)
		tell(spanOf(from, until), -1)
	})
}

// when are the days on which an enrolment is something, and the months of these days: those that
// have one of them, or, through, those of which all are.
type when struct {
	days, months steps.Counts // 0 or 1 at each point
	through      bool
}

// set puts days into the set, none of which is in it, or takes them out, all of which are.
func (w *when) set(from, until temporal.Date, is bool, tell flip) {
	if until <= from {
		return
	}
	if is {
		w.days.Add(int32(from), int32(until), untold)
	} else {
		w.days.Remove(int32(from), int32(until), untold)
	}
	// Only the first month and the last one of the days have others too.
	m := touched(from, until)
	if w.depends(m.From) != is {
		m.From++
	}
	if m.From < m.Until && m.Until < enrolment.NeverMonth && w.depends(m.Until-1) != is {
		m.Until--
	}
	setMonths(&w.months, m, is, tell)
}

// depends reports whether a month is to be in the set by its days.
func (w *when) depends(m temporal.Month) bool {
	count, next := w.days.At(int32(m.First()))
	if w.through {
		return count > 0 && next > int32(m.Last())
	}
	return count > 0 || next <= int32(m.Last())
}

// setMonths puts those of some months into a set that are not in it, or takes out those that are.
func setMonths(set *steps.Counts, m enrolment.Span, is bool, tell flip) {
	for at := int32(m.From); at < int32(m.Until); {
		count, next := set.At(at)
		until := min(next, int32(m.Until))
		switch {
		case is && count == 0:
			set.Add(at, until, untold)
			tell(spanOf(at, until), +1)
		case !is && count > 0:
			set.Remove(at, until, untold)
			tell(spanOf(at, until), -1)
		}
		at = until
	}
}

// shared returns how many months of a span are in a set.
func shared(set *steps.Counts, s enrolment.Span) (n int64) {
	for at := int32(s.From); at < int32(s.Until); {
		count, next := set.At(at)
		until := min(next, int32(s.Until))
		if count > 0 {
			n += int64(until) - int64(at)
		}
		at = until
	}
	return n
}

// rows are a set of months, of which it is told which spans of it go and come: each as long as it
// can be, so that it has a gap on both sides.
type rows struct{ set steps.Counts }

// change puts months into the set, none of which is in it, or takes them out, all of which are.
func (r *rows) change(s enrolment.Span, is bool, tell flip) {
	if is {
		r.join(s, tell)
	} else {
		r.cut(s, tell)
	}
}

func (r *rows) join(s enrolment.Span, tell flip) {
	row := s
	if count, from, _ := r.set.Step(int32(s.From) - 1); count > 0 {
		row.From = temporal.Month(from)
		tell(enrolment.Span{From: row.From, Until: s.From}, -1)
	}
	if s.Until < enrolment.NeverMonth {
		if count, _, until := r.set.Step(int32(s.Until)); count > 0 {
			row.Until = temporal.Month(until)
			tell(enrolment.Span{From: s.Until, Until: row.Until}, -1)
		}
	}
	r.set.Add(int32(s.From), int32(s.Until), untold)
	tell(row, +1)
}

func (r *rows) cut(s enrolment.Span, tell flip) {
	_, from, until := r.set.Step(int32(s.From))
	row := spanOf(from, until)
	tell(row, -1)
	r.set.Remove(int32(s.From), int32(s.Until), untold)
	if row.From < s.From {
		tell(enrolment.Span{From: row.From, Until: s.From}, +1)
	}
	if s.Until < row.Until {
		tell(enrolment.Span{From: s.Until, Until: row.Until}, +1)
	}
}

// lack are months without money, in rows. Those rows that try the patience are found by a search.
type lack struct {
	rows
	trying spans.Set
	stale  months // in which something has changed since the last refresh: in any order
}

// refresh works out the stale months anew. Has returns whether a month lacks money, and up to which
// one that is so at least.
func (l *lack) refresh(has func(at, until int32) (bool, int32)) (looked int) {
	for _, s := range union(l.stale) {
		for at := int32(s.From); at < int32(s.Until); looked++ {
			is, next := has(at, int32(s.Until))
			l.setTo(spanOf(at, next), is)
			at = next
		}
	}
	l.stale = l.stale[:0]
	return looked
}

func (l *lack) setTo(s enrolment.Span, is bool) {
	for at := int32(s.From); at < int32(s.Until); {
		count, next := l.set.At(at)
		until := min(next, int32(s.Until))
		if is != (count > 0) {
			l.change(spanOf(at, until), is, l.try)
		}
		at = until
	}
}

// try notes a row that came or went, if it is long enough to matter.
func (l *lack) try(s enrolment.Span, weight int64) {
	if s.Until-s.From < patience {
		return
	}
	if weight > 0 {
		l.trying.Add(spans.Span{From: int32(s.From), Until: int32(s.Until)})
	} else {
		l.trying.Remove(int32(s.From), 0)
	}
}

// around returns those rows that matter for a month: the one that reaches it, and the next one.
func (l *lack) around(month temporal.Month) (all months) {
	if s, found := l.trying.Before(int32(month), 0); found && s.Until >= int32(month) {
		all = append(all, spanOf(s.From, s.Until))
	}
	if s, found := l.trying.From(int32(month), 0); found {
		all = append(all, spanOf(s.From, s.Until))
	}
	return all
}
