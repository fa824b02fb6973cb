package eventstore

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"iter"
	"math"

	"cakupan/domain/temporal"
	"cakupan/eventstore/merkle"
)

// FrameVersion is the version of the frame format that this program writes, and the highest it
// reads. See FORMAT.md.
const FrameVersion = 2

// Limits of a frame.
const (
	// FrameEventsMax bounds the events that share one append and one acknowledgement. 1,000
	// events of 110 bytes make a message of about 110 kB: more brings little throughput and
	// costs latency.
	FrameEventsMax = 1000

	// FrameBytesMax bounds a frame, so that with its headers it fits the 1 MiB that a NATS server
	// takes as a message unless configured otherwise.
	FrameBytesMax = 1<<20 - 4<<10

	// EventBytesMax bounds one stored event. An event is at most 64 KiB as sent; its stored form
	// may be somewhat larger (many tiny extension attributes), never twice as large.
	EventBytesMax = 128 << 10
)

// Offsets within a frame. FORMAT.md has the table.
const (
	offsetVersion  = 2
	offsetFlags    = 3
	offsetFirst    = 4
	offsetCount    = 12
	offsetTime     = 16
	offsetRoot     = 24
	offsetVault    = 56
	offsetRegister = 64
	checksumSize   = 4

	headerSize  = 72
	headerSize1 = 56 // of version 1, which ends with the root
)

const frameMagic = "CK"

// Beside says how far what is kept beside the log was when a frame was appended: the numbers of the
// last records of the vault and of the register. A ledger that has less of one than its log names
// has lost it. 0: none, or not known.
type Beside struct{ Vault, Register uint64 }

// Frame is a run of consecutive events that were committed together. It is only made by
// ParseFrame, which checks it completely; the zero value is no frame and has no records.
type Frame struct {
	raw  []byte
	last temporal.Instant // record time of the last event
}

// ParseFrame checks raw completely (limits, checksum, every entry) and returns it as a frame. The
// frame keeps raw, which must not be written afterwards. The error wraps ErrNewerFormat for an
// intact frame of a newer version, else ErrFrame.
func ParseFrame(raw []byte) (Frame, error) {
	if err := checkEnvelope(raw); err != nil {
		return Frame{}, err
	}
	f := Frame{raw: raw}
	switch count := f.Count(); {
	case f.First() == 0:
		return Frame{}, fmt.Errorf("%w: first sequence is 0", ErrFrame)
	case count == 0 || count > FrameEventsMax:
		return Frame{}, fmt.Errorf("%w: %d events", ErrFrame, count)
	case uint64(f.First()) > math.MaxUint64-uint64(count):
		return Frame{}, fmt.Errorf("%w: sequences beyond the range of numbers", ErrFrame)
	}
	last, err := checkEntries(f.entries(), f.Count(), f.RecordedAt())
	if err != nil {
		return Frame{}, err
	}
	f.last = last
	return f, nil
}

// checkEnvelope checks what does not depend on the entries: size, magic, checksum, version.
func checkEnvelope(raw []byte) error {
	switch {
	case len(raw) < headerSize1+checksumSize:
		return fmt.Errorf("%w: only %d bytes", ErrFrame, len(raw))
	case len(raw) > FrameBytesMax:
		return fmt.Errorf("%w: %d bytes are over the limit", ErrFrame, len(raw))
	case string(raw[:len(frameMagic)]) != frameMagic:
		return fmt.Errorf("%w: does not begin with %q", ErrFrame, frameMagic)
	}
	body, sum := raw[:len(raw)-checksumSize], raw[len(raw)-checksumSize:]
	if checksum(body) != binary.BigEndian.Uint32(sum) {
		return fmt.Errorf("%w: checksum differs", ErrFrame)
	}
	// The checksum comes first: only an intact frame may claim to be newer than this program.
	switch version := raw[offsetVersion]; {
	case version > FrameVersion:
		return fmt.Errorf("%w: frame version %d, this program reads up to %d",
			ErrNewerFormat, version, FrameVersion)
	case version == 0:
		return fmt.Errorf("%w: version %d never existed", ErrFrame, version)
	case len(raw) < headerOf(version)+checksumSize:
		return fmt.Errorf("%w: only %d bytes", ErrFrame, len(raw))
	case raw[offsetFlags] != 0:
		return fmt.Errorf("%w: unknown flags %#02x", ErrFrame, raw[offsetFlags])
	}
	return nil
}

// headerOf returns the size of the header of a version.
func headerOf(version byte) int {
	if version == 1 {
		return headerSize1
	}
	return headerSize
}

