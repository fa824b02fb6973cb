package natsd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// subjectGate is where requests for consumers of the log arrive that others make; the account
// follows, and the consumer's name.
const subjectGate = "cakupan.gate."

const (
	// A reader who waits longer asks again; the bounds of bytes and number keep those who only ask
	// from filling the memory.
	gateWaitMax       = 5 * time.Second
	consumerIdleMax   = 5 * time.Minute
	consumerBytesMax  = 64 << 10 // of a request
	gateRequestsMax   = 1024     // that wait; more are not answered
	codeBadRequest    = 400
	errCodeBadRequest = 10003
)

// gate makes consumers for readers of the log who are not this program. JetStream would make any
// consumer for whoever may make one, also such as push messages to a subject, and that could be one
// of JetStream's own API: to be allowed to read would be to be allowed to delete. So only consumers
// are made that hold nothing, are asked for each message, and end when nobody asks. Requests are
// answered one after the other, by the subscription's goroutine, which alone uses consumers.
type gate struct {
	conn *nats.Conn
	js   jetstream.JetStream
	sub  *nats.Subscription
	most int // consumers of one account

	consumers map[string]map[string]bool // their names by account; some may be gone
}

// consumersDefault is how many consumers of the log one login may have, beside those of others.
const consumersDefault = 8

// openGate begins to answer over a connection of the ledger's own, which it closes in the end. most
// bounds the consumers of one login; 0 is the default. After an error the connection is still the
// caller's.
func openGate(conn *nats.Conn, most int) (*gate, error) {
	js, err := jetstream.New(conn)
	if err != nil {
		return nil, fmt.Errorf("answer for consumers: %w", err)
	}
	if most == 0 {
		most = consumersDefault
	}
	g := &gate{conn: conn, js: js, most: most, consumers: map[string]map[string]bool{}}
	sub, err := conn.Subscribe(subjectGate+"*.*", func(m *nats.Msg) {
		// Whoever asked may be gone, and then there is nobody to tell.
		_ = m.Respond(g.answer(m))
	})
	if err == nil {
		err = sub.SetPendingLimits(gateRequestsMax, gateRequestsMax*consumerBytesMax)
	}
	if err != nil {
		return nil, fmt.Errorf("answer for consumers: %w", err)
	}
	g.sub = sub
	return g, nil
}

// close ends the answers. A gate that was never opened has none.
func (g *gate) close() {
	if g != nil {
		g.conn.Close()
	}
}

// answer makes the consumer that is asked for, or says why not. The answer is JetStream's own where
// the request is passed on.
func (g *gate) answer(m *nats.Msg) []byte {
	account, name, _ := strings.Cut(strings.TrimPrefix(m.Subject, subjectGate), ".")
	request, err := vetConsumer(name, m.Data)
	if err != nil {
		return gateRefusal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), gateWaitMax)
	defer cancel()
	// Whoever comes to an open ledger shares its one account with all others, whom he must not keep
	// out.
	if account != openAccount && !g.enter(ctx, account, name) {
		return gateRefusal(fmt.Errorf("%d consumers are open under this login, which is all that"+
			" one may have (serve --consumers): end some, or read with one and pass on",
			g.most))
	}
	reply, err := g.conn.RequestWithContext(ctx,
		"$JS.API.CONSUMER.CREATE."+streamLog+"."+name, request)
	if err != nil {
		return gateRefusal(fmt.Errorf("make consumer: %w", err))
	}
	return reply.Data
}

// enter counts a consumer, and tells whether its account may have it. The server does not tell
// which end, so those that are gone are looked for when it matters. A name that is counted already
// may ask again.
func (g *gate) enter(ctx context.Context, account, name string) bool {
	of := g.consumers[account]
	if of == nil {
		of = map[string]bool{}
		g.consumers[account] = of
	}
	if len(of) >= g.most && forgetGone(ctx, g.js, streamLog, of) != nil || len(of) >= g.most {
		return of[name]
	}
	of[name] = true
	return true
}

