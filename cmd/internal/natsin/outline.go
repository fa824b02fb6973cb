package natsin

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cakupan/cmd/internal/intake"
	"cakupan/domain/event"
	"cakupan/domain/temporal"
)

// Beside what is sealed, a refusal has its code and when it was received in headers, its publisher
// in its subject, and its size: so a list need not open each. They are of one message with what is
// sealed, so that neither is there without the other. What is sealed counts: it is what is shown,
// taken in again, and told of one that is dropped.
const (
	headerCode     = "Cakupan-Code"
	headerReceived = "Cakupan-Received"
)

// outlined returns the headers of something refused.
func outlined(k *Kept) nats.Header {
	return nats.Header{headerCode: {string(k.Code)}, headerReceived: {k.ReceivedAt.String()}}
}

// The steps in which outlines are read, and for how long the server waits for the next one.
const (
	outlinesAtOnce = 1_000
	outlinesWait   = time.Minute
)

// Outlines calls yield with each that was refused, from a number on, by their numbers: with
// publisher, code, time and size, and nothing that is sealed. "": of each publisher. One that an
// older program has stored is opened for it. Those that come meanwhile may not be among them. An
// error of yield ends it and is returned. One that wraps ErrLost comes after those that are there.
func (r *Refusals) Outlines(ctx context.Context, from uint64, publisher string,
	yield func(intake.Refused) error,
) error {
	js, err := jetstream.New(r.conn)
	if err != nil {
		return fmt.Errorf("list what was refused: %w", err)
	}
	stream, err := js.Stream(ctx, StreamRefused)
	switch {
	case errors.Is(err, jetstream.ErrStreamNotFound):
		return r.compare(ctx) // nothing was ever refused
	case err != nil:
		return fmt.Errorf("list what was refused: %w", err)
	}
	l := &listing{
		refusals: r, publisher: publisher, yield: yield, next: max(from, 1),
		whole: r.conn.ConnectedClusterName() != "",
	}
	subject := subjectRefused + ">"
	if publisher != "" && !l.whole {
		subject = subjectRefused + publisher + ".>"
	}
	consumer, err := stream.CreateConsumer(ctx, jetstream.ConsumerConfig{
		AckPolicy: jetstream.AckNonePolicy, HeadersOnly: true, MemoryStorage: true, Replicas: 1,
		FilterSubject: subject, InactiveThreshold: outlinesWait,
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: l.next,
	})
	if err != nil {
		return fmt.Errorf("list what was refused: %w", err)
	}
	defer func() { // it ends by itself where this fails
		_ = stream.DeleteConsumer(context.WithoutCancel(ctx), consumer.CachedInfo().Name)
	}()
	if err := l.read(ctx, consumer); err != nil {
		return err
	}
	if err := l.fill(ctx, stream.CachedInfo().State.LastSeq); err != nil {
		return err
	}
	return r.compare(ctx)
}

// listing is a list of outlines that is made. It is of one goroutine.
type listing struct {
	refusals  *Refusals
	publisher string
	yield     func(intake.Refused) error
	next      uint64 // the number to come
	// whole is set on a cluster: all are read, so that a gap shows what a server has lost.
	whole bool
}

// read reads what a consumer is delivered.
func (l *listing) read(ctx context.Context, consumer jetstream.Consumer) error {
	for left := consumer.CachedInfo().NumPending; left > 0; {
		batch, err := consumer.FetchNoWait(outlinesAtOnce)
		if err != nil {
			return fmt.Errorf("list what was refused: %w", err)
		}
		got := false
		for m := range batch.Messages() {
			got = true
			one, pending, err := l.refusals.outline(ctx, m)
			if err == nil {
				left, err = pending, ctx.Err()
			}
			if err == nil && one.Number != 0 {
				err = l.take(ctx, one)
			}
			if err != nil {
				return err
			}
		}
		if err := batch.Error(); err != nil {
			return fmt.Errorf("list what was refused: %w", err)
		}
		if !got { // the rest was removed meanwhile, or cannot be read there
			return nil
		}
	}
	return nil
}

// take yields one, after those before it that did not come.
func (l *listing) take(ctx context.Context, one intake.Refused) error {
	if err := l.fill(ctx, one.Number-1); err != nil {
		return err
	}
	l.next = one.Number + 1
	if l.publisher != "" && one.Publisher != l.publisher {
		return nil
	}
	return l.yield(one)
}

// fill yields those up to a number that did not come and were not removed: the server that was to
// deliver them has lost them.
func (l *listing) fill(ctx context.Context, last uint64) error {
	for l.whole && l.next <= last {
		number, err := l.refusals.stream.Keeps(ctx, l.next, last)
		if err != nil {
			return fmt.Errorf("list what was refused: %w", err)
		}
		if number == 0 {
			break
		}
		found, err := l.refusals.stream.Next(ctx, number)
		k, err := l.refusals.read(found.Stored, err)
		if errors.Is(err, ErrNoSuch) || err == nil && k.Number > last {
			break
		}
		if err != nil {
			return fmt.Errorf("list what was refused: %w", err)
		}
		l.next = k.Number + 1
		if l.publisher != "" && k.Publisher != l.publisher {
			continue
		}
		err = l.yield(intake.Refused{
			Publisher: k.Publisher, Code: k.Code, ReceivedAt: k.ReceivedAt, Number: k.Number,
			Bytes: int64(len(found.Data)),
		})
		if err != nil {
			return err
		}
	}
	l.next = max(l.next, last+1)
	return nil
}

// outline reads one, and how many follow it. A number of 0 is one that is gone.
func (r *Refusals) outline(ctx context.Context, m jetstream.Msg,
) (one intake.Refused, pending uint64, err error) {
	about, err := m.Metadata()
	if err != nil {
		return one, 0, fmt.Errorf("list what was refused: %w", err)
	}
	number, header := about.Sequence.Stream, m.Headers()
	received, late := temporal.ParseInstant(header.Get(headerReceived))
	if code := header.Get(headerCode); code == "" || late != nil {
		k, err := r.Get(ctx, number)
		if errors.Is(err, ErrNoSuch) {
			return one, about.NumPending, nil
		}
		one = intake.Refused{
			Publisher: k.Publisher, Code: k.Code, ReceivedAt: k.ReceivedAt, Number: number,
		}
		if err != nil {
			return one, 0, err
		}
	} else {
		one = intake.Refused{
			Number: number, Code: event.Code(code), ReceivedAt: intake.Time(received),
		}
		if p := publisherOf(m.Subject()); p != noPublisher {
			one.Publisher = p
		}
	}
	one.Bytes, _ = strconv.ParseInt(header.Get("Nats-Msg-Size"), 10, 64)
	return one, about.NumPending, nil
}