// checkEntries checks that exactly count entries fill the bytes, so that iterating needs no
// checks. It returns the record time of the last one.
func checkEntries(entries []byte, count int, at temporal.Instant) (temporal.Instant, error) {
	for i := range count {
		later, rest, ok := cutUvarint(entries)
		if !ok {
			return 0, fmt.Errorf("%w: entry %d: no valid time", ErrFrame, i)
		}
		size, rest, ok := cutUvarint(rest)
		switch {
		case !ok:
			return 0, fmt.Errorf("%w: entry %d: no valid length", ErrFrame, i)
		case size > EventBytesMax || size > uint64(len(rest)):
			return 0, fmt.Errorf("%w: entry %d: %d bytes do not fit", ErrFrame, i, size)
		case i == 0 && later != 0:
			return 0, fmt.Errorf("%w: first entry later than its frame", ErrFrame)
		case later > math.MaxInt64 || temporal.Instant(later) > latestAfter(at):
			return 0, fmt.Errorf("%w: entry %d: time beyond the range", ErrFrame, i)
		}
		at += temporal.Instant(later)
		entries = rest[size:]
	}
	if len(entries) != 0 {
		return 0, fmt.Errorf("%w: %d bytes after the last entry", ErrFrame, len(entries))
	}
	return at, nil
}

// latestAfter returns how much can be added to the instant, at most MaxInt64.
func latestAfter(at temporal.Instant) temporal.Instant {
	if at < 0 {
		return math.MaxInt64
	}
	return math.MaxInt64 - at
}

// cutUvarint splits a number off the front. Only the shortest encoding is valid: a frame must
// have one encoding only.
func cutUvarint(b []byte) (value uint64, rest []byte, ok bool) {
	if len(b) > 0 && b[0] < 0x80 {
		return uint64(b[0]), b[1:], true
	}
	value, n := binary.Uvarint(b)
	if n <= 0 || b[n-1] == 0 {
		return 0, nil, false
	}
	return value, b[n:], true
}

// checksum is CRC-32C, which processors have instructions for. It guards against accidents; the
// tree root guards against intent.
func checksum(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }

// IsZero reports whether the frame is the zero value: none.
func (f Frame) IsZero() bool { return f.raw == nil }

// First returns the sequence of the first event, 0 for the zero frame.
func (f Frame) First() Sequence {
	if f.raw == nil {
		return 0
	}
	return Sequence(binary.BigEndian.Uint64(f.raw[offsetFirst:]))
}

// Last returns the sequence of the last event, 0 for the zero frame.
func (f Frame) Last() Sequence {
	if f.raw == nil {
		return 0
	}
	return f.First() + Sequence(f.Count()) - 1
}

// Count returns the number of events, from 1 to FrameEventsMax; 0 for the zero frame.
func (f Frame) Count() int {
	if f.raw == nil {
		return 0
	}
	return int(binary.BigEndian.Uint32(f.raw[offsetCount:]))
}

// RecordedAt returns the record time of the first event.
func (f Frame) RecordedAt() temporal.Instant {
	if f.raw == nil {
		return 0
	}
	return temporal.Instant(binary.BigEndian.Uint64(f.raw[offsetTime:]))
}

// LastRecordedAt returns the record time of the last event.
func (f Frame) LastRecordedAt() temporal.Instant { return f.last }

// Root returns the tree root over all events before this frame, as the writer knew it.
func (f Frame) Root() (root merkle.Hash) {
	if f.raw != nil {
		copy(root[:], f.raw[offsetRoot:])
	}
	return root
}

// Beside returns how far what is kept beside the log was, as the writer knew it. A frame of version
// 1 does not tell.
func (f Frame) Beside() (b Beside) {
	if f.raw != nil && f.raw[offsetVersion] > 1 {
		b.Vault = binary.BigEndian.Uint64(f.raw[offsetVault:])
		b.Register = binary.BigEndian.Uint64(f.raw[offsetRegister:])
	}
	return b
}

// Raw returns the bytes of the frame, header and checksum included. Do not write them.
func (f Frame) Raw() []byte { return f.raw }

// Tail returns the end of a log whose last frame is this one and is stored in the given message.
func (f Frame) Tail(message uint64) Tail {
	return Tail{Sequence: f.Last(), Message: message, RecordedAt: f.last}
}

// Records returns an iterator over the events in order. It costs a few nanoseconds an event and
// allocates nothing:
//
//	for record := range frame.Records() {
func (f Frame) Records() iter.Seq[Record] {
	return func(yield func(Record) bool) { f.Each(yield) }
}

