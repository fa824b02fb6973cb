package findings

import (
	"slices"

	"cakupan/domain/enrolment"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections/facts"
)

// fold works out, event by event, what is wrong. What an event changes is counted out before it and
// counted in after it; whoever it touches is looked at again then, and no other. Only the state,
// the ledger and the records outlive it: all else is derived from them.
type fold struct {
	view
	names   *facts.Names
	fewest  int // up to how many enrolments are read anew: fewEnrolments, but for tests
	records *records
	regions *regions
	funds   []*fund           // by commitment; nil: nobody asked for it yet
	crowds  map[uint32]*crowd // by person, of those with many enrolments
	least   map[uint32]uint32 // by person: the id that names it; of those with several
	months  calendar[temporal.Month]
	days    calendar[temporal.Date]

	touched again
	few     light // memory, as the next
	bare    sink
	people  []uint32
	workers []uint32
	named   []uint32
	one     [1]uint32
	self    [1]uint32
	were    []stay
	are     []stay
	paid    []pay  // counted out since the last recount, as the next
	pays    []pay  // counted in
	course  course // the one that was read last
	read    bool   // no course has changed since: none does but in change and regroup
	work    int    // how many courses were read since the last event
}

// again are those who must be looked at again.
type again struct {
	enrolments, workers, commitments []uint32

	counted []uint32 // commitments of which just enrolments were counted; some more than once
}

// fund is what the enrolments that a commitment pays come to.
type fund struct {
	heads heights // months: how many enrolments it pays

	counting bool           // its end is near: losing is counted
	end      temporal.Month // at which
	losing   int64          // enrolments that lose cover then

	// What was last looked at: nothing else is wrong while both stay above zero, or do not.
	looked      bool
	limit       int64 // its heads
	over, loses bool  // enrolments that are beyond them, that lose cover
}

// differs reports whether what is counted may make something else wrong than before.
func (d *fund) differs() bool {
	return !d.looked || d.over != (int64(d.heads.most()) > d.limit) || d.loses != (d.losing > 0)
}

func newFold(s *facts.State, l *ledger, r *records, p *Projection) *fold {
	f := &fold{
		view:  view{s: s, l: l, k: latest},
		names: p.names, fewest: p.few, records: r, regions: newRegions(),
		crowds: map[uint32]*crowd{}, least: map[uint32]uint32{},
		months: newCalendar[temporal.Month](), days: newCalendar[temporal.Date](),
		bare: sink{bare: true},
	}
	f.setToday(temporal.MinDate)
	return f
}

// derive counts in all that the state has.
func (f *fold) derive() {
	if n := f.l.days.Len(); n > 0 {
		f.pass(f.l.days.At(n - 1).day)
	}
	for e := range f.s.EnrolmentCount() {
		f.count(f.courseOf(uint32(e)), +1)
		f.recount()
		f.wait(uint32(e), f.course.turn(f.month))
	}
	for w := range f.s.WorkerCount() {
		if f.s.Person(uint32(w)) == uint32(w) {
			f.in(uint32(w))
		}
	}
	for i := range f.l.publications.Len() {
		if p := f.l.publications.At(i); p.retracted == 0 {
			f.regions.published(f.l, p.region, p.reference)
		}
	}
	for c, books := range f.l.accounts {
		if books == nil {
			continue
		}
		a := f.account(uint32(c))
		f.days.set(uint32(c), waitFor(a.turn(f.today), enrolment.Never))
	}
	f.touched = again{}
	f.regions.check(func(owner, wrong) {})
}

// admit makes room for what the events name, and has brought into the cache what is looked at when
// they are applied. Of an enrolment or commitment that is named for the first time there is nothing.
func (f *fold) admit(events []facts.Event) {
	f.s.Admit(events)
	f.named = f.named[:0]
	for i := range events {
		if e := &events[i]; int(e.Enrolment) < len(f.months.of) {
			f.named = append(f.named, e.Enrolment)
		}
	}
	f.records.prefetch(f.named)
}

// courseOf reads the course of an enrolment, unless it was read last.
func (f *fold) courseOf(e uint32) *course {
	if !f.read || f.course.e != e {
		f.course.read(&f.view, e)
		f.read = true
		f.work++
	}
	return &f.course
}

