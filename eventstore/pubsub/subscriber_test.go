package pubsub_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/message/router/middleware"
	"github.com/google/go-cmp/cmp"

	"cakupan/eventstore"
	"cakupan/eventstore/pubsub"
)

// TestMessage: what a message says of its event.
func TestMessage(t *testing.T) {
	l, log := inMemory(t)
	l.submit(death(1))
	_, messages := subscribe(t, log, pubsub.SubscriberConfig{}, died)
	msg := next(t, messages, "1")
	want := message.Metadata{
		"sequence": "1", "recordedat": "1970-01-01T00:00:00.000000001Z", "type": died,
		"source": source, "id": "1", "publishedby": "tester",
	}
	if diff := cmp.Diff(want, msg.Metadata); diff != "" {
		t.Error(diff)
	}
	if line := printed(t, log, 1); !bytes.Equal(line, msg.Payload) {
		t.Errorf("payload is\n%s\nwant\n%s", msg.Payload, line)
	}
	if msg.UUID != strings.Repeat("ab", 16)+"-1" {
		t.Errorf("UUID is %s", msg.UUID)
	}
}

// TestTopics: each subscription has its own events, in the order of the log.
func TestTopics(t *testing.T) {
	l, log := inMemory(t)
	l.submit(death(1), opening("a"), death(2))
	l.submit(opening("b"), death(3))
	s, deaths := subscribe(t, log, pubsub.SubscriberConfig{}, died)
	openings, err := s.Subscribe(t.Context(), opened)
	if err != nil {
		t.Fatal(err)
	}
	all, err := s.Subscribe(t.Context(), pubsub.TopicEvents)
	if err != nil {
		t.Fatal(err)
	}
	handle(t, deaths, 1, 3)
	next(t, openings, "a").Ack()
	next(t, openings, "b").Ack()
	for _, id := range []string{"1", "a", "2", "b", "3"} {
		next(t, all, id).Ack()
	}
	l.submit(death(4))
	handle(t, deaths, 4, 4)
	handle(t, all, 4, 4)
	nothing(t, openings)
	if _, err := s.Subscribe(t.Context(), "id.cakupan.nonsense.v1"); !errors.Is(err, pubsub.ErrTopic) {
		t.Errorf("an unknown type: %v", err)
	}
	if err := s.SubscribeInitialize(nik); !errors.Is(err, pubsub.ErrTopic) ||
		strings.Contains(err.Error(), nik) {
		t.Errorf("a number: %v", err)
	}
	closeIt(t, s)
	for _, messages := range []<-chan *message.Message{deaths, openings, all} {
		ends(t, messages)
	}
	if _, err := s.Subscribe(t.Context(), died); !errors.Is(err, pubsub.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	if err := s.Err(); err != nil {
		t.Error(err)
	}
}

// TestFrom begins at a sequence, inside of a frame too, beyond the end, and with what is new.
func TestFrom(t *testing.T) {
	l, log := inMemory(t)
	l.submit(death(1), death(2), death(3))
	_, third := subscribe(t, log, pubsub.SubscriberConfig{From: 3}, died)
	_, sixth := subscribe(t, log, pubsub.SubscriberConfig{From: 6}, died)
	_, fresh := subscribe(t, log, pubsub.SubscriberConfig{From: pubsub.New}, died)
	l.fill(4, 3)
	handle(t, third, 3, 6)
	handle(t, sixth, 6, 6)
	handle(t, fresh, 4, 6)
}

// TestNack brings a message again until it is acknowledged, and nothing else meanwhile.
func TestNack(t *testing.T) {
	l, log := inMemory(t)
	l.fill(1, 2)
	_, messages := subscribe(t, log, pubsub.SubscriberConfig{NackDelay: time.Millisecond}, died)
	line := printed(t, log, 1)
	for range 5 {
		msg := next(t, messages, "1")
		if !bytes.Equal(msg.Payload, line) {
			t.Errorf("it comes again as %s", msg.Payload)
		}
		msg.Payload[0] = 'X' // what a handler does to its message is its own
		nothing(t, messages)
		msg.Nack()
		select {
		case <-msg.Context().Done():
		case <-time.After(within):
			t.Fatal("the context goes on after Nack")
		}
	}
	handle(t, messages, 1, 2)
}

// TestAckDeadline brings a message again whose handler does not answer; a late answer is nothing.
func TestAckDeadline(t *testing.T) {
	l, log := inMemory(t)
	l.fill(1, 2)
	_, messages := subscribe(t, log, pubsub.SubscriberConfig{
		NackDelay: -1, AckDeadline: quiet,
	}, died)
	late := next(t, messages, "1")
	next(t, messages, "1")
	late.Ack()
	next(t, messages, "1").Ack() // it comes again, whatever the late one said
	if late.Context().Err() == nil {
		t.Error("the context goes on after the deadline")
	}
	for { // a busy machine may take more than the deadline to look
		msg, open := <-messages
		if !open {
			t.Fatal("the channel is closed")
		}
		msg.Ack()
		if msg.Metadata.Get(pubsub.MetadataID) == "2" {
			return
		}
	}
}

// TestSlow: a subscriber that takes its time has no more read for it than it can work on.
func TestSlow(t *testing.T) {
	l, log := inMemory(t)
	l.fill(1, 300)
	for _, window := range []int{1, 16} {
		watched := &watchedLog{Log: log}
		_, messages := subscribe(t, watched, pubsub.SubscriberConfig{Window: window}, died)
		for n := range window {
			next(t, messages, fmt.Sprint(n+1))
		}
		nothing(t, messages)
		if got, most := watched.frames.Load(), int64(window+1); got > most {
			t.Errorf("window %d: %d frames of one event were read, at most %d", window, got, most)
		}
	}
}

// TestWindow lets several messages out, in order; what is acknowledged makes room.
func TestWindow(t *testing.T) {
	l, log := inMemory(t)
	l.fill(1, 6)
	_, messages := subscribe(t, log, pubsub.SubscriberConfig{
		Window: 3, NackDelay: time.Millisecond,
	}, died)
	first, second, third := next(t, messages, "1"), next(t, messages, "2"), next(t, messages, "3")
	nothing(t, messages)
	third.Ack()
	fourth := next(t, messages, "4")
	nothing(t, messages)
	first.Nack()
	again := next(t, messages, "1")
	second.Ack()
	handle(t, messages, 5, 6)
	again.Ack()
	fourth.Ack()
	nothing(t, messages)
}

// TestDamage: a damaged log ends the subscription before the damage, and says what is lost.
func TestDamage(t *testing.T) {
	l, log := inMemory(t)
	l.fill(1, 6)
	log.Damage(3)
	log.Damage(4)
	for _, window := range []int{1, 4} {
		s, messages := subscribe(t, log, pubsub.SubscriberConfig{Window: window}, died)
		handle(t, messages, 1, 2)
		ends(t, messages)
		var damage *eventstore.DamageError
		err := s.Err()
		if !errors.Is(err, pubsub.ErrDamaged) || !errors.As(err, &damage) || damage.From != 3 ||
			damage.To != 4 {
			t.Errorf("window %d: %v", window, err)
		}
	}
	// Behind the damage all is well.
	_, messages := subscribe(t, log, pubsub.SubscriberConfig{From: 5}, died)
	handle(t, messages, 5, 6)
}

// TestOutage: a log that cannot be read for a while is read again from where it was, and one that
// cannot be read for too long ends the subscription.
func TestOutage(t *testing.T) {
	l, log := inMemory(t)
	watched := &watchedLog{Log: log}
	s, messages := subscribe(t, watched, pubsub.SubscriberConfig{Patience: time.Second}, died)
	l.fill(1, 2)
	handle(t, messages, 1, 2)
	watched.fail(eventstore.ErrClosed)
	l.fill(3, 2)
	nothing(t, messages)
	watched.fail(nil)
	handle(t, messages, 3, 4)
	watched.fail(eventstore.ErrClosed)
	l.fill(5, 1)
	ends(t, messages)
	if err := s.Err(); !errors.Is(err, pubsub.ErrUnavailable) || !errors.Is(err, eventstore.ErrClosed) {
		t.Error(err)
	}
}

// TestUnmarshal: an event that cannot be made a message ends the subscription.
func TestUnmarshal(t *testing.T) {
	l, log := inMemory(t)
	l.fill(1, 3)
	failure := errors.New("cannot be made a message")
	s, messages := subscribe(t, log, pubsub.SubscriberConfig{
		Unmarshal: func(r pubsub.Recorded) (*message.Message, error) {
			if r.Sequence == 2 {
				return nil, failure
			}
			return pubsub.UnmarshalEvent(r)
		},
	}, died)
	handle(t, messages, 1, 1)
	ends(t, messages)
	if err := s.Err(); !errors.Is(err, failure) || !strings.Contains(err.Error(), "event 2") {
		t.Error(err)
	}
}

// TestContext: a subscription ends with its context, and hands on what that holds.
func TestContext(t *testing.T) {
	type key struct{}
	l, log := inMemory(t)
	l.fill(1, 2)
	s := newSubscriber(t, log, pubsub.SubscriberConfig{})
	ctx, cancel := context.WithCancelCause(context.WithValue(t.Context(), key{}, "held"))
	messages, err := s.Subscribe(ctx, died)
	if err != nil {
		t.Fatal(err)
	}
	msg := next(t, messages, "1")
	if msg.Context().Value(key{}) != "held" {
		t.Error("the context of the message holds nothing")
	}
	cancel(errors.New("enough"))
	ends(t, messages)
	if msg.Context().Err() == nil || s.Err() != nil {
		t.Errorf("context: %v; subscriber: %v", msg.Context().Err(), s.Err())
	}
}

// TestConfig: what cannot work is refused at once.
func TestConfig(t *testing.T) {
	_, log := inMemory(t)
	for name, config := range map[string]pubsub.SubscriberConfig{
		"group without positions": {Group: "g"},
		"positions without group": {Positions: new(pubsub.MemoryPositions)},
		"a number":                {Group: nik, Positions: new(pubsub.MemoryPositions)},
		"window":                  {Window: pubsub.WindowMax + 1},
		"negative":                {Patience: -1},
	} {
		if _, err := pubsub.NewSubscriber(log, config); err == nil ||
			strings.Contains(err.Error(), nik) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestRouter runs a Watermill Router from the ledger to the ledger: each death has the enrolment
// terminated. One event is refused, and lands in the poison queue instead of in a Retry.
func TestRouter(t *testing.T) {
	l, conn := overNATS(t)
	l.submit(death(1), death(2), opening("o"), death(3))
	logger := watermill.NopLogger{}
	router, err := message.NewRouter(message.RouterConfig{}, logger)
	if err != nil {
		t.Fatal(err)
	}
	publisher := pubsub.NewPublisher(pubsub.OverNATS(conn, "tester"), pubsub.PublisherConfig{})
	poisoned := make(chan string, 1)
	poison, err := middleware.PoisonQueueWithFilter(queue(poisoned), "poison", func(err error) bool {
		var refused *pubsub.RefusedError
		return errors.As(err, &refused)
	})
	if err != nil {
		t.Fatal(err)
	}
	s := newSubscriber(t, l.log, pubsub.SubscriberConfig{
		Group: "terminations", Positions: new(pubsub.MemoryPositions), NackDelay: time.Millisecond,
	})
	const terminated = "id.cakupan.enrolment.terminated.v1"
	failures := 0
	router.AddMiddleware(poison)
	router.AddConsumerHandler("terminate", died, s, func(msg *message.Message) error {
		id := msg.Metadata.Get(pubsub.MetadataID)
		if id == "1" && failures < 3 {
			failures++
			return errors.New("not yet")
		}
		until := map[string]string{"1": "2021-03-01", "2": "2021-02-30", "3": "2021-03-03"}[id]
		return publisher.Publish(terminated, messageOf(msg.UUID, fmt.Appendf(nil,
			`{"specversion":"1.0","id":"%s","source":"urn:terminations","type":"%s",`+
				`"data":{"enrolment":"e%s","until":"%s","reason":"OTHER"}}`,
			id, terminated, id, until)))
	})
	_, done := subscribe(t, l.log, pubsub.SubscriberConfig{}, terminated)
	ran := make(chan error, 1)
	go func() { ran <- router.Run(t.Context()) }()
	next(t, done, "1").Ack()
	next(t, done, "3").Ack()
	if id := <-poisoned; id != "2" {
		t.Errorf("poisoned: %s", id)
	}
	closeIt(t, router)
	if err := errors.Join(<-ran, s.Err()); err != nil {
		t.Error(err)
	}
	if failures != 3 {
		t.Errorf("failed %d times", failures)
	}
}

// queue is a publisher that hands out the ids of events.
type queue chan string

func (q queue) Publish(_ string, messages ...*message.Message) error {
	for _, msg := range messages {
		q <- msg.Metadata.Get(pubsub.MetadataID)
	}
	return nil
}

func (queue) Close() error { return nil }
