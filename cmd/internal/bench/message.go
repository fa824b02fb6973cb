package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	adapter "github.com/ThreeDotsLabs/watermill-nats/v2/pkg/nats"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/pubsub/gochannel"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/ledger"
	"cakupan/cmd/internal/natsin"
	"cakupan/cmd/internal/sample"
	"cakupan/domain/event"
	"cakupan/eventstore/cloudevents"
	"cakupan/eventstore/natsd"
)

// Messages of single events, from several publishers over the loopback interface.
const (
	messagePublishers = 4
	messagesInFlight  = 256 // of all publishers together
	// They wait in memory as lines, so that making them costs no time that is measured.
	messageEventsMax = 200_000
	// One sync each: more would take long and say no more.
	plainMessages   = 1_000
	publishStallMax = 10 * time.Second
)

// messages measures the intake of messages by NATS, beside a plain Watermill handler. The ledger
// listens on the loopback interface, as for publishers on other machines, and each publisher has a
// connection of its own. What is counted ends with the last receipt, thus with durable events.
func (b *benchmark) messages(ctx context.Context) error {
	events := max(min(b.events/10, messageEventsMax), messagePublishers)
	// Each publisher sends as many.
	events -= events % messagePublishers
	b.note("sending %d messages by NATS", events)
	// First, while there is no other server that works.
	plain, err := b.plainWatermill(ctx)
	if err != nil {
		return err
	}
	l, err := ledger.Open(ctx, ledger.Options{
		Dir: filepath.Join(b.dir, "messages"), Create: true,
		Messages: ledger.MessageOptions{Address: "127.0.0.1:0"},
	})
	if err != nil {
		return err
	}
	defer func() { _ = l.Close() }()
	if _, err := l.Submit(ctx, nil, intake.Options{}); err != nil { // opens what it takes
		return err
	}
	if err := l.TakeMessages(ctx); err != nil {
		return err
	}
	seconds, err := sendMessages(ctx, l.NATSURL(), events)
	if err != nil {
		return err
	}
	head, err := l.Head(ctx)
	if err != nil {
		return err
	}
	b.add(Figure{
		Name:  "NATS intake, 256 messages in flight, to receipts",
		Value: float64(events) / seconds, Unit: "events/s", More: true,
		Target: 20_000, Floor: plain, FloorName: "events/s, Watermill",
	})
	b.add(Figure{
		Name:  "events that share a frame, NATS intake",
		Value: float64(head.Sequence) / float64(head.Message), Unit: "events", More: true,
	})
	return b.requests(ctx, l.NATSURL())
}

// sendMessages publishes events one a message, and returns the seconds until all have receipts. The
// listener subscribes, and is known to the server, before anything is sent: no receipt can be
// missed. A receipt of anything but an appended or known event, or none for a minute, ends it with
// an error; the publishers then end with their connections or with ctx.
func sendMessages(ctx context.Context, url string, events int) (seconds float64, err error) {
	listener, err := nats.Connect(url)
	if err != nil {
		return 0, err
	}
	defer listener.Close()
	receipts := make(chan cloudevents.Receipts, 1024)
	if _, err = listener.Subscribe(natsin.SubjectReceipts+"*", func(m *nats.Msg) {
		var r cloudevents.Receipts
		_ = json.Unmarshal(m.Data, &r) // counts for nothing then, and the benchmark ends
		receipts <- r
	}); err != nil {
		return 0, err
	}
	if err := listener.Flush(); err != nil {
		return 0, err
	}
	lines := messageEvents(events)
	started := time.Now()
	failed := make(chan error, messagePublishers)
	for p := range messagePublishers {
		part := lines[p*len(lines)/messagePublishers : (p+1)*len(lines)/messagePublishers]
		go func() { failed <- publishAll(ctx, url, fmt.Sprintf("bench-%d", p), part) }()
	}
	// Both are waited for: a publisher may have its acknowledgements after the receipts have come.
	for done, ended := 0, 0; done < events || ended < messagePublishers; {
		select {
		case r := <-receipts:
			if _, _, refused := r.Count(); refused > 0 || len(r) == 0 {
				return 0, fmt.Errorf("send messages: %d receipts, %d refused", len(r), refused)
			}
			done += len(r)
		case err := <-failed:
			if ended++; err != nil {
				return 0, err
			}
		case <-time.After(time.Minute):
			return 0, errors.New("send messages: receipts are missing")
		}
	}
	return time.Since(started).Seconds(), nil
}

