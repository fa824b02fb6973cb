package httpapi

import (
	"net/http"

	"cakupan/cmd/internal/ledger"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/temporal"
)

// isProbe tells whether a request asks how the ledger is. That must be told also, and above all,
// when there is too much to do. They are also the ones that answer while a ledger is being opened.
func isProbe(r *http.Request) bool { return r.URL.Path == "/healthz" || r.URL.Path == "/readyz" }

// getHealth answers how the ledger is. It is true at every moment: 503 with why when the log cannot
// be written or is damaged, a projection has stopped, or nobody can log in (contract, section 7).
// It heals by itself, and needs no login: who looks after a ledger may be a machine.
func (a *API) getHealth(w *reply, r *http.Request) {
	if _, err := parseParameters(r.URL.RawQuery); err != nil {
		w.fail(r, err)
		return
	}
	health := a.ledger.Health(r.Context())
	if err := a.loginErr(); err != nil && health.Status == ledger.HealthOK {
		health.Status, health.Why = ledger.HealthFailing, problem.From(err).Detail
	}
	writeState(w, r, health.Status, health)
}

// getReady answers whether events and questions are answered now. It is told on top of what the
// ledger says of itself: a server that is stopping, or has too much in work, is well and still not
// to be sent more.
func (a *API) getReady(w *reply, r *http.Request) {
	if _, err := parseParameters(r.URL.RawQuery); err != nil {
		w.fail(r, err)
		return
	}
	ready := a.ledger.Ready(r.Context(), temporal.Instant(a.config.Now().UnixNano()))
	if err := a.unready(); err != nil && ready.Status == ledger.HealthOK {
		ready.Status, ready.Why = ledger.HealthFailing, problem.From(err).Detail
	}
	writeState(w, r, ready.Status, ready)
}

// getStatus answers with role, intake and streams: to an auditor, and of an open ledger on its
// machine. It is 503 as health is, with the same body either way.
func (a *API) getStatus(w *reply, r *http.Request) {
	_, err := parseParameters(r.URL.RawQuery)
	if err == nil && w.member == nil {
		err = onlyHere(r)
	}
	if err != nil {
		w.fail(r, err)
		return
	}
	status := a.ledger.Status(r.Context())
	writeState(w, r, status.Status, status)
}

// loginErr returns why nobody can log in at the moment, nil when they can. Of a ledger that asks
// nobody it is always nil.
func (a *API) loginErr() error {
	if a.config.Access == nil {
		return nil
	}
	return a.config.Access.Err()
}

// unready returns why requests are not answered at the moment, though the ledger could.
func (a *API) unready() error {
	switch {
	case a.draining.Err() != nil:
		return problem.New(problem.ServerStopping, "the server is stopping")
	case a.requests.Load() > int64(a.config.Limits.Requests):
		return overloaded()
	}
	return a.loginErr()
}

// writeState answers with a state: 503 unless it is ok. The body is the same for both, so that
// whoever reads it need not look at the status. It is never kept: a state of before says nothing.
func writeState(w *reply, r *http.Request, state string, body any) {
	status := http.StatusOK
	if state != ledger.HealthOK {
		w.Header().Set("Retry-After", "5")
		status = http.StatusServiceUnavailable
	}
	w.Header().Set("Cache-Control", "no-store")
	writeJSON(w, r, status, body)
}
