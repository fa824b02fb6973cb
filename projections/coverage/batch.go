package coverage

import (
	"fmt"
	"slices"
	"sync"

	"go.etcd.io/bbolt"

	"cakupan/domain/enrolment"
	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/eventstore/codec"
	"cakupan/projections/counts"
	"cakupan/projections/pages"
)

// Batch is the events of a frame, decoded, their names numbered, and once they are applied what
// they change. Its texts belong to the frame.
type Batch struct {
	events []prepared
	keys   []event.Key // of the events
	rare   []rare
	edges  []counts.Change // of all events, in their order

	fields codec.Fields // of the last one
	// What the events name, to be numbered.
	enrolments, workers, commitments asked
}

// prepared is what the fold needs of one event: a tenth of its size, so that a frame of them goes
// from one core to the other through a cache.
type prepared struct {
	sequence eventstore.Sequence
	recorded temporal.Instant

	enrolment, worker, commitment uint32 // numbers; unnamed: the event names none

	terms       uint32 // opened, amended: packed
	from, until int32  // effective day, of a termination too; granted, revoked, closed: months
	rare        uint32 // index in the batch's rare
	edges       uint32 // where its edges end in those of the batch, once it is applied
	mark        mark   // of its key
	kind        event.Type
	funding     event.Funding // committed
}

// rare is an event of a type of which the fold needs more than prepared has.
type rare struct {
	event    event.Event
	retracts eventstore.Sequence // of the event that a retraction names; 0: not in the log then
	gone     uint32              // packed terms of what the retraction took out of force; 0: none
}

// unnamed stands for the number of an enrolment, worker or commitment that an event does not name.
const unnamed = ^uint32(0)

// key returns the key of one of the batch's events.
func (b *Batch) key(e *prepared) event.Key { return b.keys[e.sequence-b.events[0].sequence] }

// asked are names to be numbered, and where the numbers go.
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

// names numbers the enrolments, workers and commitments of the log, each in the order in which
// the log first names them. Preparing numbers; storing may come at the same time from another
// goroutine, and may then store names of events that are not applied yet: they get the same
// numbers when they are prepared again.
type names struct {
	mu     sync.Mutex // guards what follows
	loaded bool
	hasher pages.Hasher

	enrolments, workers, commitments *pages.Names
}

func newNames() *names {
	hasher := pages.NewHasher()
	return &names{
		hasher:      hasher,
		enrolments:  pages.NewNames(hasher),
		workers:     pages.NewNames(hasher),
		commitments: pages.NewNames(hasher),
	}
}

// Prepare decodes a frame into the batch, whose memory it uses again, and numbers its names. It
// may run ahead of Apply in another goroutine: a third of the work of a replay is done there, on
// the second core.
func (p *Projection) Prepare(frame eventstore.Frame, b *Batch) error {
	n := frame.Count()
	b.events = slices.Grow(b.events[:0], n)[:n]
	b.keys = slices.Grow(b.keys[:0], n)[:n]
	b.rare = b.rare[:0]
	b.enrolments.reset(n)
	b.workers.reset(n)
	b.commitments.reset(n)
	i := 0
	for record := range frame.Records() {
		if err := b.take(i, &record); err != nil {
			return fmt.Errorf("decode event %d: %w", record.Sequence, err)
		}
		i++
	}
	p.names.mu.Lock()
	defer p.names.mu.Unlock()
	if err := p.loadNames(); err != nil {
		return err
	}
	b.enrolments.answer(p.names.enrolments)
	b.workers.answer(p.names.workers)
	b.commitments.answer(p.names.commitments)
	return nil
}

// take takes from a record what the fold needs of the event, and asks for the numbers of its names.
func (b *Batch) take(i int, record *eventstore.Record) error {
	f, e := &b.fields, &b.events[i]
	if err := codec.Scan(record.Event, f); err != nil {
		return err
	}
	b.keys[i] = event.Key{Source: f.Source, ID: f.ID}
	*e = prepared{
		sequence: record.Sequence, recorded: record.RecordedAt, kind: f.Type, mark: markOf(f.ID),
		enrolment: unnamed, worker: unnamed, commitment: unnamed,
	}
	if f.Has.Has(event.FieldEnrolment) {
		b.enrolments.ask(f.Text(event.FieldEnrolment), &e.enrolment)
	}
	if f.Has.Has(event.FieldWorker) {
		b.workers.ask(f.Text(event.FieldWorker), &e.worker)
	}
	if f.Has.Has(event.FieldCommitment) {
		b.commitments.ask(f.Text(event.FieldCommitment), &e.commitment)
	}
	switch f.Type {
	case event.EnrolmentOpened, event.EnrolmentAmended:
		terms, named, err := termsOf(f)
		if err != nil {
			return err
		}
		e.from, e.terms = int32(f.Date(event.FieldFrom)), packTerms(terms, named)
	case event.EnrolmentTerminated:
		e.from = int32(f.Date(event.FieldUntil))
	case event.EnrolmentReinstated:
		e.from = int32(f.Date(event.FieldFrom))
	case event.FundingGranted:
		e.from = int32(f.Month(event.FieldFromMonth))
		e.until = int32(f.Month(event.FieldUntilMonth))
	case event.FundingRevoked, event.FundingClosed:
		e.from = int32(f.Month(event.FieldFromMonth))
	case event.FundingCommitted, event.WorkerDied, event.WorkforcePublished, event.TargetSet,
		event.EventRetracted:
		return b.takeRare(e, record.Event)
	default: // amended and disbursed money changes no day of anybody's coverage
	}
	return nil
}

// takeRare takes the rest of an event of a type that is rare.
func (b *Batch) takeRare(e *prepared, bytes []byte) error {
	var r rare
	retracts, err := codec.Decode(bytes, &r.event)
	if err != nil {
		return err
	}
	switch e.kind {
	case event.FundingCommitted:
		e.funding = r.event.Data.Funding
	case event.WorkerDied:
		e.from = int32(r.event.Data.On)
	default:
		r.retracts = eventstore.Sequence(retracts)
		e.rare = uint32(len(b.rare))
		b.rare = append(b.rare, r)
	}
	return nil
}

// termsOf returns the terms that an opened or amended event names.
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

// The buckets of the names.
const (
	enrolmentNames  = "enrolment-names"
	workerNames     = "worker-names"
	commitmentNames = "commitment-names"
)

func (n *names) all() map[string]*pages.Names {
	return map[string]*pages.Names{
		enrolmentNames: n.enrolments, workerNames: n.workers, commitmentNames: n.commitments,
	}
}

// loadNames reads the names from the file, unless they are in memory already.
func (p *Projection) loadNames() error {
	if p.names.loaded {
		return nil
	}
	err := p.db.View(func(tx *bbolt.Tx) error {
		for name, names := range p.names.all() {
			b := bucket(tx, name)
			if b == nil {
				return fmt.Errorf("%w: no bucket %s", ErrFile, name)
			}
			if err := names.Load(b); err != nil {
				return fmt.Errorf("load %s: %w", name, err)
			}
		}
		return nil
	})
	p.names.loaded = err == nil
	return err
}

// storeNames writes the names that are new since the last time.
func (p *Projection) storeNames(tx *bbolt.Tx) error {
	p.names.mu.Lock()
	defer p.names.mu.Unlock()
	for name, names := range p.names.all() {
		if err := pages.StoreIn(tx, name, names.Store); err != nil {
			return err
		}
	}
	return nil
}
