package logtest

import (
	"bytes"
	"encoding/binary"

	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/eventstore/merkle"
)

const (
	eventBytes = 110 // about what a real event takes

	// firstRecordedAt is 2020-01-01T00:00:00Z. Any day that is past: a log does not look at the
	// clock.
	firstRecordedAt temporal.Instant = 1_577_836_800_000_000_000
	// A second, so that no two frames share a moment.
	frameEvery temporal.Instant = 1_000_000_000
)

// Maker makes the frames of one log, one after the other, with dense sequences, growing record
// times and true roots. Their events are bytes without meaning. The zero value begins a new log.
// The same calls give the same bytes. It belongs to one goroutine.
type Maker struct {
	// Over all that was appended.
	tree merkle.Tree
	// It takes the place of tree when the frame was appended, and is dropped when another is made
	// in its place.
	pending merkle.Tree // tree after the frame made last
	// Where the log ends, as far as this maker was told.
	tail eventstore.Tail
	// Record time of the next frame's first event; 0 before the first.
	at temporal.Instant
}

// Before returns the end of the log that the next frame is to be appended after.
func (m *Maker) Before() eventstore.Tail { return m.tail }

// Frame returns the next frame with count events of ordinary size. Until Appended is called, the
// next frame is one in its place.
func (m *Maker) Frame(count int) []byte {
	return m.FrameOf(repeat(count, eventBytes)...)
}

// FrameOf returns the next frame with events of the given sizes in bytes, nil if they do not fit.
// The bytes are the caller's own.
func (m *Maker) FrameOf(sizes ...int) []byte {
	// The zero value has no time yet.
	if m.at == 0 {
		m.at = firstRecordedAt
	}
	m.pending = *m.tree.Clone()
	b := eventstore.NewFrameBuilder(m.tail.Sequence+1, m.tree.Root(), m.at)
	for i, size := range sizes {
		event := eventOf(b.Next(), size)
		at := m.at + temporal.Instant(i/2) // some events share a moment, some do not
		m.pending.Append(merkle.LeafHash(uint64(b.Next()), int64(at), event))
		if err := b.Append(at, event); err != nil {
			return nil // no log takes that for a frame
		}
	}
	return bytes.Clone(b.Bytes())
}

// Appended tells that the frame made last is in the log, which now ends there. It takes the log's
// own word for where that is.
func (m *Maker) Appended(tail eventstore.Tail) {
	m.tree, m.tail, m.at = m.pending, tail, tail.RecordedAt+frameEvery
}

// Continue makes frames that follow the given last frame of a log. Their roots are not true. A log
// does not compare roots, so it takes them; who checks a log would not.
func (m *Maker) Continue(last eventstore.Frame, tail eventstore.Tail) {
	if !last.IsZero() {
		m.tail, m.at = tail, last.LastRecordedAt()+frameEvery
	}
}

// Root returns the tree root over everything appended. It is the one that the next frame carries.
func (m *Maker) Root() merkle.Hash { return m.tree.Root() }

// eventOf returns bytes that differ from event to event. A reader that mixes two of them up is
// found by their bytes.
func eventOf(sequence eventstore.Sequence, size int) []byte {
	event := make([]byte, size)
	for i := range event {
		event[i] = byte(uint64(i) + uint64(sequence)*31)
	}
	// The first bytes name the event, for whoever looks at a failure.
	if size >= 8 {
		binary.BigEndian.PutUint64(event, uint64(sequence))
	}
	return event
}
