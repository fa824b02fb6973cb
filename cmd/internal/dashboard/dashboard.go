// Package dashboard is the page that shows the coverage, embedded, without anything from elsewhere.
// It asks the same routes as everybody.
//
// Its sources are in app, in TypeScript, and what it is made with in npm; bundle makes page/assets
// of them, which is committed, so that nothing but Go is needed to build the program.
package dashboard

import (
	"embed"
	"encoding/json"
	"net/http"
	"strings"
)

//go:generate go run ./bundle

//go:embed page
var files embed.FS

// policy lets the page load its own files and ask its own server, and nothing else. So whatever a
// name of a publisher or a region may hold, nothing of it is ever run as a script. A picture that
// is taken away is drawn from the page itself (data:). Whose pages may show it within them follows.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; " +
	"img-src 'self' data:; worker-src 'self'; manifest-src 'self'; base-uri 'none'; " +
	"form-action 'none'; frame-ancestors "

// Mark is a moment worth a stop on the page: where and when to look, as known when, and what is to
// be seen there.
type Mark struct {
	Region     string `json:"region"`
	On         string `json:"on"`
	Known      string `json:"known,omitempty"` // "": everything recorded
	Indonesian string `json:"id"`
	English    string `json:"en"`
}

// Options are what a page shows besides the figures.
type Options struct {
	Story []Mark
	// Boundaries is a map of the operator's own, as [ReadBoundaries] returns it; nil: none.
	Boundaries []byte
	// Frames are whose pages may show this one within them, as [CheckFrames] allows; nil: nobody's.
	Frames []string
}

// Handler answers GET / with the page, GET /sw.js with what keeps it for when there is no network,
// and GET /assets/… with its parts. Who may see them is for whoever mounts it to decide; it holds
// no figures.
func Handler(opts Options) *Page {
	parts, err := opts.parts()
	if err != nil {
		// They are embedded, or were read, so this cannot happen; if it does, nothing is there.
		return &Page{}
	}
	ancestors := "'none'"
	if len(opts.Frames) > 0 {
		ancestors = strings.Join(opts.Frames, " ")
	}
	return &Page{parts: parts, policy: policy + ancestors}
}

// Page is the page with its parts. It never changes, and is safe for concurrent use.
type Page struct {
	parts  map[string]*part
	policy string
}

// Has tells whether something is at a path: who mounts the page says what is missing, as for all of
// its addresses.
func (p *Page) Has(path string) bool { return p.parts[path] != nil }

// ServeHTTP answers with what is at the path.
func (p *Page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", p.policy)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	if part := p.parts[r.URL.Path]; part != nil {
		part.send(w, r)
		return
	}
	http.NotFound(w, r)
}

// parts returns all that is shown, by path.
func (o *Options) parts() (map[string]*part, error) {
	story, shapes := o.Story, o.Boundaries
	if story == nil {
		story = []Mark{} // not null
	}
	if shapes == nil {
		shapes = []byte(`{"type":"FeatureCollection","features":[]}`)
	}
	parts, err := embeddedParts()
	if err != nil {
		return nil, err
	}
	marks, err := json.Marshal(story)
	if err != nil {
		return nil, err
	}
	parts["/assets/story.json"] = newPart("", "application/json", marks)
	parts["/assets/boundaries.json"] = newPart("", "application/geo+json", shapes)
	return parts, nil
}
