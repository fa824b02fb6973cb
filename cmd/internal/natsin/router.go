package natsin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	adapter "github.com/ThreeDotsLabs/watermill-nats/v2/pkg/nats"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/message/router/middleware"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	// packsInWork is how many packs are taken in at a time; their events share frames of the log.
	packsInWork = 8

	// packsDelivered is how many packs the server sends ahead, those in work included.
	packsDelivered = 2 * packsInWork

	// attemptMax bounds one attempt at a pack. The ledger's own patience with its log comes on
	// top of it: about 20 s.
	attemptMax = 20 * time.Second

	// retryMax is how long a pack is tried before the server is asked to deliver it again later.
	retryMax = 30 * time.Second

	// ackWait is when the server believes that a pack is lost on its way. It is longer than any
	// pack is held here, so that no pack is in work twice.
	ackWait = 2 * time.Minute

	// acksMax is how long close waits for the server to have got the last acknowledgements.
	acksMax = 200 * time.Millisecond

	// sweepEvery is how often settled packs are removed. Together, because each removal is flushed.
	sweepEvery = 250 * time.Millisecond

	// tellEvery is how often the operator is told that messages wait.
	tellEvery = 10 * time.Second

	retryFirst = 50 * time.Millisecond
	retryLast  = 2 * time.Second
	nackFirst  = 250 * time.Millisecond
	nackLast   = 5 * time.Second
)

// Metadata of the messages inside the router.
const (
	metaPack      = "pack"      // number of the pack in its stream
	metaPublisher = "publisher" // of receipts
)

// HeaderPack is the header of receipts that tells in which pack their messages were: the "seq" of
// the acknowledgements that their publisher got.
const HeaderPack = "Cakupan-Pack"

// router takes packs from the stream to the log.
type router struct {
	server     *Server
	router     *message.Router
	subscriber *pausable
	publisher  *adapter.Publisher
	consumer   jetstream.PushConsumer
	ended      chan error   // gets what Run of the router returns
	told       atomic.Int64 // when the operator was last told that messages wait
	sweeping   context.CancelFunc
	swept      chan struct{} // closed when the sweeping has ended
}

// startRouter begins to take in packs.
//
// Watermill gets connections of its own, because its Close drains the one it has. Of
// watermill-nats only pkg/nats is used: pkg/jetstream panics when a subscription ends.
func startRouter(ctx context.Context, s *Server, js jetstream.JetStream) (r *router, err error) {
	r = &router{server: s, ended: make(chan error, 1), swept: make(chan struct{})}
	if r.consumer, err = takeOverPacks(ctx, js); err != nil {
		return nil, err
	}
	log := watermillLog{s.opts.Log}
	if err := r.connect(log); err != nil {
		return nil, err
	}
	r.router, err = message.NewRouter(message.RouterConfig{CloseTimeout: drainMax}, log)
	if err != nil {
		return nil, errors.Join(err, r.subscriber.Close(), r.publisher.Close())
	}
	poison, err := middleware.PoisonQueueWithFilter(
		&unreadablePacks{s}, StreamRefused, isUnreadable)
	if err != nil {
		return nil, errors.Join(err, r.subscriber.Close(), r.publisher.Close())
	}
	r.router.AddMiddleware(
		middleware.Recoverer,
		poison, // outside of Retry: else it would take what only needs another attempt
		middleware.Retry{
			MaxRetries: math.MaxInt32, InitialInterval: retryFirst, MaxInterval: retryLast,
			Multiplier: 2, RandomizationFactor: 0.2, MaxElapsedTime: retryMax,
			ResetContextOnRetry: true, // the one of the last attempt has timed out, perhaps
			ShouldRetry:         r.shouldRetry,
		}.Middleware,
		middleware.Timeout(attemptMax),
		middleware.CorrelationID,
	)
	r.router.AddHandler("intake", subjectPacks, r.subscriber,
		SubjectReceipts, r.publisher, r.handle)
	// The router is stopped by close, not by a context: what is in work comes to its end.
	run := context.WithoutCancel(ctx)
	go func() { r.ended <- r.router.Run(run) }()
	select {
	case <-r.router.Running():
		run, r.sweeping = context.WithCancel(run)
		go r.sweepAll(run, js)
		return r, nil
	case err := <-r.ended:
		return nil, errors.Join(fmt.Errorf("run router: %w", err),
			r.subscriber.Close(), r.publisher.Close())
	}
}

// connect makes the two ends of the router.
func (r *router) connect(log watermillLog) error {
	store, err := r.server.opts.Connect.Store()
	if err != nil {
		return err
	}
	config := adapter.SubscriberSubscriptionConfig{
		Unmarshaler:      packUnmarshaler{},
		SubscribersCount: packsInWork,
		AckWaitTimeout:   ackWait,
		CloseTimeout:     drainMax,
		NakDelay:         nackDelay{},
		QueueGroupPrefix: queueGroup,
		JetStream: adapter.JetStreamConfig{
			DurablePrefix: consumerName,
			// The library acknowledges whatever its callback has returned from, also what was not
			// taken in, unless it is told not to. Clipped, because the adapter appends to it
			// from several goroutines.
			SubscribeOptions: slices.Clip([]nats.SubOpt{
				nats.ManualAck(), nats.AckExplicit(), nats.BindStream(StreamIntake),
			}),
		},
	}
	subscriber, err := adapter.NewSubscriberWithNatsConn(store, config, log)
	if err != nil {
		store.Close()
		return fmt.Errorf("subscribe to packs: %w", err)
	}
	r.subscriber = newPausable(subscriber)
	front, err := r.server.opts.Connect.Front()
	if err != nil {
		store.Close()
		return err
	}
	r.publisher, err = adapter.NewPublisherWithNatsConn(front, adapter.PublisherPublishConfig{
		Marshaler: receiptMarshaler{}, SubjectCalculator: adapter.DefaultSubjectCalculator,
		JetStream: adapter.JetStreamConfig{Disabled: true}, // receipts are told, not stored
	}, log)
	if err != nil {
		store.Close()
		front.Close()
		return fmt.Errorf("publish receipts: %w", err)
	}
	return nil
}

