package httpapi

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"cakupan/cmd/internal/problem"
)

// route is one line of the table of routes. The method and path are a pattern of [http.ServeMux],
// and with a space between them the key of [rights], of the documents and of metrics. So a path is
// a promise to clients, and its parts in braces are never in a label.
type route struct {
	method, path string
	handle       func(w *reply, r *http.Request)
}

// routes lists every route once. Each needs a line in [rights], without which it is nobody's on a
// guarded ledger, and one in the OpenAPI document; tests look for both. The order is that of
// [API.Routes] and says nothing else: the mux picks the most specific pattern.
func (a *API) routes() []route {
	return []route{
		{http.MethodPost, "/v1/events", a.postEvents},
		{http.MethodGet, "/v1/events", a.getEvents},
		{http.MethodPost, "/v1/retract", a.postRetract},
		{http.MethodGet, "/v1/coverage", a.getCoverage},
		{http.MethodGet, "/v1/series", a.getSeries},
		{http.MethodGet, "/v1/changes", a.getChanges},
		{http.MethodGet, "/v1/explain", a.getExplain},
		{http.MethodGet, "/v1/difference", a.getDifference},
		{http.MethodGet, "/v1/findings", a.getFindings},
		{http.MethodGet, "/v1/bundle", a.getBundle},
		{http.MethodPost, "/v1/attest", a.postAttest},
		{http.MethodGet, "/checkpoint", a.getCheckpoint},
		{http.MethodPost, "/checkpoint", a.postCheckpoint},
		{http.MethodGet, "/checkpoint/key", a.getCheckpointKey},
		{http.MethodGet, "/checkpoint/successions", a.getSuccessions},
		{http.MethodGet, "/tile/{path...}", a.getTile},
		{http.MethodGet, "/v1/funding", a.getFunding},
		{http.MethodGet, "/v1/history", a.getStory},
		{http.MethodPost, "/v1/lookups", a.postLookup},
		{http.MethodGet, "/v1/lookups", a.getLookups},
		{http.MethodGet, "/v1/reads", a.getReads},
		{http.MethodGet, "/v1/reconcile", a.getReconcile},
		{http.MethodGet, "/v1/lists/key", a.getListKey},
		{http.MethodPost, "/v1/lists/effect", a.postEffect},
		{http.MethodPost, "/v1/lists/matches", a.postMatches},
		{http.MethodGet, "/v1/lists/events", a.getListEvents},
		{http.MethodGet, "/healthz", a.getHealth},
		{http.MethodGet, "/readyz", a.getReady},

		{http.MethodGet, "/metrics", a.getMetrics},
		{http.MethodGet, "/v1/status", a.getStatus},

		// For the operator at the machine itself, and for auditors.
		{http.MethodPost, "/v1/replay", a.postReplay},
		{http.MethodPost, "/v1/verify", a.postVerify},
		{http.MethodGet, "/v1/backup", a.getBackup},
		{http.MethodGet, "/v1/refused", a.getRefused},
		{http.MethodGet, "/v1/refused/{number}", a.getRefusedOne},
		{http.MethodDelete, "/v1/refused/{number}", a.deleteRefused},
		{http.MethodPost, "/v1/refused/{number}/retry", a.postRefused},

		{http.MethodGet, "/openapi.json", a.getDocument},
		{http.MethodGet, "/asyncapi.json", a.getDocument},
		{http.MethodGet, "/schemas/{$}", a.getDocument},
		{http.MethodGet, "/schemas/{name}", a.getDocument},

		{http.MethodGet, "/upload", a.serveUpload},
		{http.MethodPost, "/upload", a.serveUpload},
		{http.MethodGet, "/upload/{part}", a.serveUpload},

		{http.MethodGet, "/{$}", a.getPage},
		{http.MethodGet, "/sw.js", a.getPage},
		{http.MethodGet, "/assets/", a.getPage},
	}
}

