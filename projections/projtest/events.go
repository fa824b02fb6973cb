package projtest

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"slices"
	"testing"

	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/eventstore/codec"
	"cakupan/eventstore/memlog"
	"cakupan/eventstore/merkle"
	"cakupan/projections"
)

// firstRecorded is 2020-01-01T00:00:00Z. It is fixed, as is all else that events are made of:
// nothing here looks at a clock.
const firstRecorded temporal.Instant = 1_577_836_800_000_000_000

// maker makes events about few names, so that each has some history within a hundred events.
//
// Names grow with the number of events, an eighth of it, so that their histories stay as long. Keys
// are those made so far: by them a retraction is told which sequence it names.
type maker struct {
	*rand.Rand
	names  int
	shares int
	keys   map[event.Key]eventstore.Sequence
}

// Events returns n events as they come to a log, the same for the same seed: of most types, among
// them retractions, of events that came before and of some that come later or never.
//
// They are as the log would hold them: numbered from 1, with record times that never decrease, up
// to three seconds apart. What they say contradicts itself as often as it comes, which a projection
// must bear. Commitments, credits and merges are not among them, as golden files were made of
// these: see [AllTypes]. Events(seed, m) are not the first m of Events(seed, n): how many there are
// decides how many names there are.
func Events(seed uint64, n int) []projections.Event { return makeEvents(seed, n, 100) }

// AllTypes returns events as [Events] does, of all types that publishers may send.
func AllTypes(seed uint64, n int) []projections.Event { return makeEvents(seed, n, 180) }

// makeEvents makes events, of the first so many shares of the types; see fill and fillMore.
func makeEvents(seed uint64, n, shares int) []projections.Event {
	m := &maker{
		rand.New(rand.NewPCG(seed, 8)), 2 + n/8, shares, map[event.Key]eventstore.Sequence{},
	}
	events := make([]projections.Event, n)
	at := firstRecorded
	for i := range events {
		e := &events[i]
		e.Sequence, e.RecordedAt = eventstore.Sequence(i+1), at
		e.Key = keyOf(i + 1)
		m.fill(e, n)
		m.keys[e.Key] = e.Sequence
		at += temporal.Instant(m.Int64N(3e9))
	}
	return events
}

// keyOf returns the source and id of an event by its number: they tell it among a few sources.
func keyOf(i int) event.Key {
	return event.Key{Source: fmt.Sprintf("urn:test:%d", i%3), ID: fmt.Sprintf("event-%d", i)}
}

// name returns one of the names of a kind, some of which no event will ever name.
func (m *maker) name(kind string) string { return fmt.Sprintf("%s-%d", kind, m.IntN(m.names)) }

// day returns a day of 2019, 2020 or 2021: some are long past when they are recorded, and others to
// come.
func (m *maker) day() temporal.Date { return temporal.Date(18_000 + m.IntN(800)) }

// regency returns one of three: two of one province and one of another, so that a sum over a
// province is told from one over a regency.
func (m *maker) regency() region.Code { return []region.Code{7503, 7571, 7101}[m.IntN(3)] }

// fill makes the event one of a random type. n is how many there will be.
//
// The shares are chosen so that a few hundred events hold all of them, and openings are the most,
// as otherwise most of the other events would be about nobody. Every seventh or so is a retraction:
// of one that came, of one still to come, which must then never be in force, or of one that never
// will. The draws are in the order of the cases: another order makes other histories, and golden
// files.
func (m *maker) fill(e *projections.Event, n int) {
	d := &e.Data
	set := func(fields ...event.Field) {
		for _, f := range fields {
			d.Has = d.Has.With(f)
		}
	}
	switch draw := m.IntN(m.shares); {
	case draw >= 100:
		m.fillMore(e, draw-100)
	case draw < 40:
		e.Type = event.EnrolmentOpened
		d.Enrolment, d.Worker, d.From = m.name("enrolment"), m.name("worker"), m.day()
		d.Region, d.Segment = m.regency(), event.Segment(1+m.IntN(2))
		d.Category, d.Payer = event.Category(4+m.IntN(3)), event.Payer(1+m.IntN(3))
		d.Programmes = []event.Programme{event.JKK, event.JKM}
		set(event.FieldEnrolment, event.FieldWorker, event.FieldFrom, event.FieldRegion,
			event.FieldSegment, event.FieldCategory, event.FieldPayer, event.FieldProgrammes)
	case draw < 50:
		e.Type, d.Enrolment, d.Until = event.EnrolmentTerminated, m.name("enrolment"), m.day()
		d.Reason = event.Layoff
		set(event.FieldEnrolment, event.FieldUntil, event.FieldReason)
	case draw < 60:
		e.Type, d.Enrolment, d.From = event.EnrolmentAmended, m.name("enrolment"), m.day()
		d.Region = m.regency()
		set(event.FieldEnrolment, event.FieldFrom, event.FieldRegion)
	case draw < 65:
		e.Type, d.Worker, d.On = event.WorkerDied, m.name("worker"), m.day()
		set(event.FieldWorker, event.FieldOn)
	case draw < 80:
		e.Type, d.Enrolment = event.FundingGranted, m.name("enrolment")
		d.Commitment, d.FromMonth = m.name("commitment"), m.day().Month()
		d.UntilMonth = d.FromMonth + 3
		set(event.FieldEnrolment, event.FieldCommitment, event.FieldFromMonth,
			event.FieldUntilMonth)
	case draw < 85:
		e.Type, d.Region, d.Sector = event.WorkforcePublished, m.regency(), event.Sector(1)
		d.Reference, d.Count, d.Publication = m.day(), m.Int64N(1000), "publication"
		set(event.FieldRegion, event.FieldSector, event.FieldReference, event.FieldCount,
			event.FieldPublication)
	default:
		e.Type = event.EventRetracted
		named := keyOf(1 + m.IntN(n+n/8+1))
		d.RetractedSource, d.RetractedID, d.ReasonText = named.Source, named.ID, "mistake"
		e.Retracts = m.keys[named]
		set(event.FieldRetractedSource, event.FieldRetractedID, event.FieldReasonText)
	}
}

