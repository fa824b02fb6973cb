package pubsub

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"

	"cakupan/domain/event"
	"cakupan/eventstore"
	"cakupan/eventstore/codec"
)

const (
	// retryFirst and retryMax bound the wait before a log that cannot be read is tried again.
	retryFirst = 100 * time.Millisecond
	retryMax   = 5 * time.Second

	// steadyAfter is how long following the log must have gone well, without an event to show for
	// it, to be no part of an outage. A log that is out of reach is found out sooner.
	steadyAfter = 30 * time.Second
)

// subscription is one run of Subscribe.
type subscription struct {
	*SubscriberConfig
	log     eventstore.Log
	topic   string
	belongs func(*event.Event) bool
	out     chan *message.Message
	stop    context.CancelCauseFunc // ends it with an error

	window      chan struct{}  // holds one for each message that is out
	outstanding sync.WaitGroup // those who wait for an answer, with a window

	event    event.Event // decoded into, for selecting
	next     eventstore.Sequence
	seen     eventstore.Sequence // the log is known to have had so much
	progress *progress
}

func newSubscription(
	s *Subscriber, topic string, belongs func(*event.Event) bool, from eventstore.Sequence,
) *subscription {
	return &subscription{
		SubscriberConfig: &s.config, log: s.log, topic: topic, belongs: belongs,
		out: make(chan *message.Message), window: make(chan struct{}, s.config.Window), next: from,
	}
}

// fields tell the operator which subscription is meant.
func (s *subscription) fields() watermill.LogFields {
	return watermill.LogFields{"topic": shown(s.topic), "group": s.Group}
}

// run delivers until ctx ends. The error says why it ended before.
func (s *subscription) run(ctx context.Context) (err error) {
	position, err := s.claim(ctx)
	if err != nil {
		return ending(ctx, err)
	}
	s.progress = newProgress(position, s.next-1, s.SaveEvery, s.stop)
	err = ending(ctx, s.follow(ctx))
	s.stop(nil)
	s.outstanding.Wait()
	return errors.Join(err, s.progress.end(), position.Release())
}

// ending returns why a subscription has ended: an error of its own or of one of its goroutines,
// nil when it was told to end.
func ending(ctx context.Context, err error) error {
	if ctx.Err() == nil || isFinal(err) {
		return err
	}
	if cause := context.Cause(ctx); isFinal(cause) {
		return cause
	}
	return nil
}

// claim waits for the position of the group and goes on from there.
func (s *subscription) claim(ctx context.Context) (Position, error) {
	if s.Group == "" {
		return noPosition{}, nil
	}
	key := PositionKey{Ledger: s.log.Identity().Ledger, Group: s.Group, Topic: s.topic}
	position, err := s.Positions.Claim(ctx, key)
	if err != nil {
		return nil, err
	}
	handled, found, err := position.Load()
	switch {
	case err == nil && found:
		s.next, s.seen = handled+1, handled
	case err == nil && s.From == New:
		// So that a group that begins with what is new does not miss what comes before it has
		// acknowledged anything.
		err = position.Store(s.next - 1)
	}
	if err != nil {
		return nil, errors.Join(err, position.Release())
	}
	return position, nil
}

// follow delivers what the log has and gets, and tries again where it cannot be read for a while.
func (s *subscription) follow(ctx context.Context) error {
	wait := retryFirst
	var outage *time.Timer // fires when the log has been out of reach for too long
	for {
		before, steady := s.next, time.NewTimer(steadyAfter)
		err := s.once(ctx)
		if ctx.Err() != nil || isFinal(err) {
			return err
		}
		if s.next > before || fired(steady) {
			wait, outage = retryFirst, nil
		}
		if outage == nil {
			outage = time.NewTimer(s.Patience)
		} else if fired(outage) {
			return fmt.Errorf("%w for %v: %w", ErrUnavailable, s.Patience, err)
		}
		s.Logger.Error("the log cannot be read, trying again", err, s.fields())
		if !sleep(ctx, wait) {
			return ctx.Err()
		}
		wait = min(2*wait, retryMax)
	}
}

// fired tells whether a timer has.
func fired(t *time.Timer) bool {
	select {
	case <-t.C:
		return true
	default:
		return false
	}
}

// sleep waits, and tells whether ctx went on for so long.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// finalError is one that trying again does not help.
type finalError struct{ error }

func (e finalError) Unwrap() error { return e.error }

// isFinal tells whether to give up at once.
func isFinal(err error) bool {
	var final finalError
	return errors.As(err, &final) || errors.Is(err, eventstore.ErrNewerFormat)
}

