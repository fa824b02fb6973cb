package natsin

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"

	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/split"
	"cakupan/domain/event"
	"cakupan/eventstore/cloudevents"
)

// outcome is what became of one message. Either it could not be read, or each of its events has a
// receipt.
type outcome struct {
	refusal  *event.Refusal // of the message as a whole
	raw      [][]byte       // its events
	receipts []event.Receipt
}

// take has the ledger take in messages of one publisher, all together. After an error it is unknown
// which events are in the log; taking them again is safe. Outcomes are by the places of the
// messages. A panic is an error, which wraps errPanic.
func take(ctx context.Context, ledger Ledger, messages []*Message) (_ []outcome, err error) {
	defer recovered(&err)
	outcomes := make([]outcome, len(messages))
	var all [][]byte
	for i, m := range messages {
		outcomes[i].raw, outcomes[i].refusal = m.events()
		all = append(all, outcomes[i].raw...)
	}
	receipts, err := submit(ctx, ledger, messages[0].Publisher, all)
	if err != nil {
		return nil, err
	}
	for i := range outcomes {
		count := len(outcomes[i].raw)
		outcomes[i].receipts, receipts = receipts[:count:count], receipts[count:]
		explain(messages[i], &outcomes[i])
	}
	return outcomes, nil
}

// errPanic is returned for messages on which their handling panicked.
var errPanic = errors.New("the handling of messages panicked")

// recovered makes an error of a panic: one message must not end the ledger for all. It is deferred.
func recovered(err *error) {
	if cause := recover(); cause != nil {
		*err = fmt.Errorf("%w: %v\n%s", errPanic, cause, debug.Stack())
	}
}

// submit has the events judged by what their publisher may report now. One who may report nothing
// has all of them refused, with receipts, as that is an answer and no failure.
func submit(
	ctx context.Context, ledger Ledger, publisher string, raw [][]byte,
) ([]event.Receipt, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	scope, err := ledger.Scope(publisher)
	var refusal *event.Refusal
	if errors.As(err, &refusal) {
		receipts := make([]event.Receipt, len(raw))
		for i := range receipts {
			receipts[i] = event.Receipt{Key: keyOf(raw[i]), Status: event.Refused, Refusal: refusal}
		}
		return receipts, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look up publisher: %w", err)
	}
	receipts, err := ledger.Submit(ctx, raw, intake.Options{Scope: scope})
	if err != nil {
		return nil, err
	}
	if len(receipts) != len(raw) {
		return nil, fmt.Errorf("submit: %d receipts for %d events", len(receipts), len(raw))
	}
	return receipts, nil
}

// keyOf returns which event it is, as far as it can be read and shown.
func keyOf(raw []byte) event.Key {
	document, refusal := cloudevents.ParseJSON(raw)
	if refusal != nil {
		return event.Key{}
	}
	accepted, _ := event.Accept(document, event.Options{}) // one that is refused keeps its key
	return accepted.Key
}

// explain gives the refusals of events that could not be read the words of their message, and their
// places in it.
func explain(m *Message, o *outcome) {
	unread := func(r event.Receipt) bool {
		return r.Refusal != nil && r.Refusal.Code == event.Malformed && r.Refusal.Field == ""
	}
	if !slices.ContainsFunc(o.receipts, unread) {
		return
	}
	begins := split.Begins(m.Payload)
	switch why := m.fault(); {
	case why != nil && len(o.receipts) == 1:
		o.receipts[0].Refusal = why
		return
	case len(begins) != len(o.receipts) || !m.isBatch():
		begins = []split.Position{split.Within(m.Payload, o.raw[0])}
	}
	for i, at := range begins {
		cloudevents.PlaceIn(o.receipts[i].Refusal, o.raw[i], at.Line, at.Column)
	}
}
