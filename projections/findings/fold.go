package findings

import (
	"runtime"
	"slices"

	"cakupan/domain/enrolment"
	"cakupan/domain/temporal"
	"cakupan/projections/facts"
	"cakupan/projections/pages"
	"cakupan/projections/timeline"
)

// fold works out, event by event, what is wrong. What an event changes is counted out before it and
// counted in after it; whoever it touches is looked at again then, and no other. What that comes to
// is left to Show, as steps. Only the state, the ledger and the records outlive it: all else is
// derived from them.
//
// It belongs to the goroutine that applies, which holds reading while it changes anything; those
// who answer read state and ledger of it. Shown belongs to the goroutine of Show. Most of what is
// kept by number or person only grows: names are never forgotten.
type fold struct {
	view
	names   *facts.Names
	fewest  int // up to how many enrolments are read anew: fewEnrolments, but for tests
	brief   int // up to how many facts of one are: fewFacts, but for tests
	shown   *shown
	steps   []step            // for Show: those of the batch that is applied
	most    int               // how many of them there may be: stepsMost, but for tests
	spill   func()            // shows these, so that there are none; nil: nothing is applied
	noted   [ofRegion]bitset  // by kind and number: whether anything was wrong when last looked at
	funds   []*fund           // by commitment; nil: nobody asked for it yet
	crowds  map[uint32]*crowd // by person, of those with many enrolments
	crowded bitset            // by enrolment: it may be one of a crowd's
	longs   map[uint32]*long  // by enrolment, of those with many facts
	isLong  bitset            // by enrolment
	kept    int               // facts of all of them
	least   map[uint32]uint32 // by person: the id that names it; of those with several
	months  calendar[temporal.Month]
	plans   []plan // by enrolment; of those beyond its end nothing is foreseen
	days    calendar[temporal.Date]

	// Of which commitments the end is near: fund.losing is made.
	watched bitset

	touched again
	few     light // memory, as the next
	bare    sink
	people  []uint32
	workers []uint32

	unplanned []uint32

	difference timeline.Difference // memory, for long courses

	ahead  ahead
	self   [1]uint32
	stays  []stay
	paid   []pay  // counted out since the last recount, as the next
	pays   []pay  // counted in
	course course // the one that was read last
	read   bool   // no course has changed since: none does but in change, merge and unmerge
	work   int    // how many courses were read since the last event; see lookedTogether
	left   int    // how many steps were left since then
}

// ahead is what the next events lead to: memory of admit. The pointers are good until the next
// event grows what they point into.
type ahead struct {
	waits []*entry[temporal.Month]
	books []*budget
	funds []*fund
}

// again are those who must be looked at again. They come in any order and more than once: they are
// sorted, each once, when they are looked at.
type again struct {
	enrolments, workers, commitments []uint32

	after   cause    // what has happened to the enrolments; 0: anything
	due     []uint32 // enrolments of which a month has come, and nothing else need have happened
	counted []uint32 // commitments of which just enrolments were counted; some more than once
}

// count notes that enrolments of a commitment were counted: mostly of the one before.
func (a *again) count(commitment uint32) {
	if n := len(a.counted); n == 0 || a.counted[n-1] != commitment {
		a.counted = append(a.counted, commitment)
	}
}

// fund is what the enrolments that a commitment pays come to. It is made when somebody first asks,
// and for ever kept right after that by what is counted out and in; looking at a commitment tells
// whether either number matters.
type fund struct {
	heads heights // months: how many enrolments it pays

	// Its end is near, and losing are enrolments that lose cover then, all but some of the unseen;
	// nil: it is not.
	losing *numbers
	unseen []uint32
	end    temporal.Month

	// What was last looked at: nothing else is wrong while both stay above zero, or do not.
	looked      bool
	limit       int64 // its heads
	over, loses bool  // enrolments that are beyond them, that lose cover
}

// differs reports whether what is counted may make something else wrong than before. For one
// enrolment more or less it hardly ever does: then nothing about the commitment is worked out.
func (d *fund) differs() bool {
	return !d.looked || d.over != (int64(d.heads.most()) > d.limit) ||
		d.loses != (d.losing.len() > 0)
}

