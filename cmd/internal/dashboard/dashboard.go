// Package dashboard is the page that shows the coverage: one file each of HTML, CSS and
// JavaScript, embedded, without anything from elsewhere. It asks the same routes as everybody.
package dashboard

import (
	"embed"
	"io/fs"
	"net/http"
)

//go:embed page
var files embed.FS

// policy lets the page load its own files and ask its own server, and nothing else. So whatever a
// name of a publisher or a region may hold, nothing of it is ever run as a script.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; " +
	"img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Handler answers GET / with the page and GET /assets/… with its parts. Who may see them is for
// whoever mounts it to decide; it holds no figures.
func Handler() http.Handler {
	page, err := fs.Sub(files, "page")
	if err != nil {
		// The folder is embedded above, so this cannot happen; if it does, nothing is there.
		return http.NotFoundHandler()
	}
	server := http.FileServerFS(page)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		if r.URL.Path == "/assets/" {
			http.NotFound(w, r) // no listing of the folder
			return
		}
		server.ServeHTTP(w, r)
	})
}