// forgetGone takes the names of consumers that are gone from a set. With an error the set stays as
// it was.
func forgetGone(
	ctx context.Context, js jetstream.JetStream, name string, of map[string]bool,
) error {
	stream, err := js.Stream(ctx, name)
	if err != nil {
		return err
	}
	there := map[string]bool{}
	names := stream.ConsumerNames(ctx)
	for consumer := range names.Name() {
		there[consumer] = of[consumer]
	}
	if names.Err() != nil {
		return names.Err()
	}
	for consumer := range of {
		if !there[consumer] {
			delete(of, consumer)
		}
	}
	return nil
}

// gateRefusal answers as JetStream would, so that any client shows the reason.
func gateRefusal(err error) []byte {
	// Strings and numbers always encode.
	text, _ := json.Marshal(map[string]any{
		"type": "io.nats.jetstream.api.v1.consumer_create_response",
		"error": map[string]any{
			"code": codeBadRequest, "err_code": errCodeBadRequest, "description": err.Error(),
		},
	})
	return text
}

// consumerRequest is what may be said about a consumer.
type consumerRequest struct {
	Stream string         `json:"stream_name"`
	Config consumerConfig `json:"config"`
	Action string         `json:"action"`
}

// It is a list of what is passed on: a setting that a newer server invents is dropped until
// somebody has thought about it here.
type consumerConfig struct {
	Name              string        `json:"name"`
	Description       string        `json:"description,omitempty"`
	DeliverPolicy     string        `json:"deliver_policy"`
	OptStartSeq       uint64        `json:"opt_start_seq,omitempty"`
	OptStartTime      *time.Time    `json:"opt_start_time,omitempty"`
	AckPolicy         string        `json:"ack_policy"`
	ReplayPolicy      string        `json:"replay_policy"`
	MaxWaiting        int           `json:"max_waiting,omitempty"`
	InactiveThreshold time.Duration `json:"inactive_threshold"`
	Replicas          int           `json:"num_replicas"`
	MemoryStorage     bool          `json:"mem_storage"`
}

// vetConsumer returns the request for a consumer as it is passed on. name is the one in the
// subject, which the server has routed by. The error is for the client.
func vetConsumer(name string, body []byte) ([]byte, error) {
	if len(body) > consumerBytesMax {
		return nil, errors.New("the request is too long")
	}
	var r struct {
		Stream string `json:"stream_name"`
		Config struct {
			consumerConfig
			Durable        string `json:"durable_name"`
			DeliverSubject string `json:"deliver_subject"`
		} `json:"config"`
	}
	if err := json.Unmarshal(body, &r); err != nil {
		return nil, errors.New("the request is no JSON of a consumer")
	}
	c := &r.Config
	switch {
	case r.Stream != streamLog || c.Name != "" && c.Name != name:
		return nil, errors.New("the request names another stream or consumer")
	case c.Durable != "":
		return nil, errors.New("readers keep their position themselves: no durable consumers")
	case c.DeliverSubject != "":
		return nil, errors.New("the log is read with pull consumers only")
	case c.AckPolicy != "none":
		return nil, errors.New("reading acknowledges nothing: ack_policy must be none")
	}
	// In memory and once: readers keep where they are, and nothing of a consumer is worth a disk's
	// time.
	c.Name, c.MemoryStorage, c.Replicas = name, true, 1
	if c.InactiveThreshold <= 0 || c.InactiveThreshold > consumerIdleMax {
		c.InactiveThreshold = consumerIdleMax
	}
	if c.ReplayPolicy == "" {
		c.ReplayPolicy = "instant"
	}
	if c.DeliverPolicy == "" {
		c.DeliverPolicy = "all"
	}
	// "create": a consumer of the name that is there is somebody else's, and is not changed.
	return json.Marshal(consumerRequest{
		Stream: streamLog, Config: c.consumerConfig, Action: "create",
	})
}
