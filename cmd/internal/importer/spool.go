package importer

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"

	"github.com/cespare/xxhash/v2"
	"github.com/klauspost/compress/s2"

	"cakupan/domain/temporal"
)

// spool holds the events of a list in little, to be looked at again when all are in: packed, which
// takes a sixth or less, and in buckets by whom they are about. What a person's rows have done can
// only be said of all of them together. The zero spool is empty.
type spool struct {
	buckets [spoolBuckets]spoolBucket
	count   int
	scratch []byte
}

const (
	// spoolBuckets is enough that a bucket of a list of two million rows fits one question.
	spoolBuckets = 256
	// spoolBlock is how many bytes are packed together. A bucket has fewer of them open.
	spoolBlock = 8 << 10
)

// spoolBucket is a part of a spool. It has the events of some people, all of each.
type spoolBucket struct {
	packed [][]byte
	open   []byte // not packed yet
	count  int
}

// spooled is an event of a spool. Its bytes are the caller's.
type spooled struct {
	row    int    // of the file; of what is about a row that is gone, the one that had it
	order  int    // as it was added, from 0
	person uint64 // whom it is about, by a number
	event  []byte
}

// errSpool is returned for a spool that is not as it was written, which only a fault of the memory
// can bring about.
var errSpool = errors.New("the rows that were kept cannot be read")

// add adds an event, of which it keeps a copy.
func (s *spool) add(row int, person uint64, event []byte) {
	b := &s.buckets[person%spoolBuckets]
	b.open = binary.AppendUvarint(b.open, uint64(row))
	b.open = binary.AppendUvarint(b.open, uint64(s.count))
	b.open = binary.LittleEndian.AppendUint64(b.open, person)
	b.open = binary.AppendUvarint(b.open, uint64(len(event)))
	b.open = append(b.open, event...)
	if len(b.open) >= spoolBlock {
		s.scratch = s2.EncodeBetter(s.scratch[:cap(s.scratch)], b.open)
		b.packed = append(b.packed, bytes.Clone(s.scratch)) // it has room for the worst case
		b.open = b.open[:0]
	}
	b.count++
	s.count++
}

// append appends the events of a bucket.
func (b *spoolBucket) append(dst []spooled) ([]spooled, error) {
	for _, packed := range b.packed {
		block, err := s2.Decode(nil, packed)
		if err == nil {
			dst, err = appendSpooled(dst, block)
		}
		if err != nil {
			return nil, errors.Join(errSpool, err)
		}
	}
	return appendSpooled(dst, bytes.Clone(b.open))
}

// appendSpooled appends the events of a block.
func appendSpooled(dst []spooled, block []byte) ([]spooled, error) {
	number := func() int {
		n, size := binary.Uvarint(block)
		block = block[max(size, 0):]
		return int(n)
	}
	for len(block) > 0 {
		one := spooled{row: number(), order: number()}
		if len(block) < 8 {
			return nil, errSpool
		}
		one.person = binary.LittleEndian.Uint64(block)
		block = block[8:]
		size := number()
		if size < 0 || size > len(block) {
			return nil, errSpool
		}
		one.event, block = block[:size:size], block[size:]
		dst = append(dst, one)
	}
	return dst, nil
}

// chunks calls do with all events, at most so many at once, and never parts what is about one
// person; but for one of whom there are more than that. Within a chunk they are in the order in
// which they were added. It ends with the first error.
func (s *spool) chunks(most int, do func([]spooled) error) error {
	var chunk []spooled
	send := func() error {
		if len(chunk) == 0 {
			return nil
		}
		slices.SortFunc(chunk, func(a, b spooled) int { return a.order - b.order })
		err := do(chunk)
		clear(chunk)
		chunk = chunk[:0]
		return err
	}
	for i := range s.buckets {
		b := &s.buckets[i]
		if len(chunk)+b.count > most {
			if err := send(); err != nil {
				return err
			}
		}
		var err error
		if chunk, err = b.append(chunk); err != nil {
			return err
		}
		for len(chunk) > most {
			rest := slices.Clone(chunk[cut(chunk, most):])
			chunk = chunk[:len(chunk)-len(rest)]
			if err := send(); err != nil {
				return err
			}
			chunk = append(chunk, rest...)
		}
	}
	return send()
}

// cut returns how many of the events make the next chunk, and puts those of one person together.
func cut(chunk []spooled, most int) int {
	slices.SortStableFunc(chunk, func(a, b spooled) int {
		if a.person != b.person {
			return bytes.Compare(binary.BigEndian.AppendUint64(nil, a.person),
				binary.BigEndian.AppendUint64(nil, b.person))
		}
		return a.order - b.order
	})
	at := most
	for at > 0 && chunk[at-1].person == chunk[at].person {
		at--
	}
	if at == 0 {
		return most
	}
	return at
}

// personOf returns a number of whom an event is about, as its data name the person: by the NIK, as
// that is the same in all enrolments; else by the enrolment, or by the worker id. The event is one
// that was made here, so that names stand in it as they are looked for; in a text a quote would
// have a backslash before it.
func personOf(event []byte) uint64 {
	for _, name := range []string{`"nik":"`, `"enrolment":"`, `"worker":"`} {
		if value := valueOf(event, name); value != nil {
			return xxhash.Sum64(value)
		}
	}
	return xxhash.Sum64(event)
}

// dayOf returns the first day on which an event of a list changes something, as package effect has
// it; "" where it has none. A month is its first day.
func dayOf(event []byte) string {
	name := `"from":"`
	switch {
	case bytes.Contains(event, []byte(`"type":"id.cakupan.enrolment.terminated.`)):
		name = `"until":"`
	case bytes.Contains(event, []byte(`"type":"id.cakupan.worker.died.`)):
		name = `"on":"`
	}
	day := string(valueOf(event, name))
	if len(day) == len("2006-01") {
		day += "-01"
	}
	// The last day of life is one of coverage.
	if died, err := temporal.ParseDate(day); err == nil && name == `"on":"` {
		day = died.AddDays(1).String()
	}
	return day
}

// valueOf returns the text behind a name, nil where there is none.
func valueOf(event []byte, name string) []byte {
	at := bytes.Index(event, []byte(name))
	if at < 0 {
		return nil
	}
	value := event[at+len(name):]
	return value[:max(bytes.IndexByte(value, '"'), 0)]
}
