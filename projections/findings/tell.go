package findings

import (
	"cmp"
	"math/big"
	"slices"

	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections/facts"
)

// teller works findings out from the records, by the rules, over what was in force then.
//
// A record has no details, so that they need not be kept up to date by the fold. They are those as
// known at k: of an open finding what was asked for, of a resolved one the event before the one
// that resolved it. It reads the state and holds no lock: the caller does.
type teller struct {
	f     *fold
	known eventstore.Sequence
	view  view // of the finding told last
	kept  *tolds
}

// said is what words are made of, beside what a finding shows.
type said struct {
	code   Code
	kind   kind
	months months
	count  int64
	date   temporal.Date // dated: the event's
	day    temporal.Date // dated: on which it was recorded
}

// tell works a finding out. It asks the same rules that raised it, and takes what they say of its
// code. Findings of one knowledge come together, so that a view is used again.
func (d *teller) tell(r *record) line {
	l := line{
		Finding: Finding{Code: r.code.String(), Since: r.since},
		said:    said{code: r.code, kind: r.kind},
	}
	k := d.known
	if r.until != 0 && r.until <= d.known {
		until := r.until
		l.Until, k = &until, r.until-1
	}
	k = min(k, d.f.shown.last)
	if d.view.k != k || d.view.s == nil {
		d.view = view{
			s: d.f.s, l: d.f.l, k: k, closings: map[uint32]temporal.Month{},
			deaths: facts.DeathsAsOf(k), leasts: map[uint32]uint32{}, looked: d.view.looked,
		}
		d.view.setToday(d.f.l.day(k))
	}
	switch r.kind {
	case ofEnrolment:
		d.enrolment(&l, r)
	case ofWorker:
		d.worker(&l, r)
	case ofCommitment:
		d.commitment(&l, r)
	case ofRegion:
		d.region(&l, r)
	}
	if l.Events == nil {
		l.Events = []eventstore.Sequence{}
	}
	return l
}

// take takes what rules have found, in their order, as far as the record is of it. Rupiah is left
// out where no money is at stake, or nobody knows how much.
func (l *line) take(all []found, r *record) {
	i, is := slices.BinarySearchFunc(all, mark{r.code, r.second}, func(f found, m mark) int {
		return cmp.Or(cmp.Compare(f.code, m.code), cmp.Compare(f.second, m.second))
	})
	if !is {
		return // damaged: what is stored says otherwise
	}
	f := &all[i]
	l.Events, l.said.months, l.said.count = f.events, f.months, f.count
	l.Months = Months{List: f.months.texts(), Buys: f.money}
	if r.code.priced() && (f.rupiah > 0 || r.kind == ofCommitment) {
		l.Rupiah = &f.rupiah
	}
}

// texts returns the months one by one. What has no end is told up to the last month that can be
// written.
func (m months) texts() (all []string) {
	for _, s := range m {
		for month := s.From; month < s.Until && month <= temporal.MaxDate.Month(); month++ {
			all = append(all, month.String())
		}
	}
	return all
}

// dated tells the date of an event. Its date and its record day are facts, whatever else has
// changed.
func (d *teller) dated(l *line, r *record) {
	l.Events = []eventstore.Sequence{r.since}
	l.said.date, l.said.day = temporal.Date(int32(r.second)), d.f.l.day(r.since)
}

// enrolment tells a finding about an enrolment. It is listed under the person of its first opening.
func (d *teller) enrolment(l *line, r *record) {
	t := d.keep(r, d.ofEnrolment)
	l.enrolment, l.has = r.number, hasEnrolment
	if t.named {
		l.worker, l.has = t.worker, l.has|hasWorker
	}
	l.Region = t.region
	if r.code.dated() {
		d.dated(l, r)
		return
	}
	l.take(t.found, r)
	if r.code.paired() {
		l.commitment, l.has = r.second, l.has|hasCommitment
	}
}

// worker tells a finding about a person, whose region is that of the enrolment with the highest
// number.
func (d *teller) worker(l *line, r *record) {
	t := d.keep(r, d.ofWorker)
	l.worker, l.has, l.Region = t.worker, hasWorker, t.region
	if r.code.dated() {
		d.dated(l, r)
		return
	}
	l.take(t.found, r)
}

// ofEnrolment looks at an enrolment; what is wrong with it is left out where only a date is told.
func (d *teller) ofEnrolment(r *record) (t told) {
	var c course
	c.read(&d.view, r.number)
	if len(c.workers) > 0 {
		t.worker, t.named = d.least(c.workers[0]), true
	}
	if code, known := c.region(); known {
		t.region = code.String()
	}
	if !r.code.dated() {
		t.found = checkEnrolment(&d.view, &c)
	}
	return t
}

// ofWorker does so with a person.
func (d *teller) ofWorker(r *record) (t told) {
	v := &d.view
	p := person{ids: v.ids(r.number)}
	t.worker, t.named = d.least(r.number), true
	p.died, p.death = v.death(p.ids)
	slices.Sort(p.ids)
	for _, e := range v.enrolments(p.ids) {
		c := &course{}
		if c.read(v, e); !c.isOf(p.has) {
			continue
		}
		p.courses = append(p.courses, c)
		if code, known := c.region(); known {
			t.region = code.String()
		}
	}
	if !r.code.dated() {
		t.found = checkPerson(v, &p)
	}
	return t
}

