package jetstream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cakupan/eventstore"
)

const (
	// headerExpected makes the server store a message only if the stream ends with the given one.
	headerExpected = "Nats-Expected-Last-Sequence"

	// ackMax bounds the wait for an acknowledgement when the caller's context does not. Longer than
	// a flush takes on any disk that is worth using: when it runs out, the outcome is unknown,
	// which costs a look at the log.
	ackMax = 30 * time.Second
)

// Error codes of the server that nats.go has no names for.
const (
	codeAccountFull     = 10002 // resource limits exceeded for account
	codeInsufficient    = 10023 // insufficient resources
	codeMemoryFull      = 10028 // insufficient memory
	codeStorageFull     = 10047 // insufficient storage
	codeStoreFailed     = 10077 // writing failed: what is on disk now is not known
	codeLastSequence    = 10071 // wrong last sequence: N
	codeLastSequenceNow = 10164 // wrong last sequence: an append is under way in the cluster
)

// publishAnswer is what the server answers to a publish. Stream is compared: another stream that
// has taken over the subject would acknowledge as well.
type publishAnswer struct {
	Stream string              `json:"stream"`
	Number uint64              `json:"seq"`
	Error  *jetstream.APIError `json:"error"`
}

// Append stores the frame after the given end. The server compares and stores in one step, so of
// two writers one is refused.
//
// On a single server the comparison comes first: an append that succeeded but whose answer was
// lost is answered with ErrFenced when it is tried again.
func (l *Log) Append(
	ctx context.Context, raw []byte, after eventstore.Tail,
) (eventstore.Tail, error) {
	frame, err := eventstore.ParseFrame(raw)
	if err != nil {
		return eventstore.Tail{}, fmt.Errorf("append frame: %w", err)
	}
	if frame.First() != after.Sequence+1 {
		return eventstore.Tail{}, fmt.Errorf("append frame: begins with event %d after event %d",
			frame.First(), after.Sequence)
	}
	if err := l.checkReady(ctx); err != nil {
		return eventstore.Tail{}, fmt.Errorf("append frame: %w", err)
	}
	done := l.stored.send()
	number, err := l.publish(ctx, raw, after.Message)
	done(frame.Tail(number), err)
	if err != nil {
		return eventstore.Tail{}, fmt.Errorf("append frame: %w", err)
	}
	return frame.Tail(number), nil
}

// checkReady refuses what is bound to fail before anything is sent, so that the outcome is known.
func (l *Log) checkReady(ctx context.Context) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case l.conn.IsClosed():
		return eventstore.ErrClosed
	case l.freeSpace == nil:
		return nil
	}
	free, err := l.freeSpace()
	if err != nil {
		return err
	}
	if free < FreeSpaceMin {
		return fmt.Errorf("%w: %d MiB are free on the disk, %d MiB are kept in reserve",
			eventstore.ErrFull, free>>20, FreeSpaceMin>>20)
	}
	return nil
}

// publish sends the frame and waits for the answer.
func (l *Log) publish(ctx context.Context, raw []byte, after uint64) (uint64, error) {
	ctx, cancel := l.untilBroken(ctx)
	defer cancel()
	return Publish(ctx, l.conn, Target{Stream: l.stream, Subject: Subject}, raw, after)
}

// Target is where a message is stored.
type Target struct{ Stream, Subject string }

// Publish stores a message after the given one, the last of the stream, and returns its number,
// once it is on stable storage. Everything is decided here: an error that is not sure to have
// stored nothing is eventstore.ErrUnknownOutcome.
func Publish(
	ctx context.Context, conn *nats.Conn, to Target, raw []byte, after uint64,
) (uint64, error) {
	if _, bounded := ctx.Deadline(); !bounded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, ackMax)
		defer cancel()
	}
	response, err := conn.RequestMsgWithContext(ctx, &nats.Msg{
		Subject: to.Subject,
		Header:  nats.Header{headerExpected: []string{strconv.FormatUint(after, 10)}},
		Data:    raw,
	})
	if err != nil {
		return 0, sendError(err)
	}
	var answer publishAnswer
	if err := json.Unmarshal(response.Data, &answer); err != nil {
		return 0, fmt.Errorf("%w: decode answer: %w", eventstore.ErrUnknownOutcome, err)
	}
	switch {
	case answer.Error != nil:
		return 0, refusal(answer.Error)
	case answer.Stream != to.Stream || answer.Number == 0:
		return 0, fmt.Errorf("%w: answer from stream %q",
			eventstore.ErrUnknownOutcome, answer.Stream)
	}
	return answer.Number, nil
}

// untilBroken ends a wait when the stream's store does: whoever published then gets no answer.
func (l *Log) untilBroken(ctx context.Context) (context.Context, context.CancelFunc) {
	if l.store == nil {
		return ctx, func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	broken := l.store.Broken()
	go func() {
		select {
		case <-broken:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

// sendError tells errors after which nothing was stored from all others, whose outcome is unknown.
func sendError(err error) error {
	if errors.Is(err, nats.ErrMaxPayload) {
		return err
	}
	for _, unsent := range []error{
		nats.ErrNoResponders, nats.ErrReconnectBufExceeded,
		nats.ErrInvalidConnection, nats.ErrConnectionDraining,
	} {
		if errors.Is(err, unsent) {
			return fmt.Errorf("%w: %w", eventstore.ErrClosed, err)
		}
	}
	return fmt.Errorf("%w: %w", eventstore.ErrUnknownOutcome, err)
}

// refusal maps an error that the server answered with.
func refusal(apiErr *jetstream.APIError) error {
	switch apiErr.ErrorCode {
	case codeLastSequence, codeLastSequenceNow:
		return fmt.Errorf("%w: %w", eventstore.ErrFenced, apiErr)
	case codeAccountFull, codeInsufficient, codeMemoryFull, codeStorageFull:
		return fmt.Errorf("%w: %w", eventstore.ErrFull, apiErr)
	case codeStoreFailed:
		if strings.HasPrefix(apiErr.Description, "maximum ") { // of a limit: checked before writing
			return fmt.Errorf("%w: %w", eventstore.ErrFull, apiErr)
		}
		// The write or the flush failed half-way (a full disk, for one), and the server has
		// stopped writing. Whether the frame is there shows only after a restart.
		return fmt.Errorf("%w: %w", eventstore.ErrUnknownOutcome, apiErr)
	}
	return apiErr
}
