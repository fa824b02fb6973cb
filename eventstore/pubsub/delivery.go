package pubsub

import (
	"fmt"
	"strings"

	"github.com/ThreeDotsLabs/watermill/message"

	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/eventstore/cloudevents"
)

// Metadata of the messages that [UnmarshalEvent] makes.
const (
	MetadataSequence   = "sequence"   // place in the log, decimal
	MetadataRecordedAt = "recordedat" // RFC 3339, UTC, nine digits of fraction
	MetadataType       = "type"       // "id.cakupan.enrolment.opened.v1"
	MetadataSource     = "source"
	MetadataID         = "id"
	// MetadataPublisher is there when the ledger knows its publishers.
	MetadataPublisher = event.PublisherAttribute
)

// Recorded is an event of the log, to be made a message of.
type Recorded struct {
	Ledger     string // see [eventstore.Identity]
	Sequence   eventstore.Sequence
	RecordedAt temporal.Instant
	// Event is valid until the call it was given to returns. Copy what stays; the texts too.
	Event *event.Event
}

// UnmarshalEvent makes the message of an event: the payload is the event as `cakupan log --json`
// prints it, the UUID is the ledger's identity and the sequence, and the metadata are those above.
func UnmarshalEvent(r Recorded) (*message.Message, error) {
	payload := cloudevents.AppendJSON(nil, r.Event, uint64(r.Sequence), r.RecordedAt)
	msg := message.NewMessage(r.Ledger+"-"+r.Sequence.String(), payload)
	msg.Metadata = message.Metadata{
		MetadataSequence:   r.Sequence.String(),
		MetadataRecordedAt: r.RecordedAt.String(),
		MetadataType:       r.Event.Type.Name(),
		MetadataSource:     strings.Clone(r.Event.Source),
		MetadataID:         strings.Clone(r.Event.ID),
	}
	if r.Event.Publisher != "" {
		msg.Metadata[MetadataPublisher] = strings.Clone(r.Event.Publisher)
	}
	return msg, nil
}

// EventTopic returns which events belong to a topic: TopicEvents is all of them, the full name of
// a type those of that type. Other topics give ErrTopic.
func EventTopic(topic string) (func(*event.Event) bool, error) {
	if topic == TopicEvents {
		return func(*event.Event) bool { return true }, nil
	}
	of, known := event.ParseType(topic)
	if !known {
		return nil, fmt.Errorf("%w: %s is neither %s nor the full name of a type",
			ErrTopic, shown(topic), TopicEvents)
	}
	return func(e *event.Event) bool { return e.Type == of }, nil
}
