package natsd

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	// Bucket is the KV bucket of the coverage (contract, section 9), which everybody may watch.
	Bucket = "cakupan_coverage"
	// SubjectCoverage is where each of its values is told once it is stored, the key follows: who
	// listens there watches without a consumer, which takes more of the server than all else.
	SubjectCoverage = "cakupan.coverage."
)

const (
	streamView    = "KV_" + Bucket
	subjectBucket = "$KV." + Bucket + "."
	// subjectFlow is where a watcher says that he has taken what he was sent.
	subjectFlow = "$JS.FC." + streamView + "."

	// subjectViewing is where requests for consumers of the bucket arrive; the account follows,
	// and the consumer's name. subjectViews is where they deliver: the account follows, and the
	// inbox that the watcher named.
	subjectViewing = "cakupan.viewing."
	subjectViews   = "cakupan.view."
)

const (
	// watchesMax bounds the watches of one account, so that no login takes what others need: a
	// watch of a client that stops reading holds some memory until it is hung up on.
	watchesMax = connsMax
	// A watch that asks for more heartbeats than this works for itself alone.
	heartbeatMin = time.Second
	// heartbeatMax is how long a watch may be silent. It is by missing heartbeats that a client
	// finds out, after two or three, that a restart has ended its watch: some ask for one in 30 s.
	heartbeatMax = 5 * time.Second
	watchNameMax = 64
)

// viewing makes the consumers of those who watch the bucket. A watch is a push consumer: JetStream
// would let it deliver to any subject, also to one of its own API. So what it delivers to is a
// subject of the account that asked, from where the server takes it to the client's inbox. As with
// gate, one goroutine answers.
type viewing struct {
	conn    *nats.Conn
	js      jetstream.JetStream
	watches map[string]map[string]bool // names of consumers by account; some may be gone
}

// openViewing begins to answer over a connection of the ledger's own, which it closes in the end.
// After an error the connection is still the caller's.
func openViewing(conn *nats.Conn) (*viewing, error) {
	js, err := jetstream.New(conn)
	if err != nil {
		return nil, fmt.Errorf("answer for watches: %w", err)
	}
	v := &viewing{conn: conn, js: js, watches: map[string]map[string]bool{}}
	sub, err := conn.Subscribe(subjectViewing+">", func(m *nats.Msg) {
		// Whoever asked may be gone, and then there is nobody to tell.
		_ = m.Respond(v.answer(m))
	})
	if err == nil {
		err = sub.SetPendingLimits(gateRequestsMax, gateRequestsMax*consumerBytesMax)
	}
	if err != nil {
		return nil, fmt.Errorf("answer for watches: %w", err)
	}
	return v, nil
}

// close ends the answers. One that was never opened has none.
func (v *viewing) close() {
	if v != nil {
		v.conn.Close()
	}
}

// answer makes the consumer that is asked for, or says why not.
func (v *viewing) answer(m *nats.Msg) []byte {
	account, name, _ := strings.Cut(strings.TrimPrefix(m.Subject, subjectViewing), ".")
	name, filter, _ := strings.Cut(name, ".")
	request, err := vetWatch(account, name, filter, m.Data)
	if err != nil {
		return gateRefusal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), gateWaitMax)
	defer cancel()
	if !v.enter(ctx, account, name) {
		return gateRefusal(fmt.Errorf("%d watches are open under this login, which is all that"+
			" one may have: end some", watchesMax))
	}
	subject := "$JS.API.CONSUMER.CREATE." + streamView + "." + name
	if filter != "" {
		subject += "." + filter
	}
	reply, err := v.conn.RequestWithContext(ctx, subject, request)
	if err != nil {
		return gateRefusal(fmt.Errorf("make consumer: %w", err))
	}
	// The client is shown the inbox that it named, not where the watch really delivers.
	return bytes.ReplaceAll(reply.Data, []byte(viewsOf(account)), nil)
}

// enter counts a watch, and tells whether its account may have it. Consumers end by themselves
// some seconds after their client, so those that are gone are looked for when it matters.
func (v *viewing) enter(ctx context.Context, account, name string) bool {
	of := v.watches[account]
	if len(of) >= watchesMax && forgetGone(ctx, v.js, streamView, of) != nil {
		return false
	}
	if of == nil {
		of = map[string]bool{}
		v.watches[account] = of
	}
	if len(of) >= watchesMax && !of[name] {
		return false
	}
	of[name] = true
	return true
}

// watchRequest is what may be said about a watch: what is not in the list is dropped.
type watchRequest struct {
	Stream string      `json:"stream_name"`
	Config watchConfig `json:"config"`
	Action string      `json:"action"`
}

