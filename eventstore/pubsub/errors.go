package pubsub

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"cakupan/domain/event"
)

var (
	// ErrUnavailable says that the ledger could not be reached, was busy, or did not answer in
	// time. The events may be recorded or not; publishing the same ones again is safe, and worth
	// trying.
	ErrUnavailable = errors.New("the ledger cannot be reached or takes no events now")

	// ErrClosed is returned by what was closed.
	ErrClosed = errors.New("closed")

	// ErrTopic says that a topic is not one of those that are known, or is not the event's type.
	ErrTopic = errors.New("not the topic")

	// ErrDamaged says that stored events cannot be read. The subscription ends before the first
	// of them; the wrapped *eventstore.DamageError names them all.
	ErrDamaged = errors.New("the log is damaged")

	// ErrLogShorter says that the log ends before what was handled already: an older copy of it was
	// brought back. Going on would pass over new events.
	ErrLogShorter = errors.New("the log ends before what was handled already")

	// ErrPosition says that a stored position cannot be used: it is unreadable, or of another
	// ledger.
	ErrPosition = errors.New("no position of this group in this ledger")
)

// Refusal says why the ledger did not take an event. It never holds a NIK.
type Refusal struct {
	UUID   string // of the message
	Code   event.Code
	Field  string // "data.from", "id"; empty when the event as a whole is meant
	Detail string // a sentence a person can act on
}

// RefusedError says which messages of a Publish the ledger did not take. Publishing them again
// changes nothing until they are corrected; all others of the call are recorded.
type RefusedError struct {
	Messages int // of the call
	Refusals []Refusal
}

// refusalsShown bounds the text of a RefusedError.
const refusalsShown = 3

// Error names the first refusals, and says how many there are.
func (e *RefusedError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d of %d events refused", len(e.Refusals), e.Messages)
	for i, r := range e.Refusals {
		if i == refusalsShown {
			fmt.Fprintf(&b, "; and %d more", len(e.Refusals)-i)
			break
		}
		refusal := event.Refusal{Code: r.Code, Field: r.Field, Detail: r.Detail}
		fmt.Fprintf(&b, "; message %s: %v", shown(r.UUID), &refusal)
	}
	return b.String()
}

// RequestError is an answer of the ledger about a request as a whole. It wraps ErrUnavailable
// where the same request may succeed later.
type RequestError struct {
	Status int    // as HTTP counts: 403, 413, 503
	Code   string // "log.unavailable", "forbidden"
	Detail string // a sentence a person can act on
}

// Statuses of a ledger that may take the same request later.
const (
	statusTimeout     = 408
	statusTooMany     = 429
	statusUnavailable = 503
	statusFull        = 507
)

// Error returns code, status and detail.
func (e *RequestError) Error() string {
	return e.Code + " (" + strconv.Itoa(e.Status) + "): " + e.Detail
}

// Unwrap returns ErrUnavailable for what may pass, nil otherwise.
func (e *RequestError) Unwrap() error {
	switch e.Status {
	case statusTimeout, statusTooMany, statusUnavailable, statusFull:
		return ErrUnavailable
	}
	return nil
}

// shown returns a text of a message as it may stand in an error.
func shown(text string) string { return event.MaskNIK(text) }
