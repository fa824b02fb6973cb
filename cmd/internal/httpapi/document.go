package httpapi

import (
	"net/http"
	"strings"

	"cakupan/cmd/internal/problem"
)

// getDocument answers with what describes the routes, or the events.
func (a *API) getDocument(w *reply, r *http.Request) {
	if _, err := parseParameters(r.URL.RawQuery); err != nil {
		w.fail(r, err)
		return
	}
	name := r.PathValue("name")
	if a.config.Documents == nil || name != "" && !strings.HasSuffix(name, ".json") {
		w.fail(r, problem.New(problem.NotFound, "there is no such document; the names of all"+
			" schemas are at /schemas/"))
		return
	}
	a.config.Documents.ServeHTTP(w, r)
}

// Routes returns the method and path of every route, "GET /v1/events", in the order of the table.
func (a *API) Routes() []string {
	var all []string
	for _, route := range a.routes() {
		all = append(all, route.method+" "+route.path)
	}
	return all
}