// change does what changes enrolments. Workers are all for whom they are open, before or after.
func (f *fold) change(enrolments, workers []uint32, do func()) {
	f.people = f.persons(f.people[:0], workers)
	persons := f.people
	f.were = f.were[:0]
	for _, person := range persons {
		if f.crowds[person] != nil {
			continue
		}
		if f.were = f.staysOf(f.were[:0], person); len(persons) > 1 {
			f.regions.countAll(placesOf(f.were), -1)
			f.were = f.were[:0]
		}
	}
	for _, e := range enrolments {
		f.count(f.courseOf(e), -1)
	}
	do()
	f.read = false
	for _, e := range enrolments {
		f.count(f.courseOf(e), +1)
	}
	f.recount()
	f.touched.enrolments = append(f.touched.enrolments, enrolments...)
	for _, person := range persons {
		f.touched.workers = append(f.touched.workers, f.leastOf(person))
		if f.crowds[person] != nil {
			continue
		}
		f.are = f.staysOf(f.are[:0], person)
		f.regions.compare(f.were, f.are)
		f.keep(person)
	}
}

// count counts an enrolment for its commitments and, where they have many, its persons. The heads
// of commitments are counted by recount, once it is known what differs.
func (f *fold) count(c *course, weight int32) {
	pays := &f.paid
	if weight > 0 {
		pays = &f.pays
	}
	n := len(*pays)
	*pays = c.appendPays(*pays)
	f.countLosing(c, (*pays)[n:], weight)
	if len(f.crowds) == 0 {
		return
	}
	var done []uint32
	for _, w := range c.workers {
		person := f.s.Person(w)
		if crowd := f.crowds[person]; crowd != nil && !slices.Contains(done, person) {
			done = append(done, person)
			crowd.add(c, f.ids(w), weight, f.regions)
		}
	}
}

// countLosing counts an enrolment among those that lose cover at the end of a commitment.
func (f *fold) countLosing(c *course, pays []pay, weight int32) {
	for i := range pays {
		commitment := pays[i].commitment
		if i > 0 && commitment == pays[i-1].commitment {
			continue
		}
		fund := f.fundOf(commitment)
		if fund.counting && c.losesCover(commitment, fund.end) {
			fund.losing += int64(weight)
			f.touched.counted = append(f.touched.counted, commitment)
		}
	}
}

// recount counts the heads of commitments by what was counted out and in since the last time. Few
// events change what is paid, and then a month or two of it: what comes first and last is the same.
func (f *fold) recount() {
	paid, pays := f.paid, f.pays
	f.paid, f.pays = paid[:0], pays[:0]
	for len(paid) > 0 && len(pays) > 0 && paid[0] == pays[0] {
		paid, pays = paid[1:], pays[1:]
	}
	for len(paid) > 0 && len(pays) > 0 && paid[len(paid)-1] == pays[len(pays)-1] {
		paid, pays = paid[:len(paid)-1], pays[:len(pays)-1]
	}
	f.countHeads(paid, -1)
	f.countHeads(pays, +1)
}

func (f *fold) countHeads(pays []pay, weight int32) {
	for i := range pays {
		p := &pays[i]
		f.fundOf(p.commitment).heads.add(int32(p.From), int32(p.Until), weight)
		f.touched.counted = append(f.touched.counted, p.commitment)
	}
}

func (f *fold) fundOf(c uint32) *fund {
	for int(c) >= len(f.funds) {
		f.funds = append(f.funds, nil)
	}
	if f.funds[c] == nil {
		f.funds[c] = &fund{}
	}
	return f.funds[c]
}

// regroup does what makes persons one, or two: of the workers all that are.
func (f *fold) regroup(workers, enrolments []uint32, do func()) {
	for _, e := range enrolments {
		f.count(f.courseOf(e), -1)
	}
	for _, person := range f.persons(nil, workers) {
		f.touched.workers = append(f.touched.workers, f.leastOf(person))
		f.out(person)
		delete(f.least, person)
	}
	do()
	f.read = false
	for _, e := range enrolments {
		f.count(f.courseOf(e), +1)
	}
	f.recount()
	for _, person := range f.persons(nil, workers) {
		f.touched.workers = append(f.touched.workers, f.leastOf(person))
		f.in(person)
	}
	f.touched.enrolments = append(f.touched.enrolments, enrolments...)
}

// persons appends the persons that workers are, each once, to none.
func (f *fold) persons(all, workers []uint32) []uint32 {
	for _, w := range workers {
		all = append(all, f.s.Person(w))
	}
	return sortedNumbers(all)
}

