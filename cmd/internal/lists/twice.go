package lists

import (
	"encoding/binary"
	"hash/maphash"
)

// seen remembers the rows of a list of enrolments in little: of each person, a hash of who it is,
// a hash of what was said, and where. The hashes are keyed, so that nobody can make them meet. What
// cannot be told from the hashes alone is taken for the same: two people with one hash of 64 bits
// would be refused wrongly, which a list of millions does not bring about by chance.
type seen struct {
	slots []seenRow // a power of two; probed one after the other
	count int
}

// seenRow is 16 bytes. A row of 0 means that the slot is free. row is as [Across.at] has it, and
// what is the beginning of the event's id.
type seenRow struct {
	who  uint64
	what uint32
	row  uint32
}

const (
	// A power of two, as find takes the remainder by a mask.
	seenMin = 1 << 10 // slots
	// seenMax is how many slots there are at most: 64 MiB, for three million people. Those who
	// come after that are judged by the ledger alone.
	seenMax = 1 << 22
)

// add remembers a row, and returns an earlier row that says something else of the same person; 0
// when there is none. The same said twice is no defect: the ledger takes it for one event. Beyond
// seenMax nobody new is remembered, and 0 returned.
func (s *seen) add(who uint64, what, row uint32) uint32 {
	// A quarter stays free, so that probing is short and always ends.
	if s.count >= len(s.slots)/4*3 && len(s.slots) < seenMax {
		s.grow()
	}
	slot := s.find(who)
	switch {
	case slot.row == 0 && s.count < seenMax/4*3:
		*slot = seenRow{who, what, row}
		s.count++
	case slot.row != 0 && slot.what != what:
		return slot.row
	}
	return 0
}

// find returns the slot of a person, or a free one for it. There always is a free one. There must
// be slots.
func (s *seen) find(who uint64) *seenRow {
	mask := uint64(len(s.slots) - 1)
	for i := who & mask; ; i = (i + 1) & mask {
		if slot := &s.slots[i]; slot.row == 0 || slot.who == who {
			return slot
		}
	}
}

// grow doubles the slots. Those of before are freed after it: for a moment both are held.
func (s *seen) grow() {
	before := s.slots
	s.slots = make([]seenRow, max(seenMin, 2*len(before)))
	for _, slot := range before {
		if slot.row != 0 {
			*s.find(slot.who) = slot
		}
	}
}

// twice returns an earlier row that says something else of the same enrolment, or of the death of
// the same person, or of whom he is merged into; 0 when there is none. Lists of money may name an
// enrolment many times. The id of the event is the last that was computed. It must be asked right
// after appendEvent, and remembers the row.
func (r *Reader) twice(row int) uint32 {
	who := r.values[fieldEnrolment].json
	switch r.list.info.Kind {
	// These open or end an enrolment once; another row of the same number is a typing error. So is
	// a second death, or a second person into whom somebody is merged: all would be one.
	case Enrolment, Termination:
	case Death, Merge:
		if who = string(r.nik); who == "" {
			who = r.values[fieldWorker].json
		}
	default:
		return 0
	}
	// Where the enrolment is named by its NIK the hash that names it is at hand, and is keyed
	// already.
	hash := r.who
	if who != "" {
		hash = maphash.String(r.across.secret, who)
	}
	return r.across.seen.add(hash, binary.LittleEndian.Uint32(r.ids.Sum[:]),
		r.across.at(r.list.info.Sheet, row))
}

// ownedOtherwise returns an earlier row that names another person beside the same KPJ, 0 when there
// is none, and remembers the row. Of such lists an event has the KPJ alone: nothing else would tell
// that one of the two people is not meant by it. In lists of enrolments the person is what a row
// says, see twice.
func (r *Reader) ownedOtherwise(row int) uint32 {
	kpj := r.values[fieldEnrolment].json
	if r.list.info.Kind == Enrolment || kpj == "" || len(r.nik) == 0 {
		return 0
	}
	secret := r.across.secret
	return r.across.owners.add(maphash.String(secret, kpj), uint32(maphash.Bytes(secret, r.nik)),
		r.across.at(r.list.info.Sheet, row))
}
