package findings

import (
	"slices"

	"cakupan/domain/enrolment"
	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections/steps"
)

// segments is above every segment. It is the length of an array by segment; number 0 is none.
const segments = event.PMI + 1

// whole is what the enrolments of one person come to together. The zero value is that of a person
// without one.
//
// Each enrolment adds to counts, so that one of hundreds that comes or goes costs a search and not
// a comparison with all others. It tells which codes are wrong, as the rules do, but no months and
// no events.
type whole struct {
	open    [segments]heights        // days: how many enrolments of the segment are open
	paid    map[uint32]*steps.Counts // by commitment: the months that it pays
	payers  heights                  // months: how many commitments pay
	moneyed heights                  // months: how much pays or is credited
}

// add adds what an enrolment is to a person, or takes it away. Only the stretches of the person's
// own ids count; what is paid for the enrolment counts as a whole, as in the rules: who was paid
// for in which month is nothing that a grant says.
func (w *whole) add(c *course, is members, weight int32) {
	for i := range c.stretches {
		if s := &c.stretches[i]; is(s.Worker) {
			w.open[s.Terms.Segment].add(int32(s.From), int32(s.Until), weight)
		}
	}
	c.commitments(func(commitment uint32, pays months) {
		for _, s := range pays {
			w.pay(commitment, s, weight)
			w.moneyed.add(int32(s.From), int32(s.Until), weight)
		}
	})
	for _, credit := range c.facts.Credits() {
		w.moneyed.add(int32(credit.From), int32(credit.Until), weight)
	}
}

// pay counts the months that a commitment pays. A commitment that pays a month by two enrolments of
// the person is one payer: what is noted is where a commitment comes to pay, or stops.
func (w *whole) pay(commitment uint32, s enrolment.Span, weight int32) {
	if w.paid == nil {
		w.paid = map[uint32]*steps.Counts{}
	}
	counts := w.paid[commitment]
	if counts == nil {
		counts = &steps.Counts{}
		w.paid[commitment] = counts
	}
	flip := func(from, until int32) { w.payers.add(from, until, weight) }
	if weight > 0 {
		counts.Add(int32(s.From), int32(s.Until), flip)
	} else {
		counts.Remove(int32(s.From), int32(s.Until), flip)
	}
}

// check returns what is wrong with the person, but for its details: those tell a person's courses.
// The codes come out as from the rules below and from light: tests compare the three.
func (w *whole) check(died temporal.Date) []found {
	var k sink
	if w.payers.most() > 1 {
		k.add(DoubleFunded, 0, nil)
	}
	if died < enrolment.Never && w.moneyed.after(int32(died.Month()+1)) {
		k.add(PaidAfterDeath, 0, nil)
	}
	for i := range w.open {
		if w.open[i].most() > 1 {
			k.add(TwoOpen, 0, nil)
			break
		}
	}
	return k.done()
}

// person is a person as the rules see one for an answer. Courses are those that were opened for the
// person, in order of their numbers. The death is the earliest one in force; 0 with died Never.
type person struct {
	ids     []uint32 // in order
	died    temporal.Date
	death   eventstore.Sequence
	courses []*course
}

func (p *person) has(w uint32) bool {
	_, found := slices.BinarySearch(p.ids, w)
	return found
}

// personRules are about one person.
func personRules() []func(*view, *person, *sink) {
	return []func(*view, *person, *sink){doubleFunded, paidAfterDeath, twoOpen}
}

// checkPerson returns what is wrong with a person, with details.
func checkPerson(v *view, p *person) []found {
	var k sink
	for _, rule := range personRules() {
		rule(v, p, &k)
	}
	return k.done()
}

// payment is the months that one commitment pays of a person, by whichever enrolment. The tariff is
// 0 where the commitment is not known.
type payment struct {
	commitment uint32
	pays       months
	tariff     int64
}

