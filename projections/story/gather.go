package story

import (
	"context"
	"slices"

	"cakupan/domain/event"
	"cakupan/eventstore"
	"cakupan/projections/facts"
	"cakupan/projections/history"
)

// gather finds the events of the story. What the log does not name has no events, and is no error
// here. Whichever way it ends, what was found is brought in order.
func (t *teller) gather(ctx context.Context) error {
	defer t.settle()
	names := t.source.Names()
	switch t.About.Kind {
	case history.Enrolment:
		e, found, err := names.FindEnrolment(t.About.Name)
		if !found || err != nil {
			return err
		}
		return t.source.Read(func(s *facts.State) error {
			t.ofEnrolments(s, []uint32{e}, nil)
			return nil
		})
	case history.Worker:
		w, found, err := names.FindWorker(t.About.Name)
		if !found || err != nil {
			return err
		}
		return t.source.Read(func(s *facts.State) error {
			t.ofPerson(s, w)
			return nil
		})
	default:
		return t.ofCommitment(ctx)
	}
}

// ofPerson adds what is said of a person and of the person's enrolments. The worker's number may be
// known while the state does not have it: of events that are prepared and not applied yet.
func (t *teller) ofPerson(s *facts.State, w uint32) {
	if int(w) >= s.WorkerCount() {
		return
	}
	// Also ids of merges that are not in force any more: that they were one, and are not, is a part
	// of the story of each.
	ids := idsOf(s, []uint32{w}, t.Known)
	var enrolments []uint32
	for _, id := range ids {
		for _, r := range s.AppendWorker(nil, id) {
			if r.Kind == event.EnrolmentOpened && r.Sequence <= t.Known {
				enrolments = append(enrolments, r.Enrolment)
			}
		}
	}
	slices.Sort(enrolments)
	t.ofEnrolments(s, slices.Compact(enrolments), ids)
}

// ofEnrolments adds what is said of enrolments, of those for whom they were opened, and of the
// money of what they were granted. Openings that are not in force count too: whoever an enrolment
// was ever opened for is in its story.
func (t *teller) ofEnrolments(s *facts.State, enrolments, ids []uint32) {
	var commitments []uint32
	for _, e := range enrolments {
		if int(e) >= s.EnrolmentCount() {
			continue
		}
		t.enrolments = append(t.enrolments, e)
		for _, r := range s.AppendEnrolment(nil, e) {
			t.add(r.Sequence, r.Retracted, e)
			if isAbout(r.Kind) && r.Sequence <= t.Known {
				commitments = append(commitments, r.Commitment)
			}
			if r.Kind == event.EnrolmentOpened && r.Sequence <= t.Known {
				ids = append(ids, r.Worker)
				t.openers[e] = append(t.openers[e], r.Worker)
			}
		}
	}
	for _, id := range idsOf(s, ids, t.Known) {
		for _, r := range s.AppendLives(nil, id) {
			t.add(r.Sequence, r.Retracted, everybodysLife)
			t.mortal = t.mortal || r.Kind == event.WorkerDied && r.Sequence <= t.Known
		}
	}
	// Closings and disbursements name no enrolment, and change what grants of it pay all the same.
	slices.Sort(commitments)
	for _, c := range slices.Compact(commitments) {
		last := eventstore.Sequence(0)
		s.EachMoney(c, func(r *facts.Record) {
			if r.Sequence != last { // the rows of one event follow each other
				t.add(r.Sequence, r.Retracted, everyEnrolment)
			}
			last = r.Sequence
		})
	}
}

// idsOf returns workers with all ids that merges up to a place in the log ever joined with them, in
// force or not. A merge that was taken back is a part of the story, so its ids stay in it. The list
// grows while it is gone through, until nothing more is joined.
func idsOf(s *facts.State, workers []uint32, known eventstore.Sequence) []uint32 {
	var ids facts.IDs
	ids.Add(workers...)
	var lives []facts.Record
	for i := 0; i < ids.Len(); i++ {
		lives = s.AppendLives(lives[:0], ids.At(i))
		for _, r := range lives {
			if r.Kind == event.WorkerMerged && r.Sequence <= known {
				ids.Add(r.Worker, r.Into)
			}
		}
	}
	return ids.All()
}

// ofCommitment adds what is said of a commitment. What its money changes of all that it was granted
// to is not told: it may be tens of thousands. Its events come from the log and not from facts,
// which do not have its terms; what is known of them at that end says whether they were taken back.
func (t *teller) ofCommitment(ctx context.Context) error {
	names := t.source.Names()
	return t.log.Reported(ctx, t.About, t.Known, nil, func(r *history.Reported) error {
		of := everyEnrolment
		if isAbout(r.Event.Type) {
			e, found, err := names.FindEnrolment(r.Event.Data.Enrolment)
			if err != nil {
				return err
			}
			if found {
				of = e
			}
		}
		t.add(r.Sequence, r.TakenBy(t.Known), of)
		return nil
	})
}
