// Command office is a program outside of the project: it publishes an event to a ledger, and reads
// the log until it comes to it.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go"

	"cakupan/domain/event"
	"cakupan/eventstore/jetstream"
	"cakupan/eventstore/pubsub"
)

const died = `{"specversion":"1.0","id":"outside-1","source":"urn:example",
	"type":"id.cakupan.worker.died.v1","data":{"worker":"worker-1","on":"2021-02-01"}}`

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	conn, err := nats.Connect(os.Getenv("CAKUPAN_NATS"))
	if err != nil {
		return err
	}
	defer conn.Close()
	var receipt event.Receipt
	publisher := pubsub.NewPublisher(pubsub.OverNATS(conn, "office"), pubsub.PublisherConfig{
		Receipt: func(_ *message.Message, r event.Receipt) { receipt = r },
	})
	report := message.NewMessage(watermill.NewUUID(), []byte(died))
	if err := publisher.Publish(pubsub.TopicEvents, report); err != nil {
		return errors.Join(err, publisher.Close())
	}
	if err := publisher.Close(); err != nil {
		return err
	}
	log, err := jetstream.Open(ctx, conn, jetstream.Options{})
	if err != nil {
		return err
	}
	subscriber, err := pubsub.NewSubscriber(log, pubsub.SubscriberConfig{})
	if err != nil {
		return err
	}
	messages, err := subscriber.Subscribe(ctx, "id.cakupan.worker.died.v1")
	if err != nil {
		return errors.Join(err, subscriber.Close())
	}
	for msg := range messages {
		sequence := msg.Metadata.Get(pubsub.MetadataSequence)
		msg.Ack()
		if sequence == fmt.Sprint(receipt.Sequence) {
			fmt.Println(receipt.Status, sequence)
			break
		}
	}
	return errors.Join(subscriber.Err(), subscriber.Close())
}
