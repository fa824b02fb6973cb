package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

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
	return w.with(ctx, out, false, func(s *source) error {
		health, err := s.health(ctx)
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

// health asks the route, which answers in the same form whether all is well or not.
func (s *source) health(ctx context.Context) (health ledger.Health, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.base+"/healthz", nil)
	if err != nil {
		return health, fmt.Errorf("make request: %w", err)
	}
	response, err := s.client.Do(request)
	if err != nil {
		return health, unreachable(ctx, s.base, err)
	}
	err = json.NewDecoder(response.Body).Decode(&health)
	if err := errors.Join(err, response.Body.Close()); err != nil || health.Status == "" {
		return health, problem.New(problem.ServerUnreachable,
			s.base+" does not answer as a ledger does: check the address; with TLS it begins"+
				" with https://")
	}
	return health, nil
}
