// Command subscribe prints the events of a ledger, and then each new one until it is told to end.
// When it is started again it goes on where it was: its position is kept in a folder.
//
// Run it beside a ledger that can be read over NATS:
//
//	cakupan serve --nats-listen 127.0.0.1:4222
//	go run ./eventstore/pubsub/examples/subscribe
//
// A ledger that knows who may read it asks for the name and the secret of an auditor:
//
//	cakupan reader add inspector --role auditor
//	CAKUPAN_NAME=inspector CAKUPAN_SECRET=… go run ./eventstore/pubsub/examples/subscribe
//
// An argument is the topic, such as id.cakupan.enrolment.opened.v1; without one it is all events.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go"

	"cakupan/eventstore/jetstream"
	"cakupan/eventstore/pubsub"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	topic := pubsub.TopicEvents
	if len(os.Args) > 1 {
		topic = os.Args[1]
	}
	if err := run(ctx, topic); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, topic string) error {
	conn, err := nats.Connect(cmp.Or(os.Getenv("CAKUPAN_NATS"), nats.DefaultURL),
		nats.UserInfo(os.Getenv("CAKUPAN_NAME"), os.Getenv("CAKUPAN_SECRET")),
		nats.MaxReconnects(-1))
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer conn.Close()
	log, err := jetstream.Open(ctx, conn, jetstream.Options{})
	if err != nil {
		return err
	}
	positions, err := pubsub.NewFilePositions("cakupan-positions")
	if err != nil {
		return err
	}
	subscriber, err := pubsub.NewSubscriber(log, pubsub.SubscriberConfig{
		Group: "example", Positions: positions,
	})
	if err != nil {
		return err
	}
	// Not ctx: an interrupt between printing and Ack would leave the event unacknowledged, and it
	// would be printed again next time. Close comes after the Ack of whatever was printed, and it
	// stores the position.
	messages, err := subscriber.Subscribe(context.WithoutCancel(ctx), topic)
	if err == nil {
		err = printAll(ctx, messages)
	}
	return errors.Join(err, subscriber.Close(), subscriber.Err())
}

// printAll prints messages until ctx ends or the channel is closed. What it has taken it prints
// and acknowledges, whatever ends meanwhile.
func printAll(ctx context.Context, messages <-chan *message.Message) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case msg, open := <-messages:
			if !open {
				return nil // the subscriber knows why
			}
			if _, err := fmt.Fprintf(os.Stdout, "%s\n", msg.Payload); err != nil {
				return err
			}
			msg.Ack()
		}
	}
}