// shouldRetry is asked after each attempt that failed.
func (r *router) shouldRetry(p middleware.RetryParams) bool {
	if isUnreadable(p.Err) || r.subscriber.isPaused() {
		return false
	}
	now := r.server.opts.Now().UnixNano()
	if told := r.told.Load(); now-told > int64(tellEvery) && r.told.CompareAndSwap(told, now) {
		r.server.opts.Log.Warn("messages wait, because the ledger does not take their events",
			slog.Any("error", p.Err))
	}
	return true
}

// close takes no further packs, waits for those in work until ctx ends, and stops the router.
func (r *router) close(ctx context.Context) error {
	r.subscriber.pause(ctx)
	r.awaitAcks(ctx)
	r.sweeping()
	<-r.swept
	err := r.router.Close()
	return errors.Join(err, <-r.ended)
}

// sweepAll removes settled packs now and then until ctx ends, and then a last time.
func (r *router) sweepAll(ctx context.Context, js jetstream.JetStream) {
	defer close(r.swept)
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	swept, settled := uint64(0), uint64(0) // up to this pack; packs when we last looked
	for last := false; !last; {
		select {
		case <-tick.C:
		case <-ctx.Done():
			last = true
		}
		now := r.server.settled.Load()
		if now == settled && !last {
			continue
		}
		one, cancel := context.WithTimeout(context.WithoutCancel(ctx), requestMax)
		upTo, more, err := sweep(one, js, r.consumer, swept)
		cancel()
		if err != nil && !last {
			r.server.opts.Log.WarnContext(ctx, "settled packs stay for now", slog.Any("error", err))
		}
		swept = upTo
		if !more {
			settled = now // all acknowledgements were there
		}
	}
}

// awaitAcks waits until the server knows of all packs that they were taken in. Without, they would
// come again at the next start, and be found to be duplicates.
func (r *router) awaitAcks(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, acksMax)
	defer cancel()
	for {
		info, err := r.consumer.Info(ctx)
		// Those that nobody has begun with stay unacknowledged.
		if err != nil || info.NumAckPending <= r.subscriber.left() {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// packUnmarshaler makes a message of a pack, whatever is in it: the adapter neither acknowledges
// nor reports what its unmarshaler refuses, and the server would send that for ever.
type packUnmarshaler struct{}

// Unmarshal returns the pack under its number in the stream.
func (packUnmarshaler) Unmarshal(m *nats.Msg) (*message.Message, error) {
	number := uint64(0)
	if meta, err := m.Metadata(); err == nil {
		number = meta.Sequence.Stream
	}
	msg := message.NewMessage("pack "+strconv.FormatUint(number, 10), m.Data)
	msg.Metadata.Set(metaPack, strconv.FormatUint(number, 10))
	middleware.SetCorrelationID(strconv.FormatUint(number, 10), msg)
	return msg, nil
}

// receiptMarshaler makes the NATS message of receipts.
type receiptMarshaler struct{}

// Marshal puts the publisher into the subject, and the pack into the header.
func (receiptMarshaler) Marshal(topic string, msg *message.Message) (*nats.Msg, error) {
	return &nats.Msg{
		Subject: topic + msg.Metadata.Get(metaPublisher),
		Header: nats.Header{
			"Content-Type": {dataType},
			HeaderPack:     {middleware.MessageCorrelationID(msg)},
		},
		Data: msg.Payload,
	}, nil
}

// nackDelay is how long the server waits before it delivers a pack again.
type nackDelay struct{}

// WaitTime returns twice as long after each delivery, up to a bound.
func (nackDelay) WaitTime(delivered uint64) time.Duration {
	return min(nackFirst<<min(delivered-min(delivered, 1), 16), nackLast)
}

// watermillLog passes on what Watermill says. What is news to it is not to an operator.
type watermillLog struct{ log *slog.Logger }

func (l watermillLog) Error(text string, err error, fields watermill.LogFields) {
	l.write(slog.LevelError, text, err, fields)
}

func (l watermillLog) Info(text string, fields watermill.LogFields) {
	l.write(slog.LevelDebug, text, nil, fields)
}
func (watermillLog) Debug(string, watermill.LogFields) {}
func (watermillLog) Trace(string, watermill.LogFields) {}

// With adds nothing: what a line is about is in the line.
func (l watermillLog) With(watermill.LogFields) watermill.LoggerAdapter { return l }

func (l watermillLog) write(level slog.Level, text string, err error, fields watermill.LogFields) {
	ctx := context.Background() // Watermill gives none
	if !l.log.Enabled(ctx, level) {
		return
	}
	attrs := []slog.Attr{slog.String("line", text)}
	if err != nil {
		attrs = append(attrs, slog.Any("error", err))
	}
	if id, ok := fields["message_uuid"].(string); ok {
		attrs = append(attrs, slog.String("message", id))
	}
	l.log.LogAttrs(ctx, level, "router of the intake", attrs...)
}