func (p *person) payments(v *view) (all []payment) {
	for _, c := range p.courses {
		c.commitments(func(commitment uint32, pays months) {
			i := slices.IndexFunc(all, func(other payment) bool {
				return other.commitment == commitment
			})
			if i < 0 {
				all = append(all, payment{commitment, nil, v.budget(commitment).tariff})
				i = len(all) - 1
			}
			all[i].pays = all[i].pays.with(pays)
		})
	}
	return all
}

// Grants of two or more commitments pay the same month of one worker. At stake is what is paid
// beside the dearest of them. So the order of the commitments says nothing, and with one tariff it
// is what is paid twice.
func doubleFunded(v *view, p *person, k *sink) {
	var once, twice months
	payments := p.payments(v)
	slices.SortStableFunc(payments, func(a, b payment) int { // the dearest first
		return int(min(1, max(-1, b.tariff-a.tariff)))
	})
	rupiah := int64(0)
	for _, pay := range payments {
		again := once.and(pay.pays)
		twice, once = twice.with(again), once.with(pay.pays)
		rupiah = plus(rupiah, times(again.count(), pay.tariff))
	}
	if len(twice) == 0 {
		return
	}
	f := k.add(DoubleFunded, 0, twice)
	f.rupiah = rupiah
	for _, pay := range payments {
		if len(pay.pays.and(twice)) > 0 {
			f.count++
		}
	}
	for _, c := range p.courses {
		f.events = append(f.events, paying(c.grants, twice)...)
	}
}

// paying returns those grants that pay one of the months, which are a set; of none all.
func paying(grants []grant, m months) (all []eventstore.Sequence) {
	for i := range grants {
		if g := &grants[i]; len(m) == 0 || m.meets(g.From, g.until) {
			all = append(all, g.Sequence)
		}
	}
	return all
}

// A month after the month of a worker's death is paid or credited. The month of death itself is
// owed.
func paidAfterDeath(v *view, p *person, k *sink) {
	if p.died == enrolment.Never {
		return
	}
	later := span(p.died.Month()+1, enrolment.NeverMonth)
	for _, c := range p.courses {
		m := c.paid().with(c.credited()).and(later)
		if len(m) == 0 {
			continue
		}
		f := k.add(PaidAfterDeath, 0, m, p.death)
		f.events = append(f.events, paying(c.grants, later)...)
		for _, credit := range c.facts.Credits() {
			if len(span(credit.From, credit.Until).and(later)) > 0 {
				f.events = append(f.events, credit.Sequence)
			}
		}
		c.commitments(func(commitment uint32, pays months) {
			dead := pays.and(later).count()
			f.rupiah = plus(f.rupiah, times(dead, v.budget(commitment).tariff))
		})
	}
}

// One worker has two enrolments of one segment open on the same day. The months that both are open
// on are of interest up to the month of K's record time: what has no end would have no last month.
func twoOpen(v *view, p *person, k *sink) {
	type opened struct {
		enrolment.Stretch
		c *course
	}
	var all []opened
	for _, c := range p.courses {
		for _, s := range c.stretches {
			if p.has(s.Worker) && s.From < s.Until {
				all = append(all, opened{s, c})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b opened) int { return int(a.From) - int(b.From) })
	// Of those that have begun, the one that ends last is enough: if it does not reach into the
	// next one, none does.
	var last [segments]*opened // the one that ends last, of those that have begun
	for i := range all {
		s := &all[i]
		before := last[s.Terms.Segment]
		if before != nil && before.c != s.c && before.Until > s.From {
			both := touched(s.From, min(s.Until, before.Until))
			until := min(both.Until, max(both.From, v.month)+1) // up to now: it may have no end
			f := k.add(TwoOpen, 0, span(both.From, until))
			f.events = append(f.events, before.c.events(event.EnrolmentOpened)...)
			f.events = append(f.events, s.c.events(event.EnrolmentOpened)...)
		}
		if before == nil || s.Until > before.Until {
			last[s.Terms.Segment] = s
		}
	}
}

// plus adds numbers of 0 and more, up to the largest there is. Both are at most the largest, so
// that a sum that is too large is negative.
func plus(a, b int64) int64 {
	if sum := a + b; sum >= 0 {
		return sum
	}
	return 1<<63 - 1
}