// messageEvents returns events as publishers send them. Those of postBatches, and of another ledger
// than theirs.
func messageEvents(count int) (lines [][]byte) {
	for dated := range sample.Nation(seed+2, count) {
		lines = append(lines, cloudevents.AppendJSON(nil, &dated.Event, 0, dated.RecordedAt))
	}
	return lines
}

// publishAll publishes messages as nats.go does, with a share of those in flight. It returns when
// the stream has acknowledged all of them: they are durable then, and may not have been taken in
// yet. It fails with the first that was not.
func publishAll(ctx context.Context, url, name string, lines [][]byte) error {
	conn, err := nats.Connect(url)
	if err != nil {
		return err
	}
	defer conn.Close()
	js, err := jetstream.New(conn,
		jetstream.WithPublishAsyncMaxPending(messagesInFlight/messagePublishers))
	if err != nil {
		return err
	}
	futures := make([]jetstream.PubAckFuture, len(lines))
	for i, line := range lines {
		// A busy disk may take longer over one flush than nats.go waits by itself, 200 ms.
		futures[i], err = js.PublishAsync(natsin.SubjectIntake+name, line,
			jetstream.WithStallWait(publishStallMax))
		if err != nil {
			return fmt.Errorf("publish message: %w", err)
		}
	}
	for _, future := range futures {
		select {
		case <-future.Ok():
		case err := <-future.Err():
			return fmt.Errorf("publish message: %w", err)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// plainWatermill measures what the intake would be without sharing: a handler that publishes each
// message to a stream and waits. It uses the floor's folder and subject, while no other server has
// it open, and the floor's stream grows by what it publishes.
func (b *benchmark) plainWatermill(ctx context.Context) (rate float64, err error) {
	server, err := natsd.Start(natsd.Options{StoreDir: filepath.Join(b.dir, "floor")})
	if err != nil {
		return 0, err
	}
	defer func() { _ = server.Shutdown() }()
	conn, err := server.Connect()
	if err != nil {
		return 0, err
	}
	publisher, err := adapter.NewPublisherWithNatsConn(conn, adapter.PublisherPublishConfig{
		Marshaler: &adapter.NATSMarshaler{}, SubjectCalculator: adapter.DefaultSubjectCalculator,
	}, watermill.NopLogger{})
	if err != nil {
		conn.Close()
		return 0, err
	}
	source := gochannel.NewGoChannel(gochannel.Config{
		OutputChannelBuffer: messagesInFlight,
	}, watermill.NopLogger{})
	router, err := message.NewRouter(message.RouterConfig{}, watermill.NopLogger{})
	if err != nil {
		return 0, err
	}
	handled := make(chan struct{}, plainMessages)
	router.AddConsumerHandler("plain", "in", source, func(m *message.Message) error {
		// It waits for the acknowledgement of the stream.
		err := publisher.Publish("floor", m)
		handled <- struct{}{}
		return err
	})
	ended := make(chan error, 1)
	go func() { ended <- router.Run(ctx) }()
	<-router.Running()
	lines := messageEvents(plainMessages)
	started := time.Now()
	for i, line := range lines {
		if err := source.Publish("in", message.NewMessage(strconv.Itoa(i), line)); err != nil {
			return 0, fmt.Errorf("publish to watermill: %w", err)
		}
	}
	for range lines {
		<-handled
	}
	rate = float64(len(lines)) / time.Since(started).Seconds()
	return rate, errors.Join(router.Close(), <-ended, publisher.Close())
}

// requests measures how long one publisher waits for its receipt, who sends the next event when he
// has it. The events are those of another seed, under a source of their own, so that none of them
// is a duplicate of what was sent before.
func (b *benchmark) requests(ctx context.Context, url string) error {
	conn, err := nats.Connect(url)
	if err != nil {
		return err
	}
	defer conn.Close()
	var latencies []time.Duration
	for dated := range sample.Nation(seed+3, singles) {
		dated.Event.Key = event.Key{Source: "urn:cakupan:bench:request", ID: dated.Event.ID}
		line := cloudevents.AppendJSON(nil, &dated.Event, 0, dated.RecordedAt)
		before := time.Now()
		if _, err := conn.RequestWithContext(ctx, natsin.SubjectRequest+"bench", line); err != nil {
			return fmt.Errorf("request: %w", err)
		}
		latencies = append(latencies, time.Since(before))
	}
	p50, p99 := percentiles(slices.Clone(latencies))
	b.add(Figure{Name: "NATS request to receipt, one alone, p50", Value: p50, Unit: "ms"})
	b.add(Figure{Name: "NATS request to receipt, one alone, p99", Value: p99, Unit: "ms"})
	return nil
}
