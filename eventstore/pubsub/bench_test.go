//go:build unix

package pubsub_test

import (
	"fmt"
	"testing"

	"github.com/ThreeDotsLabs/watermill/message"

	"cakupan/eventstore/pubsub"
)

// BenchmarkSubscribe delivers events of a JetStream log one at a time, each acknowledged at once.
func BenchmarkSubscribe(b *testing.B) {
	const events = 20_000
	l, _ := overNATS(b)
	for n := 0; n < events; n += 1000 {
		batch := make([][]byte, 1000)
		for i := range batch {
			batch[i] = death(n + i)
		}
		l.submit(batch...)
	}
	for name, positions := range map[string]pubsub.Positions{
		"no group": nil, "memory": new(pubsub.MemoryPositions), "files": filePositions(b, b.TempDir()),
	} {
		b.Run(name, func(b *testing.B) {
			config := pubsub.SubscriberConfig{Positions: positions}
			for n := 0; n < b.N; {
				if positions != nil {
					config.Group = fmt.Sprint("group", b.N, n)
				}
				s, messages := subscribe(b, l.log, config, died)
				for range min(events, b.N-n) {
					(<-messages).Ack()
					n++
				}
				closeIt(b, s)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

// BenchmarkPublish publishes over NATS to durable, one event or a hundred a call.
func BenchmarkPublish(b *testing.B) {
	for _, size := range []int{1, 100} {
		b.Run(fmt.Sprint(size, " a call"), func(b *testing.B) {
			_, conn := overNATS(b)
			p := pubsub.NewPublisher(pubsub.OverNATS(conn, "tester"), pubsub.PublisherConfig{})
			messages := make([]*message.Message, size)
			n := 0
			for b.Loop() {
				for i := range messages {
					messages[i] = message.NewMessage("m", death(n))
					n++
				}
				if err := p.Publish(died, messages...); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "events/s")
		})
	}
}
