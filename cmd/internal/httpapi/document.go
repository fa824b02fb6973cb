package httpapi

import (
	"net/http"
	"strings"

	"cakupan/cmd/internal/problem"
)

// getDocument answers with what describes the routes, or the events. The four routes of documents
// share it, because the handler of documents looks at the path itself. A name without .json is none
// here, though a file system might have a folder of that name. They are for everybody, also on a
// guarded ledger: they say what is public anyway.
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
// It is for tests, and for whoever compares the documents with the server.
func (a *API) Routes() []string {
	var all []string
	for _, route := range a.routes() {
		all = append(all, route.method+" "+route.path)
	}
	return all
}
