package coverage

import (
	"fmt"
	"slices"
	"sync"

	"go.etcd.io/bbolt"

	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/eventstore/codec"
	"cakupan/projections/pages"
)

// Batch is the events of a frame, decoded, their names numbered. Its texts belong to the frame.
type Batch struct {
	events []prepared
	touch  uint64 // keeps reads that are there for the cache from being optimized away
}

// prepared is one event and what can be told of it without the state of the fold.
type prepared struct {
	event    event.Event
	sequence eventstore.Sequence
	recorded temporal.Instant
	retracts uint64 // the sequence of the event that a retraction names; 0: not in the log then

	enrolment, worker, commitment named
}

// named is a name of an event: present or not, its hash, and its number.
type named struct {
	present bool
	hash    pages.NameHash
	number  uint32
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

// numberTogether is how many events are numbered at once: enough for cache misses to overlap,
// few enough for what was touched to stay in the caches of data and of addresses.
const numberTogether = 128

// Prepare decodes a frame into the batch, whose memory it uses again, and numbers its names. It
// may run ahead of Apply in another goroutine: nearly half of the work of a replay is done there,
// on the second core.
func (p *Projection) Prepare(frame eventstore.Frame, b *Batch) error {
	n := frame.Count()
	for len(b.events) < n {
		b.events = append(b.events, prepared{})
	}
	b.events = b.events[:n]
	i := 0
	for record := range frame.Records() {
		e := &b.events[i]
		i++
		var err error
		if e.retracts, err = codec.Decode(record.Event, &e.event); err != nil {
			return fmt.Errorf("decode event %d: %w", record.Sequence, err)
		}
		e.sequence, e.recorded = record.Sequence, record.RecordedAt
	}
	p.names.mu.Lock()
	defer p.names.mu.Unlock()
	if err := p.loadNames(); err != nil {
		return err
	}
	for events := range slices.Chunk(b.events, numberTogether) {
		b.touch += p.names.number(events)
	}
	return nil
}

// number numbers the names of some events. It could be done event by event; done for many, the
// processor waits for many cache misses at the same time instead of for one after the other.
func (n *names) number(events []prepared) (touched uint64) {
	for i := range events {
		e := &events[i]
		d := &e.event.Data
		if e.enrolment.present = d.Has.Has(event.FieldEnrolment); e.enrolment.present {
			e.enrolment.hash = n.hasher.Hash(d.Enrolment)
			touched += n.enrolments.Touch(e.enrolment.hash)
		}
		if e.worker.present = d.Has.Has(event.FieldWorker); e.worker.present {
			e.worker.hash = n.hasher.Hash(d.Worker)
			touched += n.workers.Touch(e.worker.hash)
		}
		if e.commitment.present = d.Has.Has(event.FieldCommitment); e.commitment.present {
			e.commitment.hash = n.hasher.Hash(d.Commitment)
		}
	}
	for i := range events {
		e := &events[i]
		d := &e.event.Data
		if e.enrolment.present {
			e.enrolment.number = n.enrolments.Number(d.Enrolment, e.enrolment.hash)
		}
		if e.worker.present {
			e.worker.number = n.workers.Number(d.Worker, e.worker.hash)
		}
		if e.commitment.present {
			e.commitment.number = n.commitments.Number(d.Commitment, e.commitment.hash)
		}
	}
	return touched
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

// admit makes room in the tables for what the event names, and reads what the fold of the event
// will read, for the same reason as number does.
func (s *state) admit(e *prepared) (touched uint64) {
	if e.enrolment.present {
		for int(e.enrolment.number) >= s.enrolments.Len() {
			s.enrolments.Append(0)
		}
		touched = s.touch(e.enrolment.number)
	}
	if e.worker.present {
		for int(e.worker.number) >= s.workers.Len() {
			s.workers.Append(workerLinks{})
		}
	}
	if e.commitment.present {
		for int(e.commitment.number) >= s.grantsOf.Len() {
			s.grantsOf.Append(0)
			s.moneyOf = append(s.moneyOf, nil)
		}
	}
	return touched
}

// touch reads the newest facts of an enrolment, and its worker.
func (s *state) touch(e uint32) (touched uint64) {
	const factsMax = 4 // nearly all enrolments have fewer
	at := *s.enrolments.At(int(e))
	for n := 0; at != 0 && n < factsMax; n++ {
		f := s.facts.At(int(at - 1))
		if event.Type(f.kind) == event.EnrolmentOpened {
			touched += uint64(s.workers.At(int(f.subject)).first)
		}
		at = f.next
	}
	return touched
}
