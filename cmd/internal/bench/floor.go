package bench

import (
	"context"
	"encoding/json"
	"errors"
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
	floorPublishes  = 1_000   // one after the other, each with its fsync: a second on a slow disk
	floorMessages   = 100_000 // that are read again
	floorEventBytes = 110     // of a message
	floorBatch      = 1_000   // messages of an atomic batch, the server's own bound
	floorStream     = "FLOOR"
)

// The names under which the floor's figures are kept for later parts.
const (
	floorPublishRate    = "synchronous publish per event"
	floorPublishLatency = "synchronous publish, p50"
)

// floor measures bare JetStream in a folder of its own. The folder and its stream stay:
// floorPublisher publishes there again between two appends, and floorRead reads it. The stream is
// on disk and the server syncs each message, as for the log; it has no limits, no copies and no
// consumer, so that there is nothing left to take away.
func (b *benchmark) floor(ctx context.Context) error {
	b.note("bare JetStream: the floor")
	conn, js, end, err := b.openFloor()
	if err != nil {
		return err
	}
	defer end()
	_, err = js.CreateStream(ctx, jetstream.StreamConfig{
		Name: floorStream, Subjects: []string{"floor"}, Storage: jetstream.FileStorage,
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
	b.add(Figure{Name: floorPublishRate, Value: rate, Unit: "events/s", More: true})
	b.add(Figure{Name: floorPublishLatency, Value: p50, Unit: "ms"})
	b.add(Figure{Name: "synchronous publish, p99", Value: p99, Unit: "ms"})
	// The published messages stay in the stream before those that are filled in: it then has more
	// than floorRead reads.
	return floorFill(ctx, conn, payload)
}

// openFloor starts the floor's server. The server listens nowhere: connections are inside of this
// process, as the ledger's own are. It is shut down by end, which the caller calls once; after an
// error there is nothing to end. Two may not be open at the same time, as they share a folder.
func (b *benchmark) openFloor() (conn *nats.Conn, js jetstream.JetStream, end func(), err error) {
	server, err := natsd.Start(natsd.Options{StoreDir: filepath.Join(b.dir, "floor")})
	if err != nil {
		return nil, nil, nil, err
	}
	conn, err = server.Connect()
	if err != nil {
		return nil, nil, nil, errors.Join(err, server.Shutdown())
	}
	end = func() {
		conn.Close()
		_ = server.Shutdown()
	}
	if js, err = jetstream.New(conn); err != nil {
		end()
		return nil, nil, nil, err
	}
	return conn, js, end, nil
}

// floorPublisher starts the floor's server again and returns a bare publish of one event. The
// caller calls end when it has published for the last time. Each publish waits until its message is
// on disk, as the acknowledgement promises.
func (b *benchmark) floorPublisher(ctx context.Context,
) (publish func() error, end func(), err error) {
	_, js, end, err := b.openFloor()
	if err != nil {
		return nil, nil, err
	}
	payload := make([]byte, floorEventBytes)
	publish = func() error {
		_, err := js.Publish(ctx, "floor", payload)
		return err
	}
	return publish, end, nil
}

// floorFill fills the stream, in atomic batches since nothing else is quick enough with an fsync a
// message. It is not timed. The stream needs to hold messages of the size of an event, and nothing
// else about them is read.
func floorFill(ctx context.Context, conn *nats.Conn, payload []byte) error {
	for batch := range floorMessages / floorBatch {
		for i := 1; i <= floorBatch; i++ {
			msg := nats.NewMsg("floor")
			msg.Data = payload
			msg.Header.Set("Nats-Batch-Id", fmt.Sprintf("b%d", batch))
			msg.Header.Set("Nats-Batch-Sequence", fmt.Sprint(i))
			// Only the last message of a batch is answered; the others wait at the server for it.
			if i < floorBatch {
				if err := conn.PublishMsg(msg); err != nil {
					return err
				}
				continue
			}
			msg.Header.Set("Nats-Batch-Commit", "1")
			answer, err := conn.RequestMsgWithContext(ctx, msg)
			if err == nil {
				err = batchTaken(answer.Data)
			}
			if err != nil {
				return fmt.Errorf("publish a batch to the floor: %w", err)
			}
		}
	}
	return nil
}

// batchTaken returns an error unless an answer says that all of a batch was taken: one that was
// refused is answered too, and a floor that lacks messages is read for ever.
func batchTaken(answer []byte) error {
	var said struct {
		Count int `json:"count"`
		Error *struct {
			Description string `json:"description"`
		} `json:"error"`
	}
	err := json.Unmarshal(answer, &said)
	switch {
	case err != nil:
		return err
	case said.Error != nil:
		return fmt.Errorf("refused: %s", said.Error.Description)
	case said.Count != floorBatch:
		return fmt.Errorf("%d of %d messages were taken", said.Count, floorBatch)
	}
	return nil
}

// floorRead reads the stream with an ordered consumer, and returns the events a second. It is what
// a projection would get that took one event a message. The stream has more messages than are read,
// so that the reader never waits for its end.
func (b *benchmark) floorRead(ctx context.Context) (float64, error) {
	_, js, end, err := b.openFloor()
	if err != nil {
		return 0, err
	}
	defer end()
	consumer, err := js.OrderedConsumer(ctx, floorStream, jetstream.OrderedConsumerConfig{})
	if err != nil {
		return 0, err
	}
	started := time.Now()
	// So many are on their way at once that the reader never waits for a round trip.
	messages, err := consumer.Messages(jetstream.PullMaxMessages(5_000))
	if err != nil {
		return 0, err
	}
	defer messages.Stop()
	for range floorMessages {
		if _, err := messages.Next(jetstream.NextContext(ctx)); err != nil {
			return 0, fmt.Errorf("read the floor: %w", err)
		}
	}
	return floorMessages / time.Since(started).Seconds(), nil
}

// measured returns the value of a figure measured before. Where it was not measured it is 0, which
// a figure takes for no floor at all.
func (b *benchmark) measured(name string) float64 {
	for _, f := range b.report.Figures {
		if f.Name == name {
			return f.Value
		}
	}
	return 0
}
