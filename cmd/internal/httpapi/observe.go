package httpapi

import (
	"net/http"

	"cakupan/cmd/internal/problem"
)

// Observer is told of each request. All methods may be called at the same time.
type Observer interface {
	// Begin tells that a request is in work.
	Begin()
	// End tells that one is answered: on which route, one of a fixed list, and with what status;
	// 0 when there was nothing to say or nobody left to say it to.
	End(route string, status int)
	// Watch tells that somebody watches changes, until leave is called.
	Watch() (leave func())
}

// routeOf names the route of a request that was answered, and "other" where none matched: a path
// may hold anything.
func routeOf(r *http.Request) string {
	if r.Pattern == "" || r.Pattern == "/" {
		return "other"
	}
	return r.Pattern
}

// getMetrics answers with what was counted: to an auditor, and of an open ledger on its machine.
func (a *API) getMetrics(w *reply, r *http.Request) {
	_, err := parseParameters(r.URL.RawQuery)
	switch {
	case err != nil:
	case a.config.Metrics == nil:
		err = problem.New(problem.NotFound, "this server counts nothing")
	case w.member == nil:
		err = onlyHere(r)
	}
	if err != nil {
		w.fail(r, err)
		return
	}
	a.config.Metrics.ServeHTTP(w, r)
}
