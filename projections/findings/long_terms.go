package findings

import (
	"slices"

	"cakupan/domain/enrolment"
	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections/spans"
)

// changes are the changes of terms of a long course, as counts.
type changes struct {
	opened            spans.Set      // openings: where each is in the log
	amendments, stops int            // stops: terminations and reinstatements
	borders           spans.Set      // openings, terminations and reinstatements, by day
	twice             int            // terminations that follow one another
	senders           map[uint32]int // publisher → changes
	sent              int            // all of these
	openings          map[uint32]int // worker → openings
	workers           []uint32       // for whom openings are
}

// A border is a span of one point, or, a termination, of two.
const terminates = 2

// count counts a change that comes, or with weight -1 goes.
func (s *changes) count(f *fold, c *enrolment.Change, weight int) {
	sequence := eventstore.Sequence(c.Sequence)
	s.sent += weight
	s.senders[f.l.publisherOf(sequence)] += weight
	switch c.Kind {
	case event.EnrolmentAmended:
		s.amendments += weight
		return
	case event.EnrolmentOpened:
		if weight > 0 {
			s.opened.Add(spans.Span{ID: c.Sequence})
		} else {
			s.opened.Remove(0, c.Sequence)
		}
		s.openings[c.Worker] += weight
	default:
		s.stops += weight
	}
	border := spans.Span{From: int32(c.On), Until: int32(c.On) + 1, ID: c.Sequence}
	if c.Kind == event.EnrolmentTerminated {
		border.Until = border.From + terminates
	}
	if weight > 0 {
		s.borders.Add(border)
	} else {
		s.borders.Remove(border.From, border.ID)
	}
	before, _ := s.borders.Before(border.From, border.ID)
	after, _ := s.borders.From(border.From, border.ID+1)
	s.twice += weight * (both(before, border) + both(border, after) - both(before, after))
}

// both returns 1 for two terminations, else 0; also where there is none of the two.
func both(a, b spans.Span) int {
	if a.Until-a.From == terminates && b.Until-b.From == terminates {
		return 1
	}
	return 0
}

// foreign reports whether a change is of another publisher than the first opening by the log.
func (s *changes) foreign(f *fold) bool {
	first, found := s.opened.From(0, 0)
	return found && s.sent > s.senders[f.l.publisherOf(eventstore.Sequence(first.ID))]
}

// change does what a change of terms does, which the timeline has already.
func (l *long) change(c *enrolment.Change, weight int) {
	wasOpened := len(l.workers) > 0
	l.count(l.f, c, weight)
	opens := c.Kind == event.EnrolmentOpened
	if opens {
		l.touch(l.f.s.Person(c.Worker))
	}
	if opens && weight > 0 && l.openings[c.Worker] == 1 {
		l.comes(c.Worker)
	}
	l.turn(l.f.difference.Stretches())
	if opens && l.openings[c.Worker] == 0 {
		delete(l.openings, c.Worker)
		l.workers = slices.DeleteFunc(l.workers, func(w uint32) bool { return w == c.Worker })
		l.goes(c.Worker)
	}
	if wasOpened != (len(l.workers) > 0) {
		for _, p := range l.payers { // a grant to nobody is a finding, and is none any more
			l.look(p)
		}
	}
}

// turn takes other stretches on the days that a change of terms makes different, as a timeline
// tells them.
func (l *long) turn(were, are []enrolment.Stretch) {
	for len(were) > 0 || len(are) > 0 {
		var was, is *enrolment.Stretch
		if len(are) == 0 || len(were) > 0 && were[0].From <= are[0].From {
			was = &were[0]
		}
		if len(were) == 0 || len(are) > 0 && are[0].From <= were[0].From {
			is = &are[0]
		}
		if was != nil {
			were = were[1:]
		}
		if is != nil {
			are = are[1:]
		}
		l.exchange(was, is)
	}
}

