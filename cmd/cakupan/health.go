package main

import (
	"context"
	"fmt"

	"cakupan/cmd/internal/client"
	"cakupan/cmd/internal/ledger"
	"cakupan/cmd/internal/problem"
	"cakupan/eventstore"
)

// healthCommand asks how a ledger is. It needs no secret.
type healthCommand struct {
	Ready bool `help:"Ask whether it answers now, instead of whether it is well."`
}

// Help returns what --help shows beyond the flags.
func (*healthCommand) Help() string {
	return `Exits with 0 when the ledger takes events and answers, with 1 and why when it does not.
With --ready, exits with 0 when it answers now: not while it is still building what it answers
from, or is far behind its log. Everybody may ask.

Examples:

	cakupan health --server http://127.0.0.1:7070
	cakupan health --server https://ledger.example --json
	cakupan health --server http://127.0.0.1:7070 --ready` + exitCodes
}

// Run runs the command.
func (c *healthCommand) Run(ctx context.Context, w *where, out *console) error {
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
