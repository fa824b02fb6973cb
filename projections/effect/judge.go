package effect

import (
	"slices"
	"strconv"

	"cakupan/domain/enrolment"
	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections/facts"
)

// farDays is after how many days from today a day is far in the future: a year, as of the finding
// of that name, which counts from the record day.
const farDays = 365

// said is what several rows have in common: those of which it says the same are one notice, however
// far they lie apart.
type said struct{ code, date, name string }

// noted gathers notices. at finds those that are the same; all is in the order in which they came
// up.
type noted struct {
	at  map[said]int
	all []Notice
}

// add adds a row to a notice. Rows come in order, so that those of a notice ascend.
func (n *noted) add(row int, s said) {
	at, known := n.at[s]
	if !known {
		at = len(n.all)
		n.at[s] = at
		n.all = append(n.all, Notice{Code: s.code, Date: s.date, Name: s.name})
	}
	n.all[at].Rows = append(n.all[at].Rows, row)
}

// inOrder returns the notices in order of their codes, and of their first rows. The sort is stable,
// so that first rows decide among notices of one code.
func (n *noted) inOrder() []Notice {
	order := Codes()
	slices.SortStableFunc(n.all, func(a, b Notice) int {
		return slices.Index(order, a.Code) - slices.Index(order, b.Code)
	})
	if n.all == nil {
		return []Notice{}
	}
	return n.all
}

// judge notes what is to be known of a row.
//
// Only the state after the rows counts: that is what whoever sends them can still correct.
func (b *book) judge(i int, today temporal.Date, n *noted) {
	row := &b.rows[i]
	e := &row.Event
	own := b.recordAt(i)
	// What is not in force is not judged, but for merges, which have no record here. A row that the
	// log has and that was taken back since is told as that; retractions speak for themselves.
	if e.Type == event.EventRetracted || own == nil && e.Type != event.WorkerMerged {
		if own == nil && row.Sequence != 0 && e.Type != event.EventRetracted {
			n.add(i, said{code: TakenBack})
		}
		return
	}
	switch {
	case e.Type != event.WorkerDied:
	case row.Nobody:
		n.add(i, said{code: NobodyKnown})
	case !b.isEnrolled(b.people[b.workerOf(e)]):
		n.add(i, said{code: NeverEnrolled})
	}
	if day, dated := effective(e); dated && day > today.AddDays(farDays) {
		n.add(i, said{code: FarFuture, date: day.String()})
	}
	switch e.Type {
	case event.EnrolmentOpened:
		b.judgeOpened(i, own, n)
	case event.EnrolmentTerminated:
		b.judgeEnded(i, own, n)
	case event.FundingGranted:
		b.judgeGranted(i, own, n)
	case event.ContributionCredited:
		b.judgePaid(i, n)
	default:
	}
}

// isEnrolled tells whether somebody has an enrolment that is in force after the rows, whenever it
// begins or has ended.
func (b *book) isEnrolled(p *person) bool {
	return slices.ContainsFunc(p.enrolments, func(number uint32) bool {
		return slices.ContainsFunc(b.enrolments[number].records, func(r facts.Record) bool {
			return r.Kind == event.EnrolmentOpened && b.holds(&r, true)
		})
	})
}

// recordAt returns the record of a row, nil where it is not in force. A row that was taken back and
// then said again by another event is as good as there: the last record that says the same is it.
// The pointer is into the book, so that folds can leave out just this record.
func (b *book) recordAt(i int) *facts.Record {
	row := &b.rows[i]
	sequence := row.Sequence
	if sequence == 0 {
		sequence = b.head + 1 + eventstore.Sequence(i)
	}
	var records []facts.Record
	switch e := &row.Event; {
	case e.Data.Enrolment != "":
		records = b.enrolments[b.enrolmentOf(e)].records
	case e.Type == event.WorkerDied:
		records = b.people[b.workerOf(e)].deaths
	}
	var same *facts.Record // it was taken back, and said again by another event
	says := b.recordOf(&row.Event)
	for j := range records {
		r := &records[j]
		switch {
		case !b.holds(r, true):
		case r.Sequence == sequence:
			return r
		case r.Kind == says.Kind && r.On == says.On && r.From == says.From &&
			r.Until == says.Until && r.Commitment == says.Commitment && r.Terms == says.Terms:
			same = r
		}
	}
	return same
}

// judgeOpened notes an opening that changes nothing or less than meant: its enrolment is somebody
// else's, an earlier one stands, the person is dead, has another enrolment of the segment open, or
// nobody pays.
func (b *book) judgeOpened(i int, own *facts.Record, n *noted) {
	e := &b.rows[i].Event
	of := b.enrolments[own.Enrolment]
	var first *facts.Record
	for _, r := range b.opened(of, own) {
		if first == nil || r.On < first.On {
			first = r
		}
	}
	stranger := b.stranger(of, own)
	switch {
	case stranger != nil:
		n.add(i, said{
			code: OtherPerson, date: stranger.On.String(),
			name: strconv.FormatUint(uint64(stranger.Sequence), 10),
		})
	case first == nil:
	case first.On < own.On:
		n.add(i, said{code: StartStands, date: first.On.String()})
	default:
		n.add(i, said{code: OpenedBefore, date: first.On.String()})
	}
	// Of a dead person nothing else is worth telling: the row is wrong about whom it means.
	p := b.people[b.workerOf(e)]
	died := b.died(p, true)
	if died < own.On {
		n.add(i, said{code: Dead, date: died.String()})
		return
	}
	for _, other := range p.enrolments {
		s := b.stand(b.enrolments[other], own.On, died, true)
		if other != own.Enrolment && s.open && b.people[s.worker] == p &&
			s.terms.Segment == own.Terms.Segment && b.sees(s.terms.Region) {
			n.add(i, said{code: CoveredTwice, name: b.names[other]})
			break
		}
	}
	if own.Terms.Payer == event.APBD && !b.funded(of, own.On.Month()) {
		n.add(i, said{code: NotFunded})
	}
}

