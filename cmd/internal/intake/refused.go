package intake

import (
	"context"
	"fmt"

	"cakupan/domain/event"
	"cakupan/domain/temporal"
)

// Refusals is what a ledger refused of what was sent to it without waiting for receipts, until
// somebody settles it. All methods may be called at the same time. For a number under which there
// is nothing, the error is a problem.NotFound.
type Refusals interface {
	// Refused calls yield with each that is meant, by their numbers, without their originals. An
	// error of yield ends it and is returned.
	Refused(ctx context.Context, which RefusedQuery, yield func(Refused) error) error

	// RefusedOne returns one with its original.
	RefusedOne(ctx context.Context, number uint64) (Refused, error)

	// RetryRefused takes one in again, under what its publisher may report now, and returns the
	// receipts. What is in the log then is removed. What is refused again stays; for another
	// reason than before, it does so under a new number.
	RetryRefused(ctx context.Context, number uint64) ([]event.Receipt, error)

	// DropRefused removes one for ever.
	DropRefused(ctx context.Context, number uint64) error
}

// RefusedQuery says which of what was refused are meant: those of which all conditions are true
// that are given.
type RefusedQuery struct {
	From      uint64 // the least number
	Publisher string
	Code      event.Code
	Before    temporal.Instant // received before it; 0: at any time
	// Brief has number, publisher, time, code and size alone be told, for which none is opened.
	Brief bool
}

// Means tells whether one is meant. Its number is not looked at.
func (q *RefusedQuery) Means(one *Refused) bool {
	return (q.Publisher == "" || q.Publisher == one.Publisher) &&
		(q.Code == "" || q.Code == one.Code) &&
		(q.Before == 0 || temporal.Instant(one.ReceivedAt) < q.Before)
}

// Refused is something that was refused after its publisher had been told that it is stored. It
// holds no NIK.
type Refused struct {
	Number     uint64     `json:"number"`
	Publisher  string     `json:"publisher,omitempty"` // not known of a pack that cannot be read
	ReceivedAt Time       `json:"receivedAt"`
	Source     string     `json:"source,omitempty"` // of an event, as far as it can be read
	ID         string     `json:"id,omitempty"`     // likewise
	Code       event.Code `json:"code"`
	Field      string     `json:"field,omitempty"`
	Detail     string     `json:"detail,omitempty"`
	Bytes      int64      `json:"bytes,omitempty"` // as it is stored; in a brief list alone
	// Original is what was sent, a NIK masked. In a list it is left out.
	Original string `json:"original,omitempty"`
}

// Time is an instant that is a text in JSON.
type Time temporal.Instant

// String returns the instant in RFC 3339, in UTC.
func (t Time) String() string { return temporal.Instant(t).String() }

// MarshalText returns what String does.
func (t Time) MarshalText() ([]byte, error) { return temporal.Instant(t).Append(nil), nil }

// UnmarshalText reads what MarshalText returns.
func (t *Time) UnmarshalText(text []byte) error {
	at, err := temporal.ParseInstant(string(text))
	if err != nil {
		return fmt.Errorf("read time: %w", err)
	}
	*t = Time(at)
	return nil
}
