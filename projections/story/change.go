package story

import (
	"fmt"
	"slices"

	"cakupan/domain/enrolment"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections/facts"
	"cakupan/projections/history"
)

// Change is some days on which an enrolment stands otherwise by an event. Days are those of the
// calendar: what changes only behind its end is not told.
type Change struct {
	Enrolment string  `json:"enrolment"`
	From      string  `json:"from"`
	Until     *string `json:"until"` // out; null: for ever
	Before    *State  `json:"before"`
	After     *State  `json:"after"`
}

// State is how an enrolment stands on a day; null where it is not open. Evidence is empty where it
// is not covered, and never null.
type State struct {
	Status   string   `json:"status"` // COVERED, IN_GRACE or NOT_COVERED
	Region   string   `json:"region"`
	Payer    string   `json:"payer"`
	Evidence []string `json:"evidence"`
}

// The values of Status. Clients go by them (contract, section 8): none is renamed.
const (
	StatusCovered    = "COVERED"
	StatusInGrace    = "IN_GRACE"
	StatusNotCovered = "NOT_COVERED"
)

// course is how an enrolment stands on some days. It is half open, as all spans of days are.
type course struct {
	from, until temporal.Date
	stand
}

// stand is how it stands on each of them. The zero value: it is not open. Two that are equal are
// told as no change; so it has nothing in it that is not shown or decides what is.
type stand struct {
	open, covered, inGrace bool
	terms                  enrolment.Terms
	evidence               enrolment.Evidence
}

// courses are in order of time, and apart. Days on none of them it is not open.
type courses []course

// coursesOf works out how an enrolment stands on all days, as known at a place in the log. The
// rules are those of package enrolment; what is not covered or in grace of a stretch stays as it
// was put there first.
func coursesOf(s *facts.State, e uint32, known eventstore.Sequence, deaths *facts.Deaths,
) (all courses) {
	c := s.CourseAsOf(e, known)
	// Each stretch is put as open and not covered first, and its spells over that.
	for i := range c.Stretches {
		stretch := &c.Stretches[i]
		all = append(all, course{
			stretch.From, stretch.Until, stand{open: true, terms: stretch.Terms},
		})
		died := deaths.Of(s, stretch.Worker)
		for _, spell := range enrolment.AppendSpells(nil, *stretch, died, &c.Money) {
			all = all.put(course{spell.From, spell.Until, stand{
				open: true, covered: !spell.InGrace(), inGrace: spell.InGrace(),
				terms: stretch.Terms, evidence: spell.Evidence,
			}})
		}
	}
	return all
}

// put replaces the end of the last course from the days of another on.
//
// Spells come in order of time and within their stretch, so that the last course is the one that
// they lie in.
func (all courses) put(c course) courses {
	last := all[len(all)-1]
	rest := course{c.until, last.until, last.stand}
	if all[len(all)-1].until = c.from; last.from == c.from {
		all = all[:len(all)-1]
	}
	if all = append(all, c); rest.from < rest.until {
		all = append(all, rest)
	}
	return all
}

// next returns how it stands on a day, and leaves out what ended by then: days are asked for in
// order. An enrolment may have thousands of courses, and each of them many bounds.
func (all *courses) next(day temporal.Date) stand {
	for len(*all) > 0 && (*all)[0].until <= day {
		*all = (*all)[1:]
	}
	if len(*all) == 0 || day < (*all)[0].from {
		return stand{}
	}
	return (*all)[0].stand
}

// bounds returns the days on which one of two begins or ends, in order. Between two that follow one
// another neither of the courses changes.
func bounds(a, b courses) (days []temporal.Date) {
	for _, all := range [2]courses{a, b} {
		for i := range all {
			days = append(days, all[i].from, all[i].until)
		}
	}
	slices.Sort(days)
	return slices.Compact(days)
}

// changes works out what an event changes. It is what it was known to be at the event, against what
// was known at the one told before; for a commitment, against what was known one event before.
func (t *teller) changes(e *entry) (found []Change, err error) {
	found = []Change{}
	some, err := t.touched(e)
	if err != nil {
		return nil, err
	}
	for _, number := range some {
		// One enrolment at a time, and not all under one lock: the fold waits while facts are read.
		var was, is courses
		err := t.source.Read(func(s *facts.State) error {
			// The two are worked out under one lock, so that both are of the same facts.
			if t.About.Kind == history.Commitment { // what else changes it is not told
				was = coursesOf(s, number, e.sequence-1, facts.DeathsAsOf(e.sequence-1))
				is = coursesOf(s, number, e.sequence, facts.DeathsAsOf(e.sequence))
				return nil
			}
			is = coursesOf(s, number, e.sequence, t.deaths)
			return nil
		})
		if err != nil {
			return nil, err
		}
		if t.About.Kind != history.Commitment {
			was, t.were[number] = t.were[number], is
		}
		names, err := t.source.Names().AppendEnrolments(nil, number)
		if err != nil {
			return nil, err
		}
		found = appendChanges(found, names[0], was, is)
	}
	return found, nil
}

