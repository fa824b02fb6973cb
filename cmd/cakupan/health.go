package main

import (
	"context"
	"fmt"

	"cakupan/cmd/internal/client"
	"cakupan/cmd/internal/ledger"
	"cakupan/cmd/internal/problem"
)

// healthCommand asks how a ledger is. It needs no secret.
type healthCommand struct{}

// Help returns what --help shows beyond the flags.
func (*healthCommand) Help() string {
	return `Exits with 0 when the ledger takes events and answers, with 1 and why when it does not.
Everybody may ask.

Examples:

	cakupan health --server http://127.0.0.1:7070
	cakupan health --server https://ledger.example --json` + exitCodes
}

// Run runs the command.
func (*healthCommand) Run(ctx context.Context, w *where, out *console) error {
	return w.with(ctx, out, false, func(s *client.Client) error {
		health, err := s.Health(ctx)
		switch {
		case err != nil:
			return err
		case w.JSON:
			err = out.writeJSON(health)
		default:
			_, err = fmt.Fprintf(out.stdout, "%s: the log ends at event %s\n",
				health.Status, thousands(health.Head))
		}
		if err == nil && health.Status != ledger.HealthOK {
			return problem.New(problem.LogUnavailable, health.Why)
		}
		return err
	})
}
