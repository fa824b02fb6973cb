package natsin

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// The consumer of the packs is not believed. The server may lose it, as a cluster does when a disk
// fails; it may be made by somebody else, from another place on; and it may wait for ever for what
// it has sent into a connection that broke. So it is looked at again and again, is made anew from
// the first pack that is there, and says only of packs that are known to be settled that they may
// be removed.

const (
	// takeOverPause is how long an error of the server's own is waited for.
	takeOverPause = 100 * time.Millisecond

	// takeOverMax is how long one attempt may take: a request that was on its way to a leader that
	// is gone is never answered.
	takeOverMax = 3 * time.Second

	// lookEvery is how often the consumer is looked at.
	lookEvery = time.Second

	// stalledAfter is how long nothing may have come from a consumer that has something to send,
	// while nothing is in work. To make it anew for nothing costs a little time.
	stalledAfter = 3 * time.Second

	// silentAfter is how long a consumer may not answer whose stream does.
	silentAfter = 5 * time.Second

	// idleAfter is how long nothing may have come until it is looked whether packs wait that the
	// consumer passes over, every lookAlsoEvery times that settled ones would be removed.
	idleAfter     = stalledAfter / 2
	lookAlsoEvery = 4

	// streamsEvery is every how many-th time it is seen that the streams are there, too.
	streamsEvery = 5

	// lookMax bounds one look.
	lookMax = 2 * time.Second
)

// Why a consumer is made anew.
var (
	errGone    = errors.New("the server has lost it")
	errOther   = errors.New("somebody else has made it anew")
	errStalled = errors.New("nothing comes from it, though packs wait")
	errSilent  = errors.New("it does not answer, though its stream does")
	errStream  = errors.New("the server has lost a stream")
	errAhead   = errors.New("it takes packs for settled that are not")
	errPassed  = errors.New("it has passed over a pack")
)

// takeOverPacks makes the consumer of the packs anew, from the first pack that is there: what was
// delivered and not acknowledged before a crash is delivered again at once, instead of after
// ackWait. Of several ledgers on one cluster, the one that was started last takes the packs.
//
// The server may still be writing the state of the consumer that was removed when it makes the one
// of the same name, and then one of them finds its file gone: such an error is gone a moment later.
//
// A server that cannot read what it knows of the consumer makes none of that name: forget removes
// its files. It may be nil. forget is tried once: it costs a delivery of all packs again, which
// changes nothing in the log.
func takeOverPacks(ctx context.Context, js jetstream.JetStream, forget func() error,
) (consumer jetstream.PushConsumer, err error) {
	for range 2 {
		consumer, err = takeOverWithin(ctx, js)
		failed := isServersOwn(err) || errors.Is(err, context.DeadlineExceeded)
		if !failed || forget == nil || ctx.Err() != nil {
			return consumer, err
		}
		if err := forget(); err != nil {
			return nil, fmt.Errorf("take over packs: %w", err)
		}
	}
	return consumer, err
}

// takeOverWithin waits for a server whose error may be gone in a moment.
func takeOverWithin(ctx context.Context, js jetstream.JetStream) (jetstream.PushConsumer, error) {
	ctx, cancel := context.WithTimeout(ctx, requestMax)
	defer cancel()
	for {
		one, cancel := context.WithTimeout(ctx, takeOverMax)
		consumer, err := makeConsumer(one, js)
		cancel()
		silent := errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil
		if !silent && !isServersOwn(err) {
			return consumer, err
		}
		select {
		case <-time.After(takeOverPause):
		case <-ctx.Done():
			return nil, err
		}
	}
}

// isServersOwn tells whether an error is the server's own, and none of who has asked.
func isServersOwn(err error) bool {
	var failed *jetstream.APIError
	return errors.As(err, &failed) && failed.Code >= http.StatusInternalServerError
}

// makeConsumer removes the consumer and makes it again. Its subject is a new one each time, so that
// deliveries to who had it before go nowhere.
func makeConsumer(ctx context.Context, js jetstream.JetStream) (jetstream.PushConsumer, error) {
	err := js.DeleteConsumer(ctx, StreamIntake, consumerName)
	if err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
		return nil, fmt.Errorf("take over packs: %w", err)
	}
	consumer, err := js.CreatePushConsumer(ctx, StreamIntake, jetstream.ConsumerConfig{
		Durable:        consumerName,
		DeliverSubject: subjectDelivery + rand.Text(), // who took them before hears no more
		DeliverGroup:   queueGroup,
		AckPolicy:      jetstream.AckExplicitPolicy,
		AckWait:        ackWait,
		MaxAckPending:  packsDelivered,
		MaxDeliver:     -1,
	})
	if err != nil {
		return nil, fmt.Errorf("take over packs: %w", err)
	}
	return consumer, nil
}

