package pubsub_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"

	"cakupan/domain/event"
	"cakupan/eventstore"
	"cakupan/eventstore/cloudevents"
	"cakupan/eventstore/codec"
	"cakupan/eventstore/memlog"
	"cakupan/eventstore/merkle"
	"cakupan/eventstore/pubsub"
)

// A subscription to a log, here one in memory; a program opens the log of a ledger with
// jetstream.Open.
func ExampleSubscriber() {
	log := exampleLog()
	subscriber, err := pubsub.NewSubscriber(log, pubsub.SubscriberConfig{
		Group: "example", Positions: new(pubsub.MemoryPositions),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	messages, err := subscriber.Subscribe(context.Background(), "id.cakupan.worker.died.v1")
	if err != nil {
		fmt.Println(err)
		return
	}
	msg := <-messages
	fmt.Println(msg.Metadata.Get(pubsub.MetadataSequence), string(msg.Payload))
	msg.Ack()
	if err := subscriber.Close(); err != nil {
		fmt.Println(err)
	}
	// Output:
	// 1 {"specversion":"1.0","id":"1","source":"urn:example","type":"id.cakupan.worker.died.v1","data":{"worker":"w-1","on":"2021-02-01"},"sequence":1,"recordedat":"2020-01-01T00:00:00.000000000Z"}
}

// What the ledger refuses is told message by message.
func ExamplePublisher() {
	publisher := pubsub.NewPublisher(refuseAll{}, pubsub.PublisherConfig{}) // or pubsub.OverNATS
	err := publisher.Publish(pubsub.TopicEvents,
		message.NewMessage(watermill.NewUUID(), []byte(`{"id":"1"}`)))
	var refused *pubsub.RefusedError
	if errors.As(err, &refused) {
		fmt.Println(refused.Refusals[0].Code, refused.Refusals[0].Field)
	}
	// Output: event.malformed specversion
}

// refuseAll takes nothing.
type refuseAll struct{}

func (refuseAll) Send(_ context.Context, events [][]byte) ([]event.Receipt, error) {
	receipts := make([]event.Receipt, len(events))
	for i := range events {
		document, refusal := cloudevents.ParseJSON(events[i])
		if refusal == nil {
			_, refusal = event.Accept(document, event.Options{})
		}
		receipts[i] = event.Receipt{Status: event.Refused, Refusal: refusal}
	}
	return receipts, nil
}

// exampleLog returns a log of one event.
func exampleLog() eventstore.Log {
	log := memlog.New(identity())
	document, _ := cloudevents.ParseJSON([]byte(`{"specversion":"1.0","id":"1",` +
		`"source":"urn:example","type":"id.cakupan.worker.died.v1",` +
		`"data":{"worker":"w-1","on":"2021-02-01"}}`))
	accepted, _ := event.Accept(document, event.Options{})
	const newYear2020 = 1_577_836_800_000_000_000
	builder := eventstore.NewFrameBuilder(1, new(merkle.Tree).Root(), newYear2020)
	if err := builder.Append(newYear2020, codec.Append(nil, &accepted.Event)); err != nil {
		fmt.Println(err)
	}
	if _, err := log.Append(context.Background(), builder.Bytes(), eventstore.Tail{}); err != nil {
		fmt.Println(err)
	}
	return log
}
