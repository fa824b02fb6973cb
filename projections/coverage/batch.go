package coverage

import (
	"fmt"
	"slices"
	"sync"

	"go.etcd.io/bbolt"

	"cakupan/domain/enrolment"
	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/eventstore/codec"
	"cakupan/projections/pages"
)

// Batch is the events of a frame, decoded, their names numbered. Its texts belong to the frame.
type Batch struct {
	events []prepared
	rare   []event.Event // whole events of the types of which the fold needs more than prepared has

	decoded event.Event // the last one
	// What the events name, to be numbered.
	enrolments, workers, commitments asked
}

// prepared is what the fold needs of one event: a sixth of its size, so that a frame of them goes
// from one core to the other through a cache.
type prepared struct {
	key      event.Key
	sequence eventstore.Sequence
	recorded temporal.Instant
	retracts eventstore.Sequence // of the event that a retraction names; 0: not in the log then

	enrolment, worker, commitment uint32 // numbers; unnamed: the event names none

	terms       uint32 // opened, amended: packed
	from, until int32  // effective day, of a termination too; granted, revoked, closed: months
	rare        int32  // index in the batch's rare
	kind        event.Type
	funding     event.Funding // committed
}

// unnamed stands for the number of an enrolment, worker or commitment that an event does not name.
const unnamed = ^uint32(0)

// asked are names to be numbered, and where the numbers go.
type asked struct {
	lookups []pages.Lookup
	answers []*uint32
}

func (a *asked) reset() { a.lookups, a.answers = a.lookups[:0], a.answers[:0] }

// ask asks for the number of a name, for now without an answer.
func (a *asked) ask(name string, answer *uint32) {
	a.lookups = append(a.lookups, pages.Lookup{Name: name})
	a.answers = append(a.answers, answer)
}

// numberTogether is how many names are numbered at once, and how many events are admitted to the
// fold at once: enough for cache misses to overlap, few enough for what was touched to stay in the
// caches of data and of addresses.
const numberTogether = 128

// answer numbers the names that were asked for.
func (a *asked) answer(names *pages.Names) {
	for lookups := range slices.Chunk(a.lookups, numberTogether) {
		names.NumberAll(lookups)
	}
	for i := range a.lookups {
		*a.answers[i] = a.lookups[i].Number
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
	b.events = slices.Grow(b.events[:0], frame.Count())[:frame.Count()]
	b.rare = b.rare[:0]
	b.enrolments.reset()
	b.workers.reset()
	b.commitments.reset()
	i := 0
	for record := range frame.Records() {
		e := &b.events[i]
		i++
		retracts, err := codec.Decode(record.Event, &b.decoded)
		if err != nil {
			return fmt.Errorf("decode event %d: %w", record.Sequence, err)
		}
		b.take(e, &b.decoded)
		e.sequence, e.recorded = record.Sequence, record.RecordedAt
		e.retracts = eventstore.Sequence(retracts)
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

// take takes from an event what the fold needs, and asks for the numbers of its names.
func (b *Batch) take(e *prepared, ev *event.Event) {
	d := &ev.Data
	*e = prepared{
		key: ev.Key, kind: ev.Type, enrolment: unnamed, worker: unnamed, commitment: unnamed,
	}
	if d.Has.Has(event.FieldEnrolment) {
		b.enrolments.ask(d.Enrolment, &e.enrolment)
	}
	if d.Has.Has(event.FieldWorker) {
		b.workers.ask(d.Worker, &e.worker)
	}
	if d.Has.Has(event.FieldCommitment) {
		b.commitments.ask(d.Commitment, &e.commitment)
	}
	switch ev.Type {
	case event.EnrolmentOpened, event.EnrolmentAmended:
		e.from, e.terms = int32(d.From), packTerms(termsOf(d))
	case event.EnrolmentTerminated:
		e.from = int32(d.Until)
	case event.EnrolmentReinstated:
		e.from = int32(d.From)
	case event.FundingGranted, event.FundingRevoked, event.FundingCommitted, event.FundingClosed:
		e.from, e.until, e.funding = int32(d.FromMonth), int32(d.UntilMonth), d.Funding
	case event.WorkerDied:
		e.from = int32(d.On)
	case event.WorkforcePublished, event.TargetSet, event.EventRetracted:
		e.rare = int32(len(b.rare))
		b.rare = append(b.rare, *ev)
		*ev = event.Event{} // the slices belong to the rare one now
	default: // amended and disbursed money changes no day of anybody's coverage
	}
}

// termsOf returns the terms that an opened or amended event names.
func termsOf(d *event.Data) (enrolment.Terms, enrolment.Named) {
	terms := enrolment.Terms{
		Region: d.Region, Segment: d.Segment, Category: d.Category,
		Programmes: d.ProgrammeSet(), Payer: d.Payer,
	}
	// The five fields have numbers that follow one another, and so have the bits of Named.
	return terms, enrolment.Named(d.Has >> event.FieldRegion & (1<<5 - 1))
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
		if err := storeIn(tx, name, names.Store); err != nil {
			return err
		}
	}
	return nil
}