// watch looks at the consumer until ctx ends, or it must be made anew. It strays the consumer at
// most once and ends then: the next one has a watch of its own.
func (p *packs) watch(ctx context.Context, js jetstream.JetStream) {
	defer close(p.watched)
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	answered := time.Now()
	for looks := 1; ; looks++ {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		why := p.look(ctx)
		unknown := errors.Is(why, errNoAnswer)
		if (why == nil && looks%streamsEvery == 0 || unknown) && isStreamLost(ctx, js) {
			why, unknown = errStream, false
		}
		switch {
		case unknown:
			if time.Since(answered) > silentAfter && p.streamAnswers(ctx, js) {
				p.stray(errSilent)
				return
			}
		case why != nil:
			p.stray(why)
			return
		default:
			answered = time.Now()
		}
	}
}

// errNoAnswer is returned for a consumer of which nothing is known at the moment.
var errNoAnswer = errors.New("the consumer of the packs does not answer")

// look returns why the consumer must be made anew, nil when it need not. What cannot be told is
// errNoAnswer, and no reason yet.
func (p *packs) look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, lookMax)
	defer cancel()
	info, err := p.consumer.Info(ctx)
	switch {
	case errors.Is(err, jetstream.ErrConsumerNotFound):
		return errGone
	case err != nil:
		return errNoAnswer
	case info.Config.DeliverSubject != p.made.Config.DeliverSubject ||
		!info.Created.Equal(p.made.Created):
		return errOther
	case (info.NumPending > 0 || info.NumAckPending > 0) && p.hands.empty(stalledAfter):
		return errStalled
	}
	return nil
}

// isStreamLost tells whether the server says that it has no such stream. An answer that does not
// come says nothing.
func isStreamLost(ctx context.Context, js jetstream.JetStream) bool {
	ctx, cancel := context.WithTimeout(ctx, lookMax)
	defer cancel()
	for _, name := range []string{StreamIntake, StreamRefused} {
		if _, err := js.Stream(ctx, name); errors.Is(err, jetstream.ErrStreamNotFound) {
			return true
		}
	}
	return false
}

// streamAnswers tells whether the stream can be asked, so that a consumer which cannot is the one
// at fault.
func (p *packs) streamAnswers(ctx context.Context, js jetstream.JetStream) bool {
	ctx, cancel := context.WithTimeout(ctx, lookMax)
	defer cancel()
	_, err := js.Stream(ctx, StreamIntake)
	return err == nil
}

// stray says that the consumer must be made anew. The first reason counts. No acknowledgement is
// confirmed after it; packs in work go on, and come again to the next consumer.
func (p *packs) stray(why error) {
	p.strayOnce.Do(func() {
		p.why = why
		p.forget()
		close(p.strayed)
	})
}

// sweepAll removes settled packs now and then until ctx ends, and then a last time. While none is
// to be removed and none comes, it looks for packs that wait all the same.
func (p *packs) sweepAll(ctx context.Context, js jetstream.JetStream) {
	defer close(p.swept)
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for last, ticks := false, 0; !last; ticks++ {
		do := func(ctx context.Context) error { return p.sweep(ctx, js) }
		select {
		case <-tick.C:
		case <-ctx.Done():
			last = true
		}
		if !p.server.settled.some() {
			if last || ticks%lookAlsoEvery != 0 || !p.hands.empty(idleAfter) {
				continue
			}
			do = p.lookBehind
		}
		// Who ends this waits for it, maybe with a new consumer, which must not wait for the answer
		// to a request that an outage has lost. What is not removed comes again, and is settled.
		most, patience := ctx, requestMax
		if last {
			most, patience = context.WithoutCancel(ctx), lookMax
		}
		one, cancel := context.WithTimeout(most, patience)
		err := do(one)
		cancel()
		if errors.Is(err, errAhead) || errors.Is(err, errPassed) {
			p.stray(err)
		} else if err != nil && ctx.Err() == nil {
			p.server.opts.Log.WarnContext(ctx, "settled packs stay for now",
				slog.Any("error", err))
		}
	}
}

// sweep removes the packs that are acknowledged without a gap. If we crash before the purge, the
// packs come again, and are duplicates.
func (p *packs) sweep(ctx context.Context, js jetstream.JetStream) error {
	info, err := p.consumer.Info(ctx)
	if err != nil {
		return fmt.Errorf("look up settled packs: %w", err)
	}
	floor := info.AckFloor.Stream
	if floor < p.first {
		return nil
	}
	stream, err := js.Stream(ctx, StreamIntake)
	if err == nil {
		err = p.vet(ctx, floor)
	}
	if err == nil {
		err = stream.Purge(ctx, jetstream.WithPurgeSequence(floor+1))
	}
	if err != nil {
		return fmt.Errorf("remove settled packs: %w", err)
	}
	p.first = floor + 1
	p.server.settled.forget(floor)
	return nil
}