// Each calls yield for each event in order until it returns false. ParseFrame has checked all
// entries, so nothing can fail here.
func (f Frame) Each(yield func(Record) bool) {
	record := Record{Sequence: f.First(), RecordedAt: f.RecordedAt()}
	for rest := f.entries(); len(rest) > 0; record.Sequence++ {
		later, after, _ := cutUvarint(rest)
		size, after, _ := cutUvarint(after)
		record.RecordedAt += temporal.Instant(later)
		record.Event, rest = after[:size:size], after[size:]
		if !yield(record) {
			return
		}
	}
}

func (f Frame) entries() []byte {
	if f.raw == nil {
		return nil
	}
	return f.raw[headerOf(f.raw[offsetVersion]) : len(f.raw)-checksumSize]
}

// FrameBuilder builds the bytes of one frame. Reset makes it ready for the next one and keeps the
// memory. It is not safe for concurrent use.
type FrameBuilder struct {
	buf   []byte // header and entries, without the checksum
	first Sequence
	count int
	at    temporal.Instant // record time of the last entry
}

// NewFrameBuilder begins a frame: first is the sequence of its first event, root the tree root
// over all events before it, at the record time of its first event.
func NewFrameBuilder(first Sequence, root merkle.Hash, at temporal.Instant) *FrameBuilder {
	b := new(FrameBuilder)
	b.Reset(first, root, at)
	return b
}

// Reset begins the next frame. The bytes that Bytes returned before are overwritten.
func (b *FrameBuilder) Reset(first Sequence, root merkle.Hash, at temporal.Instant) {
	b.first, b.count, b.at = first, 0, at
	b.buf = append(b.buf[:0], frameMagic...)
	b.buf = append(b.buf, FrameVersion, 0)
	b.buf = binary.BigEndian.AppendUint64(b.buf, uint64(first))
	b.buf = binary.BigEndian.AppendUint32(b.buf, 0) // the count: see Bytes
	b.buf = binary.BigEndian.AppendUint64(b.buf, uint64(at))
	b.buf = append(b.buf, root[:]...)
	b.buf = append(b.buf, make([]byte, headerSize-offsetVault)...) // see SetBeside
}

// SetBeside says how far what is kept beside the log is. It may be called until Bytes is.
func (b *FrameBuilder) SetBeside(beside Beside) {
	binary.BigEndian.PutUint64(b.buf[offsetVault:], beside.Vault)
	binary.BigEndian.PutUint64(b.buf[offsetRegister:], beside.Register)
}

// Append adds an event recorded at the given moment. The first event's record time must be the
// one that the frame was begun with. On an error nothing was added: ErrFrameFull,
// ErrEventTooLarge, ErrRecordOrder.
func (b *FrameBuilder) Append(at temporal.Instant, event []byte) error {
	switch {
	case len(event) > EventBytesMax:
		return fmt.Errorf("%w: %d bytes", ErrEventTooLarge, len(event))
	case at < b.at || (b.count == 0 && at != b.at):
		return ErrRecordOrder
	case Apart(b.at, at):
		return fmt.Errorf("%w: over 292 years apart", ErrRecordOrder)
	}
	later, size := uint64(at-b.at), uint64(len(event))
	total := len(b.buf) + uvarintLen(later) + uvarintLen(size) + len(event) + checksumSize
	if b.count == FrameEventsMax || total > FrameBytesMax {
		return ErrFrameFull
	}
	b.buf = binary.AppendUvarint(b.buf, later)
	b.buf = binary.AppendUvarint(b.buf, size)
	b.buf = append(b.buf, event...)
	b.at = at
	b.count++
	return nil
}

// Apart reports whether so many years, over 292, lie between a record time and a later one that
// events with them cannot follow each other in one frame.
func Apart(before, at temporal.Instant) bool {
	return before < 0 && at > math.MaxInt64+before
}

// uvarintLen returns how many bytes the number takes.
func uvarintLen(v uint64) int {
	n := 1
	for ; v >= 0x80; v >>= 7 {
		n++
	}
	return n
}

// Count returns the number of events added.
func (b *FrameBuilder) Count() int { return b.count }

// Len returns the size of the frame in bytes as it would be now.
func (b *FrameBuilder) Len() int { return len(b.buf) + checksumSize }

// Next returns the sequence that the next event added would get.
func (b *FrameBuilder) Next() Sequence { return b.first + Sequence(b.count) }

// Bytes completes the frame and returns it. The bytes belong to the builder until Reset; more
// events may be added and Bytes called again. Without events the bytes are not a valid frame.
func (b *FrameBuilder) Bytes() []byte {
	binary.BigEndian.PutUint32(b.buf[offsetCount:], uint32(b.count))
	sum := checksum(b.buf)
	frame := binary.BigEndian.AppendUint32(b.buf, sum)
	b.buf = frame[:len(frame)-checksumSize]
	return frame
}