// newFold returns the fold of a state, which may have been loaded: then derive must follow. It
// begins on a day before every event, so that the first one makes time pass.
func newFold(s *facts.State, l *ledger, r *records, p *Projection) *fold {
	f := &fold{
		view:  view{s: s, l: l, k: latest},
		names: p.names, fewest: p.few, brief: p.brief, shown: newShown(l, r), most: p.most,
		crowds: map[uint32]*crowd{}, least: map[uint32]uint32{}, longs: map[uint32]*long{},
		months: newCalendar[temporal.Month](), days: newCalendar[temporal.Date](),
		bare: sink{bare: true},
	}
	f.setToday(temporal.MinDate)
	return f
}

// derive counts in all that the state has.
//
// Counts come to the same in whatever order enrolments are read. It costs a course for each of
// them: so all is loaded, but only when the first event or question comes.
func (f *fold) derive() {
	if n := f.l.days.Len(); n > 0 {
		f.pass(f.l.days.At(n - 1).day)
	}
	for e := range f.s.EnrolmentCount() {
		c := f.courseOf(uint32(e))
		f.countIn(c)
		f.recount()
		f.wait(uint32(e), c.turn(f.month))
		f.lengthen(c)
	}
	for c, books := range f.l.accounts {
		if books == nil {
			continue
		}
		// The waiting times hold for today, which is that of the last event, as it was when the
		// fold was left.
		a := f.account(uint32(c))
		f.days.set(uint32(c), waitFor(a.turn(f.today), enrolment.Never))
	}
	// What was counted has touched everybody; nobody need be looked at: what is wrong with them is
	// in the records.
	f.touched = again{}
	f.shown.derive(f)
	for kind := range f.noted {
		for number, at := range f.shown.records.heads[kind] {
			f.noted[kind].set(uint32(number), at != 0)
		}
	}
}

// admit makes room for what the events name, and has brought into the cache what is looked at when
// they are applied. Of what is named for the first time there is nothing.
func (f *fold) admit(events []facts.Event) {
	f.s.Admit(events)
	a := &f.ahead
	a.waits, a.books, a.funds = a.waits[:0], a.books[:0], a.funds[:0]
	for i := range events {
		e := &events[i]
		if int(e.Enrolment) < len(f.months.of) {
			a.waits = append(a.waits, &f.months.of[e.Enrolment])
		}
		if books := f.l.account(e.Commitment); books != nil {
			a.books = append(a.books, &books.budget)
		}
		if int(e.Commitment) < len(f.funds) && f.funds[e.Commitment] != nil {
			a.funds = append(a.funds, f.funds[e.Commitment])
		}
	}
	pages.Prefetch(a.waits)
	pages.Prefetch(a.books)
	pages.Prefetch(a.funds)
}

// yieldEvery is after how many courses others have their turn at the processor: a closure may have
// hundreds of thousands read, and the runtime would let them wait for 10 ms at a time.
const yieldEvery = 64

// courseOf reads the course of an enrolment, unless it was read last. What it returns is the fold's
// memory, good until it is called again. Each course that is read is counted as work.
func (f *fold) courseOf(e uint32) *course {
	if !f.read || f.course.e != e {
		f.course.read(&f.view, e)
		f.read = true
		if f.work++; f.work%yieldEvery == 0 {
			runtime.Gosched()
		}
	}
	return &f.course
}

// change does what changes enrolments whose courses are not long. Workers are all for whom they are
// open, before or after. Enrolments are those of which anything counted may differ: all are counted
// out before do, which brings the state forward, and in after it. What is counted out but not read
// again would stay counted for ever.
func (f *fold) change(enrolments, workers []uint32, do func()) {
	f.people = f.persons(f.people[:0], workers)
	for _, e := range enrolments {
		f.countOut(f.courseOf(e))
	}
	do()
	f.read = false
	for _, e := range enrolments {
		f.countIn(f.courseOf(e))
	}
	f.recount()
	f.touch(enrolments, f.people)
}

// touch has enrolments and persons looked at again, and tells where these are covered. Of crowds it
// need not be told: what is counted of each enrolment has told it.
func (f *fold) touch(enrolments, persons []uint32) {
	f.touched.enrolments = append(f.touched.enrolments, enrolments...)
	for _, person := range persons {
		f.touched.workers = append(f.touched.workers, f.leastOf(person))
		if f.crowds[person] == nil {
			f.stays = f.staysOf(f.stays[:0], person)
			f.stand(person, f.stays)
			f.keep(person)
		}
	}
}

// paysMost is of how many spans of months memory is kept: few events have more than a handful.
const paysMost = 1 << 12

