package copies

import (
	"context"
	"errors"
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
)

// scan reads a server's copy. It is of one goroutine.
type scan struct {
	copies *Copies
	server string
	last   uint64 // message to be read
	proven func(Message) bool

	consumer jetstream.Consumer
	batch    jetstream.MessageBatch // under way; nil: none
	came     bool                   // something of it
	read     uint64                 // the last message that has come
	head     *Message               // to be taken; nil: there is no more
	gaps     []span                 // that others have
}

// open makes a consumer that is delivered from the server's copy.
func (s *scan) open(ctx context.Context, stream jetstream.Stream) error {
	for range placesMax {
		consumer, err := stream.CreateConsumer(ctx, jetstream.ConsumerConfig{
			DeliverPolicy: jetstream.DeliverAllPolicy, AckPolicy: jetstream.AckNonePolicy,
			MemoryStorage: true, Replicas: 1, InactiveThreshold: consumerIdleMax,
		})
		if err != nil {
			return err
		}
		s.consumer = consumer
		info := consumer.CachedInfo()
		if info.Cluster != nil && info.Cluster.Leader == s.server {
			return nil
		}
		s.end()
	}
	return errors.New("no consumer is placed there")
}

// end removes the consumer. If that is lost, the server removes it by itself.
func (s *scan) end() {
	if s.consumer != nil {
		_ = s.copies.conn.Publish(
			"$JS.API.CONSUMER.DELETE."+s.copies.stream+"."+s.consumer.CachedInfo().Name, nil)
		s.consumer = nil
	}
}

// next goes on to the next message that is proven, up to the last.
func (s *scan) next(ctx context.Context) (err error) {
	s.head = nil
	for s.read < s.last {
		if s.batch == nil {
			s.batch, err = s.consumer.FetchBytes(scanBytes, jetstream.FetchMaxWait(scanWait))
			if err != nil {
				return err
			}
			s.came = false
		}
		m, open := <-s.batch.Messages()
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case !open && !s.came:
			return s.batch.Error()
		case !open:
			s.batch = nil
			continue
		}
		meta, err := m.Metadata()
		if err != nil {
			return err
		}
		s.came = true
		number := meta.Sequence.Stream
		if number <= s.read || number > s.last {
			continue
		}
		if s.read = number; meta.NumPending == 0 {
			s.read = s.last // nothing more comes
		}
		one := Message{Number: number, Data: m.Data(), Subject: m.Subject()}
		if s.proven(one) {
			s.head = &one
			return nil
		}
	}
	return nil
}

// lacks notes that the copy has not what another one has.
func (s *scan) lacks(number uint64) {
	if n := len(s.gaps); n > 0 && s.gaps[n-1].to == number-1 {
		s.gaps[n-1].to = number
	} else if n < gapsMax {
		s.gaps = append(s.gaps, span{number, number})
	}
}
