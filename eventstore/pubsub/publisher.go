package pubsub

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"cakupan/domain/event"
	"cakupan/eventstore/cloudevents"
)

// TopicEvents is the topic of all events, of whatever type.
const TopicEvents = "events"

// publishTimeout bounds a Publish unless the configuration says otherwise: a ledger that restarts
// is back within seconds.
const publishTimeout = 30 * time.Second

// Sender has events recorded in a ledger. It is safe for concurrent use.
type Sender interface {
	// Send returns once each event is on stable storage or refused: a receipt for each, in their
	// order. events are CloudEvents in JSON. After an error it is unknown which of them are
	// recorded, and sending the same ones again is safe; the error is ErrUnavailable where that is
	// worth trying.
	Send(ctx context.Context, events [][]byte) ([]event.Receipt, error)
}

// PublisherConfig says how messages become events. Its zero value is useful.
type PublisherConfig struct {
	// Marshal returns the CloudEvent, in JSON, of a message. Default: [MarshalEvent].
	Marshal func(topic string, msg *message.Message) ([]byte, error)

	// Receipt is called with the receipt of each message, in their order, before Publish returns.
	// Optional.
	Receipt func(msg *message.Message, receipt event.Receipt)

	// Timeout bounds each Publish. Default: 30 s.
	Timeout time.Duration
}

// Publisher publishes events to a ledger. It is safe for concurrent use.
type Publisher struct {
	sender Sender
	config PublisherConfig

	mu     sync.RWMutex // held for reading while something is being published
	closed bool
}

var _ message.Publisher = (*Publisher)(nil)

// NewPublisher returns a publisher that sends events with the given sender.
func NewPublisher(sender Sender, config PublisherConfig) *Publisher {
	if config.Marshal == nil {
		config.Marshal = MarshalEvent
	}
	if config.Receipt == nil {
		config.Receipt = func(*message.Message, event.Receipt) {}
	}
	if config.Timeout == 0 {
		config.Timeout = publishTimeout
	}
	return &Publisher{sender: sender, config: config}
}

// Publish sends the messages' events, several as one batch, and returns once they are on stable
// storage. It ends early when the context of one of the messages does.
//
// An event that the ledger has already, with the same content, is a success. A *RefusedError names
// the events that the ledger does not take; the others of the call are recorded then. After any
// other error it is unknown which ones are, and publishing the same messages again is safe:
// errors.Is(err, ErrUnavailable) tells whether it is worth trying. An error of Marshal and
// ErrTopic are about a message: nothing was sent.
func (p *Publisher) Publish(topic string, messages ...*message.Message) error {
	p.mu.RLock()
	defer p.mu.RUnlock()
	switch {
	case p.closed:
		return fmt.Errorf("publish: publisher is %w", ErrClosed)
	case len(messages) == 0:
		return nil
	}
	events := make([][]byte, len(messages))
	for i, msg := range messages {
		var err error
		if events[i], err = p.config.Marshal(topic, msg); err != nil {
			return fmt.Errorf("publish message %s: %w", shown(msg.UUID), err)
		}
	}
	ctx, stop := p.contextOf(messages)
	defer stop()
	receipts, err := p.sender.Send(ctx, events)
	if err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	if len(receipts) != len(messages) {
		return fmt.Errorf("publish: %d receipts for %d events", len(receipts), len(messages))
	}
	return p.handOut(messages, receipts)
}

// contextOf returns a context that ends after the timeout, or when one of the messages' does.
func (p *Publisher) contextOf(messages []*message.Message) (context.Context, func()) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(messages[0].Context()),
		p.config.Timeout)
	stops := make([]func() bool, 0, len(messages))
	for _, msg := range messages {
		if msg.Context().Done() != nil {
			stops = append(stops, context.AfterFunc(msg.Context(), cancel))
		}
	}
	return ctx, func() {
		cancel()
		for _, stop := range stops {
			stop()
		}
	}
}

// handOut hands out the receipts and collects the refusals.
func (p *Publisher) handOut(messages []*message.Message, receipts []event.Receipt) error {
	var refusals []Refusal
	for i, msg := range messages {
		r := receipts[i]
		p.config.Receipt(msg, r)
		if r.Status != event.Appended && r.Status != event.Duplicate {
			why := r.Why()
			refusals = append(refusals,
				Refusal{UUID: msg.UUID, Code: why.Code, Field: why.Field, Detail: why.Detail})
		}
	}
	if len(refusals) > 0 {
		return &RefusedError{Messages: len(messages), Refusals: refusals}
	}
	return nil
}

// Close waits for what is being published. Publish then returns ErrClosed. What the sender uses,
// such as a connection, stays its owner's to close.
func (p *Publisher) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	return nil
}

// parsers keeps the room that a parser of JSON has once made.
var parsers = sync.Pool{New: func() any { return new(cloudevents.Parser) }}

// MarshalEvent takes the payload for the event itself, a CloudEvent in JSON. The topic must be
// the full name of its type ("id.cakupan.enrolment.opened.v1"), or TopicEvents for any; all else
// is for the ledger to check.
func MarshalEvent(topic string, msg *message.Message) ([]byte, error) {
	if topic == TopicEvents {
		return msg.Payload, nil
	}
	parser := parsers.Get().(*cloudevents.Parser)
	defer parsers.Put(parser)
	parser.Reset()
	document, refusal := parser.Read(msg.Payload)
	if refusal != nil {
		return nil, refusal
	}
	for _, member := range document.Members {
		if member.Name == "type" && member.Value.Kind == event.String {
			if member.Value.Text == topic {
				return msg.Payload, nil
			}
			return nil, fmt.Errorf("%w %s: the event is %s",
				ErrTopic, shown(topic), shown(member.Value.Text))
		}
	}
	return nil, errors.Join(fmt.Errorf("%w %s", ErrTopic, shown(topic)),
		&event.Refusal{Code: event.Malformed, Field: "type", Detail: "the event names no type"})
}
