// Package timeline keeps what the facts in force about one enrolment come to, day by day, so that a
// fact that comes or goes costs what it changes, and not what was there before.
//
// It is for enrolments with many facts; those of a few are worked out anew, which is cheaper.
//
// It lives in memory alone, and is made of the facts when it is first needed: see [New]. What it
// says has to be the same as package enrolment says of the same facts.
package timeline

import (
	"cakupan/domain/enrolment"
	"cakupan/domain/temporal"
)

// Timeline is what the facts in force about one enrolment come to. The zero value is that of an
// enrolment without facts. It belongs to one goroutine. After it was made, each fact has to be told
// to it once, and each retraction of one too.
type Timeline struct {
	terms terms
	money money
	facts int
}

// Len returns how many facts there are.
func (t *Timeline) Len() int { return t.facts }

// Difference is what a fact that comes or goes changes: the spells of the days on which something
// is different, before and after. Spells may be cut where those days begin and end.
//
// It is memory that is used again for the next fact; what it holds is valid until then. The zero
// value is ready.
type Difference struct {
	Were, Are []enrolment.Spell

	were, are []enrolment.Stretch // memory
	months    enrolment.Money
	flips     []flip
	windows   []window
}

// Stretches returns the stretches that a change of terms makes different, before and after it.
// Those of both lie on the same days, and where it is open on one side only the other side has
// none. Only Change and Unchange tell them.
func (d *Difference) Stretches() (were, are []enrolment.Stretch) { return d.were, d.are }

// Died returns the last day of life of a worker, [enrolment.Never] when no death is known. It is
// asked while a fact is taken in, and must answer as of that moment.
type Died func(worker uint32) temporal.Date

// Clear makes the difference none.
func (d *Difference) Clear() {
	d.Were, d.Are = d.Were[:0], d.Are[:0]
	d.were, d.are, d.flips, d.windows = d.were[:0], d.are[:0], d.flips[:0], d.windows[:0]
}

// Change adds a change, whose place among the others is that of its day and sequence.
//
// The difference is emptied first, as by all of these: it is of this change alone.
func (t *Timeline) Change(c enrolment.Change, died Died, d *Difference) {
	d.Clear()
	t.facts++
	t.terms.insert(c, d)
	t.spellsOfTerms(died, d)
}

// Unchange removes the change of that day and sequence. One that is not there changes nothing.
func (t *Timeline) Unchange(on temporal.Date, sequence uint64, died Died, d *Difference) {
	d.Clear()
	t.facts--
	t.terms.remove(on, sequence, d)
	t.spellsOfTerms(died, d)
}

// spellsOfTerms works out the spells of the stretches before and after a change of terms, which
// lie on the same days.
func (t *Timeline) spellsOfTerms(died Died, d *Difference) {
	// The money is the same on both sides.
	d.Were = t.appendSpells(d.Were, d.were, died, d)
	d.Are = t.appendSpells(d.Are, d.are, died, d)
}

// appendSpells appends the spells of stretches under the money that there is.
func (t *Timeline) appendSpells(dst []enrolment.Spell, stretches []enrolment.Stretch,
	died Died, d *Difference,
) []enrolment.Spell {
	// Money beyond the stretch is left out but for when credits speak, which is asked of all of it.
	for i := range stretches {
		s := &stretches[i]
		w := months(s.From, s.Until)
		t.money.during(w, nil, &d.months)
		d.months.Speaks = t.money.speaks()
		dst = enrolment.AppendSpells(dst, *s, died(s.Worker), &d.months)
	}
	return dst
}

// months returns the months whose money counts on some of the days [from, until). Those before
// count by grace and by an employer's due.
func months(from, until temporal.Date) window {
	w := window{from.Month() - memoryMonths, enrolment.NeverMonth}
	if until < enrolment.Never {
		w.until = (until - 1).Month() + 1
	}
	return w
}

// AppendSpells appends the spells of the days [from, until), of all workers. The difference is
// memory alone here: its spells stay as they are.
func (t *Timeline) AppendSpells(dst []enrolment.Spell, from, until temporal.Date, died Died,
	d *Difference,
) []enrolment.Spell {
	d.were = t.terms.appendStretches(d.were[:0], from, until)
	return t.appendSpells(dst, d.were, died, d)
}

// AppendStretches appends the stretches of the days [from, until), of all workers.
func (t *Timeline) AppendStretches(dst []enrolment.Stretch, from, until temporal.Date,
) []enrolment.Stretch {
	return t.terms.appendStretches(dst, from, until)
}

// spellsOfMoney works out the spells of the days that flips of the money reach, before and after
// them. The credits spoke from the month before on. Other days are not looked at, however long the
// enrolment is.
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
			// Where it is not open, money changes nothing.
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
