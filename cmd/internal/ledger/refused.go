package ledger

import (
	"context"
	"errors"

	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/natsin"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
)

var _ intake.Refusals = (*Ledger)(nil)

// refusals returns what was refused of what publishers sent by NATS. It has a connection of its
// own, which Close closes with the others: a list of many must not hold up an append. It is opened
// once, when it is first needed, with the key; without messages that were refused it costs a
// connection only.
func (l *Ledger) refusals(ctx context.Context) (*natsin.Refusals, error) {
	sealer, err := l.openSealer(ctx)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.refused == nil {
		conn, err := l.natsConnect().Store()
		if err != nil {
			return nil, problem.Wrap(problem.LogUnavailable,
				"the NATS server cannot be reached", err)
		}
		l.conns = append(l.conns, conn)
		l.refused = natsin.NewRefusals(conn, sealer, l.quota, l.lacking)
	}
	return l.refused, nil
}

// Refused calls yield with each that is meant, in the order of their numbers, until it returns an
// error. None is held in memory: there may be more than fit, and only those that are told in full
// are opened. One that is settled meanwhile may or may not be among them. Originals are not in
// them.
func (l *Ledger) Refused(
	ctx context.Context, which intake.RefusedQuery, yield func(intake.Refused) error,
) error {
	refused, err := l.refusals(ctx)
	if err != nil {
		return err
	}
	err = refused.Outlines(ctx, which.From, which.Publisher, func(one intake.Refused) error {
		switch {
		case !which.Means(&one):
			return nil
		case which.Brief:
			return yield(one)
		}
		kept, err := refused.Get(ctx, one.Number)
		switch {
		case errors.Is(err, natsin.ErrNoSuch):
			return nil
		case err != nil:
			return err
		}
		return yield(kept.Refused)
	})
	return l.confirmed(natsin.StreamRefused, refusedError(err))
}

// RefusedOne returns one with its original. A NIK in it is masked. [problem.NotFound] when the
// number is nobody's.
func (l *Ledger) RefusedOne(ctx context.Context, number uint64) (intake.Refused, error) {
	refused, err := l.refusals(ctx)
	if err != nil {
		return intake.Refused{}, err
	}
	one, err := refused.Get(ctx, number)
	if err != nil {
		return intake.Refused{}, noSuch(err)
	}
	return one.Shown(), nil
}

// RetryRefused takes one in again. If we crash between its being appended and its removal, it is
// still in the list; to retry it then finds a duplicate, and removes it. What is refused again
// stays, or is kept under a new number where the reason is another.
func (l *Ledger) RetryRefused(ctx context.Context, number uint64) ([]event.Receipt, error) {
	refused, err := l.refusals(ctx)
	if err != nil {
		return nil, err
	}
	receipts, err := natsin.Retry(ctx, refused, l, number)
	return receipts, noSuch(err)
}

// DropRefused removes one for ever. Its events are in no log then, and no copy is kept.
func (l *Ledger) DropRefused(ctx context.Context, number uint64) error {
	refused, err := l.refusals(ctx)
	if err != nil {
		return err
	}
	return noSuch(refused.Drop(ctx, number))
}

// noSuch says that there is nothing under the number, where the error means that.
func noSuch(err error) error {
	if errors.Is(err, natsin.ErrNoSuch) {
		// The number is not repeated: it could be anybody's.
		return problem.New(problem.NotFound, "nothing refused has this number: see the list")
	}
	return err
}
