package facts

import (
	"fmt"
	"slices"

	"github.com/cespare/xxhash/v2"

	"cakupan/domain/enrolment"
	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/eventstore/codec"
	"cakupan/projections/pages"
)

// Batch is the events of a frame, decoded, and their names numbered. Folds only read it, so that
// several can at the same time. Its texts belong to the frame, its memory is used again. The zero
// value is ready for [Names.Prepare]. It is handed from the goroutine that prepares to the one that
// folds, and back: never used by both.
type Batch struct {
	events []Event
	keys   []event.Key // of the events
	rare   []Rare

	fields codec.Fields // of the last one
	// What the events name, to be numbered.
	enrolments, workers, commitments asked
}

// Event is what folds need of one event: a tenth of its size, so that a frame of them goes from one
// core to the other through a cache. Days and months are those of package temporal, as numbers.
type Event struct {
	Sequence eventstore.Sequence
	Recorded temporal.Instant

	Enrolment, Worker, Commitment uint32 // numbers; unnamed: the event names none

	Terms       PackedTerms // opened, amended
	From, Until int32       // effective day, of a termination too; of money and credits: months
	// extra is the index in the batch's rare; merged: the number of the other worker; opened,
	// granted: the tag of the worker, of the commitment.
	extra   uint32
	mark    mark // of its key
	Kind    event.Type
	Funding event.Funding // committed
}

// Tag is a few bits that the same name has for ever. Others may have them too. It is of the name
// and not of the number, so that it is known before names are numbered.
type Tag uint32

// TagOf returns the tag of a name.
func TagOf(name string) Tag { return Tag(xxhash.Sum64String(name)) }

// Tag returns the tag of the worker of an opened event, of the commitment of a granted one.
func (e *Event) Tag() Tag { return Tag(e.extra) }

// Into returns the number of the worker into whom a merged event merges.
func (e *Event) Into() uint32 { return e.extra }

// SetWorkers gives the workers of a merged event other numbers.
func (e *Event) SetWorkers(worker, into uint32) { e.Worker, e.extra = worker, into }

// Rare is an event of a type of which folds need more than Event has: a publication, a target, a
// disbursement, a retraction. Its texts belong to the frame: whoever keeps one copies it.
type Rare struct {
	Event    event.Event
	Retracts eventstore.Sequence // of the event that a retraction names; 0: not in the log then
}

// unnamed stands for the number of an enrolment, worker or commitment that an event does not name.
// Numbers are given from 0 on, and none gets there: the tables would not fit a machine.
const unnamed = ^uint32(0)

// Events returns the events of the batch, in order.
func (b *Batch) Events() []Event { return b.events }

// Rare returns the rest of an event of a rare type. The event must be of this batch and of such a
// type: of others extra says something else.
func (b *Batch) Rare(e *Event) *Rare { return &b.rare[e.extra] }

// key returns the key of one of the batch's events. Sequences of a frame follow one another, so
// that the place of an event is known by them.
func (b *Batch) key(e *Event) event.Key { return b.keys[e.Sequence-b.events[0].Sequence] }

// asked are names to be numbered, and where the numbers go. The places are in the batch's events,
// which do not move before the next decode. Names are asked for first and numbered together, since
// each look-up waits for memory.
type asked struct {
	names   []string
	numbers []uint32
	answers []*uint32
}

// reset empties asked, which then has room for n names.
func (a *asked) reset(n int) {
	a.names, a.answers = slices.Grow(a.names[:0], n), slices.Grow(a.answers[:0], n)
}

// ask asks for the number of a name, for now without an answer.
func (a *asked) ask(name string, answer *uint32) {
	a.names, a.answers = append(a.names, name), append(a.answers, answer)
}

// answer numbers the names that were asked for.
func (a *asked) answer(names *pages.Names) {
	a.numbers = slices.Grow(a.numbers[:0], len(a.names))[:len(a.names)]
	names.NumberAll(a.names, a.numbers)
	for i, number := range a.numbers {
		*a.answers[i] = number
	}
}

// decode takes what folds need from the records of a frame. On an error the batch is of no use. It
// names the event: bytes that cannot be decoded are damage of the log or of the copy that was read,
// never what a publisher did.
func (b *Batch) decode(frame eventstore.Frame) error {
	n := frame.Count()
	b.events = slices.Grow(b.events[:0], n)[:n]
	b.keys = slices.Grow(b.keys[:0], n)[:n]
	b.rare = b.rare[:0]
	b.enrolments.reset(n)
	b.workers.reset(2 * n) // a merge names two
	b.commitments.reset(n)
	i := 0
	for record := range frame.Records() {
		if err := b.take(i, &record); err != nil {
			return fmt.Errorf("decode event %d: %w", record.Sequence, err)
		}
		i++
	}
	return nil
}

