package findings

import (
	"cmp"
	"math/big"
	"slices"

	"cakupan/domain/enrolment"
	"cakupan/domain/region"
	"cakupan/projections/facts"
	"cakupan/projections/steps"
)

// fewEnrolments is up to how many enrolments of a person are read anew for each event. What those
// of others come to is kept. Either way leads to the same: few are cheaper to read than to keep.
const fewEnrolments = 8

// noMoney is what was spent of a commitment of which nothing was said. It is shared, and never
// changed.
var noMoney = new(big.Int)

// crowd is what the many enrolments of one person come to. It is derived, and kept for as long as
// the person has that many; it goes with the person's number when a merge comes or goes.
type crowd struct {
	whole
	covered map[region.Code]*steps.Counts // month ends, by region
}

// weighing tells months in a region in which somebody is covered, or with weight -1 no more. They
// are told to Show, as steps, or to nobody.
type weighing func(code region.Code, s enrolment.Span, weight int64)

// add adds what an enrolment is to the person, or takes it away, and tells by what that changes
// where the person is covered.
func (w *crowd) add(c *course, is members, weight int32, tell weighing) {
	w.whole.add(c, is, weight)
	spells := c.spells()
	for i := range spells {
		if s := &spells[i]; is(s.Worker) {
			w.coverIn(s, int64(weight), tell)
		}
	}
}

// coverIn counts a spell of the person where he is covered in it. It may come in parts: the ends of
// months that these have are those of the whole.
func (w *crowd) coverIn(s *enrolment.Spell, weight int64, tell weighing) {
	if s.InGrace() {
		return
	}
	ends := monthEnds(s)
	for _, code := range levels(s.Terms.Region) {
		w.cover(code, ends, weight, tell)
	}
}

// cover counts the ends of months in a region, and tells those on which the person comes to be
// covered or stops: a second enrolment there changes nothing.
func (w *crowd) cover(code region.Code, ends enrolment.Span, weight int64, tell weighing) {
	counts := w.covered[code]
	if counts == nil {
		counts = &steps.Counts{}
		w.covered[code] = counts
	}
	flip := func(from, until int32) { tell(code, spanOf(from, until), weight) }
	if weight > 0 {
		counts.Add(int32(ends.From), int32(ends.Until), flip)
	} else {
		counts.Remove(int32(ends.From), int32(ends.Until), flip)
	}
}

// places are the regions in which a person is covered, and on the ends of which months; in order.
type places []place

type place struct {
	code region.Code
	ends months
}

// levels returns a regency, its province and the nation.
func levels(r region.Code) [3]region.Code { return [...]region.Code{r, r.Parent(), region.Nation} }

// stay is a regency in which a person is covered, and on the ends of which months.
type stay struct {
	code region.Code
	enrolment.Span
}

// staysOf appends the stays of a person who is no crowd: by regency, in order of time, with gaps
// between them. Courses that are long are not opened for the person then, but were.
func (f *fold) staysOf(all []stay, person uint32) []stay {
	if e, single := f.s.Single(person); single {
		if f.isLong.has(e) {
			return all
		}
		all = f.courseOf(e).appendStays(all, func(w uint32) bool { return w == person })
	} else {
		is := f.members(person)
		for _, e := range f.short(f.enrolments(f.homes(person))) {
			all = f.courseOf(e).appendStays(all, is)
		}
	}
	if len(all) < 2 {
		return all
	}
	slices.SortFunc(all, func(a, b stay) int {
		return cmp.Or(int(a.code)-int(b.code), int(a.From-b.From))
	})
	joined := all[:min(1, len(all))]
	for i := 1; i < len(all); i++ {
		last, s := &joined[len(joined)-1], all[i]
		if s.code == last.code && s.From <= last.Until {
			last.Until = max(last.Until, s.Until)
			continue
		}
		joined = append(joined, s)
	}
	return joined
}

// appendStays appends the stays of one of the ids that are one person.
func (c *course) appendStays(all []stay, is members) []stay {
	spells := c.spells()
	for i := range spells {
		s := &spells[i]
		ends := monthEnds(s)
		if !s.InGrace() && ends.From < ends.Until && is(s.Worker) {
			all = append(all, stay{s.Terms.Region, ends})
		}
	}
	return all
}

// placesOf returns the places of stays.
func placesOf(stays []stay) places {
	var all places
	add := func(s stay) {
		for i := range all {
			if all[i].code == s.code {
				all[i].ends = append(all[i].ends, s.Span)
				return
			}
		}
		all = append(all, place{s.code, months{s.Span}})
	}
	for _, s := range stays {
		for _, code := range levels(s.code) {
			add(stay{code, s.Span})
		}
	}
	for i := range all {
		all[i].ends = union(all[i].ends)
	}
	slices.SortFunc(all, func(a, b place) int { return int(a.code) - int(b.code) })
	return all
}

// countAll counts the places of a person. Months of a place are a set, so that each counts once.
func (r *regions) countAll(all places, weight int64) {
	for _, p := range all {
		for _, s := range p.ends {
			r.count(p.code, s, weight)
		}
	}
}

