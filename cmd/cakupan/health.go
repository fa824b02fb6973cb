package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"cakupan/cmd/internal/client"
	"cakupan/cmd/internal/ledger"
	"cakupan/cmd/internal/problem"
	"cakupan/eventstore"
)

const (
	nodeMax      = 10 * time.Second // how long a node may take to answer
	nodeBytesMax = 1 << 20
)

// healthCommand asks how a ledger is. It needs no secret.
type healthCommand struct {
	Ready bool   `help:"Ask whether it answers now, instead of whether it is well."`
	Node  string `placeholder:"URL" help:"Ask a node of NATS, at the address of its --health."`
}

// Help returns what --help shows beyond the flags.
func (*healthCommand) Help() string {
	return `Exits with 0 when the ledger takes events and answers, with 1 and why when it does not.
With --ready, exits with 0 when it answers now: not while it is still building what it answers
from, or is far behind its log. Everybody may ask.

Examples:

	cakupan health --server http://127.0.0.1:7070
	cakupan health --server https://ledger.example --json
	cakupan health --server http://127.0.0.1:7070 --ready
	cakupan health --node http://127.0.0.1:8222` + exitCodes
}

// Run runs the command.
func (c *healthCommand) Run(ctx context.Context, w *where, out *console) error {
	if c.Node != "" {
		return c.node(ctx, w, out)
	}
	return w.with(ctx, out, false, func(s *client.Client) error {
		if c.Ready {
			ready, err := s.Ready(ctx)
			return tellState(w, out, ready, state{ready.Status, ready.Why, ready.Head}, err)
		}
		health, err := s.Health(ctx)
		return tellState(w, out, health, state{health.Status, health.Why, health.Head}, err)
	})
}

// state is what all answers have that say how a ledger is.
type state struct {
	status, why string
	head        eventstore.Sequence
}

// tellState prints an answer, unless there is none, and returns why not all is well.
func tellState(w *where, out *console, whole any, s state, err error) error {
	switch {
	case err != nil:
		return err
	case w.JSON:
		err = out.writeJSON(whole)
	default:
		_, err = fmt.Fprintf(out.stdout, "%s: the log ends at event %s\n",
			s.status, thousands(s.head))
	}
	switch {
	case err != nil || s.status == ledger.HealthOK:
		return err
	case s.status == ledger.ReadyBehind:
		return problem.New(problem.ProjectionBehind, s.why)
	}
	return problem.New(problem.LogUnavailable, s.why)
}

// nodeAnswer is what a node of NATS says of itself.
type nodeAnswer struct {
	Status string `json:"status"`
	Why    string `json:"error,omitempty"`
}

// node asks a node of NATS: whether it is there, has a leader, and is up to date.
func (c *healthCommand) node(ctx context.Context, w *where, out *console) error {
	ctx, cancel := context.WithTimeout(ctx, nodeMax)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.Node+"/healthz", nil)
	if err != nil {
		return usage("--node is a URL such as http://127.0.0.1:8222")
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return problem.Wrap(problem.LogUnavailable, "the node does not answer", err)
	}
	defer func() { _ = response.Body.Close() }()
	var answer nodeAnswer
	err = json.NewDecoder(io.LimitReader(response.Body, nodeBytesMax)).Decode(&answer)
	switch {
	case err != nil:
		return problem.Wrap(problem.LogUnavailable, "what answers is no node of NATS", err)
	case w.JSON:
		err = out.writeJSON(answer)
	default:
		_, err = fmt.Fprintln(out.stdout, answer.Status)
	}
	if err != nil || response.StatusCode == http.StatusOK {
		return err
	}
	return problem.New(problem.LogUnavailable, "the node is not well: "+answer.Why)
}
