package enrolment

import (
	"cakupan/domain/event"
	"cakupan/domain/temporal"
)

// Spell is a span of days on which an enrolment is covered, or in grace, without a change. Days on
// which it is open and neither are in none.
type Spell struct {
	From, Until temporal.Date // Until is out; Never when nothing ends it
	Worker      uint32
	Terms       Terms
	Sources     Sources  // covered with payer APBD: whose money
	Evidence    Evidence // what it rests on; 0: in grace instead of covered
}

// InGrace reports whether the enrolment is in grace instead of covered.
func (s *Spell) InGrace() bool { return s.Evidence == 0 }

// sameButDays reports whether two spells differ in their days at most.
func (s *Spell) sameButDays(other *Spell) bool {
	return s.Worker == other.Worker && s.Terms == other.Terms && s.Sources == other.Sources &&
		s.Evidence == other.Evidence
}

// AppendSpells appends the spells of one stretch, in order of time. The worker lives until died,
// the last day of life (Never: no death is known). Spells that follow one another without a day
// between differ in more than their days. It costs a search, and a step for each span of money that
// touches the stretch or ends within three months before it.
func AppendSpells(dst []Spell, s Stretch, died temporal.Date, money *Money) []Spell {
	if died < Never {
		s.Until = min(s.Until, died+1)
	}
	if s.Until <= s.From {
		return dst
	}
	w := spellWriter{spells: dst, first: len(dst), stretch: s}
	if s.Terms.Payer == event.APBD {
		w.onBudget(money)
	} else {
		w.days(s.From, firstDay(money.Speaks), 0, Presumed)
		w.byCredits(money)
	}
	return w.spells
}

// spellWriter appends the spells of a stretch.
type spellWriter struct {
	spells  []Spell
	first   int // of the stretch
	stretch Stretch
}

// onBudget writes the months that are paid or credited, and the grace after them.
func (w *spellWriter) onBudget(money *Money) {
	spans := money.Months
	for i := w.begin(spans); i < len(spans) && w.reaches(&spans[i]); i++ {
		m := &spans[i]
		sources := m.Sources
		if sources == 0 {
			sources = SourceOf(event.UnknownFunding) // credited, and nobody says whose money it is
		}
		w.months(m.From, m.Until, sources, m.Evidence)
		graceEnd := m.Until + graceMonths
		if i+1 < len(spans) {
			graceEnd = min(graceEnd, spans[i+1].From)
		}
		w.months(m.Until, graceEnd, 0, 0)
	}
}

// byCredits writes the months that are credited, and what follows them: an employer's due, or
// grace. Months that grants alone pay say nothing.
func (w *spellWriter) byCredits(money *Money) {
	after := Evidence(0)
	if w.stretch.Terms.Payer == event.Employer {
		after = Due
	}
	spans := money.Months
	i := w.begin(spans)
	for i < len(spans) && w.reaches(&spans[i]) {
		m := &spans[i]
		if i++; m.Evidence&Credited == 0 {
			continue
		}
		w.months(m.From, m.Until, 0, Credited)
		for i < len(spans) && spans[i].Evidence&Credited == 0 {
			i++
		}
		end := m.Until + graceMonths
		if i < len(spans) {
			end = min(end, spans[i].From)
		}
		w.months(m.Until, end, 0, after)
	}
}

// begin returns the index of the first span that matters for the stretch. Money reaches three
// months beyond its own, so those before the stretch count.
func (w *spellWriter) begin(spans []Months) int {
	if len(spans) == 0 {
		return 0
	}
	return after(spans, w.stretch.From.Month()-graceMonths)
}

// reaches reports whether the span begins before the stretch ends.
func (w *spellWriter) reaches(m *Months) bool { return m.From.First() < w.stretch.Until }

// months appends a spell for the days of the months [from, until) within the stretch.
func (w *spellWriter) months(from, until temporal.Month, sources Sources, e Evidence) {
	if from < until {
		w.days(from.First(), until.First(), sources, e)
	}
}

// days appends a spell for the days [from, until) within the stretch, if there is one.
func (w *spellWriter) days(from, until temporal.Date, sources Sources, e Evidence) {
	s := &w.stretch
	from, until = max(s.From, from), min(s.Until, until)
	if until <= from {
		return
	}
	next := Spell{
		From: from, Until: until, Worker: s.Worker, Terms: s.Terms, Sources: sources, Evidence: e,
	}
	if n := len(w.spells); n > w.first {
		if last := &w.spells[n-1]; last.Until == from && last.sameButDays(&next) {
			last.Until = until
			return
		}
	}
	w.spells = append(w.spells, next)
}

// firstDay returns the first day of a month, Never for NeverMonth.
func firstDay(m temporal.Month) temporal.Date {
	if m == NeverMonth {
		return Never
	}
	return m.First()
}
