package difference

import (
	"cakupan/eventstore"
	"cakupan/projections/facts"
	"cakupan/projections/standing"
)

// events returns the events that make a worker flow, ascending:
//
//   - RETRACTED: what was said of the worker and is retracted, with the retractions;
//   - MERGED, REPORTED_LATE: the merges, or all that was recorded of the worker meanwhile and is in
//     force; of commitments their closings;
//   - who joined in time: what the coverage rests on, on the later day;
//   - who left in time: what it rested on, on the earlier day, and what ended it.
func (a *asked) events(s *facts.State, f *flow) []eventstore.Sequence {
	if f.time {
		a.timed.Person(s, &a.group.person, f.Worker)
		why := a.whyLeft
		if f.joined {
			why = a.whyJoined
		}
		_, events := why(s, &a.group.person, true)
		return events
	}
	a.group.read(a, s, f.Worker)
	switch f.cause {
	case Retracted:
		return standing.Taken(s, a.group.ids, a.before, a.without)
	case Merged:
		return standing.Come(s, a.group.ids, a.without, a.after, true)
	default:
		return standing.Come(s, a.group.ids, a.without, a.after, false)
	}
}
