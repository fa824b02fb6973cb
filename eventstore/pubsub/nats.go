package pubsub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"

	"cakupan/domain/event"
	"cakupan/eventstore/cloudevents"
)

const (
	// subjectPrefix begins the subject of a request; the publisher's name follows.
	subjectPrefix = "cakupan.request."

	// requestEventsMax bounds the events of one request, so that their receipts fit one answer.
	requestEventsMax = 500

	// requestBytesMax bounds a request. NATS servers take messages of 1 MiB unless they are told
	// otherwise, headers included.
	requestBytesMax = 1<<20 - 16<<10

	contentType = "Content-Type"
	mediaEvent  = "application/cloudevents+json"
	mediaBatch  = "application/cloudevents-batch+json"
	// mediaProblem is the media type of RFC 9457.
	mediaProblem = "application/problem+json"
)

// errAnswer is returned for an answer that nothing is repeated of: it may hold anything.
var errAnswer = errors.New("read answer: it is none that a ledger gives")

// OverNATS returns a sender that asks a ledger over a NATS connection: by a request under the
// publisher's name, which the connection's user must be allowed to publish under. Many events go in
// several requests, one after the other. When the connection is lost, what had no answer is asked
// again on the next one. The connection stays the caller's to close.
func OverNATS(conn *nats.Conn, publisher string) Sender {
	return &natsSender{conn: conn, publisher: publisher}
}

type natsSender struct {
	conn      *nats.Conn
	publisher string
}

// Send sends the events in as few requests as they fit. What is no JSON object stays here: it
// would make a batch unreadable.
func (s *natsSender) Send(ctx context.Context, events [][]byte) ([]event.Receipt, error) {
	if wrong := event.CheckPublisher(s.publisher); wrong != "" {
		return nil, fmt.Errorf("name of the publisher %s", wrong)
	}
	receipts := make([]event.Receipt, len(events))
	var readable [][]byte
	var places []int // of their receipts
	parser := parsers.Get().(*cloudevents.Parser)
	defer parsers.Put(parser)
	for i, e := range events {
		parser.Reset()
		if _, refusal := parser.Read(e); refusal != nil {
			receipts[i] = refused(refusal)
			continue
		}
		readable, places = append(readable, e), append(places, i)
	}
	for len(readable) > 0 {
		count := fitting(readable)
		answered, err := s.request(ctx, readable[:count])
		if err != nil {
			return nil, err
		}
		for i, receipt := range answered {
			receipts[places[i]] = receipt
		}
		readable, places = readable[count:], places[count:]
	}
	return receipts, nil
}

// fitting returns how many of the events, at least one, fit one request.
func fitting(events [][]byte) int {
	room := requestBytesMax
	for i, e := range events {
		room -= len(e) + 1 // and a comma
		if i > 0 && (room < 0 || i == requestEventsMax) {
			return i
		}
	}
	return len(events)
}

// request asks the ledger to take some events.
func (s *natsSender) request(ctx context.Context, events [][]byte) ([]event.Receipt, error) {
	msg := nats.NewMsg(subjectPrefix + s.publisher)
	msg.Header.Set(contentType, mediaEvent)
	msg.Data = events[0]
	if len(events) > 1 {
		msg.Header.Set(contentType, mediaBatch)
		msg.Data = batch(events)
	}
	lost := s.conn.StatusChanged(nats.RECONNECTING, nats.CLOSED)
	defer s.conn.RemoveStatusListener(lost)
	for {
		answer, err := s.ask(ctx, msg, lost)
		switch {
		case err == nil:
			return readAnswer(answer.Header.Get(contentType), answer.Data, len(events))
		case errors.Is(err, errLost) && ctx.Err() == nil:
			continue // on a closed connection it fails at once
		}
		return nil, s.explain(msg.Subject, err)
	}
}

// errLost says that the connection was lost while an answer was to come.
var errLost = errors.New("connection lost")

// ask sends a request and waits for its answer, for as long as the connection lasts: on the next
// one there will be none.
func (s *natsSender) ask(
	ctx context.Context, msg *nats.Msg, lost <-chan nats.Status,
) (*nats.Msg, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-lost:
			cancel(errLost)
		case <-ctx.Done():
		}
	}()
	answer, err := s.conn.RequestMsgWithContext(ctx, msg)
	if err != nil && errors.Is(context.Cause(ctx), errLost) {
		return nil, errLost
	}
	return answer, err
}

// batch returns the events as one JSON array.
func batch(events [][]byte) []byte {
	size := 2
	for _, e := range events {
		size += len(e) + 1
	}
	b := append(make([]byte, 0, size), '[')
	for i, e := range events {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, e...)
	}
	return append(b, ']')
}

// explain says what an error of a request means to who publishes.
func (s *natsSender) explain(subject string, err error) error {
	last := s.conn.LastError()
	if errors.Is(last, nats.ErrPermissionViolation) &&
		strings.Contains(last.Error(), strconv.Quote(subject)) {
		return fmt.Errorf("the user of the connection may not publish as %s: %w", s.publisher, last)
	}
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, nats.ErrConnectionClosed),
		errors.Is(err, nats.ErrMaxPayload), errors.Is(err, nats.ErrConnectionDraining):
		return fmt.Errorf("send to the ledger: %w", err)
	}
	return fmt.Errorf("send to the ledger: %w (%w)", ErrUnavailable, err)
}

// readAnswer reads what the ledger answers to a number of events.
func readAnswer(media string, body []byte, count int) ([]event.Receipt, error) {
	if media == mediaProblem {
		return readProblem(body, count)
	}
	var receipts cloudevents.Receipts
	if err := json.Unmarshal(body, &receipts); err != nil {
		return nil, errAnswer
	}
	if got := len(receipts); got != count {
		return nil, fmt.Errorf("read receipts: %d for %d events", got, count)
	}
	return receipts, nil
}

// readProblem reads a problem. One that is about the one event of a request is its receipt.
func readProblem(body []byte, count int) ([]event.Receipt, error) {
	var problem struct {
		Status int
		Code   string
		Field  string
		Detail string
	}
	if err := json.Unmarshal(body, &problem); err != nil {
		return nil, errAnswer
	}
	code := event.Code(problem.Code)
	if count == 1 && (isRefusal(problem.Status) || code == event.Forbidden) {
		return []event.Receipt{refused(&event.Refusal{
			Code: code, Field: problem.Field, Detail: problem.Detail,
		})}, nil
	}
	return nil, &RequestError{Status: problem.Status, Code: problem.Code, Detail: problem.Detail}
}

// isRefusal tells whether the status of a problem is that of an event: a conflict, too large, or
// refused otherwise.
func isRefusal(status int) bool { return status == 409 || status == 413 || status == 422 }

// refused returns the receipt of an event that was refused before anything was read of it.
func refused(refusal *event.Refusal) event.Receipt {
	return event.Receipt{Status: event.Refused, Refusal: refusal}
}