// compare counts by what the stays of a person differ. Nearly always they are in one regency: then
// what differs there does so in its province and the nation.
//
// Both are as staysOf returns them. What is counted is only what differs, and each person once in a
// region, whatever the number of enrolments: a person in two regencies of a province counts once in
// it (contract, section 3).
func (r *regions) compare(before, after []stay) {
	same := 0
	for same < min(len(before), len(after)) && before[same] == after[same] {
		same++
	}
	if same == max(len(before), len(after)) {
		return
	}
	some := after
	if len(after) == 0 {
		some = before
	}
	code := some[0].code
	elsewhere := func(s stay) bool { return s.code != code }
	if code.Level() != region.RegencyLevel || slices.ContainsFunc(before, elsewhere) ||
		slices.ContainsFunc(after, elsewhere) {
		r.differ(placesOf(before), placesOf(after))
		return
	}
	before, after = before[same:], after[same:]
	r.gone, r.come = spansOf(r.gone[:0], before), spansOf(r.come[:0], after)
	r.rest = r.gone.appendMinus(r.rest[:0], r.come)
	r.countLevels(code, r.rest, -1)
	r.rest = r.come.appendMinus(r.rest[:0], r.gone)
	r.countLevels(code, r.rest, +1)
}

// spansOf appends the months of stays in one regency.
func spansOf(m months, stays []stay) months {
	for i := range stays {
		m = append(m, stays[i].Span)
	}
	return m
}

// countLevels counts months in a regency, its province and the nation.
func (r *regions) countLevels(code region.Code, m months, weight int64) {
	for _, s := range m {
		for _, level := range levels(code) {
			r.count(level, s, weight)
		}
	}
}

// differ counts by what the places of a person differ.
func (r *regions) differ(before, after places) {
	for i, j := 0, 0; i < len(before) || j < len(after); {
		var were, are months
		code := region.Code(1<<16 - 1)
		if i < len(before) {
			code = before[i].code
		}
		if j < len(after) {
			code = min(code, after[j].code)
		}
		if i < len(before) && before[i].code == code {
			were = before[i].ends
			i++
		}
		if j < len(after) && after[j].code == code {
			are = after[j].ends
			j++
		}
		if slices.Equal(were, are) {
			continue
		}
		r.countAll(places{{code, were.minus(are)}}, -1)
		r.countAll(places{{code, are.minus(were)}}, +1)
	}
}

// out tells that a person is covered nowhere any more. The steps that it leaves make Show take away
// what it has counted.
func (f *fold) out(person uint32) {
	crowd := f.crowds[person]
	if crowd == nil {
		f.stand(person, nil)
		return
	}
	for code, counts := range crowd.covered { // each for itself: in any order
		counts.Each(func(from, until int32) { f.weigh(code, spanOf(from, until), -1) })
	}
	delete(f.crowds, person)
}

// in tells where a person is covered of whom nothing was told. A person must not be a crowd yet.
func (f *fold) in(person uint32) {
	if !f.isCrowd(person) {
		f.stays = f.staysOf(f.stays[:0], person)
		f.stand(person, f.stays)
		return
	}
	f.crowds[person] = f.crowdOf(person, facts.NoEnrolment, f.weigh)
}

// isCrowd reports whether what a person's enrolments come to is to be kept: they are many, or one
// of them has very many facts.
func (f *fold) isCrowd(person uint32) bool {
	return f.s.Opened(person, f.fewest+1) > f.fewest || f.hasLong(person)
}

// keep keeps what the enrolments of a person come to, if they are many now. It is never given up
// when they become few: what was opened once stays opened for this.
func (f *fold) keep(person uint32) {
	if _, single := f.s.Single(person); single {
		return
	}
	if f.s.Opened(person, f.fewest+1) > f.fewest {
		f.keepBut(person, facts.NoEnrolment)
	}
}

// keepBut keeps what the enrolments of a person come to but for one, of whom Show was told where
// that is covered.
func (f *fold) keepBut(person, except uint32) *crowd {
	untold := func(region.Code, enrolment.Span, int64) {}
	crowd := f.crowdOf(person, except, untold)
	f.crowds[person] = crowd
	f.do(step{do: forget, number: person}) // it is counted where it is told that it stays
	return crowd
}

// crowdOf counts all enrolments of a person but for one, with a telling of each.
func (f *fold) crowdOf(person, except uint32, tell weighing) *crowd {
	w, is := &crowd{covered: map[region.Code]*steps.Counts{}}, f.members(person)
	for _, e := range f.enrolments(f.homes(person)) {
		f.crowded.set(e, true)
		if e == except {
			continue
		}
		if c := f.courseOf(e); c.isOf(is) {
			w.add(c, is, +1, tell)
		}
	}
	return w
}

// checkWorker returns what is wrong with the person whose least id a worker's is; nothing when it
// is not the least of a person.
//
// Most persons have one enrolment that one commitment pays, and live: nothing can be wrong with
// them, and nothing is read but its course. For some enrolments pieces are compared with each
// other; only where there are many pieces are they counted.
func (f *fold) checkWorker(w uint32) []found {
	died := f.died(w)
	if len(f.crowds) > 0 {
		person := f.s.Person(w)
		if crowd := f.crowds[person]; crowd != nil {
			if f.leastOf(person) != w {
				return nil
			}
			return crowd.check(died)
		}
	}
	if e, single := f.s.Single(w); single && (f.isLong.has(e) ||
		died == enrolment.Never && !f.courseOf(e).several()) {
		return nil
	}
	person := f.s.Person(w)
	if f.leastOf(person) != w {
		return nil
	}
	is, enrolments := f.members(w), f.short(f.enrolments(f.homes(w)))
	few := &f.few
	few.open, few.paid, few.last = few.open[:0], few.paid[:0], -enrolment.NeverMonth
	for _, e := range enrolments {
		if c := f.courseOf(e); c.isOf(is) {
			few.add(c, is)
		}
	}
	if len(few.open) <= lightMax && len(few.paid) <= lightMax {
		return few.check(died)
	}
	var all whole
	for _, e := range enrolments {
		if c := f.courseOf(e); c.isOf(is) {
			all.add(c, is, +1)
		}
	}
	return all.check(died)
}
