package ledger

import (
	"context"

	"cakupan/cmd/internal/excerpt"
	"cakupan/eventstore"
	"cakupan/projections"
	"cakupan/projections/history"
)

// Events calls yield with each event that the filter lets through; see [excerpt.Reader.Events].
// Nothing is told of a log that is known to be damaged, here and below.
func (l *Ledger) Events(ctx context.Context, f excerpt.Filter, yield func(line []byte) error,
) error {
	if damage := l.damage.Load(); damage != nil {
		return *damage
	}
	return l.reader.Events(ctx, f, yield)
}

// EventsAt calls yield with the events of sequences; see [excerpt.Reader.At].
func (l *Ledger) EventsAt(ctx context.Context, sequences []eventstore.Sequence,
	yield func(*history.Reported) error,
) error {
	if damage := l.damage.Load(); damage != nil {
		return *damage
	}
	return l.reader.At(ctx, sequences, yield)
}

// Reported calls yield with each event about a subject; see [excerpt.Reader.Reported]. It waits for
// the history as [Ledger.View] does.
func (l *Ledger) Reported(ctx context.Context, about history.Subject, known eventstore.Sequence,
	want func(some []eventstore.Sequence) ([]eventstore.Sequence, error),
	yield func(*history.Reported) error,
) error {
	return l.reader.Reported(ctx, about, known, want, yield)
}

// ListEvents calls yield with each event of a list; see [excerpt.Reader.Rows]. It waits for the
// history as [Ledger.View] does.
func (l *Ledger) ListEvents(ctx context.Context, of excerpt.List, yield func(line []byte) error,
) error {
	return l.reader.Rows(ctx, of, yield)
}

// histories gives the history of a ledger to who reads its log.
type histories struct{ *Ledger }

// For returns the history. Where nothing follows the log it catches up first, if that is
// less than there is to read otherwise. A history that is known to be wrong is not asked.
func (h histories) For(ctx context.Context, f *excerpt.Filter) (*history.Projection, error) {
	l := h.Ledger
	kept, err := l.shelf.Open(ctx, history.Name)
	if err == nil {
		err = l.watchman.drifted(history.Name, kept)
	}
	if err != nil {
		return nil, err
	}
	if !l.serving {
		_, tail, err := l.log.Last(ctx)
		if err != nil {
			return nil, err
		}
		until := tail.Sequence
		if f.To != 0 {
			until = min(until, f.To)
		}
		applied, _ := kept.Applied()
		// Catching up reads and folds what is missing; it pays when that is no more than what would
		// be read.
		if until >= f.From && tail.Sequence-applied <= until-f.From+1 {
			if err := l.shelf.CatchUp(ctx, history.Name, tail.Sequence); err != nil {
				return nil, err
			}
		}
	}
	p, ok := projections.Answers[*history.Projection](kept)
	if !ok {
		return nil, errOtherKind(history.Name)
	}
	return p, nil
}

// At returns the history once it has come as far. It waits as [Ledger.View] does.
func (h histories) At(ctx context.Context, known eventstore.Sequence,
) (*history.Projection, error) {
	kept, err := h.kept(ctx, history.Name, known)
	if err != nil {
		return nil, err
	}
	p, ok := projections.Answers[*history.Projection](kept)
	if !ok {
		return nil, errOtherKind(history.Name)
	}
	return p, nil
}
