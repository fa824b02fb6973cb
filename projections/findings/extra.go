package findings

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/cespare/xxhash/v2"

	"cakupan/domain/event"
	"cakupan/eventstore"
	"cakupan/eventstore/codec"
	"cakupan/projections/facts"
)

// Batch is the events of a frame, decoded, with what package facts leaves out. It belongs to one
// goroutine at a time: Prepare fills it, Apply adds the steps, and Show does them.
type Batch struct {
	facts  facts.Batch
	extras []extra
	steps  []step // what Apply leaves for Show
}

// extra is what findings need of an event beside the facts. Money is decoded a second time, as
// package facts keeps nothing of the terms: it is for few events.
type extra struct {
	publisher string // of an event that may be foreign
	sender    uint32 // the number of that publisher among [senders]; 0: there is none
	hash      uint64 // over its record time and bytes
	money     *event.Event
}

// Prepare decodes a frame into the batch, whose memory it uses again. It may run ahead of Apply in
// another goroutine. An error means that the event cannot be decoded by this program, and the frame
// is not folded.
func (p *Projection) Prepare(frame eventstore.Frame, b *Batch) error {
	if err := p.names.Prepare(frame, &b.facts); err != nil {
		return err
	}
	b.extras = b.extras[:0]
	i := 0
	for record := range frame.Records() {
		x, err := extraOf(&b.facts.Events()[i], &record)
		if err != nil {
			return fmt.Errorf("decode event %d: %w", record.Sequence, err)
		}
		p.senders.tell(&x)
		b.extras = append(b.extras, x)
		i++
	}
	return nil
}

// extraOf returns what is needed of one event. The sender is read without decoding the rest of
// the event.
func extraOf(e *facts.Event, record *eventstore.Record) (x extra, err error) {
	x.hash = xxhash.Sum64(record.Event) ^ uint64(record.RecordedAt)*hashPrime
	switch e.Kind {
	case event.FundingCommitted, event.FundingAmended, event.FundingDisbursed:
		x.money = &event.Event{}
		if _, err = codec.Decode(record.Event, x.money); err != nil {
			return x, err
		}
		x.publisher = publisherOf(x.money.Publisher, x.money.Source)
	case event.EnrolmentOpened, event.EnrolmentAmended, event.EnrolmentTerminated,
		event.EnrolmentReinstated, event.FundingRevoked, event.FundingClosed:
		publisher, source := codec.Sender(record.Event)
		x.publisher = publisherOf(publisher, source)
	default:
	}
	return x, nil
}

// senders tells publishers apart, on the way to the fold: Apply, which a replay waits for, need not
// look up texts. It belongs to the goroutine that prepares, and only grows: the numbers are those
// of this program's run and never stored.
type senders map[string]sender

type sender struct {
	name   string
	number uint32
}

// tell gives an event the number of its publisher, and the name for keeps: what it had belongs to
// the frame.
func (s senders) tell(x *extra) {
	if x.publisher == "" {
		return
	}
	is, known := s[x.publisher]
	if !known {
		is = sender{strings.Clone(x.publisher), uint32(len(s)) + 1}
		s[is.name] = is
	}
	x.publisher, x.sender = is.name, is.number
}

// publisherOf returns the name of who sent an event. So the contract has it (section 8, Publisher).
func publisherOf(registered, source string) string {
	if registered != "" {
		return registered
	}
	return source
}

// hashPrime spreads the record time over all bits, so that it does not cancel with those of the
// event's hash.
const hashPrime = 0x9E3779B97F4A7C15 // 2^64 / golden ratio

// chained returns a hash over an event, given that of all before it. It is no proof against
// anybody: it need only tell projections of two logs apart, in a digest.
func chained(head, hash uint64) uint64 {
	var both [16]byte
	binary.LittleEndian.PutUint64(both[:], head)
	binary.LittleEndian.PutUint64(both[8:], hash)
	return xxhash.Sum64(both[:])
}
