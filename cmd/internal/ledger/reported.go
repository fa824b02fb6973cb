package ledger

import (
	"context"

	"cakupan/domain/event"
	"cakupan/eventstore"
	"cakupan/projections"
	"cakupan/projections/history"
)

// Reported calls yield with each event about a subject up to a place in the log, in its order. want
// may leave out some of the sequences, which it gets some at a time; nil: none is left out.
//
// Unlike [Ledger.Events] it waits for the history to have come as far: that knows which events were
// retracted. An error of want or yield ends it and is returned as it is. What yield gets is valid
// during the call. known beyond the log means its end.
func (l *Ledger) Reported(ctx context.Context, about history.Subject, known eventstore.Sequence,
	want func(some []eventstore.Sequence) ([]eventstore.Sequence, error),
	yield func(*history.Reported) error,
) error {
	return l.reportedFrom(ctx, 1, &reportedOf{about, known, want}, yield)
}

// reportedOf says what is asked of what was reported; see [Ledger.Reported].
type reportedOf struct {
	about history.Subject
	known eventstore.Sequence
	want  func(some []eventstore.Sequence) ([]eventstore.Sequence, error)
}

// reportedFrom is Reported for the events from a sequence on, and reads nothing before it.
func (l *Ledger) reportedFrom(ctx context.Context, from eventstore.Sequence, of *reportedOf,
	yield func(*history.Reported) error,
) error {
	_, tail, err := l.log.Last(ctx)
	if err != nil {
		return err
	}
	known := min(of.known, tail.Sequence)
	if known < from {
		return nil
	}
	p, err := l.historyAt(ctx, known)
	if err != nil {
		return err
	}
	s := l.reporting(p, of.about, known, yield)
	for !s.done {
		some, _, err := p.About(of.about, from, aboutMax)
		if err != nil {
			return err
		}
		// The history has no more about it, up to wherever it has come.
		if len(some) == 0 {
			return nil
		}
		from = some[len(some)-1] + 1
		if of.want != nil {
			if some, err = of.want(some); err != nil {
				return err
			}
		}
		if err := l.readSome(ctx, some, s); err != nil {
			return err
		}
	}
	return nil
}

// EventsAt calls yield with the events of sequences, which ascend. Their retractions are not told.
// The event is valid during the call. One that the log does not have is damage.
func (l *Ledger) EventsAt(ctx context.Context, sequences []eventstore.Sequence,
	yield func(*history.Reported) error,
) error {
	if damage := l.damage.Load(); damage != nil {
		return *damage
	}
	s := &selection{each: func(record eventstore.Record, e *event.Event) error {
		return yield(&history.Reported{
			Sequence: record.Sequence, RecordedAt: record.RecordedAt, Event: e,
		})
	}}
	return l.readSome(ctx, sequences, s)
}

// historyAt returns the history once it has come as far. It waits as [Ledger.View] does.
func (l *Ledger) historyAt(ctx context.Context, known eventstore.Sequence,
) (*history.Projection, error) {
	kept, err := l.kept(ctx, history.Name, known)
	if err != nil {
		return nil, err
	}
	p, ok := projections.Answers[*history.Projection](kept)
	if !ok {
		return nil, errOtherKind(history.Name)
	}
	return p, nil
}

// reporting is the selection of the events about a subject. The filter says the same as the
// history, and so lets all of them through up to the bound.
func (l *Ledger) reporting(p *history.Projection, about history.Subject, known eventstore.Sequence,
	yield func(*history.Reported) error,
) *selection {
	filter := EventFilter{From: 1, To: known}
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
	return &selection{filter: filter, each: func(record eventstore.Record, e *event.Event) error {
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
