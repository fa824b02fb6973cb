package natsd

import (
	"context"

	"github.com/nats-io/nats.go/jetstream"
)

// consumers counts the consumers of a stream by the accounts that asked for them, so that none has
// more than its share. It is used by one goroutine.
type consumers struct {
	js     jetstream.JetStream
	stream string
	most   int
	of     map[string]map[string]bool // names by account; some may be gone
}

func newConsumers(js jetstream.JetStream, stream string, most int) *consumers {
	return &consumers{js: js, stream: stream, most: most, of: map[string]map[string]bool{}}
}

// enter counts a consumer, and tells whether its account may have it. Consumers end by themselves
// some time after their client, so those that are gone are looked for when it matters.
func (c *consumers) enter(ctx context.Context, account, name string) bool {
	of := c.of[account]
	if len(of) >= c.most && !of[name] && !c.forget(ctx, of) {
		return false
	}
	if of == nil {
		of = map[string]bool{}
		c.of[account] = of
	}
	if len(of) >= c.most && !of[name] {
		return false
	}
	of[name] = true
	return true
}

// forget forgets those that are gone, and tells whether it could look.
func (c *consumers) forget(ctx context.Context, of map[string]bool) bool {
	stream, err := c.js.Stream(ctx, c.stream)
	if err != nil {
		return false
	}
	there := map[string]bool{}
	names := stream.ConsumerNames(ctx)
	for name := range names.Name() {
		there[name] = true
	}
	if names.Err() != nil {
		return false
	}
	for name := range of {
		if !there[name] {
			delete(of, name)
		}
	}
	return true
}
