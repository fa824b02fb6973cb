package effect

import (
	"context"
	"slices"
	"strconv"

	"cakupan/domain/enrolment"
	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/eventstore"
	"cakupan/projections/facts"
	"cakupan/projections/standing"
)

// supposed is the first number of what the log has not named: its names have no number there. The
// facts number from 0 on, and a ledger of half of the numbers would not fit a machine.
const supposed = uint32(1) << 31

// book holds the facts about all whom the rows name, as they were before the rows and after.
//
// It is read in slices, between which the fold goes on: whatever came behind head is left out, so
// that the slices are of one moment. Once it is read and the rows are supposed, it is asked only,
// by one goroutine. It is made for one question and dropped with it. Its size is that of the facts
// of all people that are named, not of the ledger.
type book struct {
	rows  []Row
	sees  func(region.Code) bool       // whoever asks may be told of what is there
	head  eventstore.Sequence          // the facts are as known at it
	mine  map[eventstore.Sequence]bool // new events of the rows: not there before them
	taken map[eventstore.Sequence]bool // what they take back, where they are not in the log

	numbers     [3]map[string]uint32 // of enrolments, workers and commitments that the rows name
	enrolments  map[uint32]*enrolled
	people      map[uint32]*person // by each id, so that merged ids share one
	inOrder     []*person          // each once, as they were come by: maps have no order
	commitments map[uint32]*commitment
	names       map[uint32]string // of enrolments
}

// The kinds of names.
const (
	enrolmentName = iota
	workerName
	commitmentName
)

// enrolled is all that was said of an enrolment up to head, in force or not, and behind that the
// rows that are supposed: in order of the log, which revocations depend on.
type enrolled struct{ records []facts.Record }

// person is one worker, with all ids that merges in force at head join. So a row that merges counts
// before the rows too where the log has it, and not at all where it is supposed.
type person struct {
	deaths     []facts.Record // in force or not
	enrolments []uint32       // ever opened for one of the ids, or by a row
	least      uint32         // number of one of the ids: the least
	merged     bool           // there are several ids
	apart      bool           // left out: see Asked.Part
}

// name names the person in all parts of a list; "" of one whom the log does not know, as numbers
// that are supposed are another part's too.
func (p *person) name() string {
	if p.least >= supposed {
		return ""
	}
	return strconv.FormatUint(uint64(p.least), 10)
}

// setApart leaves out who has several enrolments or ids, and whoever shares an enrolment with
// another: rows of another part may be about the other ones. Whoever has one enrolment is named by
// rows of that alone.
func (b *book) setApart() {
	for _, p := range b.inOrder {
		p.apart = p.merged || len(p.enrolments) > 1
	}
	for again := true; again; {
		again = false
		for _, e := range b.enrolments {
			again = b.join(b.whose(e)) || again
		}
	}
}

// whose returns the persons whose an enrolment ever was.
func (b *book) whose(e *enrolled) (people []*person) {
	for i := range e.records {
		p := b.people[e.records[i].Worker]
		if e.records[i].Kind == event.EnrolmentOpened && p != nil && !slices.Contains(people, p) {
			people = append(people, p)
		}
	}
	return people
}

// join leaves out several persons of one enrolment, under one name, and returns whether that is
// new.
func (b *book) join(people []*person) (changed bool) {
	if len(people) < 2 {
		return false
	}
	least := people[0].least
	for _, p := range people {
		least = min(least, p.least)
	}
	for _, p := range people {
		changed = changed || !p.apart || p.least != least
		p.apart, p.least = true, least
	}
	return changed
}

// apartOf returns a person who is left out and whom a row is about, nil where there is none.
func (b *book) apartOf(i int) *person {
	e := &b.rows[i].Event
	if e.Data.Worker != "" {
		if p := b.people[b.workerOf(e)]; p != nil && p.apart {
			return p
		}
	}
	if e.Data.Enrolment == "" {
		return nil
	}
	for _, p := range b.whose(b.enrolments[b.enrolmentOf(e)]) {
		if p.apart {
			return p
		}
	}
	return nil
}

