package standing

import (
	"cakupan/domain/event"
	"cakupan/eventstore"
	"cakupan/projections/facts"
)

// Taken returns what was in force about workers to one reader and is not to another, with the
// retractions that took it away, ascending.
func Taken(s *facts.State, ids []uint32, before, after *Reader) (events []eventstore.Sequence) {
	about(s, ids, before.known, func(r *facts.Record) {
		if before.known.has(r) && !after.known.has(r) {
			events = append(events, r.Sequence, r.Retracted)
		}
	})
	return Ascending(events)
}

// Come returns what was not in force about workers to one reader and is to another, or the merges
// alone among that, ascending.
func Come(s *facts.State, ids []uint32, before, after *Reader, merges bool,
) (events []eventstore.Sequence) {
	about(s, ids, after.known, func(r *facts.Record) {
		if !before.known.has(r) && after.known.has(r) && (!merges || r.Kind == event.WorkerMerged) {
			events = append(events, r.Sequence)
		}
	})
	return Ascending(events)
}

// about calls yield with all that was ever said of workers, of their enrolments, and of the
// closings of what is granted to these, as known; some of it more than once. A closing of what is
// not granted ends nothing of theirs. Whose an enrolment is, is asked at no knowledge: the readers
// say what is in force to them. But an opening that was taken back before it came never joined
// anybody to an enrolment.
func about(s *facts.State, ids []uint32, known Knowledge, yield func(r *facts.Record)) {
	commitments := map[uint32]bool{} // asked only: its order tells nothing
	for _, id := range ids {
		for _, r := range s.AppendLives(nil, id) {
			yield(&r)
		}
		for e := range s.Enrolments(id, facts.NoEnrolment) {
			for _, r := range s.AppendEnrolment(nil, e) {
				yield(&r)
				if r.Kind == event.FundingGranted && known.has(&r) && !commitments[r.Commitment] {
					commitments[r.Commitment] = true
					yieldClosings(s, r.Commitment, yield)
				}
			}
		}
	}
}

func yieldClosings(s *facts.State, c uint32, yield func(r *facts.Record)) {
	s.EachMoney(c, func(r *facts.Record) {
		if r.Kind == event.FundingClosed {
			yield(r)
		}
	})
}
