package sample

import "cakupan/domain/event"

// blockEvents is how many events of a nation make a block. Within each block the types stand in the
// same order, so that the place of an event and the place of the m-th event of a type follow from
// one another by a division and a look-up, and nothing has to be remembered. A thousand, so that
// what is rare, one in a thousand, still comes in each block.
const blockEvents = 1000

// mixture is how many events of each type a block has. It is never written. The counts are of no
// source: enrolments and their money make up most, as in a national ledger.
var mixture = [...]struct {
	what  event.Type
	count int
}{
	// It sums up to blockEvents.
	{event.EnrolmentOpened, 550},
	{event.FundingGranted, 250},
	{event.EnrolmentTerminated, 100},
	{event.EnrolmentAmended, 50},
	{event.EnrolmentReinstated, 20},
	{event.WorkerDied, 10},
	{event.FundingDisbursed, 6},
	{event.FundingRevoked, 4},
	{event.EventRetracted, 4},
	{event.WorkforcePublished, 3},
	{event.FundingAmended, 1},
	{event.FundingClosed, 1},
	{event.TargetSet, 1},
}

// schedule is the order of types in a block. It is not changed once it is made, and may be shared.
// Arrays are by type, up to the highest of the mixture; commitments are of no schedule.
type schedule struct {
	types  [blockEvents]event.Type
	before [blockEvents][event.EventRetracted + 1]uint16 // events of a type before a slot
	slots  [event.EventRetracted + 1][]uint16            // slots of a type
}

// newSchedule spreads the types evenly over a block: each takes its turn when it is furthest behind
// its share. Of two that are as far behind, the first of the mixture comes first, so that the order
// is always the same. Behind is counted in shares of a block, so that no fraction is rounded.
func newSchedule() *schedule {
	s := &schedule{}
	var given [len(mixture)]int
	for slot := range blockEvents {
		best, behind := 0, -blockEvents*blockEvents
		for k, m := range mixture {
			if b := m.count*(slot+1) - given[k]*blockEvents; b > behind {
				best, behind = k, b
			}
		}
		given[best]++
		what := mixture[best].what
		s.types[slot] = what
		s.slots[what] = append(s.slots[what], uint16(slot))
		if slot+1 < blockEvents {
			s.before[slot+1] = s.before[slot]
			s.before[slot+1][what]++
		}
	}
	return s
}

// count returns how many of the first n events are of a type. For a type that no block has, it is
// 0.
func (s *schedule) count(what event.Type, n int) int {
	return n/blockEvents*len(s.slots[what]) + int(s.before[n%blockEvents][what])
}

// find returns the place of the m-th event of a type, both from 0. The type must be one of the
// mixture: there would be no slot to find.
func (s *schedule) find(what event.Type, m int) int {
	slots := s.slots[what]
	return m/len(slots)*blockEvents + int(slots[m%len(slots)])
}