// countOut takes away what an enrolment is for its commitments and, where they have many, its
// persons. The heads of commitments are counted by recount, once it is known what differs. It must
// see the course as it was when it was counted in.
func (f *fold) countOut(c *course) {
	n := len(f.paid)
	f.paid = c.appendPays(f.paid)
	for _, p := range f.paid[n:] {
		f.lose(c.e, f.fundOf(p.commitment), p.commitment, false)
	}
	f.crowd(c, -1)
	if len(f.paid) > paysMost {
		f.recount()
	}
}

// countIn does the opposite. What the enrolment pays and loses must not be counted at that time.
func (f *fold) countIn(c *course) {
	f.pays = c.appendPays(f.pays)
	f.countLosing(c)
	f.crowd(c, +1)
	if l := f.longOf(c.e); l != nil {
		l.recover(c.spells())
	}
	if len(f.pays) > paysMost {
		f.recount()
	}
}

// crowd counts an enrolment for those of its persons who have many.
func (f *fold) crowd(c *course, weight int32) {
	if len(f.crowds) == 0 {
		// An enrolment that was opened for two ids of one person counts once for that person.
		return
	}
	var done []uint32
	for _, w := range c.workers {
		person := f.s.Person(w)
		if crowd := f.crowds[person]; crowd != nil && !slices.Contains(done, person) {
			done = append(done, person)
			f.crowded.set(c.e, true)
			crowd.add(c, f.members(w), weight, f.weigh)
		}
	}
}

// countLosing counts an enrolment among those that lose cover at the end of a commitment, where
// that is near, if it does.
func (f *fold) countLosing(c *course) {
	if !slices.ContainsFunc(c.grants, func(g grant) bool { return f.watched.has(g.Commitment) }) {
		return
	}
	c.grantsOfEach(func(own []grant) {
		if commitment := own[0].Commitment; f.watched.has(commitment) {
			fund := f.fundOf(commitment)
			f.lose(c.e, fund, commitment, c.losesCover(commitment, fund.end))
		}
	})
}

// lose notes whether an enrolment loses cover at the end of a commitment. Nothing is done while the
// end is not near: fund.losing is nil then, and lose is asked only to forget.
func (f *fold) lose(e uint32, d *fund, commitment uint32, loses bool) {
	if d.losing.set(e, loses) {
		f.touched.count(commitment)
	}
}

// recount counts the heads of commitments by what was counted out and in since the last time. Few
// events change what is paid, and then a month or two of it: what comes first and last is the same.
// Both lists are in order of commitments and months, so that what is the same at both ends cancels.
// It must be called before the next event: what is left over would be taken for part of that. An
// event that changes more than paysMost of them has them counted on the way.
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
		f.touched.count(p.commitment)
	}
}

// fundOf returns what is counted of a commitment, which it begins when nothing is.
func (f *fold) fundOf(c uint32) *fund {
	for int(c) >= len(f.funds) {
		f.funds = append(f.funds, nil)
	}
	if f.funds[c] == nil {
		f.funds[c] = &fund{}
	}
	return f.funds[c]
}

// persons appends the persons that workers are, each once, to none.
func (f *fold) persons(all, workers []uint32) []uint32 {
	for _, w := range workers {
		all = append(all, f.s.Person(w))
	}
	return sortedNumbers(all)
}

// leastOf returns the id by which a person is named: the least. It is least as texts are, not by
// numbers, so that it does not depend on the order of the log (contract, section 8). The texts are
// in the file or in memory of package facts, and asked for once for each person that is several
// ids.
func (f *fold) leastOf(person uint32) uint32 {
	if _, single := f.s.Single(person); single {
		return person
	}
	if least, known := f.least[person]; known {
		return least
	}
	ids := f.s.IDs(nil, person)
	f.work += len(ids)
	f.least[person] = f.leastIn(ids)
	return f.least[person]
}

// leastIn returns the least of ids, of which there is one at least.
func (f *fold) leastIn(ids []uint32) uint32 {
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
	return ids[least]
}

// pass lets time pass up to a day. Time is that of record times, never the clock: the same log has
// the same findings. A log whose events come on one day looks at nobody.
func (f *fold) pass(day temporal.Date) {
	if day <= f.today {
		return
	}
	f.setToday(day)
	f.do(step{do: endMonths, from: int32(f.month)})
	f.touched.due = f.months.due(f.touched.due, f.month)
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
