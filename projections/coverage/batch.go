package coverage

import (
	"fmt"

	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/eventstore/codec"
	"cakupan/projections/pages"
)

// Batch is the events of a frame, decoded. Its texts belong to the frame.
type Batch struct {
	events []prepared
	touch  uint64 // keeps the reads of touchSlots and touchFacts from being optimized away
}

// prepared is one event and what can be told of it without the state.
type prepared struct {
	event    event.Event
	sequence eventstore.Sequence
	recorded temporal.Instant
	retracts uint64

	hasEnrolment, hasWorker, hasCommitment bool
	enrolment, worker, commitment          named
}

// named is a name's hash, and its number once resolved.
type named struct {
	hash   pages.NameHash
	number uint32
}

// Prepare decodes a frame into the batch, whose memory it uses again. It may run ahead of Apply
// in another goroutine: half of the work of a replay is done there, on the second core.
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
		p.hash(e)
	}
	return nil
}

// hash hashes the names in the event.
func (p *Projection) hash(e *prepared) {
	d := &e.event.Data
	e.hasEnrolment = d.Has.Has(event.FieldEnrolment)
	e.hasWorker = d.Has.Has(event.FieldWorker)
	e.hasCommitment = d.Has.Has(event.FieldCommitment)
	if e.hasEnrolment {
		e.enrolment.hash = p.hasher.Hash(d.Enrolment)
	}
	if e.hasWorker {
		e.worker.hash = p.hasher.Hash(d.Worker)
	}
	if e.hasCommitment {
		e.commitment.hash = p.hasher.Hash(d.Commitment)
	}
}

// resolve numbers the names of the batch. What it does could be done event by event; done for a
// frame at once, the processor waits for many cache misses at the same time instead of for one
// after the other, and that is where a replay of millions of workers spends its time.
func (s *state) resolve(b *Batch) {
	for i := range b.events {
		e := &b.events[i]
		if e.hasEnrolment {
			b.touch += s.enrolmentNames.Touch(e.enrolment.hash)
		}
		if e.hasWorker {
			b.touch += s.workerNames.Touch(e.worker.hash)
		}
	}
	for i := range b.events {
		e := &b.events[i]
		d := &e.event.Data
		if e.hasEnrolment {
			e.enrolment.number = s.enrolment(d.Enrolment, e.enrolment.hash)
		}
		if e.hasWorker {
			e.worker.number = s.worker(d.Worker, e.worker.hash)
		}
		if e.hasCommitment {
			e.commitment.number = s.commitment(d.Commitment, e.commitment.hash)
		}
	}
	for i := range b.events {
		if e := &b.events[i]; e.hasEnrolment {
			b.touch += s.touch(e.enrolment.number)
		}
	}
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
