// Package upload is the page for those who send lists of people: they choose a file, see what it
// would do, confirm it, and take back the rows that are to be corrected.
//
// It does what the command does, by the same routes and in the name of whoever has logged in, so
// that both say the same. It works without a script; the one it has shows how far a slow upload is.
// A list is in memory alone between its check and its confirmation: it holds identity numbers.
// Nothing of it is persisted: when the server ends, a list that was not confirmed is gone, and is
// sent again; of one that was, each row is in the log or is a duplicate the next time, since rows
// of a list have ids that follow from the list (see package lists).
//
// The page is served by package httpapi, which has checked who asks and hands over which sources
// are his.
package upload

import (
	"embed"
	"html/template"
	"net/http"
	"time"

	"cakupan/cmd/internal/problem"
)

//go:embed page
var files embed.FS

// policy lets the page load its own two files and send its form, and nothing else. Whatever a cell
// of a list holds, nothing of it is ever run as a script. It holds though cells are shown as text
// anyway: what is shown belongs to people who are not here.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// Handler answers at /upload. It is safe for concurrent use. All fields are set by New; kept alone
// changes, and guards itself.
type Handler struct {
	api   http.Handler // all routes
	now   func() time.Time
	page  *template.Template
	kept  *kept
	slots chan struct{} // one for each list in work
}

const (
	// listBytesMax bounds one list: 200,000 rows of twelve columns are about 25 MB as CSV.
	listBytesMax = 32 << 20
	// atOnceMax is how many lists are worked on at the same time.
	atOnceMax = 2
	// patience is for how long a slow line may take to bring a list.
	patience = 30 * time.Minute
)

// New returns the handler. It asks api in the name of who asks it. The clock decides when a kept
// list is too old, and nothing else. api must be the handler of the same server, which guards the
// routes that are asked.
func New(api http.Handler, now func() time.Time) http.Handler {
	page, err := template.ParseFS(files, "page/upload.html")
	if err != nil {
		// The page is embedded above, so this cannot happen; if it does, nothing is there.
		return http.NotFoundHandler()
	}
	return &Handler{
		api: api, now: now, page: page, kept: newKept(), slots: make(chan struct{}, atOnceMax),
	}
}

// ServeHTTP answers. The headers are those of every part, since each may hold what a list says of a
// person: nothing is kept by a browser, nor told to another site by a link. part is the last of the
// path, and never a path of a file beyond the two that are named.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	head := w.Header()
	head.Set("Content-Security-Policy", policy)
	head.Set("Referrer-Policy", "no-referrer")
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Cache-Control", "no-store")
	switch part := r.PathValue("part"); {
	case r.Method == http.MethodPost:
		h.post(w, r)
	case part == "":
		h.answer(w, http.StatusOK, newView(r))
	case part == "page.css" || part == "page.js":
		http.ServeFileFS(w, r, files, "page/"+part)
	case part == "template":
		h.template(w, r)
	// Rows that were refused or that a person should know of.
	case part == "back":
		h.back(w, r)
	default:
		missing(w, r, "the page for lists has no such part")
	}
}

// missing answers that there is nothing at an address, as the other routes do.
func missing(w http.ResponseWriter, r *http.Request, what string) {
	problem.Write(w, r, problem.New(problem.NotFound, what), nil)
}

// answer answers with the page. The status counts for programs; whoever looks at the page reads its
// words.
func (h *Handler) answer(w http.ResponseWriter, status int, v *view) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_ = h.page.Execute(w, v) // whoever asked may be gone, and then there is nobody to tell
}
