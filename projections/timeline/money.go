package timeline

import (
	"slices"

	"cakupan/domain/enrolment"
	"cakupan/domain/temporal"
	"cakupan/projections/steps"
)

// memoryMonths is for how many months after it a month's money still counts: see grace and due in
// the contract.
const memoryMonths = 3

// A class is one kind of money that a month can have: credited, or from a source, promised or
// disbursed. A set of classes fits 32 bits, a bit each.
type class uint8

const (
	sources = 8 // of money, see [enrolment.Sources]

	promisedClass  class = 0           // and those of the other sources after it
	disbursedClass class = sources     // likewise
	creditedClass  class = 2 * sources // the last one
	classCount           = 2*sources + 1
)

// money is the grants, revocations and credits of an enrolment, and what they come to. Counts say
// how many facts give a month its class, so that one of several may go without a change.
type money struct {
	pairs   map[uint32]*pair // by commitment
	classes [classCount]steps.Counts
}

// pair is what was reported of the enrolment and one commitment, each in order of sequence.
type pair struct {
	grants  []grant
	revokes []revoke
}

// grant is a granted event. Whether the commitment has closed is with the purse, which all its
// grants share.
type grant struct {
	sequence    uint64
	from, until temporal.Month
	revoked     temporal.Month // derived: the earliest month of a revocation with a higher sequence
}

// revoke is a revoked event.
type revoke struct {
	sequence uint64
	from     temporal.Month
}

// flip is a span of months that a class begins or ceases to have. Months that flip twice have come
// to what they were.
type flip struct {
	from, until temporal.Month
	class       class
}

// window is a span of months.
type window struct{ from, until temporal.Month }

// speaks returns the first credited month.
func (m *money) speaks() temporal.Month {
	if first, found := m.classes[creditedClass].First(); found {
		return temporal.Month(first)
	}
	return enrolment.NeverMonth
}

// count adds a span to the count of a class, or removes it, and notes where the class flips. Flips
// are appended, and not yet in order.
func (m *money) count(k class, from, until temporal.Month, weight int, d *Difference) {
	note := func(from, until int32) {
		d.flips = append(d.flips, flip{temporal.Month(from), temporal.Month(until), k})
	}
	if weight > 0 {
		m.classes[k].Add(int32(from), int32(until), note)
	} else {
		m.classes[k].Remove(int32(from), int32(until), note)
	}
}

// countGrant adds or removes what a grant pays of the months [from, until). Months that the purse
// has disbursed go to another class than those it has only promised. The purse must be the same
// when they are removed as when they were added.
func (m *money) countGrant(from, until temporal.Month, of *enrolment.Purse, weight int,
	d *Difference,
) {
	promised, disbursed := classesOf(of)
	for next := enrolment.EndingAfter(of.Disbursed, from); from < until; next++ {
		paid := enrolment.Span{From: until, Until: until}
		if next < len(of.Disbursed) {
			paid = of.Disbursed[next]
		}
		m.count(promised, from, min(until, paid.From), weight, d)
		m.count(disbursed, max(from, paid.From), min(until, paid.Until), weight, d)
		from = max(from, paid.Until)
	}
}

// classesOf returns the classes of a commitment's months. A purse has one source, as a set of one.
func classesOf(of *enrolment.Purse) (promised, disbursed class) {
	source := class(0)
	for of.Source>>source > 1 {
		source++
	}
	return promisedClass + source, disbursedClass + source
}

// during works out the money of the months of a window, as it was before the flips that are given,
// in order of their first month. What flips twice is as it was. That saves a copy of the counts as
// they were: a flip undone is the state before.
func (m *money) during(w window, flips []flip, into *enrolment.Money) {
	*into = enrolment.NoMoney(into.Months)
	var active []flip
	next := 0
	for at := w.from; at < w.until; {
		set, until := m.at(at, w.until)
		for next < len(flips) && flips[next].from <= at {
			active = append(active, flips[next])
			next++
		}
		if next < len(flips) {
			until = min(until, flips[next].from)
		}
		active = slices.DeleteFunc(active, func(f flip) bool { return f.until <= at })
		for _, f := range active {
			set ^= 1 << f.class
			until = min(until, f.until)
		}
		into.Months = appendMonths(into.Months, at, until, set)
		at = until
	}
}

// at returns the classes of a month, and up to which month they hold. It goes through all classes,
// of which nearly all are empty.
func (m *money) at(month, until temporal.Month) (set uint32, end temporal.Month) {
	for k := range m.classes {
		if m.classes[k].Empty() {
			continue
		}
		count, next := m.classes[k].At(int32(month))
		until = min(until, temporal.Month(next))
		if count > 0 {
			set |= 1 << k
		}
	}
	return set, until
}

// appendMonths appends the months [from, until) with a set of classes, if there is one. Sources lie
// in the lowest bits of the set, first promised, then disbursed, in the order of their own set.
func appendMonths(dst []enrolment.Months, from, until temporal.Month, set uint32,
) []enrolment.Months {
	if set == 0 {
		return dst
	}
	promised, disbursed := enrolment.Sources(set), enrolment.Sources(set>>disbursedClass)
	m := enrolment.Months{From: from, Until: until, Sources: promised | disbursed}
	if promised != 0 {
		m.Evidence |= enrolment.Promised
	}
	if disbursed != 0 {
		m.Evidence |= enrolment.Disbursed
	}
	if set>>creditedClass != 0 {
		m.Evidence |= enrolment.Credited
	}
	return append(dst, m)
}

// flipsIn returns the flips of one of the windows. They are in order, and none begins in one window
// and goes on in another.
func (d *Difference) flipsIn(w window) []flip {
	first := func(month temporal.Month) int {
		at, _ := slices.BinarySearchFunc(d.flips, month, func(f flip, month temporal.Month) int {
			return int(f.from) - int(month)
		})
		return at
	}
	return d.flips[first(w.from):first(w.until)]
}

// collect sorts the flips and joins the months on which they count to windows; also those that
// credits begin or cease to speak of. Money goes on to count for three months behind its own.
func (d *Difference) collect(spoke, speaks temporal.Month) {
	slices.SortFunc(d.flips, func(a, b flip) int {
		if a.from != b.from {
			return int(a.from) - int(b.from)
		}
		return int(a.class) - int(b.class)
	})
	if spoke != speaks {
		d.windows = append(d.windows, window{min(spoke, speaks), max(spoke, speaks)})
	}
	for _, f := range d.flips {
		w := window{f.from, f.until}
		if f.until < enrolment.NeverMonth {
			w.until += memoryMonths
		}
		d.windows = append(d.windows, w)
	}
	slices.SortFunc(d.windows, func(a, b window) int { return int(a.from) - int(b.from) })
	joined := d.windows[:0]
	for _, w := range d.windows {
		if n := len(joined); n > 0 && w.from <= joined[n-1].until {
			joined[n-1].until = max(joined[n-1].until, w.until)
			continue
		}
		joined = append(joined, w)
	}
	d.windows = joined
}