// exchange takes one stretch for another one of the same days; nil: it is not open.
func (l *long) exchange(was, is *enrolment.Stretch) {
	l.f.course.looked++
	l.sets(was, is, &l.open, func(*enrolment.Terms) bool { return true }, l.lacking)
	l.sets(was, is, &l.budget, onBudget, func(s enrolment.Span, weight int64) {
		l.lacking(s, weight)
		l.overPieces(s, func(p *payer, n int64) { p.unbudgeted -= weight * n })
	})
	l.sets(was, is, &l.others, func(t *enrolment.Terms) bool { return !onBudget(t) }, l.idling)
	l.sets(was, is, &l.asn, asASN, func(s enrolment.Span, weight int64) {
		l.overPieces(s, func(p *payer, n int64) { p.asn += weight * n })
	})
	for _, a := range l.outside {
		l.sets(was, is, &a.when, a.has, func(s enrolment.Span, weight int64) {
			l.overPieces(s, func(p *payer, n int64) {
				if p.outside == a {
					p.abroad += weight * n
				}
			})
		})
	}
	if l.quiet {
		return
	}
	if was != nil {
		l.openFor(was, -1)
	}
	if is != nil {
		l.openFor(is, +1)
	}
}

func onBudget(t *enrolment.Terms) bool { return t.Payer == event.APBD }

func asASN(t *enrolment.Terms) bool { return t.Category == event.ASN }

func (a *abroad) has(t *enrolment.Terms) bool { return !lies(t.Region, a.funder) }

// sets puts the days of a stretch into a set or takes them out, if the terms say so on one side
// alone.
func (l *long) sets(was, is *enrolment.Stretch, set *when, such func(*enrolment.Terms) bool,
	tell flip,
) {
	before, after := was != nil && such(&was.Terms), is != nil && such(&is.Terms)
	if before == after {
		return
	}
	s := was
	if after {
		s = is
	}
	set.set(s.From, s.Until, after, func(m enrolment.Span, weight int64) {
		l.f.course.looked++
		tell(m, weight)
	})
}

// openFor counts a stretch for the person for whom it is open.
func (l *long) openFor(s *enrolment.Stretch, weight int32) {
	person := l.f.s.Person(s.Worker)
	l.touch(person)
	if crowd := l.f.crowds[person]; crowd != nil {
		crowd.open[s.Terms.Segment].add(int32(s.From), int32(s.Until), weight)
	}
}

// abroadOf returns the months outside of a funder's region.
func (l *long) abroadOf(funder region.Code) *abroad {
	for _, a := range l.outside {
		if a.funder == funder {
			return a
		}
	}
	a := &abroad{funder: funder}
	for _, s := range l.line.AppendStretches(nil, -enrolment.Never, enrolment.Never) {
		if l.f.course.looked++; a.has(&s.Terms) {
			a.set(s.From, s.Until, true, func(enrolment.Span, int64) {})
		}
	}
	l.outside = append(l.outside, a)
	return a
}

// cover takes other spells on the days on which a fact makes them different.
func (l *long) cover(were, are []enrolment.Spell) {
	l.f.course.looked += len(were) + len(are)
	if !l.quiet {
		// Those that come are told first: where both are the same nothing is told so.
		l.coverPersons(are, +1)
		l.coverPersons(were, -1)
	}
	l.exchangeDays(coveredDays(were), coveredDays(are))
}

// coveredDays returns the days of spells on which the enrolment is covered, as points of a line:
// sets of months are that too.
func coveredDays(spells []enrolment.Spell) (days months) {
	for i := range spells {
		if s := &spells[i]; !s.InGrace() {
			days = append(days, spanOf(int32(s.From), int32(s.Until)))
		}
	}
	return union(days)
}

// coverPersons tells of the spells, each for the person who is covered in it.
func (l *long) coverPersons(spells []enrolment.Spell, weight int64) {
	for i := range spells {
		s := &spells[i]
		person := l.f.s.Person(s.Worker)
		l.touch(person)
		if crowd := l.f.crowds[person]; crowd != nil {
			crowd.coverIn(s, weight, l.f.weigh)
		}
	}
}

// recover takes the days of all spells for those on which it was covered. Persons are not told: it
// is for when they become others.
func (l *long) recover(spells []enrolment.Spell) {
	var was months
	l.covered.days.Each(func(from, until int32) { was = append(was, spanOf(from, until)) })
	l.exchangeDays(was, coveredDays(spells))
}

func (l *long) exchangeDays(was, is months) {
	for _, s := range was.minus(is) {
		l.covered.set(temporal.Date(s.From), temporal.Date(s.Until), false, l.idling)
	}
	for _, s := range is.minus(was) {
		l.covered.set(temporal.Date(s.From), temporal.Date(s.Until), true, l.idling)
	}
}