// encode returns an event as the log stores it. A retraction carries the sequence of the event that
// it names where that has come before it, as the writer of a log notes it.
func encode(e *projections.Event) []byte {
	bytes := codec.Append(nil, &e.Event)
	if e.Retracts != 0 {
		bytes = codec.AppendRetracts(bytes, uint64(e.Retracts))
	}
	return bytes
}

// frameOf packs events. There must be one event at least, and they must follow one another.
func frameOf(events []projections.Event) ([]byte, error) {
	b := eventstore.NewFrameBuilder(events[0].Sequence, merkle.Hash{}, events[0].RecordedAt)
	for i := range events {
		if err := b.Append(events[i].RecordedAt, encode(&events[i])); err != nil {
			return nil, fmt.Errorf("pack event %d: %w", events[i].Sequence, err)
		}
	}
	return append([]byte(nil), b.Bytes()...), nil
}

// Append appends events to a log in frames of up to most, cut by the seed.
//
// The same seed cuts in the same places. The events must go on from the end of the log.
func Append(log *memlog.Log, events []projections.Event, seed uint64, most int) error {
	return appendAs(log, events, seed, most, func(raw []byte) []byte { return raw })
}

// AppendOld is Append in frames of version 1, which the log of a file that an earlier program wrote
// had: such a file knows the last frame of its log by its bytes.
func AppendOld(log *memlog.Log, events []projections.Event, seed uint64, most int) error {
	return appendAs(log, events, seed, most, OldFrame)
}

// OldFrame returns the frame of version 1 with the events of one of version 2, whose header has two
// numbers more. The other bytes are the same in both. Its checksum is made anew, or it would pass
// for damaged.
func OldFrame(raw []byte) []byte {
	const version, header1, header2, checksum = 2, 56, 72, 4
	old := slices.Concat(raw[:header1], raw[header2:len(raw)-checksum])
	old[version] = 1
	sum := crc32.Checksum(old, crc32.MakeTable(crc32.Castagnoli))
	return binary.BigEndian.AppendUint32(old, sum)
}

// appendAs appends the frames in the form that as gives them. It goes on from the tail of the log,
// which the log checks, and stops at the first error: what was appended until then stays.
func appendAs(log *memlog.Log, events []projections.Event, seed uint64, most int,
	as func(raw []byte) []byte,
) error {
	rng := rand.New(rand.NewPCG(seed, 9))
	_, tail, err := log.Last(background)
	for len(events) > 0 && err == nil {
		n := min(len(events), 1+rng.IntN(most))
		var raw []byte
		if raw, err = frameOf(events[:n]); err == nil {
			tail, err = log.Append(background, as(raw), tail)
		}
		events = events[n:]
	}
	return err
}

// FrameOf returns a frame of events. They must follow one another. It is what a test hands to a
// projection without any log.
func FrameOf(t *testing.T, events []projections.Event) eventstore.Frame {
	t.Helper()
	raw, err := frameOf(events)
	if err != nil {
		t.Fatal(err)
	}
	frame, err := eventstore.ParseFrame(raw)
	if err != nil {
		t.Fatal(err)
	}
	return frame
}