// take takes from a record what folds need of the event, and asks for the numbers of its names.
// Fields that the type has not stay 0, names unnamed.
func (b *Batch) take(i int, record *eventstore.Record) error {
	f, e := &b.fields, &b.events[i]
	if err := codec.Scan(record.Event, f); err != nil {
		return err
	}
	b.keys[i] = event.Key{Source: f.Source, ID: f.ID}
	*e = Event{
		Sequence: record.Sequence, Recorded: record.RecordedAt, Kind: f.Type, mark: markOf(f.ID),
		Enrolment: unnamed, Worker: unnamed, Commitment: unnamed,
	}
	if f.Has.Has(event.FieldEnrolment) {
		b.enrolments.ask(f.Text(event.FieldEnrolment), &e.Enrolment)
	}
	if f.Has.Has(event.FieldWorker) {
		b.workers.ask(f.Text(event.FieldWorker), &e.Worker)
	}
	if f.Has.Has(event.FieldInto) {
		b.workers.ask(f.Text(event.FieldInto), &e.extra)
	}
	if f.Has.Has(event.FieldCommitment) {
		b.commitments.ask(f.Text(event.FieldCommitment), &e.Commitment)
	}
	switch f.Type {
	case event.EnrolmentOpened, event.EnrolmentAmended:
		terms, named, err := termsOf(f)
		if err != nil {
			return err
		}
		e.From, e.Terms = int32(f.Date(event.FieldFrom)), packTerms(terms, named)
		if f.Type == event.EnrolmentOpened {
			e.extra = uint32(TagOf(f.Text(event.FieldWorker)))
		}
	case event.EnrolmentTerminated:
		e.From = int32(f.Date(event.FieldUntil))
	case event.EnrolmentReinstated:
		e.From = int32(f.Date(event.FieldFrom))
	case event.FundingGranted, event.ContributionCredited:
		e.From = int32(f.Month(event.FieldFromMonth))
		e.Until = int32(f.Month(event.FieldUntilMonth))
		if f.Type == event.FundingGranted {
			e.extra = uint32(TagOf(f.Text(event.FieldCommitment)))
		}
	case event.FundingRevoked, event.FundingClosed:
		e.From = int32(f.Month(event.FieldFromMonth))
	case event.FundingCommitted, event.FundingDisbursed, event.WorkerDied,
		event.WorkforcePublished, event.TargetSet, event.EventRetracted:
		return b.takeRare(e, record.Event)
	default: // amended money changes no day of anybody's coverage
	}
	return nil
}

// takeRare takes the rest of an event of a type that is rare. Of committed and died events there is
// a field or a day alone to be kept, which Event has room for.
func (b *Batch) takeRare(e *Event, bytes []byte) error {
	var r Rare
	retracts, err := codec.Decode(bytes, &r.Event)
	if err != nil {
		return err
	}
	switch e.Kind {
	case event.FundingCommitted:
		e.Funding = r.Event.Data.Funding
	case event.WorkerDied:
		e.From = int32(r.Event.Data.On)
	default:
		// The log has what a retraction names by its sequence, which the writer knew then. Only an
		// event before it can be named so.
		if r.Retracts = eventstore.Sequence(retracts); r.Retracts >= e.Sequence {
			return fmt.Errorf("event %d is retracted before it came: %w", retracts,
				codec.ErrMalformed)
		}
		e.extra = uint32(len(b.rare))
		b.rare = append(b.rare, r)
	}
	return nil
}

// termsOf returns the terms that an opened or amended event names. What the contract demands of
// them was seen to when the event was accepted; numbers outside the lists are damage, and would
// become other terms when packed.
func termsOf(f *codec.Fields) (terms enrolment.Terms, named enrolment.Named, err error) {
	in, known := region.FromNumber(f.Code(event.FieldRegion))
	segment, category := f.Code(event.FieldSegment), f.Code(event.FieldCategory)
	payer := f.Code(event.FieldPayer)
	if !known || segment > uint64(event.PMI) || category > uint64(event.OtherCategory) ||
		payer > uint64(event.APBD) {
		return terms, 0, fmt.Errorf("terms outside their lists: %w", codec.ErrMalformed)
	}
	terms = enrolment.Terms{
		Region: in, Segment: event.Segment(segment), Category: event.Category(category),
		Programmes: f.Programmes, Payer: event.Payer(payer),
	}
	// The five fields have numbers that follow one another, and so have the bits of Named.
	return terms, enrolment.Named(f.Has >> event.FieldRegion & (1<<5 - 1)), nil
}