// register puts the routes in place, and answers for all other paths and methods. It is called
// once, by New. The answers for other methods and paths are of this package, because the mux's own
// are plain text and every error of the interface is a problem (contract, section 7). They need no
// login: they say no more than the documents do.
func (a *API) register() {
	methods := map[string][]string{}
	for _, route := range a.routes() {
		methods[route.path] = append(methods[route.path], route.method)
		a.handle(route.method+" "+route.path, a.guarded(route))
	}
	for path, allowed := range methods {
		// The mux takes HEAD where there is GET.
		if slices.Contains(allowed, http.MethodGet) {
			allowed = append(allowed, http.MethodHead)
		}
		slices.Sort(allowed)
		list := strings.Join(allowed, ", ")
		a.handle(path, func(w *reply, r *http.Request) {
			w.Header().Set("Allow", list)
			w.fail(r, problem.New(problem.MethodNotAllowed, "this address knows "+list+" only"))
		})
	}
	a.handle("/", func(w *reply, r *http.Request) {
		w.fail(r, problem.New(problem.NotFound, "there is nothing at this address; there are"+
			" /v1/events, /v1/coverage, /v1/series, /healthz, /readyz, what describes them"+
			" at /openapi.json, and the dashboard at /"))
	})
}

// guarded answers on a route for those who have the right to it. The steps stand in the order in
// which they cost: who it is, then his share of requests, then a turn among long questions. Whose
// share it is cannot be known before the login. Who waits for a turn keeps his share meanwhile, so
// that nobody has a long queue of his own. All that is taken is given back when the handler
// returns, or panics.
func (a *API) guarded(route route) func(w *reply, r *http.Request) {
	pattern := route.method + " " + route.path
	return func(w *reply, r *http.Request) {
		if err := a.admit(w, r, pattern); err != nil {
			w.failAdmit(r, err)
			return
		}
		if err := a.enterShare(w); err != nil {
			w.failShare(r, err)
			return
		}
		defer w.leaveShare()
		if isAudit(pattern) {
			leave, err := a.turn(r.Context(), w, a.pools.audits)
			if err != nil {
				w.fail(r, err)
				return
			}
			defer leave()
			defer a.openShift(w, r)()
		}
		route.handle(w, r)
	}
}

// handle puts a handler in place, and gives it the reply that ServeHTTP has made.
func (a *API) handle(pattern string, handle func(w *reply, r *http.Request)) {
	a.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		handle(w.(*reply), r) // ServeHTTP hands nothing else to the mux
	})
}

// serveUpload answers with the page of those who send lists. The parameters are looked at here, as
// for every route, so that a NIK in an address is refused before the page sees it. The page asks
// this same handler in the name of who asks; what it needs to know beside that is in the context.
func (a *API) serveUpload(w *reply, r *http.Request) {
	if _, err := parseParameters(r.URL.RawQuery, "lang", "kind", "token"); err != nil {
		w.fail(r, err)
		return
	}
	if a.upload == nil {
		w.fail(r, problem.New(problem.NotFound, "this server has no page for lists"))
		return
	}
	// Not from the credentials: only the login says what belongs to them.
	if m := w.member; m != nil && m.Scope != nil {
		r = r.WithContext(context.WithValue(r.Context(), sourcesKey{}, m.Scope.Sources))
	}
	a.upload.ServeHTTP(w, r)
}

// sourcesKey is the key of [SourcesOf].
type sourcesKey struct{}

// SourcesOf returns, to what answers at /upload, the sources that who asks may report; nil: the
// ledger is open. They are beginnings of sources, as of [event.Scope], and must not be changed.
func SourcesOf(ctx context.Context) []string {
	sources, _ := ctx.Value(sourcesKey{}).([]string)
	return sources
}

// getPage answers with a file of the dashboard. Its parameters are the page's own and are not
// looked at: a link with a question in it is opened by the script.
func (a *API) getPage(w *reply, r *http.Request) {
	switch {
	case a.config.Pages == nil:
		w.fail(r, problem.New(problem.NotFound, "this server has no dashboard"))
		return
	case !a.config.Pages.Has(r.URL.Path):
		w.fail(r, problem.New(problem.NotFound, "the dashboard has no such part"))
		return
	}
	a.config.Pages.ServeHTTP(w, r)
}
