// Package timeline keeps what the facts in force about one enrolment come to, day by day, so that a
// fact that comes or goes costs what it changes, and not what was there before.
//
// It is for enrolments with many facts; those of a few are worked out anew, which is cheaper.
package timeline

import (
	"cakupan/domain/enrolment"
	"cakupan/domain/temporal"
)

// Timeline is what the facts in force about one enrolment come to. The zero value is that of an
// enrolment without facts. It belongs to one goroutine.
type Timeline struct {
	terms terms
	money money
}

// Difference is what a fact that comes or goes changes: the spells of the days on which something
// is different, before and after. Spells may be cut where those days begin and end.
type Difference struct {
	Were, Are []enrolment.Spell

	were, are []enrolment.Stretch // memory
	months    enrolment.Money
	flips     []flip
	windows   []window
}

// Died returns the last day of life of a worker, [enrolment.Never] when no death is known.
type Died func(worker uint32) temporal.Date

// Clear makes the difference none.
func (d *Difference) Clear() {
	d.Were, d.Are = d.Were[:0], d.Are[:0]
	d.were, d.are, d.flips, d.windows = d.were[:0], d.are[:0], d.flips[:0], d.windows[:0]
}

// Change adds a change, whose place among the others is that of its day and sequence.
func (t *Timeline) Change(c enrolment.Change, died Died, d *Difference) {
	d.Clear()
	t.terms.insert(c, d)
	t.spellsOfTerms(died, d)
}

// Unchange removes the change of that day and sequence.
func (t *Timeline) Unchange(on temporal.Date, sequence uint64, died Died, d *Difference) {
	d.Clear()
	t.terms.remove(on, sequence, d)
	t.spellsOfTerms(died, d)
}

// spellsOfTerms works out the spells of the stretches before and after a change of terms, which
// lie on the same days.
func (t *Timeline) spellsOfTerms(died Died, d *Difference) {
	d.Were = t.appendSpells(d.Were, d.were, died, d)
	d.Are = t.appendSpells(d.Are, d.are, died, d)
}

// appendSpells appends the spells of stretches under the money that there is.
func (t *Timeline) appendSpells(dst []enrolment.Spell, stretches []enrolment.Stretch,
	died Died, d *Difference,
) []enrolment.Spell {
	for i := range stretches {
		s := &stretches[i]
		w := months(s.From, s.Until)
		t.money.during(w, nil, &d.months)
		d.months.Speaks = t.money.speaks()
		dst = enrolment.AppendSpells(dst, *s, died(s.Worker), &d.months)
	}
	return dst
}

// months returns the months whose money counts on some of the days [from, until).
func months(from, until temporal.Date) window {
	w := window{from.Month() - memoryMonths, enrolment.NeverMonth}
	if until < enrolment.Never {
		w.until = (until - 1).Month() + 1
	}
	return w
}

// AppendSpells appends the spells of the days [from, until), of all workers.
func (t *Timeline) AppendSpells(dst []enrolment.Spell, from, until temporal.Date, died Died,
	d *Difference,
) []enrolment.Spell {
	d.were = t.terms.appendStretches(d.were[:0], from, until)
	return t.appendSpells(dst, d.were, died, d)
}

// spellsOfMoney works out the spells of the days that flips of the money reach, before and after
// them. The credits spoke from the month before on.
func (t *Timeline) spellsOfMoney(spoke temporal.Month, died Died, d *Difference) {
	speaks := t.money.speaks()
	d.collect(spoke, speaks)
	for _, w := range d.windows {
		from, until := w.from.First(), enrolment.Never
		if w.until < enrolment.NeverMonth {
			until = w.until.First()
		}
		d.were = t.terms.appendStretches(d.were[:0], from, until)
		if len(d.were) == 0 {
			continue
		}
		in := months(d.were[0].From, d.were[len(d.were)-1].Until)
		t.money.during(in, d.flipsIn(w), &d.months)
		d.months.Speaks = spoke
		for i := range d.were {
			d.Were = enrolment.AppendSpells(d.Were, d.were[i], died(d.were[i].Worker), &d.months)
		}
		t.money.during(in, nil, &d.months)
		d.months.Speaks = speaks
		for i := range d.were {
			d.Are = enrolment.AppendSpells(d.Are, d.were[i], died(d.were[i].Worker), &d.months)
		}
	}
}
