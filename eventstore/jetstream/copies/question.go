package copies

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

// Headers of direct gets and their answers.
const (
	headerTrace  = "Nats-Trace-Dest" // where the servers tell what became of the question
	headerStatus = "Status"
	headerNumber = "Nats-Sequence"
	headerStream = "Nats-Stream"
	headerAbout  = "Nats-Subject"
	headerTime   = "Nats-Time-Stamp"
	headerMore   = "Nats-Num-Pending"

	statusNobody = "503"
	statusEnd    = "204" // of a batch
)

// question asks for one message until it is known who has it. It is of one goroutine.
type question struct {
	copies *Copies
	number uint64
	proven func(Message) bool
	only   string // the one server that is meant; "": all
	each   bool   // all servers are to answer, also once it is known who has it
	count  bool   // what is asked is how many there are
	about  string // the subject of the message; "": any

	inbox string // answers come below it, and traces
	tries []try
	heard map[string]bool // who has answered, and whether he has the message
	sums  map[string]Sum  // of the message, by who has it
	spans map[string]Span // by who has answered
	all   int             // how many servers that keep the stream are there; 0: not known yet
	// keepers is how many keep it, there or not; 0: not known.
	keepers int
	nobody  bool    // answers direct gets
	best    Message // the first that is proven
	found   bool

	untraced bool // traces do not come
}

// try is one of the repetitions. The answer and the trace may come in any order.
type try struct {
	server        string
	answered, has bool
	sum           Sum
	span          Span
}

// newQuestion is one that each server can answer.
func (c *Copies) newQuestion(number uint64, proven func(Message) bool) *question {
	return &question{
		copies: c, number: number, proven: proven, heard: map[string]bool{},
		sums: map[string]Sum{}, spans: map[string]Span{},
	}
}

// ask asks until it is answered. It is no error that nobody has the message.
func (q *question) ask(ctx context.Context) error {
	limit := q.copies.book.patience(q.copies.stream)
	bounded, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	q.inbox = q.copies.conn.NewInbox()
	answers := make(chan *nats.Msg, 8*triesMax)
	sub, err := q.copies.conn.ChanSubscribe(q.inbox+".*.*", answers)
	if err != nil {
		return err
	}
	defer func() { _ = sub.Unsubscribe() }()
	err = q.repeat(bounded, answers)
	if bounded.Err() != nil && limit < roundMax && q.each && q.isSilent() {
		// Else what is unknown now would be so for as long as they are slow.
		bounded, cancel = context.WithTimeout(ctx, roundMax)
		defer cancel()
		err = q.repeat(bounded, answers)
	}
	switch {
	case errors.Is(err, errNobody):
		q.nobody = true
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case bounded.Err() != nil: // what has come by then has to do
		q.copies.book.late(q.copies.stream, limit)
		return nil
	}
	return err
}

