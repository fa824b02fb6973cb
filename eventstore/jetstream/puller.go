package jetstream

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cakupan/eventstore"
)

const (
	// pullBytes is how much is asked for at a time, by the size of the messages so far. Two such
	// requests are under way, so that the server has the next one when it finishes the first.
	// More is slower: what is under way should fit the processor's caches.
	pullBytes = 2 << 20

	// pullBytesAll is how much is asked for at a time by all readers of the log together, and
	// pullBytesMin the least of each. A server disconnects a client that it has more than 64 MiB
	// for (max_pending), so what is under way on one connection must stay below that.
	pullBytesAll = 2 * pullBytes
	pullBytesMin = 128 << 10

	// pullBytesRoom is room for the largest message there may be: a request that allows less could
	// never be answered.
	pullBytesRoom = 1<<20 + 64<<10

	// pullMessagesMin, of a reader alone, and pullMessagesMax bound how many messages are asked for
	// at a time.
	pullMessagesMin = 16
	pullMessagesMax = 1000

	// pullExpiry is how long the server keeps a request for messages that are yet to come.
	pullExpiry = 30 * time.Second

	// consumerIdleMax is how long the server keeps a consumer whose reader has vanished.
	consumerIdleMax = 2 * time.Minute

	// inboxMessagesMax is the room for what was asked for and for the server's remarks. If it
	// were too small messages would be dropped, which costs time but loses nothing.
	inboxMessagesMax = 4 * pullMessagesMax
)

// Headers of the server's remarks on a pull request.
const (
	headerStatus          = "Status"
	headerPendingMessages = "Nats-Pending-Messages"
)

// errSilent is returned by receive when no message has come for a while, or none will.
var errSilent = errors.New("no message has come")

// puller delivers messages in bulk. It asks the server for a number of messages ahead, and keeps
// asking, so that the server always has something to send. It is a hint, not an authority: it may
// pass over messages or fall silent, and its user finds that out by the messages' numbers.
//
// Pulling is as fast as a push consumer, but with a bound on what is under way, and faster than
// batched direct gets (docs/performance.md).
//
// It belongs to the goroutine that reads. Only inbox is filled by another, the connection's, which
// drops what finds no room rather than wait.
type puller struct {
	conn     *nats.Conn
	pullers  *atomic.Int64 // of the log, this one included
	stream   string
	consumer string
	sub      *nats.Subscription
	inbox    chan *nats.Msg
	timer    *time.Timer
	credit   int // messages asked for and not yet received
	size     int // of a message in bytes, smoothed; 0: none has come yet
}

// newPuller creates a consumer that begins with the given message.
func (l *Log) newPuller(ctx context.Context, first uint64) (*puller, error) {
	config := jetstream.ConsumerConfig{
		DeliverPolicy:     jetstream.DeliverByStartSequencePolicy,
		OptStartSeq:       first,
		AckPolicy:         jetstream.AckNonePolicy,
		MemoryStorage:     true,
		Replicas:          1,
		InactiveThreshold: consumerIdleMax,
	}
	var consumer jetstream.Consumer
	err := insist(ctx, func(ctx context.Context) (err error) {
		// One that was made and not heard of ends by itself.
		consumer, err = l.reader.CreateConsumer(ctx, l.stream, config)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("create consumer: %w", err)
	}
	p := &puller{
		conn:     l.reader.Conn(),
		pullers:  &l.pullers,
		stream:   l.stream,
		consumer: consumer.CachedInfo().Name,
		inbox:    make(chan *nats.Msg, inboxMessagesMax),
		timer:    time.NewTimer(pullExpiry),
	}
	if p.sub, err = p.conn.ChanSubscribe(p.conn.NewInbox(), p.inbox); err != nil {
		return nil, fmt.Errorf("subscribe: %w", err)
	}
	p.pullers.Add(1)
	return p, nil
}

// receive returns the next message. It returns errSilent when none came within the given time.
func (p *puller) receive(ctx context.Context, patience time.Duration) (message, error) {
	p.timer.Reset(patience)
	for {
		if err := p.ask(); err != nil {
			return message{}, err
		}
		select {
		case msg := <-p.inbox:
			isRemark := len(msg.Data) == 0 && msg.Header.Get(headerStatus) != ""
			if !isRemark {
				return p.accept(msg)
			}
			if !p.continues(msg) {
				return message{}, errSilent
			}
		case <-ctx.Done():
			return message{}, ctx.Err()
		case <-p.timer.C:
			if p.conn.IsClosed() {
				return message{}, eventstore.ErrClosed
			}
			return message{}, errSilent
		}
	}
}

// accept takes a frame's message off what was asked for, and learns from its size how many to ask
// for next.
func (p *puller) accept(msg *nats.Msg) (message, error) {
	p.credit--
	if p.size == 0 {
		p.size = len(msg.Data)
	}
	p.size += (len(msg.Data) - p.size) / 8
	meta, err := msg.Metadata()
	if err != nil {
		return message{}, fmt.Errorf("read number of message: %w", err)
	}
	return message{number: meta.Sequence.Stream, data: msg.Data}, nil
}

// continues takes the server's remark on a request, and reports whether the consumer will answer
// further ones. A request that has come to its end (complete, expired, or no room for the next
// message) says how many messages it leaves unsent; other remarks say that the consumer is gone.
func (p *puller) continues(remark *nats.Msg) bool {
	unsent, err := strconv.Atoi(remark.Header.Get(headerPendingMessages))
	p.credit -= unsent
	return err == nil
}

// ask keeps enough requests under way.
func (p *puller) ask() error {
	bytes := max(min(pullBytes, pullBytesAll/int(p.pullers.Load())), pullBytesMin)
	// A request whose messages turn out larger than those before ends at twice its bytes.
	bytesMax := max(2*bytes, pullBytesRoom)
	least := max(pullMessagesMin*bytes/pullBytes, 1)
	batch := 1
	if p.size > 0 {
		batch = min(max(bytes/p.size, least), pullMessagesMax)
	}
	for p.credit <= batch {
		request := fmt.Appendf(nil, `{"batch":%d,"max_bytes":%d,"expires":%d}`,
			batch, bytesMax, pullExpiry)
		subject := "$JS.API.CONSUMER.MSG.NEXT." + p.stream + "." + p.consumer
		if err := p.conn.PublishRequest(subject, p.sub.Subject, request); err != nil {
			return fmt.Errorf("ask for messages: %w", err)
		}
		p.credit += batch
	}
	return nil
}

// stop ends the subscription and lets the server remove the consumer. It does not wait for that,
// and if the request is lost the server removes it after consumerIdleMax.
func (p *puller) stop() {
	p.pullers.Add(-1)
	p.timer.Stop()
	_ = p.sub.Unsubscribe()
	_ = p.conn.Publish("$JS.API.CONSUMER.DELETE."+p.stream+"."+p.consumer, nil)
}