// least returns the least id of the person that a worker is. It is the least as known then; now it
// may be another one.
func (d *teller) least(w uint32) uint32 {
	if least, read := d.view.leasts[w]; read {
		return least
	}
	ids := d.view.ids(w)
	if len(ids) == 1 {
		return w
	}
	texts, err := d.f.names.AppendWorkers(nil, ids...)
	if err != nil {
		return w // the file is damaged, as naming the line says too
	}
	least := ids[slices.Index(texts, slices.Min(texts))]
	for _, id := range ids {
		d.view.leasts[id] = least
	}
	return least
}

func (d *teller) commitment(l *line, r *record) {
	a := d.account(r)
	l.commitment, l.has = r.number, hasCommitment
	if a.budget.known {
		l.Region = a.budget.funder.String()
	}
	l.take(checkCommitment(&d.view, &a), r)
}

// account returns a commitment with the events of it. The work that only one code needs is done for
// that one: it reads everybody who is granted something.
func (d *teller) account(r *record) account {
	v := &d.view
	a := account{
		number: r.number, budget: v.budget(r.number), closed: v.closedFrom(r.number),
		spent: new(big.Int),
	}
	books := v.l.account(r.number)
	if books == nil {
		return a
	}
	for _, m := range v.l.moneyAsOf(books.payments, v.k) {
		a.spent.Add(a.spent, big.NewInt(m.ceiling))
		a.payments = append(a.payments, m.sequence)
	}
	if a.budget.first != 0 {
		sender := v.l.publisherOf(a.budget.first)
		for _, m := range v.l.moneyAsOf(append(slices.Clone(books.terms), books.changes...), v.k) {
			if m.publisher != sender {
				a.foreign, a.others = true, append(a.others, m.sequence)
			}
		}
	}
	switch r.code {
	case DisbursedShort:
		a.paid = v.s.PurseAsOf(r.number, v.k).Disbursed
	case GrantBeyondHeads:
		a.crowd(v)
	case FundingEnds:
		a.lose(v)
	default: // the others need nothing of it
	}
	return a
}

// granted calls yield with each enrolment that the commitment is granted to. The course is used
// again for the next one.
func (a *account) granted(v *view, yield func(c *course)) {
	var enrolments []uint32
	for _, r := range facts.AsOf(v.s.AppendGrants(nil, a.number), v.k) {
		if r.Kind == event.FundingGranted {
			enrolments = append(enrolments, r.Enrolment)
		}
	}
	var c course
	for _, e := range sortedNumbers(enrolments) {
		c.read(v, e)
		yield(&c)
	}
}

// crowd finds the months in which the commitment pays too many, and the grants of these. It counts
// from bound to bound, as heads were counted event by event; the fold knows only the most.
func (a *account) crowd(v *view) {
	begins := map[temporal.Month]int64{}
	a.granted(v, func(c *course) {
		for _, s := range c.paidBy(a.number) {
			begins[s.From]++
			begins[s.Until]--
		}
	})
	var bounds []temporal.Month
	for m := range begins {
		bounds = append(bounds, m)
	}
	pays := int64(0)
	for i, m := range sortedNumbers(bounds) {
		if pays += begins[m]; pays > a.budget.heads && i+1 < len(bounds) {
			crowded := span(m, bounds[i+1])
			a.crowded = append(a.crowded, crowded...)
			a.over = plus(a.over, times(crowded.count(), pays-a.budget.heads))
		}
	}
	a.crowded = union(a.crowded)
	a.granted(v, func(c *course) {
		for i := range c.grants {
			if g := &c.grants[i]; g.Commitment == a.number && len(g.pays().and(a.crowded)) > 0 {
				a.grants = append(a.grants, g.Sequence)
			}
		}
	})
}

// lose finds the enrolments that lose cover, and the grants that cover them until then. Only what
// pays the last month covers its last day.
func (a *account) lose(v *view) {
	last := span(a.end()-1, a.end())
	a.granted(v, func(c *course) {
		if !c.losesCover(a.number, a.end()) {
			return
		}
		a.losing++
		for i := range c.grants {
			if g := &c.grants[i]; g.Commitment == a.number && len(g.pays().and(last)) > 0 {
				a.losers = append(a.losers, g.Sequence)
			}
		}
	})
}

func (d *teller) region(l *line, r *record) {
	l.Region = region.Code(r.number).String()
	if r.code.dated() {
		d.dated(l, r)
		return
	}
	f := regionEvents(&d.view, r)
	l.Events, l.said.months, l.Months.List = f.events, f.months, f.months.texts()
}

// regionEvents returns the publications that the percents of a month and of the one before are of.
func regionEvents(v *view, r *record) *found {
	month := temporal.Month(r.month)
	f := found{code: r.code, months: span(month, month+1)}
	for _, m := range [2]temporal.Month{month, month - 1} {
		p := v.l.workforceAsOf(region.Code(r.number), m.Last(), v.k)
		if p != nil && (m == month || r.code == Jump) {
			f.events = append(f.events, p.sequence)
		}
	}
	k := sink{found: []found{f}}
	return &k.done()[0]
}

// paired reports whether a finding of the code is about an enrolment and a commitment. Their
// records name the commitment, as second.
func (c Code) paired() bool {
	switch c {
	case GrantUnknownEnrolment, GrantUnknownCommitment, GrantNotAPBD, GrantBeyondPeriod,
		GrantAfterRevocation, FunderOutside, ASNFunded:
		return true
	default:
		return false
	}
}

// priced reports whether money is at stake in a finding of the code. Others show no rupiah, not 0.
func (c Code) priced() bool {
	switch c {
	case DoubleFunded, PaidAfterDeath, GrantBeyondHeads, DisbursedAboveCeiling, DisbursedShort,
		MoneyShort, FundingEnds:
		return true
	default:
		return c.paired()
	}
}