// touched returns the enrolments of the story that an event may change.
func (t *teller) touched(e *entry) ([]uint32, error) {
	switch {
	case e.of == everyEnrolment:
		return t.enrolments, nil
	case e.of != everybodysLife:
		return []uint32{e.of}, nil
	case !t.mortal:
		return nil, nil
	}
	return t.outlived(e.sequence)
}

// outlived returns the enrolments of which a worker dies on another day as known at a place in the
// log than at the event told last. From then on deaths are those known there.
func (t *teller) outlived(known eventstore.Sequence) (some []uint32, err error) {
	were, are := t.deaths, facts.DeathsAsOf(known)
	t.deaths = are
	for part := range slices.Chunk(t.enrolments, facts.Together) {
		err = t.source.Read(func(s *facts.State) error {
			for _, e := range part {
				if slices.ContainsFunc(t.openers[e], func(w uint32) bool {
					return were.Of(s, w) != are.Of(s, w)
				}) {
					some = append(some, e)
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return some, nil
}

// appendChanges appends the days on which two courses differ. Days that follow one another and
// differ alike are one change, also where something else begins or ends between them that does not
// show.
func appendChanges(found []Change, name string, was, is courses) []Change {
	var last *Change
	var lastWas, lastIs stand
	days := bounds(was, is)
	for i := range len(days) - 1 {
		before, after := was.next(days[i]), is.next(days[i])
		switch {
		// Days without a difference lie between: what follows is another change.
		case before == after, days[i] > temporal.MaxDate:
			last = nil
		case last != nil && before == lastWas && after == lastIs:
			last.Until = dayText(days[i+1])
		default:
			found = append(found, Change{
				Enrolment: name, From: days[i].String(), Until: dayText(days[i+1]),
				Before: before.state(), After: after.state(),
			})
			last, lastWas, lastIs = &found[len(found)-1], before, after
		}
	}
	return found
}

// dayText returns a day as text, nil for one behind all days. Package enrolment has days that no
// calendar has, for what never ends.
func dayText(day temporal.Date) *string {
	if day > temporal.MaxDate {
		return nil
	}
	text := day.String()
	return &text
}

// state returns the stand as it is told, nil where the enrolment is not open.
func (s *stand) state() *State {
	if !s.open {
		return nil
	}
	state := &State{
		Status: StatusNotCovered, Region: s.terms.Region.String(), Payer: s.terms.Payer.String(),
		Evidence: s.evidence.Names(),
	}
	switch {
	case s.covered:
		state.Status = StatusCovered
	case s.inGrace:
		state.Status = StatusInGrace
	}
	if state.Evidence == nil {
		state.Evidence = []string{}
	}
	return state
}

// Words says a change in one sentence. The end is written as the first day that is out, in both
// languages.
func (c *Change) Words() Words {
	until := Words{"on", "dan seterusnya"}
	if c.Until != nil {
		until = Words{"until " + *c.Until, "sampai sebelum " + *c.Until}
	}
	before, after := c.Before.words(), c.After.words()
	return Words{
		EN: fmt.Sprintf("%s from %s %s: %s, was %s", c.Enrolment, c.From, until.EN, after.EN,
			before.EN),
		ID: fmt.Sprintf("%s dari %s %s: %s, tadinya %s", c.Enrolment, c.From, until.ID, after.ID,
			before.ID),
	}
}

// words says how an enrolment stands.
func (s *State) words() Words {
	if s == nil {
		return Words{"not enrolled", "tidak terdaftar"}
	}
	switch s.Status {
	case StatusCovered:
		basis := fmt.Sprintf(" (%s, %s, %s)", s.Region, s.Payer, joined(s.Evidence))
		return Words{"covered" + basis, "terlindungi" + basis}
	case StatusInGrace:
		basis := fmt.Sprintf(" (%s, %s)", s.Region, s.Payer)
		return Words{"in grace" + basis, "masa tenggang" + basis}
	default:
		basis := fmt.Sprintf(" (%s, %s)", s.Region, s.Payer)
		return Words{"enrolled, not covered" + basis, "terdaftar, tidak terlindungi" + basis}
	}
}
