package natsin

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
)

// silentConsumer gives no answer to what it is asked: an outage has lost it.
type silentConsumer struct {
	jetstream.PushConsumer
	asked chan struct{}
	ended chan error // why each question ended
}

func (c *silentConsumer) Info(ctx context.Context) (*jetstream.ConsumerInfo, error) {
	c.asked <- struct{}{}
	<-ctx.Done()
	c.ended <- context.Cause(ctx)
	return nil, ctx.Err()
}

// TestSweepingEnds ends the sweeping while the server owes it an answer: the question is given up,
// not waited for, and the last one is asked all the same, in a bounded time.
func TestSweepingEnds(t *testing.T) {
	consumer := &silentConsumer{asked: make(chan struct{}), ended: make(chan error, 1)}
	s := &Server{opts: Options{Log: slog.New(slog.DiscardHandler)}}
	s.settled.note(1, "pack")
	p := &packs{server: s, consumer: consumer, first: 1, swept: make(chan struct{})}
	ctx, stop := context.WithCancel(t.Context())
	go p.sweepAll(ctx, nil)
	<-consumer.asked
	stop()
	if why := <-consumer.ended; !errors.Is(why, context.Canceled) {
		t.Errorf("what was asked ended by %v", why)
	}
	<-consumer.asked
	if why := <-consumer.ended; !errors.Is(why, context.DeadlineExceeded) {
		t.Errorf("the last question ended by %v", why)
	}
	<-p.swept
}
