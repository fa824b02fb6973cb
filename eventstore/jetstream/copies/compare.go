package copies

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	// Consumers are placed by chance, so one is asked for until it is where it is to be. Of three
	// servers one is missed by so many with a probability of one in ten million.
	placesMax = 40

	// scanBytes is how much is asked for at a time, and scanWait how long the server may take to
	// send the first of it.
	scanBytes = 4 << 20
	scanWait  = 5 * time.Second

	// consumerIdleMax is how long the server keeps a consumer whose reader has vanished.
	consumerIdleMax = time.Minute

	// confirmMax bounds how many messages of one gap are looked at.
	confirmMax = 100
)

// span is a range of messages.
type span struct{ from, to uint64 }

// Check tells what a copy must have. Proven is asked of each message, and says whether it is what
// was stored; Missed of those that one copy has and another one has not, and says besides whether
// it is missed there: it may have been removed. Both may be the same. Must is optional: it returns
// the first number from one up to another whose message was not removed, 0 if all were.
type Check struct {
	Proven, Missed func(Message) bool
	Must           func(first, last uint64) uint64
}

// must is Must, where there is one.
func (c *Check) must(first, last uint64) uint64 {
	if c.Must == nil {
		return first
	}
	return c.Must(first, last)
}

// Compare reads each server's copy of a stream as a whole, and notes in the book what one lacks
// that another one has, and which copies lack nothing. rest is called now and then. Copies that are
// behind are not judged, nor are messages that none has: those are for who reads the stream. An
// error says that not all could be read.
func (c *Copies) Compare(ctx context.Context, check Check, rest func()) error {
	if c.conn.ConnectedClusterName() == "" {
		return nil
	}
	js, err := jetstream.New(c.conn)
	if err != nil {
		return err
	}
	stream, err := js.Stream(ctx, c.stream)
	if err != nil {
		return fmt.Errorf("compare copies of %s: %w", c.stream, err)
	}
	info := stream.CachedInfo()
	g, err := askGroup(ctx, c.conn, c.stream)
	if err != nil {
		return fmt.Errorf("compare copies of %s: %w", c.stream, err)
	}
	servers := g.current()
	if len(servers) < 2 || info.State.LastSeq == 0 || !info.Config.AllowDirect {
		return nil
	}
	gaps := map[string][]span{}
	var errs []error
	for _, server := range servers {
		s := scan{
			copies: c, server: server, last: info.State.LastSeq, proven: check.Proven, rest: rest,
		}
		if gaps[server], err = s.run(ctx, stream); err != nil {
			errs = append(errs, fmt.Errorf("compare copies of %s: that of server %s: %w",
				c.stream, server, err))
			delete(gaps, server)
		}
	}
	for server, of := range gaps {
		if err := c.confirm(ctx, server, of, check); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// confirm asks for what seems to be missing from a server's copy.
func (c *Copies) confirm(
	ctx context.Context, server string, gaps []span, check Check,
) error {
	missed := check.Missed
	for _, gap := range gaps {
		if gap.from = check.must(gap.from, gap.to); gap.from == 0 {
			continue
		}
		for n := 0; n < confirmMax && gap.from <= gap.to; n++ {
			m, found, err := c.From(ctx, gap.from, missed)
			if err != nil {
				return err
			}
			if !found || m.Number > gap.to {
				break
			}
			has, ok := c.Has(ctx, server, m.Number, missed)
			switch {
			case !ok:
				return fmt.Errorf("ask server %s for message %d of %s: it does not answer",
					server, m.Number, c.stream)
			case !has:
				c.book.note(c.stream, m.Number, []string{server})
				return nil // one is enough
			}
			gap.from = m.Number + 1
		}
	}
	c.book.sound(c.stream, server)
	return nil
}

// scan reads a server's copy. It is of one goroutine.
type scan struct {
	copies *Copies
	server string
	last   uint64
	proven func(Message) bool
	rest   func()
}

// run returns which messages up to the last one did not come, or are not proven.
func (s *scan) run(ctx context.Context, stream jetstream.Stream) (gaps []span, err error) {
	consumer, err := s.place(ctx, stream)
	if err != nil {
		return nil, err
	}
	defer func() {
		// If it is lost, the server removes it by itself.
		_ = s.copies.conn.Publish(
			"$JS.API.CONSUMER.DELETE."+s.copies.stream+"."+consumer.CachedInfo().Name, nil)
	}()
	next := uint64(1)
	for next <= s.last {
		batch, err := consumer.FetchBytes(scanBytes, jetstream.FetchMaxWait(scanWait))
		if err != nil {
			return nil, err
		}
		before := next
		for m := range batch.Messages() {
			meta, err := m.Metadata()
			if err != nil {
				return nil, err
			}
			number := meta.Sequence.Stream
			if number < next || !s.proven(Message{Number: number, Data: m.Data()}) {
				continue
			}
			if number > next {
				gaps = append(gaps, span{next, number - 1})
			}
			next = number + 1
			s.rest()
		}
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case next == before: // nothing more comes
			return append(gaps, span{next, s.last}), nil
		}
	}
	return gaps, nil
}

// place makes a consumer that is delivered from the server's copy.
func (s *scan) place(ctx context.Context, stream jetstream.Stream) (jetstream.Consumer, error) {
	for range placesMax {
		consumer, err := stream.CreateConsumer(ctx, jetstream.ConsumerConfig{
			DeliverPolicy: jetstream.DeliverAllPolicy, AckPolicy: jetstream.AckNonePolicy,
			MemoryStorage: true, Replicas: 1, InactiveThreshold: consumerIdleMax,
		})
		if err != nil {
			return nil, err
		}
		info := consumer.CachedInfo()
		if info.Cluster != nil && info.Cluster.Leader == s.server {
			return consumer, nil
		}
		_ = s.copies.conn.Publish(
			"$JS.API.CONSUMER.DELETE."+s.copies.stream+"."+info.Name, nil)
	}
	return nil, errors.New("no consumer is placed there")
}

// Recheck looks again at what copies were found to lack, and takes back what is there now, was
// removed, or whose server keeps the stream no more.
func (c *Copies) Recheck(ctx context.Context, check Check) {
	for _, lack := range c.book.Lacks() {
		if lack.Stream != c.stream {
			continue
		}
		has, ok := c.Has(ctx, lack.Server, lack.Message, check.Missed)
		if ok && has || check.must(lack.Message, lack.Message) == 0 {
			c.book.sound(c.stream, lack.Server)
			continue
		}
		g, err := askGroup(ctx, c.conn, c.stream)
		if err == nil && g.Leader != "" && !slices.Contains(g.all(), lack.Server) {
			c.book.sound(c.stream, lack.Server)
		}
	}
}