// stranger returns the first opening in the log that names somebody else for the enrolment of a
// row, nil where there is none. Rows that are not in the log have no number to be named by.
func (b *book) stranger(of *enrolled, own *facts.Record) (first *facts.Record) {
	for _, r := range b.opened(of, own) {
		if b.people[r.Worker] != b.people[own.Worker] && r.Sequence <= b.head &&
			(first == nil || r.Sequence < first.Sequence) {
			first = r
		}
	}
	return first
}

// funded tells whether any month from one on is paid or credited. Credits count, since what was
// booked was paid by somebody.
func (b *book) funded(e *enrolled, from temporal.Month) bool {
	money := b.money(e, true)
	return slices.ContainsFunc(money.Months, func(m enrolment.Months) bool {
		return m.Until > from
	})
}

// judgeEnded notes a termination that ends nothing. It is folded as if the row were not there: only
// then it shows whether the row is what ended the enrolment.
func (b *book) judgeEnded(i int, own *facts.Record, n *noted) {
	of := b.enrolments[own.Enrolment]
	if len(b.opened(of, nil)) == 0 {
		n.add(i, said{code: EndsNobody})
		return
	}
	if b.fold(of, own.On, own, true).Open { // without it, it would go on
		return
	}
	ended := said{code: EndsNobody} // it begins later than it ends
	for _, c := range b.changes(of, own, true) {
		if c.Kind == event.EnrolmentTerminated && c.On <= own.On {
			ended = said{code: EndedBefore, date: c.On.String()}
		}
	}
	n.add(i, ended)
}

// judgeGranted notes a grant that pays for nobody, for somebody with another payer, or for a month
// that another commitment pays too.
func (b *book) judgeGranted(i int, own *facts.Record, n *noted) {
	if !b.commitments[own.Commitment].committed {
		n.add(i, said{code: UnknownCommitment, name: b.rows[i].Event.Data.Commitment})
	}
	people := b.judgePaid(i, n)
	if people == nil {
		return
	}
	of := b.enrolments[own.Enrolment]
	apbd, other := false, event.Payer(0)
	// A month counts by its last day: an enrolment that moved to another payer in it is paid for by
	// that one.
	for month := own.From; month < min(own.Until, own.From+monthsMax); month++ {
		if s := b.fold(of, month.Last(), nil, true); s.Open && s.Terms.Payer == event.APBD {
			apbd = true
		} else if s.Open {
			other = s.Terms.Payer
		}
	}
	if !apbd && other != 0 {
		n.add(i, said{code: NotAPBD, name: other.String()})
	}
	for _, p := range people {
		if name := b.paidTwice(p, own); name != "" {
			n.add(i, said{code: DoubleFunded, name: name})
			return
		}
	}
}

// monthsMax bounds how many months of a grant are looked at one by one. A grant may be of thousands
// of years, by a typing error; of what lies behind ten of them nothing is told.
const monthsMax = 120

// judgePaid notes what is wrong with money for an enrolment, and returns whose it is; none where
// there is no such enrolment.
func (b *book) judgePaid(i int, n *noted) (people []*person) {
	e := &b.rows[i].Event
	for _, r := range b.opened(b.enrolments[b.enrolmentOf(e)], nil) {
		if p := b.people[r.Worker]; p != nil && !slices.Contains(people, p) {
			people = append(people, p)
		}
	}
	if len(people) == 0 {
		n.add(i, said{code: UnknownEnrolment})
		return nil
	}
	// Money for the month of death is in order; a month behind it is what the finding
	// PAID_AFTER_DEATH means.
	for _, p := range people {
		if died := b.died(p, true); died < enrolment.Never && died.Month() < e.Data.UntilMonth-1 {
			n.add(i, said{code: Dead, date: died.String()})
			break
		}
	}
	return people
}

// paidTwice names an enrolment of the person of which another commitment pays a month that a grant
// pays too. One is enough: the notice names it, and the finding has all of them. A grant that was
// cut by a revocation counts as far as it pays.
func (b *book) paidTwice(p *person, own *facts.Record) string {
	for _, number := range p.enrolments {
		e := b.enrolments[number]
		if number != own.Enrolment && !b.isSeen(e, own.From) {
			continue
		}
		for j := range e.records {
			r := &e.records[j]
			until := min(b.grantedUntil(e, j, true), own.Until)
			if r.Kind == event.FundingGranted && r.Commitment != own.Commitment &&
				b.holds(r, true) && max(r.From, own.From) < until {
				return b.names[number]
			}
		}
	}
	return ""
}

// isSeen tells whether whoever asks may be told of an enrolment, by where it is in a month.
func (b *book) isSeen(e *enrolled, month temporal.Month) bool {
	return b.sees(b.fold(e, month.Last(), nil, true).Terms.Region)
}