// commitment is what is known of money at head. Grants and revocations of it are with the
// enrolments; closings and disbursements are taken as they are at head, before the rows too.
type commitment struct {
	purse     enrolment.Purse
	committed bool // an event in force says so
}

// newBook notes which events of the log are those of the rows, and which ones rows not sent yet
// would take out of force.
func newBook(rows []Row) *book {
	b := &book{
		rows: rows, mine: map[eventstore.Sequence]bool{}, taken: map[eventstore.Sequence]bool{},
		enrolments: map[uint32]*enrolled{}, people: map[uint32]*person{},
		commitments: map[uint32]*commitment{}, names: map[uint32]string{},
	}
	for i := range b.numbers {
		b.numbers[i] = map[string]uint32{}
	}
	for i := range rows {
		if r := &rows[i]; r.Sequence != 0 && r.New {
			b.mine[r.Sequence] = true
		} else if r.Sequence == 0 && r.Takes != 0 {
			b.taken[r.Takes] = true
		}
	}
	return b
}

// name finds the numbers of all names. Those that the log does not have get numbers behind all that
// it may have, each name its own, so that they are looked up like the others. An error is that of
// reading the names.
func (b *book) name(names *facts.Names) error {
	find := [3]func(string) (uint32, bool, error){
		names.FindEnrolment, names.FindWorker, names.FindCommitment,
	}
	for i := range b.rows {
		d := &b.rows[i].Event.Data
		for kind, name := range [3]string{d.Enrolment, d.Worker, d.Commitment} {
			if _, known := b.numbers[kind][name]; known || name == "" {
				continue
			}
			number, found, err := find[kind](name)
			if err != nil {
				return err
			}
			if !found {
				number = supposed + uint32(len(b.numbers[kind]))
			}
			b.numbers[kind][name] = number
		}
	}
	return nil
}

// enrolmentOf returns the number of the enrolment that an event names; the number of "" where it
// names none, which is asked for by nobody.
func (b *book) enrolmentOf(e *event.Event) uint32 {
	return b.numbers[enrolmentName][e.Data.Enrolment]
}

// workerOf does so for the worker.
func (b *book) workerOf(e *event.Event) uint32 { return b.numbers[workerName][e.Data.Worker] }

// commitmentOf does so for the commitment.
func (b *book) commitmentOf(e *event.Event) uint32 {
	return b.numbers[commitmentName][e.Data.Commitment]
}

// load reads what the facts say of all who are named. The head is taken first: what is read in the
// slices is cut there. An error leaves a book that is not to be asked.
func (b *book) load(ctx context.Context, source standing.Source) error {
	err := source.Read(func(s *facts.State) error {
		b.head = s.Events()
		return nil
	})
	if err != nil {
		return err
	}
	reader := standing.NewReader(standing.At(b.head))
	read := func(s *facts.State, i int) {
		e := &b.rows[i].Event
		if e.Data.Enrolment != "" {
			b.readEnrolment(s, reader, b.enrolmentOf(e))
		}
		if e.Data.Worker != "" {
			b.readPerson(s, reader, b.workerOf(e))
		}
		if e.Data.Commitment != "" {
			b.readCommitment(s, b.commitmentOf(e))
		}
	}
	err = standing.InSlices(ctx, source, len(b.rows), read, func() error { return nil })
	if err != nil {
		return err
	}
	return b.readNames(source.Names())
}

// readNames finds out how the enrolments are called that the rows do not name. It is asked for a
// notice that names another enrolment of the same person.
func (b *book) readNames(names *facts.Names) error {
	for name, number := range b.numbers[enrolmentName] {
		b.names[number] = name
	}
	for number := range b.enrolments {
		if _, known := b.names[number]; known {
			continue
		}
		name, err := names.AppendEnrolments(nil, number)
		if err != nil {
			return err
		}
		b.names[number] = name[0]
	}
	return nil
}

