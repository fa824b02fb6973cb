package pubsub

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"

	"cakupan/domain/event"
	"cakupan/eventstore"
)

const (
	// New as SubscriberConfig.From means what is appended after Subscribe was called.
	New eventstore.Sequence = math.MaxUint64

	// WindowMax bounds SubscriberConfig.Window.
	WindowMax = 1 << 10

	// errorsMax bounds what Err remembers.
	errorsMax = 16

	nackDelayDefault = 100 * time.Millisecond
	patienceDefault  = time.Minute
)

// SubscriberConfig says what is delivered, and how. Its zero value delivers every event of the
// topic from the first one on, to each subscription.
type SubscriberConfig struct {
	// From is the first event to deliver: a sequence, or New. 0 means the first of the log. A group
	// that has a position goes on from there instead.
	From eventstore.Sequence

	// Group names who shares the work. Its position is kept in Positions: a subscription goes on
	// after the last event that the group has acknowledged. Of all subscriptions of a group to
	// one topic, one is delivered to at a time; the others stand by and take over when it ends.
	// Empty: no group, and nothing is kept.
	Group     string
	Positions Positions

	// SaveEvery is how often the position of a group is stored at most. Default: before further
	// events are delivered, so that after a crash no more than Window events come again. With
	// FilePositions that is a flush of the disk for each event, some thousand a second; with
	// SaveEvery it is tens of thousands, and a crash brings back what was acknowledged meanwhile.
	SaveEvery time.Duration

	// Window is how many messages of a subscription may be out at a time, at most WindowMax.
	// Default: 1, which keeps the order. With more, messages go out in order, but a Router works
	// on them at the same time, and one that comes again comes late. The position never
	// passes a message that is not acknowledged.
	Window int

	// Topic returns which events belong to a topic. Default: [EventTopic]. What it returns is
	// called from one goroutine per subscription.
	Topic func(topic string) (func(*event.Event) bool, error)

	// Unmarshal makes the message of an event. An error ends the subscription. It may be called
	// from several goroutines. Default: [UnmarshalEvent].
	Unmarshal func(Recorded) (*message.Message, error)

	// NackDelay is how long a message that was not acknowledged waits before it comes again.
	// Default: 100 ms. Negative: it does not wait.
	NackDelay time.Duration

	// AckDeadline is how long a message may be neither acknowledged nor refused before it comes
	// again; its context ends then. Default: for ever.
	AckDeadline time.Duration

	// Patience is how long the log may be out of reach before a subscription ends. Default: 1 min.
	Patience time.Duration

	// Logger is told why a subscription ended, and when the log cannot be reached. Optional.
	Logger watermill.LoggerAdapter
}

// Subscriber delivers the events of a log. It is safe for concurrent use.
type Subscriber struct {
	log    eventstore.Log
	config SubscriberConfig

	mu      sync.Mutex
	closed  bool
	stops   map[*subscription]context.CancelCauseFunc
	errs    []error // of subscriptions that ended by themselves
	running sync.WaitGroup
}

var (
	_ message.Subscriber           = (*Subscriber)(nil)
	_ message.SubscribeInitializer = (*Subscriber)(nil)
)

// NewSubscriber returns a subscriber to the log. The log stays the caller's; it must be in working
// order until the subscriber is closed.
func NewSubscriber(log eventstore.Log, config SubscriberConfig) (*Subscriber, error) {
	if err := config.complete(); err != nil {
		return nil, fmt.Errorf("make subscriber: %w", err)
	}
	return &Subscriber{
		log: log, config: config, stops: map[*subscription]context.CancelCauseFunc{},
	}, nil
}

// complete checks the configuration and fills in what it leaves open.
func (c *SubscriberConfig) complete() error {
	switch {
	case c.Group != "" && c.Positions == nil:
		return errors.New("a group needs positions")
	case c.Group == "" && c.Positions != nil:
		return errors.New("positions need the name of a group")
	case event.HasNIK(c.Group):
		return errors.New("the name of the group must not be a NIK")
	case c.Window < 0 || c.Window > WindowMax:
		return fmt.Errorf("window %d is not within 1 to %d", c.Window, WindowMax)
	case c.SaveEvery < 0 || c.AckDeadline < 0 || c.Patience < 0:
		return errors.New("a duration is negative")
	}
	c.Window = max(c.Window, 1)
	if c.Topic == nil {
		c.Topic = EventTopic
	}
	if c.Unmarshal == nil {
		c.Unmarshal = UnmarshalEvent
	}
	if c.NackDelay == 0 {
		c.NackDelay = nackDelayDefault
	}
	if c.Patience == 0 {
		c.Patience = patienceDefault
	}
	if c.Logger == nil {
		c.Logger = watermill.NopLogger{}
	}
	return nil
}

// SubscribeInitialize checks the topic. There is nothing to prepare: the log has all topics.
func (s *Subscriber) SubscribeInitialize(topic string) error {
	_, err := s.config.Topic(topic)
	return err
}

// Subscribe delivers the events of a topic in log order until ctx ends or the subscriber is
// closed. The channel is closed also when it cannot go on: the log is damaged or out of reach for
// too long, an event cannot be made a message, a position cannot be stored. No event is skipped
// then, and [Subscriber.Err] says why.
func (s *Subscriber) Subscribe(
	ctx context.Context, topic string,
) (<-chan *message.Message, error) {
	belongs, err := s.config.Topic(topic)
	if err != nil {
		return nil, fmt.Errorf("subscribe: %w", err)
	}
	from := max(s.config.From, 1)
	if from == New {
		_, tail, err := s.log.Last(ctx)
		if err != nil {
			return nil, fmt.Errorf("subscribe: find the end of the log: %w", err)
		}
		from = tail.Sequence + 1
	}
	ctx, stop := context.WithCancelCause(ctx)
	sub := newSubscription(s, topic, belongs, from)
	sub.stop = stop
	if err := s.add(sub); err != nil {
		stop(nil)
		return nil, fmt.Errorf("subscribe: %w", err)
	}
	go func() {
		defer s.running.Done()
		s.remove(sub, sub.run(ctx))
		stop(nil)
	}()
	return sub.out, nil
}

// add notes that a subscription begins.
func (s *Subscriber) add(sub *subscription) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return fmt.Errorf("subscriber is %w", ErrClosed)
	}
	s.stops[sub] = sub.stop
	s.running.Add(1)
	return nil
}

// remove notes that a subscription has ended, and why, and closes its channel.
func (s *Subscriber) remove(sub *subscription, err error) {
	if err != nil {
		err = fmt.Errorf("subscription to %s: %w", shown(sub.topic), err)
		s.config.Logger.Error("subscription has ended", err, sub.fields())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.stops, sub)
	if err != nil && len(s.errs) < errorsMax {
		s.errs = append(s.errs, err)
	}
	close(sub.out) // last, so that who sees it closed finds the error
}

// Err returns why subscriptions ended that neither their context nor Close has ended; nil when
// none did. It remembers the first few. Look at it when a channel was closed, or a Router has come
// to its end.
func (s *Subscriber) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return errors.Join(s.errs...)
}

// Close ends all subscriptions, stores their positions, and returns when their channels are
// closed. What is out and not acknowledged by then will come again.
func (s *Subscriber) Close() error {
	s.mu.Lock()
	s.closed = true
	for _, stop := range s.stops {
		stop(ErrClosed)
	}
	s.mu.Unlock()
	s.running.Wait()
	return nil
}