// watchConfig is what is passed on of a watch's settings, as JetStream names them.
type watchConfig struct {
	Name           string        `json:"name"`
	DeliverSubject string        `json:"deliver_subject"`
	DeliverPolicy  string        `json:"deliver_policy"`
	OptStartSeq    uint64        `json:"opt_start_seq,omitempty"`
	OptStartTime   *time.Time    `json:"opt_start_time,omitempty"`
	FilterSubject  string        `json:"filter_subject,omitempty"`
	FilterSubjects []string      `json:"filter_subjects,omitempty"`
	HeadersOnly    bool          `json:"headers_only,omitempty"`
	AckPolicy      string        `json:"ack_policy"`
	ReplayPolicy   string        `json:"replay_policy"`
	MaxDeliver     int           `json:"max_deliver,omitempty"`
	FlowControl    bool          `json:"flow_control"`
	Heartbeat      time.Duration `json:"idle_heartbeat"`
	Replicas       int           `json:"num_replicas"`
	MemoryStorage  bool          `json:"mem_storage"`
}

// vetWatch returns the request for a watch as it is passed on. Name and filter are those of the
// subject, the rest is in the body. The error is for the client.
func vetWatch(account, name, filter string, body []byte) ([]byte, error) {
	if len(body) > consumerBytesMax || len(name) > watchNameMax {
		return nil, errors.New("the request is too long")
	}
	var r struct {
		Stream string `json:"stream_name"`
		Config struct {
			watchConfig
			Durable string `json:"durable_name"`
		} `json:"config"`
	}
	if err := json.Unmarshal(body, &r); err != nil {
		return nil, errors.New("the request is no JSON of a consumer")
	}
	c := &r.Config
	switch {
	case r.Stream != streamView || c.Name != "" && c.Name != name:
		return nil, errors.New("the request names another stream or consumer")
	case filter != c.FilterSubject && filter != "":
		return nil, errors.New("the request names another filter_subject")
	case c.Durable != "":
		return nil, errors.New("a watch ends with its client: no durable consumers")
	case !isInbox(c.DeliverSubject):
		return nil, errors.New("the coverage is watched with push consumers only, that deliver to" +
			" an inbox of the client")
	case c.AckPolicy != "none":
		return nil, errors.New("watching acknowledges nothing: ack_policy must be none")
	// Without both, nobody would find out that a watcher has stopped reading.
	case !c.FlowControl || c.Heartbeat < heartbeatMin:
		return nil, errors.New("a watch has flow_control, and an idle_heartbeat of at least 1 s")
	}
	c.Name, c.MemoryStorage, c.Replicas = name, true, 1
	c.Heartbeat = min(c.Heartbeat, heartbeatMax)
	c.DeliverSubject = viewsOf(account) + c.DeliverSubject
	if c.ReplayPolicy == "" {
		c.ReplayPolicy = "instant"
	}
	if c.DeliverPolicy == "" {
		c.DeliverPolicy = "all"
	}
	return json.Marshal(watchRequest{Stream: streamView, Config: c.watchConfig, Action: "create"})
}

// isInbox tells whether a subject is one that a client may hear, of those that are its own.
func isInbox(subject string) bool {
	if strings.ContainsAny(subject, "*> \t\r\n") || len(subject) > 2*watchNameMax {
		return false
	}
	return strings.HasPrefix(subject, "_INBOX.") || strings.HasPrefix(subject, "_INBOX_")
}

// viewsOf returns where watches of an account deliver.
func viewsOf(account string) string { return subjectViews + account + "." }

// viewable lists what it takes to watch the bucket and to get its values, and no more.
func viewable(c Client) []apiRequest {
	const api = "$JS.API."
	create, to := api+"CONSUMER.CREATE."+streamView, subjectViewing+c.account()
	return []apiRequest{
		{from: create + ".*", to: to + ".*"},
		{from: create + ".*.>", to: to + ".*.>"},
		{from: api + "STREAM.INFO." + streamView},
		{from: api + "CONSUMER.INFO." + streamView + ".*"},
		{from: api + "CONSUMER.DELETE." + streamView + ".*"},
		{from: api + "STREAM.MSG.GET." + streamView},
		// All values at once, to begin with: one request has an answer for each.
		{from: api + "DIRECT.GET." + streamView, streamed: true},
		{from: api + "DIRECT.GET." + streamView + "." + subjectBucket + ">"},
	}
}

// exportView lets accounts import it. It is done once, before any account imports.
func exportView(ledger *server.Account) (err error) {
	err = errors.Join(
		ledger.AddServiceExport(subjectViewing+">", nil),
		ledger.AddServiceExport(subjectFlow+">", nil),
		ledger.AddStreamExport(subjectViews+">", nil),
		ledger.AddStreamExport(SubjectCoverage+">", nil))
	for _, r := range viewable(Client{}) {
		if r.to == "" {
			err = errors.Join(err, ledger.AddServiceExportWithResponse(r.from, r.response(), nil))
		}
	}
	return err
}

// importView fills the account of a client.
func importView(account, ledger *server.Account, c Client) (err error) {
	for _, r := range viewable(c) {
		err = errors.Join(err, account.AddServiceImport(ledger, r.from, r.to))
	}
	err = errors.Join(err, account.AddServiceImport(ledger, subjectFlow+">", ""),
		account.AddStreamImport(ledger, SubjectCoverage+">", ""))
	for _, inbox := range c.inboxes() {
		err = errors.Join(err,
			account.AddMappedStreamImport(ledger, viewsOf(account.Name)+inbox, inbox))
	}
	return err
}