// readEnrolment reads an enrolment, with all the persons whose it was, and with their enrolments.
// It is noted before it is read, so that it is not read again by way of them.
func (b *book) readEnrolment(s *facts.State, reader *standing.Reader, number uint32) *enrolled {
	if e := b.enrolments[number]; e != nil {
		return e
	}
	e := &enrolled{}
	b.enrolments[number] = e
	if number >= supposed {
		return e
	}
	e.records = s.AppendEnrolment(nil, number)
	for i := range e.records {
		switch r := &e.records[i]; {
		case r.Sequence > b.head: // came since the reading began
			e.records = e.records[:i]
			return e
		case r.Kind == event.EnrolmentOpened:
			b.readPerson(s, reader, r.Worker)
		case r.Kind == event.FundingGranted:
			// Money is read by way of the grants, since the rows need not name the commitments that
			// pay.
			b.readCommitment(s, r.Commitment)
		}
	}
	return e
}

// readPerson reads all ids of a person, and the person's enrolments. It is noted before it is read,
// as enrolments lead back to it.
func (b *book) readPerson(s *facts.State, reader *standing.Reader, number uint32) {
	if b.people[number] != nil {
		return
	}
	p := &person{least: number}
	b.inOrder = append(b.inOrder, p)
	b.people[number] = p
	if int(number) >= s.WorkerCount() { // also of what is being applied just now
		return
	}
	var read standing.Person
	reader.Person(s, &read, number)
	p.least, p.merged = slices.Min(read.IDs), len(read.IDs) > 1
	for _, id := range read.IDs {
		b.people[id] = p
		// Merges are in the ids already; of lives only deaths are left.
		for _, r := range s.AppendLives(nil, id) {
			if r.Kind == event.WorkerDied && r.Sequence <= b.head {
				p.deaths = append(p.deaths, r)
			}
		}
	}
	p.enrolments = slices.Clone(read.Enrolments)
	for _, e := range p.enrolments {
		b.readEnrolment(s, reader, e)
	}
}

// readCommitment reads what the facts about a commitment come to. One that is supposed has an empty
// purse: its money is not known.
func (b *book) readCommitment(s *facts.State, number uint32) {
	if b.commitments[number] != nil {
		return
	}
	c := &commitment{purse: enrolment.EmptyPurse()}
	b.commitments[number] = c
	if number >= supposed {
		return
	}
	c.purse = s.PurseAsOf(number, b.head)
	s.EachMoney(number, func(r *facts.Record) {
		c.committed = c.committed || r.Kind == event.FundingCommitted && r.InForce(b.head)
	})
}

// suppose adds the rows that are not in the log as if they came at its end, and gives each person
// the enrolments that rows open. A row gets the sequence it would have if each row took one, so
// that rows keep their order among each other. Retractions have no record: what they take is noted
// as taken.
func (b *book) suppose() {
	for i := range b.rows {
		r := &b.rows[i]
		e := &r.Event
		if e.Type == event.EnrolmentOpened {
			p, number := b.people[b.workerOf(e)], b.enrolmentOf(e)
			if !slices.Contains(p.enrolments, number) {
				p.enrolments = append(p.enrolments, number)
			}
		}
		if r.Sequence != 0 || e.Type == event.EventRetracted {
			continue
		}
		record := b.recordOf(e)
		record.Sequence = b.head + 1 + eventstore.Sequence(i)
		b.mine[record.Sequence] = true
		switch {
		case e.Data.Enrolment != "":
			to := b.enrolments[b.enrolmentOf(e)]
			to.records = append(to.records, record)
		case e.Type == event.WorkerDied:
			p := b.people[b.workerOf(e)]
			p.deaths = append(p.deaths, record)
		}
	}
}

// recordOf returns an event as a record of facts. Terms are taken of openings
// alone: lists have no amendments.
func (b *book) recordOf(e *event.Event) facts.Record {
	d := &e.Data
	r := facts.Record{
		Kind: e.Type, Enrolment: b.enrolmentOf(e), Worker: b.workerOf(e),
		Commitment: b.commitmentOf(e), On: d.From, From: d.FromMonth, Until: d.UntilMonth,
	}
	switch e.Type {
	case event.EnrolmentTerminated:
		r.On = d.Until
	case event.WorkerDied:
		r.On = d.On
	case event.EnrolmentOpened:
		r.Terms = enrolment.Terms{
			Region: d.Region, Segment: d.Segment, Category: d.Category,
			Programmes: d.ProgrammeSet(), Payer: d.Payer,
		}
	default:
	}
	return r
}
