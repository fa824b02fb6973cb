package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cakupan/eventstore/natsd"
)

// The floor: what bare JetStream does on the same disk with the same settings, one event a
// message. It is measured in the same run because a shared machine changes from hour to hour.
const (
	floorPublishes  = 1_000
	floorMessages   = 100_000
	floorEventBytes = 110
	floorBatch      = 1_000
)

// The names under which the floor's figures are kept for later parts.
const (
	floorPublishRate    = "synchronous publish per event"
	floorPublishLatency = "synchronous publish, p50"
	floorReadRate       = "ordered consumer, one event per message"
)

// floor measures bare JetStream in a folder of its own.
func (b *benchmark) floor(ctx context.Context) error {
	b.note("bare JetStream: the floor")
	server, err := natsd.Start(natsd.Options{StoreDir: filepath.Join(b.dir, "floor")})
	if err != nil {
		return err
	}
	defer func() { _ = server.Shutdown() }()
	conn, err := server.Connect()
	if err != nil {
		return err
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		return err
	}
	stream, err := js.CreateStream(ctx, jetstream.StreamConfig{
		Name: "FLOOR", Subjects: []string{"floor"}, Storage: jetstream.FileStorage,
		AllowAtomicPublish: true,
	})
	if err != nil {
		return fmt.Errorf("make stream of the floor: %w", err)
	}
	payload := make([]byte, floorEventBytes)
	latencies := make([]time.Duration, 0, floorPublishes)
	started := time.Now()
	for range floorPublishes {
		before := time.Now()
		if _, err := js.Publish(ctx, "floor", payload); err != nil {
			return fmt.Errorf("publish to the floor: %w", err)
		}
		latencies = append(latencies, time.Since(before))
	}
	rate := floorPublishes / time.Since(started).Seconds()
	p50, p99 := percentiles(latencies)
	b.add(benchFigure{Name: floorPublishRate, Value: rate, Unit: "events/s", More: true})
	b.add(benchFigure{Name: floorPublishLatency, Value: p50, Unit: "ms"})
	b.add(benchFigure{Name: "synchronous publish, p99", Value: p99, Unit: "ms"})
	return b.floorRead(ctx, conn, stream, payload)
}

// floorPublisher starts the floor's server again and returns a bare publish of one event.
func (b *benchmark) floorPublisher(ctx context.Context,
) (publish func() error, end func(), err error) {
	server, err := natsd.Start(natsd.Options{StoreDir: filepath.Join(b.dir, "floor")})
	if err != nil {
		return nil, nil, err
	}
	stop := func() { _ = server.Shutdown() }
	conn, err := server.Connect()
	if err != nil {
		stop()
		return nil, nil, err
	}
	js, err := jetstream.New(conn)
	if err != nil {
		stop()
		return nil, nil, err
	}
	payload := make([]byte, floorEventBytes)
	publish = func() error {
		_, err := js.Publish(ctx, "floor", payload)
		return err
	}
	return publish, func() { conn.Close(); stop() }, nil
}

// floorRead fills the stream, in atomic batches since nothing else is quick enough with an fsync
// a message, and reads it back.
func (b *benchmark) floorRead(ctx context.Context, conn *nats.Conn, stream jetstream.Stream,
	payload []byte,
) error {
	for batch := range floorMessages / floorBatch {
		for i := 1; i <= floorBatch; i++ {
			msg := nats.NewMsg("floor")
			msg.Data = payload
			msg.Header.Set("Nats-Batch-Id", fmt.Sprintf("b%d", batch))
			msg.Header.Set("Nats-Batch-Sequence", fmt.Sprint(i))
			if i < floorBatch {
				if err := conn.PublishMsg(msg); err != nil {
					return err
				}
				continue
			}
			msg.Header.Set("Nats-Batch-Commit", "1")
			if _, err := conn.RequestMsgWithContext(ctx, msg); err != nil {
				return fmt.Errorf("publish a batch to the floor: %w", err)
			}
		}
	}
	consumer, err := stream.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{})
	if err != nil {
		return err
	}
	started, read := time.Now(), 0
	messages, err := consumer.Messages(jetstream.PullMaxMessages(5_000))
	if err != nil {
		return err
	}
	defer messages.Stop()
	for ; read < floorMessages; read++ {
		if _, err := messages.Next(jetstream.NextContext(ctx)); err != nil {
			return fmt.Errorf("read the floor: %w", err)
		}
	}
	b.add(benchFigure{
		Name: floorReadRate, Value: float64(read) / time.Since(started).Seconds(),
		Unit: "events/s", More: true,
	})
	return nil
}

// measured returns the value of a figure measured before.
func (b *benchmark) measured(name string) float64 {
	for _, f := range b.report.Figures {
		if f.Name == name {
			return f.Value
		}
	}
	return 0
}
