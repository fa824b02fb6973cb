package httpapi

import (
	"net/http"

	"cakupan/cmd/internal/problem"
)

// Observer is told of each request. All methods may be called at the same time. They are called
// while somebody waits for his answer, so they must not block.
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
// may hold anything. The mux has noted the pattern by then, also when the handler has failed. So
// the values of the label are bounded by the table of routes, and no id or NIK out of a path
// becomes one.
func routeOf(r *http.Request) string {
	if r.Pattern == "" || r.Pattern == "/" {
		return "other"
	}
	return r.Pattern
}

// getMetrics answers with what was counted: to an auditor, and of an open ledger on its machine.
// They are the operator's: who may scrape them on a guarded ledger logs in as an auditor, and small
// counts are hidden in them already.
func (a *API) getMetrics(w *reply, r *http.Request) {
	_, err := parseParameters(r.URL.RawQuery)
	switch {
	case err != nil:
	case a.config.Metrics == nil:
		err = problem.New(problem.NotFound, "this server counts nothing")
	// On an open ledger nobody logs in, and by the network anybody might ask.
	case w.member == nil:
		err = onlyHere(r)
	}
	if err != nil {
		w.fail(r, err)
		return
	}
	a.config.Metrics.ServeHTTP(w, r)
}