// repeat asks again after each answer, and where none comes for a while. Once it was asked often
// enough, who has not answered for silenceMax is not waited for.
func (q *question) repeat(ctx context.Context, answers <-chan *nats.Msg) error {
	again := time.NewTimer(patience)
	defer again.Stop()
	for next, silent := true, time.Duration(0); !q.isDone(ctx); {
		if next {
			if err := q.send(); err != nil {
				return err
			}
			again.Reset(patience)
		}
		select {
		case m := <-answers:
			n, err := q.take(m)
			if err != nil {
				return err
			}
			// The trace is waited for too, while traces come: it may be who has answered that is
			// still to be known.
			t := q.tries[n]
			isLast := n == len(q.tries)-1 && t.answered && (t.server != "" || q.untraced)
			next, silent = isLast && len(q.tries) < triesMax, 0
		case <-again.C:
			silent += patience
			sent := len(q.tries) >= triesMax && !q.awaits()
			// Traces that have not come by now do not come.
			if sent && (q.answers() == len(q.tries) || silent >= silenceMax) {
				return nil
			}
			q.untraced = q.untraced || q.answers() > 0 && len(q.heard) == 0
			next = true
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// send asks once more, unless that was done often enough.
func (q *question) send() error {
	if len(q.tries) >= triesMax && !q.awaits() || len(q.tries) >= 3*triesMax {
		return nil
	}
	number := strconv.Itoa(len(q.tries))
	m := nats.NewMsg("$JS.API.DIRECT.GET." + q.copies.stream)
	m.Reply = q.inbox + ".answer." + number
	m.Header.Set(headerTrace, q.inbox+".trace."+number)
	batch := 0
	if q.count {
		batch = 1 // then the answer tells how many follow
	}
	m.Data = fmt.Appendf(nil, `{"seq":%d,"next_by_subj":%q,"batch":%d}`, q.number,
		cmp.Or(q.about, ">"), batch)
	q.tries = append(q.tries, try{})
	return q.copies.conn.PublishMsg(m)
}

// take takes an answer or a trace, and returns of which try.
func (q *question) take(m *nats.Msg) (n int, err error) {
	kind, number, _ := strings.Cut(strings.TrimPrefix(m.Subject, q.inbox+"."), ".")
	n, err = strconv.Atoi(number)
	if err != nil || n < 0 || n >= len(q.tries) {
		return 0, nil //nolint:nilerr // nobody else publishes there
	}
	t := &q.tries[n]
	if kind == "trace" {
		if server := servedBy(m.Data); server != "" {
			t.server = server
		}
	} else {
		switch m.Header.Get(headerStatus) {
		case statusNobody:
			return n, errNobody
		case statusEnd: // the answer has come
			return n, nil
		}
		t.answered, t.has = true, q.weigh(m, t)
	}
	if t.answered && t.server != "" {
		q.heard[t.server], q.spans[t.server] = t.has, t.span
		if t.has {
			q.sums[t.server] = t.sum
		}
	}
	return n, nil
}

// weigh keeps the message of an answer if it is proven and the first one so far, and reports
// whether it is the very one that was asked for.
func (q *question) weigh(answer *nats.Msg, t *try) (has bool) {
	number, err := strconv.ParseUint(answer.Header.Get(headerNumber), 10, 64)
	if err != nil || number < q.number || answer.Header.Get(headerStream) != q.copies.stream {
		return false
	}
	t.span.First = number
	if more, err := strconv.ParseUint(answer.Header.Get(headerMore), 10, 64); err == nil {
		t.span.Count = more + 1
	}
	m := Message{Number: number, Data: answer.Data, Subject: answer.Header.Get(headerAbout)}
	m.Time, _ = time.Parse(time.RFC3339Nano, answer.Header.Get(headerTime))
	switch {
	case q.found && number == q.best.Number && number > q.number:
		return false
	case q.found && number > q.best.Number, !q.proven(m):
		return false
	}
	q.best, q.found, t.sum = m, true, m.Sum()
	return number == q.number
}

// answers is how many there are.
func (q *question) answers() (count int) {
	for _, t := range q.tries {
		if t.answered {
			count++
		}
	}
	return count
}

// isSilent tells whether most servers that keep the stream have not answered, as far as is known.
func (q *question) isSilent() bool { return 2*len(q.heard) <= q.keepers || q.keepers == 0 }

// awaits tells whether a server that has not answered yet may have what the others have not.
func (q *question) awaits() bool {
	has := !q.each && q.found && q.best.Number == q.number
	return q.only == "" && !has && len(q.heard) > 0 && len(q.heard) < q.all && q.all < triesMax
}

// isDone tells whether nothing more has to be heard.
func (q *question) isDone(ctx context.Context) bool {
	has := q.found && q.best.Number == q.number
	switch {
	case q.only != "":
		_, heard := q.heard[q.only]
		return heard
	case has && !q.each && !q.copies.book.asks(q.copies.stream):
		return true
	case len(q.heard) == 0:
		return false
	}
	if q.all == 0 {
		group, err := askGroup(ctx, q.copies.conn, q.copies.stream)
		q.all, q.keepers = max(1, len(group.online())), len(group.all())
		if err != nil {
			q.all, q.keepers = triesMax, 0 // so it is asked to the end
		}
	}
	return len(q.heard) >= q.all
}

// servedBy returns the name of the server whose own copy a question was answered from, "" where it
// is the trace of a server that has passed it on. (nats-server 2.15: msgtrace.go, deliverMsg.)
func servedBy(trace []byte) string {
	var event struct {
		Server struct {
			Name string `json:"name"`
		} `json:"server"`
		Events []struct {
			Type string `json:"type"`
			Kind int    `json:"kind"`
		} `json:"events"`
	}
	if json.Unmarshal(trace, &event) != nil {
		return ""
	}
	for _, e := range event.Events {
		if e.Type == traceEgress && slices.Contains(passedOn[:], e.Kind) {
			return ""
		}
	}
	return event.Server.Name
}

// traceEgress is what a trace says of where a message went; see server.MsgTraceEgress. What is
// handled within the server is not in it.
const traceEgress = "eg"

// passedOn are the kinds of connections to other servers: routes, gateways, leaf nodes.
var passedOn = [...]int{1, 2, 4}

// group is the servers that keep a stream.
type group struct {
	Leader   string `json:"leader"`
	Replicas []struct {
		Name    string `json:"name"`
		Current bool   `json:"current"`
		Offline bool   `json:"offline"`
		Lag     uint64 `json:"lag"`
	} `json:"replicas"`
}

// askGroup asks for it.
func askGroup(ctx context.Context, conn *nats.Conn, stream string) (g group, err error) {
	answer, err := conn.RequestWithContext(ctx, "$JS.API.STREAM.INFO."+stream, nil)
	if err != nil {
		return g, err
	}
	var info struct {
		Cluster group `json:"cluster"`
	}
	err = json.Unmarshal(answer.Data, &info)
	return info.Cluster, err
}

// online are those that are there.
func (g group) online() (servers []string) {
	if g.Leader != "" {
		servers = append(servers, g.Leader)
	}
	for _, r := range g.Replicas {
		if !r.Offline {
			servers = append(servers, r.Name)
		}
	}
	return servers
}

// all are those that keep the stream, there or not.
func (g group) all() []string {
	servers := []string{g.Leader}
	for _, r := range g.Replicas {
		servers = append(servers, r.Name)
	}
	return servers
}

// current are those that have all that the leader has, and the leader.
func (g group) current() (servers []string) {
	if g.Leader != "" {
		servers = append(servers, g.Leader)
	}
	for _, r := range g.Replicas {
		if r.Current && !r.Offline && r.Lag == 0 {
			servers = append(servers, r.Name)
		}
	}
	return servers
}
