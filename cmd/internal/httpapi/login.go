package httpapi

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"log/slog"
	"net/http"
	"strings"

	"cakupan/cmd/internal/problem"
)

// loginText is what a person sees who is not let in to the dashboard, in both languages.
//
//go:embed login.html
var loginText string

// It is in the page itself: a style sheet of its own would ask for a login.
const loginStyle = "body{max-width:34em;margin:3em auto;padding:0 1em;" +
	"font:1.05rem/1.5 system-ui,sans-serif;color-scheme:light dark}" +
	"code{white-space:nowrap}a{color:LinkText}"

// It is read when the program starts: a broken one ends that, and so every test.
var loginPage = template.Must(template.New("login").Parse(loginText))

// loginPolicy lets the page have its one style, and nothing else.
var loginPolicy = func() string {
	sum := sha256.Sum256([]byte(loginStyle))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}()

// wantsLogin tells whether a person has opened the dashboard, whom an object of JSON would not
// help. Other routes of the page get the object: a script asks for those.
func wantsLogin(r *http.Request) bool {
	return r.URL.Path == "/" && strings.Contains(r.Header.Get("Accept"), "text/html")
}

// failPage answers with the page. A browser asks for name and secret first, and shows it to who
// gives none. The status is that of the problem, by which the browser knows that it may ask. The
// page is of one moment and is not kept.
func (w *reply) failPage(r *http.Request, e *problem.Error) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", loginPolicy)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(e.Status())
	if r.Method == http.MethodHead {
		return
	}
	err := loginPage.Execute(w, map[string]any{
		"Style": template.CSS(loginStyle), "Denied": e.Code == problem.Forbidden,
		"Throttled": e.Code == problem.LoginThrottled, "Detail": e.Detail, "Code": e.Code,
	})
	if err != nil { // whoever asked is gone
		w.api.config.Log.DebugContext(r.Context(), "page was not sent", slog.Any("cause", err))
	}
}