// leastOf returns the id by which a person is named: the least.
func (f *fold) leastOf(person uint32) uint32 {
	if _, single := f.s.Single(person); single {
		return person
	}
	if least, known := f.least[person]; known {
		return least
	}
	ids := f.s.IDs(nil, person)
	if len(ids) == 1 {
		return ids[0]
	}
	names, err := f.names.AppendWorkers(nil, ids...)
	if err != nil {
		return slices.Min(ids) // the file is damaged: nobody reads what follows
	}
	least := 0
	for i := range names {
		if names[i] < names[least] {
			least = i
		}
	}
	f.least[person] = ids[least]
	return ids[least]
}

// pass lets time pass up to a day.
func (f *fold) pass(day temporal.Date) {
	if day <= f.today {
		return
	}
	f.setToday(day)
	f.regions.end(f.l, f.month)
	f.touched.enrolments = f.months.due(f.touched.enrolments, f.month)
	f.touched.commitments = f.days.due(f.touched.commitments, day)
}

// wait has an enrolment looked at again when a month has come.
func (f *fold) wait(e uint32, month temporal.Month) {
	f.months.set(e, waitFor(month, enrolment.NeverMonth))
}

// waitFor returns a time, anytime when it is never.
func waitFor[T ~int32](at, never T) T {
	if at >= never {
		return anytime
	}
	return at
}

// settle looks at all who were touched, and notes what is found from an event on.
func (f *fold) settle(seq eventstore.Sequence) {
	for some := range slices.Chunk(sortedNumbers(f.touched.enrolments), facts.Together) {
		if len(some) > 1 { // a month has come: nobody has looked at them lately
			f.s.Prefetch(some)
			f.records.prefetch(some)
		}
		for _, e := range some {
			f.settleEnrolment(e, seq)
		}
	}
	for _, w := range sortedNumbers(f.touched.workers) {
		f.records.settle(owner{kind: ofWorker, number: w}, f.checkWorker(w), seq)
	}
	f.settleCommitments(seq)
	f.regions.check(func(o owner, is wrong) { f.records.settle(o, is.found(), seq) })
	t := &f.touched
	t.enrolments, t.workers, t.commitments = t.enrolments[:0], t.workers[:0], t.commitments[:0]
	t.counted = t.counted[:0]
}

func (f *fold) settleEnrolment(e uint32, seq eventstore.Sequence) {
	c := f.courseOf(e)
	f.bare.found = f.bare.found[:0]
	f.bare.checkEnrolment(&f.view, c)
	f.records.settle(owner{kind: ofEnrolment, number: e}, f.bare.sorted(), seq)
	f.wait(e, c.turn(f.month))
}

func (f *fold) settleCommitments(seq eventstore.Sequence) {
	for _, c := range f.touched.counted {
		if f.fundOf(c).differs() {
			f.touched.commitments = append(f.touched.commitments, c)
		}
	}
	for _, c := range sortedNumbers(f.touched.commitments) {
		a := f.account(c)
		found := checkCommitment(&f.view, &a)
		f.records.settle(owner{kind: ofCommitment, number: c}, found, seq)
		f.days.set(c, waitFor(a.turn(f.today), enrolment.Never))
	}
}

// account returns a commitment as it is now, without the events of an answer.
func (f *fold) account(c uint32) account {
	a := account{
		number: c, budget: f.budget(c), closed: enrolment.NeverMonth, spent: noMoney,
	}
	if books := f.l.account(c); books != nil {
		a.spent = &books.spent
		if first := a.budget.first; first != 0 {
			a.foreign = books.foreign(f.l.publisherOf(first))
		}
	}
	purse := f.s.Purse(c)
	a.closed, a.paid = purse.ClosedFrom, purse.Disbursed
	fund := f.fundOf(c)
	if over := int64(fund.heads.most()) - a.budget.heads; over > 0 {
		a.over = over
	}
	fund.watch(f, &a)
	a.losing = fund.losing
	fund.looked, fund.limit = true, a.budget.heads
	fund.over, fund.loses = a.over > 0, a.losing > 0
	return a
}

// watch counts the enrolments that lose cover at the end of a commitment, while that is near.
func (d *fund) watch(f *fold, a *account) {
	if !a.ending(f.today) {
		d.counting, d.losing = false, 0
		return
	}
	if d.counting && d.end == a.end() {
		return
	}
	d.counting, d.end, d.losing = true, a.end(), 0
	for _, e := range f.granted(a.number) {
		if f.courseOf(e).losesCover(a.number, d.end) {
			d.losing++
		}
	}
}

// granted returns the enrolments that a commitment is granted to.
func (f *fold) granted(c uint32) (all []uint32) {
	for some := range f.s.Granted(c) {
		all = append(all, some...)
	}
	return sortedNumbers(all)
}
