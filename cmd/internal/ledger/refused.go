package ledger

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"cakupan/cmd/internal/natsin"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
	"cakupan/eventstore/cloudevents"
)

// refusals returns what was refused of what publishers sent by NATS.
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
		l.refused = natsin.NewRefusals(conn, sealer)
	}
	return l.refused, nil
}

// Refused calls yield with each that was refused.
func (l *Ledger) Refused(
	ctx context.Context, from uint64, yield func(Refused) error,
) error {
	refused, err := l.refusals(ctx)
	for number := max(from, 1); err == nil; number++ {
		var one natsin.Refused
		one, err = refused.Next(ctx, number)
		if errors.Is(err, natsin.ErrNoSuch) {
			return nil
		}
		if err == nil {
			number = one.Number
			shown := shownRefused(&one)
			shown.Original = ""
			err = yield(shown)
		}
	}
	return err
}

// RefusedOne returns one with its original.
func (l *Ledger) RefusedOne(ctx context.Context, number uint64) (Refused, error) {
	refused, err := l.refusals(ctx)
	if err != nil {
		return Refused{}, err
	}
	one, err := refused.Get(ctx, number)
	if err != nil {
		return Refused{}, noSuch(err)
	}
	return shownRefused(&one), nil
}

// RetryRefused takes one in again.
func (l *Ledger) RetryRefused(ctx context.Context, number uint64) ([]event.Receipt, error) {
	refused, err := l.refusals(ctx)
	if err != nil {
		return nil, err
	}
	receipts, err := refused.Retry(ctx, reporters{l}, number)
	return receipts, noSuch(err)
}

// DropRefused removes one for ever.
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

// shownRefused returns one as it may be shown: with a NIK masked wherever it stands.
func shownRefused(one *natsin.Refused) Refused {
	shown := Refused{
		Number: one.Number, Publisher: one.Message.Publisher, Source: one.Source, ID: one.ID,
		ReceivedAt: one.ReceivedAt.String(), Code: one.Code, Field: one.Field, Detail: one.Detail,
	}
	if one.Code == natsin.PackUnreadable {
		return shown
	}
	var text strings.Builder
	for _, f := range one.Message.Header {
		if len(one.Message.Header) > 1 || f.Name != "content-type" {
			_, _ = fmt.Fprintf(&text, "%s: %s\n", f.Name, f.Value) // a builder takes everything
		}
	}
	_, _ = text.Write(one.Message.Payload)
	masked := cloudevents.MaskNIK([]byte(text.String()))
	shown.Original = strings.ToValidUTF8(string(masked), "\ufffd")
	return shown
}
