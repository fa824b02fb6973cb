package packs

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"

	"cakupan/eventstore"
)

// FormatVersion is the version of records that this program writes, and the highest it reads.
const FormatVersion = 1

// Limits of a record.
const (
	// BytesMax bounds a record, so that with its headers it fits the 1 MiB that a NATS server
	// takes as a message unless configured otherwise.
	BytesMax = 1<<20 - 4<<10

	// ReplacesMax bounds the records in whose place one stands: what it replaces, and what that
	// had replaced.
	ReplacesMax = 8_192

	// DataBytesMax bounds the data of a record, with room for all that it may replace.
	DataBytesMax = BytesMax - headSize - 8*ReplacesMax - sumSize
)

// Offsets within a record. FORMAT.md has the table.
const (
	magic          = "CKP"
	offsetVersion  = 3
	offsetNumber   = 4
	offsetAttempt  = 12
	offsetReplaces = 20
	headSize       = 24
	sumSize        = 4
)

// Record is one record of a stream.
type Record struct {
	Number uint64 // 1, 2, 3 … without gaps but for what was replaced
	// Replaces lists in ascending order the numbers in whose place the record stands: that of the
	// record it was made from, and those that that one had replaced.
	Replaces []uint64
	Data     []byte // of whoever uses the stream; not to be written

	message uint64  // of JetStream; 0: unknown
	by      attempt // that stored it
}

// End returns the end of a stream whose last record this is.
func (r *Record) End() End { return End{Number: r.Number, Message: r.message} }

// attempt tells two records of the same content apart: which of two writers stored it.
type attempt [8]byte

// appendRecord encodes a record.
func appendRecord(dst []byte, r *Record) []byte {
	dst = append(dst, magic...)
	dst = append(dst, FormatVersion)
	dst = binary.BigEndian.AppendUint64(dst, r.Number)
	dst = append(dst, r.by[:]...)
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(r.Replaces)))
	for _, number := range r.Replaces {
		dst = binary.BigEndian.AppendUint64(dst, number)
	}
	dst = append(dst, r.Data...)
	return binary.BigEndian.AppendUint32(dst, checksum(dst))
}

// Parse checks the bytes of a record completely and returns it. It keeps raw, which must not be
// written afterwards. The error wraps eventstore.ErrNewerFormat for an intact one of a newer
// version, else ErrRecord.
func Parse(raw []byte) (r Record, err error) {
	switch {
	case len(raw) < headSize+sumSize:
		return r, fmt.Errorf("%w: only %d bytes", ErrRecord, len(raw))
	case len(raw) > BytesMax:
		return r, fmt.Errorf("%w: %d bytes are over the limit", ErrRecord, len(raw))
	case string(raw[:len(magic)]) != magic:
		return r, fmt.Errorf("%w: does not begin with %q", ErrRecord, magic)
	}
	body, sum := raw[:len(raw)-sumSize], raw[len(raw)-sumSize:]
	if checksum(body) != binary.BigEndian.Uint32(sum) {
		return r, fmt.Errorf("%w: checksum differs", ErrRecord)
	}
	// The checksum comes first: only an intact record may claim to be newer than this program.
	switch version := raw[offsetVersion]; {
	case version > FormatVersion:
		return r, fmt.Errorf("%w: record version %d, this program reads up to %d",
			eventstore.ErrNewerFormat, version, FormatVersion)
	case version != FormatVersion:
		return r, fmt.Errorf("%w: version %d never existed", ErrRecord, version)
	}
	r.Number = binary.BigEndian.Uint64(raw[offsetNumber:])
	copy(r.by[:], raw[offsetAttempt:])
	count := binary.BigEndian.Uint32(raw[offsetReplaces:])
	rest := body[headSize:]
	if count > ReplacesMax || len(rest) < int(count)*8 {
		return Record{}, fmt.Errorf("%w: %d replaced", ErrRecord, count)
	}
	for range count {
		r.Replaces = append(r.Replaces, binary.BigEndian.Uint64(rest))
		rest = rest[8:]
	}
	r.Data = slices.Clip(rest)
	return r, r.check()
}

// check tells whether the numbers are possible.
func (r *Record) check() error {
	before := uint64(0)
	for _, number := range r.Replaces {
		if number <= before || number >= r.Number {
			return fmt.Errorf("%w: record %d in place of %d", ErrRecord, r.Number, number)
		}
		before = number
	}
	if r.Number == 0 {
		return fmt.Errorf("%w: its number is 0", ErrRecord)
	}
	return nil
}

// checksum is CRC-32C. It guards against accidents; what guards against intent is up to who
// fills the records.
func checksum(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }

// Bytes returns the record as it is stored, for who copies the stream.
func (r *Record) Bytes() []byte { return appendRecord(nil, r) }
