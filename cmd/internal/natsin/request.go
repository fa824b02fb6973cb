package natsin

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
	"cakupan/eventstore/cloudevents"
)

const (
	// requestWorkers is how many rounds of requests are in work at a time.
	requestWorkers = 4

	// roundMessagesMax and roundBytesMax bound the requests of one round.
	roundMessagesMax = 1_000
	roundBytesMax    = 1 << 20

	// answerMax is how long a round may take: longer than who asks usually waits.
	answerMax = 30 * time.Second
)

// arriveForAnswer looks at a request as it comes in.
func (s *Server) arriveForAnswer(publisher string, m *nats.Msg) {
	why := s.vet(publisher, m)
	switch {
	case why == &errTooLarge:
		s.answerProblem(m.Reply, problem.New(problem.BodyTooLarge, why.Description))
	case why != nil:
		s.answerProblem(m.Reply, problem.New(problem.Malformed, why.Description))
	case !s.arrive(s.requests, publisher, m):
		s.answerProblem(m.Reply, problem.New(problem.Overloaded, errOverloaded.Description))
	}
}

// answerProblem answers a request as a whole.
func (s *Server) answerProblem(reply string, err error) {
	e := problem.From(err)
	if e.Code == problem.Internal {
		s.opts.Log.Error("request failed", slog.Any("cause", errors.Unwrap(e)))
	}
	header := nats.Header{"Content-Type": {problem.ContentType}}
	if after := e.RetryAfter(); after != "" {
		header.Set("Retry-After", after)
	}
	s.respond(reply, &nats.Msg{Header: header, Data: e.JSON(false)})
}

// answerRequests answers what arrives, round by round, until the collector is closed and empty.
// Several rounds are in work at a time, so receipts of one publisher may overtake each other.
func (s *Server) answerRequests() {
	for {
		taken := s.requests.take(roundMessagesMax, roundBytesMax)
		if taken == nil {
			return
		}
		for _, group := range byPublisher(taken) {
			s.answerGroup(group)
		}
		s.requests.release(taken)
	}
}

// byPublisher sorts messages by their publishers; those of each stay in their order.
func byPublisher(all []arrived) (groups [][]arrived) {
	sorted := slices.Clone(all)
	slices.SortStableFunc(sorted, func(a, b arrived) int {
		return strings.Compare(a.Publisher, b.Publisher)
	})
	for from := 0; from < len(sorted); {
		until := from + 1
		for until < len(sorted) && sorted[until].Publisher == sorted[from].Publisher {
			until++
		}
		groups = append(groups, sorted[from:until])
		from = until
	}
	return groups
}

// answerGroup takes in the requests of one publisher together and answers each. Its events are in
// the log before any of them is answered. After an error of the whole each request gets it, and may
// be sent again.
func (s *Server) answerGroup(group []arrived) {
	ctx, cancel := context.WithTimeout(s.finishBy, answerMax)
	defer cancel()
	messages := make([]*Message, len(group))
	for i := range group {
		messages[i] = &group[i].Message
	}
	outcomes, err := take(ctx, s.ledger, messages)
	for i := range group {
		switch {
		case err != nil:
			s.answerProblem(group[i].reply, err)
		case outcomes[i].refusal != nil:
			s.answerProblem(group[i].reply, problem.Refusal(outcomes[i].refusal))
		default:
			s.answerReceipts(group[i].reply, outcomes[i].receipts)
		}
	}
}

// answerReceipts says so where receipts are too long for an answer: the events are in the log, and
// to send fewer of them again gets the receipts.
func (s *Server) answerReceipts(reply string, got []event.Receipt) {
	text := cloudevents.AppendReceipts(nil, intake.Masked(got))
	if len(text) > s.messageMax {
		s.answerProblem(reply, problem.New(problem.BodyTooLarge, "the events were taken in, but"+
			" their receipts do not fit one answer: send fewer at once"))
		return
	}
	s.respond(reply, &nats.Msg{
		Header: nats.Header{"Content-Type": {dataType}}, Data: text,
	})
}
