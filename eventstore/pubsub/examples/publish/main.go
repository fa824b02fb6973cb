// Command publish publishes one event to a ledger over NATS and prints its receipt.
//
// Run it beside a ledger that takes requests over NATS:
//
//	cakupan serve --nats-listen 127.0.0.1:4222
//	go run ./eventstore/pubsub/examples/publish
//
// A ledger with registered publishers asks for the name and the secret of one of them, which must
// be allowed to report this source, type and region:
//
//	cakupan publisher add office --source urn:example --regions 75.03 --types enrolment.opened.v1
//	CAKUPAN_NAME=office CAKUPAN_SECRET=… go run ./eventstore/pubsub/examples/publish
//
// Run it twice: the second receipt says "duplicate" and has the same sequence.
package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go"

	"cakupan/domain/event"
	"cakupan/eventstore/pubsub"
)

const enrolment = `{"specversion":"1.0","id":"row-1","source":"urn:example",
	"type":"id.cakupan.enrolment.opened.v1",
	"data":{"enrolment":"example-1","worker":"worker-1","region":"75.03","segment":"PU",
		"category":"PRIVATE","programmes":["JKK","JKM"],"payer":"EMPLOYER","from":"2021-02-01"}}`

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	name := cmp.Or(os.Getenv("CAKUPAN_NAME"), "anyone")
	conn, err := nats.Connect(cmp.Or(os.Getenv("CAKUPAN_NATS"), nats.DefaultURL),
		nats.UserInfo(name, os.Getenv("CAKUPAN_SECRET")))
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer conn.Close()

	var receipt event.Receipt
	publisher := pubsub.NewPublisher(pubsub.OverNATS(conn, name), pubsub.PublisherConfig{
		Receipt: func(_ *message.Message, r event.Receipt) { receipt = r },
	})
	msg := message.NewMessage(watermill.NewUUID(), []byte(enrolment))
	err = publisher.Publish("id.cakupan.enrolment.opened.v1", msg)

	var refused *pubsub.RefusedError
	switch {
	case errors.As(err, &refused):
		return fmt.Errorf("correct the event before publishing it again: %w", err)
	case errors.Is(err, pubsub.ErrUnavailable):
		return fmt.Errorf("publish it again later: %w", err)
	case err != nil:
		return err
	}
	_, err = fmt.Fprintln(os.Stdout, receipt.Source, receipt.ID, receipt.Status, receipt.Sequence)
	return errors.Join(err, publisher.Close())
}
