package excerpt

import (
	"context"

	"cakupan/domain/event"
	"cakupan/eventstore"
	"cakupan/projections/history"
)

// Reported calls yield with each event about a subject up to a place in the log, in its order. want
// may leave out some of the sequences, which it gets some at a time; nil: none is left out.
//
// Unlike [Reader.Events] it waits for the history to have come as far: that knows which events were
// retracted. An error of want or yield ends it and is returned as it is. What yield gets is valid
// during the call. known beyond the log means its end.
func (r *Reader) Reported(ctx context.Context, about history.Subject, known eventstore.Sequence,
	want func(some []eventstore.Sequence) ([]eventstore.Sequence, error),
	yield func(*history.Reported) error,
) error {
	return r.ReportedFrom(ctx, 1, &About{about, known, want}, yield)
}

// About says what is asked of what was reported; see [Reader.Reported].
type About struct {
	Subject history.Subject
	Known   eventstore.Sequence
	Want    func(some []eventstore.Sequence) ([]eventstore.Sequence, error)
}

// ReportedFrom is Reported for the events from a sequence on, and reads nothing before it.
func (r *Reader) ReportedFrom(ctx context.Context, from eventstore.Sequence, of *About,
	yield func(*history.Reported) error,
) error {
	_, tail, err := r.Log.Last(ctx)
	if err != nil {
		return err
	}
	known := min(of.Known, tail.Sequence)
	if known < from {
		return nil
	}
	p, err := r.History.At(ctx, known)
	if err != nil {
		return err
	}
	s := reporting(p, of.Subject, known, yield)
	for !s.Done {
		some, _, err := p.About(of.Subject, from, aboutMax)
		if err != nil {
			return err
		}
		// The history has no more about it, up to wherever it has come.
		if len(some) == 0 {
			return nil
		}
		from = some[len(some)-1] + 1
		if of.Want != nil {
			if some, err = of.Want(some); err != nil {
				return err
			}
		}
		if err := r.Some(ctx, some, s); err != nil {
			return err
		}
	}
	return nil
}

// At calls yield with the events of sequences, which ascend. Their retractions are not told.
// The event is valid during the call. One that the log does not have is damage.
func (r *Reader) At(ctx context.Context, sequences []eventstore.Sequence,
	yield func(*history.Reported) error,
) error {
	s := &Selection{Each: func(record eventstore.Record, e *event.Event) error {
		return yield(&history.Reported{
			Sequence: record.Sequence, RecordedAt: record.RecordedAt, Event: e,
		})
	}}
	return r.Some(ctx, sequences, s)
}

// reporting is the selection of the events about a subject. The filter says the same as the
// history, and so lets all of them through up to the bound.
func reporting(p *history.Projection, about history.Subject, known eventstore.Sequence,
	yield func(*history.Reported) error,
) *Selection {
	filter := Filter{From: 1, To: known}
	switch about.Kind {
	case history.Enrolment:
		filter.Enrolment = about.Name
	case history.Worker:
		filter.Worker = about.Name
	case history.Commitment:
		filter.Commitment = about.Name
	case history.List:
		filter.List = about.Name
	}
	return &Selection{Filter: filter, Each: func(record eventstore.Record, e *event.Event) error {
		retractions, err := p.Retractions(record.Sequence, e.Key)
		if err != nil {
			return err
		}
		return yield(&history.Reported{
			Sequence: record.Sequence, RecordedAt: record.RecordedAt, Event: e,
			Retractions: retractions,
		})
	}}
}
