package enrolment

import (
	"cakupan/domain/event"
	"cakupan/domain/temporal"
)

// Spell is a span of days on which an enrolment is covered, or in grace, without a change.
type Spell struct {
	From, Until temporal.Date // Until is out; Never when nothing ends it
	Worker      uint32
	Terms       Terms
	Sources     Sources // covered with payer APBD: whose money
	InGrace     bool    // in grace instead of covered
}

// AppendSpells appends the spells of one stretch, in order of time. The worker lives until
// died, the last day of life (Never: no death is known); paid are the months that grants of the
// enrolment pay, as [AddPaid] leaves them.
func AppendSpells(dst []Spell, s Stretch, died temporal.Date, paid []Paid) []Spell {
	if died < Never {
		s.Until = min(s.Until, died+1)
	}
	if s.Until <= s.From {
		return dst
	}
	spell := Spell{From: s.From, Until: s.Until, Worker: s.Worker, Terms: s.Terms}
	if s.Terms.Payer != event.APBD {
		return append(dst, spell)
	}
	for i, p := range paid {
		spell.Sources, spell.InGrace = p.Sources, false
		dst = appendMonths(dst, spell, s, p.From, p.Until)
		graceEnd := p.Until + graceMonths
		if i+1 < len(paid) {
			graceEnd = min(graceEnd, paid[i+1].From)
		}
		spell.Sources, spell.InGrace = 0, true
		dst = appendMonths(dst, spell, s, p.Until, graceEnd)
	}
	return dst
}

// appendMonths appends the spell for the days of the months [from, until) within the stretch.
func appendMonths(dst []Spell, spell Spell, s Stretch, from, until temporal.Month) []Spell {
	if until <= from {
		return dst
	}
	spell.From = max(s.From, from.First())
	spell.Until = min(s.Until, until.First())
	if spell.Until <= spell.From {
		return dst
	}
	return append(dst, spell)
}