// once follows the log as long as that goes well.
func (s *subscription) once(ctx context.Context) error {
	if err := s.checkEnd(ctx); err != nil {
		return err
	}
	for frame, err := range s.log.Follow(ctx, s.next) {
		if err != nil {
			return damaged(err)
		}
		for record := range frame.Records() {
			if record.Sequence < s.next {
				continue
			}
			if err := s.take(ctx, record); err != nil {
				return err
			}
			s.next, s.seen = record.Sequence+1, record.Sequence
		}
	}
	return errors.New("the log came to an end")
}

// damaged makes damage of the log an error that ends the subscription.
func damaged(err error) error {
	var damage *eventstore.DamageError
	if errors.As(err, &damage) {
		return finalError{fmt.Errorf("%w: %w", ErrDamaged, err)}
	}
	return err
}

// checkEnd refuses a log that has lost what was read from it.
func (s *subscription) checkEnd(ctx context.Context) error {
	_, tail, err := s.log.Last(ctx)
	var damage *eventstore.DamageError
	switch {
	case errors.As(err, &damage):
		return nil // following comes to it, after what is readable
	case err != nil:
		return err
	case tail.Sequence < s.seen:
		return finalError{fmt.Errorf("%w: it ends with event %d, event %d was handled",
			ErrLogShorter, tail.Sequence, s.seen)}
	}
	return nil
}

// take delivers an event if it belongs to the topic. Without a window it returns when the event
// is handled.
func (s *subscription) take(ctx context.Context, record eventstore.Record) error {
	if _, err := codec.Decode(record.Event, &s.event); err != nil {
		return finalError{fmt.Errorf("event %d: %w", record.Sequence, err)}
	}
	if !s.belongs(&s.event) {
		return s.progress.skip(record.Sequence)
	}
	select {
	case s.window <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	out, err := s.offer(ctx, record, &s.event)
	if err != nil {
		return err
	}
	place := s.progress.begin(record.Sequence)
	if s.Window == 1 {
		return s.awaitAck(ctx, record, out, place)
	}
	s.outstanding.Go(func() {
		if err := s.awaitAck(ctx, record, out, place); err != nil {
			s.stop(err)
		}
	})
	return nil
}

// delivery is a message that is out.
type delivery struct {
	msg    *message.Message
	cancel context.CancelFunc // ends the message's context
}

// offer makes the message of an event and waits until somebody takes it.
func (s *subscription) offer(
	ctx context.Context, record eventstore.Record, e *event.Event,
) (delivery, error) {
	msg, err := s.Unmarshal(Recorded{
		Ledger: s.log.Identity().Ledger, Sequence: record.Sequence,
		RecordedAt: record.RecordedAt, Event: e,
	})
	if err != nil {
		return delivery{}, finalError{fmt.Errorf("event %d: %w", record.Sequence, err)}
	}
	own, cancel := context.WithCancel(ctx)
	msg.SetContext(own)
	select {
	case s.out <- msg:
		return delivery{msg, cancel}, nil
	case <-ctx.Done():
		cancel()
		return delivery{}, ctx.Err()
	}
}

// awaitAck waits until a message is acknowledged, and delivers it anew as often as it is not.
func (s *subscription) awaitAck(
	ctx context.Context, record eventstore.Record, out delivery, place *place,
) error {
	for !s.acknowledged(ctx, out) {
		if s.NackDelay > 0 {
			sleep(ctx, s.NackDelay)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		var again event.Event
		_, err := codec.Decode(record.Event, &again)
		if err == nil {
			out, err = s.offer(ctx, record, &again)
		}
		if err != nil {
			return err
		}
	}
	err := s.progress.done(place)
	<-s.window
	return err
}

// acknowledged waits for the answer to a message and ends its context. What has no answer when
// the subscription ends, or within the deadline, is not acknowledged.
func (s *subscription) acknowledged(ctx context.Context, out delivery) bool {
	defer out.cancel()
	var deadline <-chan time.Time
	if s.AckDeadline > 0 {
		timer := time.NewTimer(s.AckDeadline)
		defer timer.Stop()
		deadline = timer.C
	}
	select {
	case <-out.msg.Acked():
		return true
	case <-out.msg.Nacked():
		return false
	case <-deadline:
		s.Logger.Error("message was not acknowledged in time", context.DeadlineExceeded, s.fields())
	case <-ctx.Done():
	}
	select { // both may have come at once
	case <-out.msg.Acked():
		return true
	default:
		return false
	}
}
