package httpapi

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"cakupan/cmd/internal/gzipped"
	"cakupan/eventstore"
	"cakupan/projections/coverage"
)

// forever is said of an answer that no event can change any more. It is kept by who asked, and by
// nobody on the way: not everybody may see it.
const forever = "private, max-age=31536000, immutable"

// cached names an answer by a tag before it is worked out, and says nothing more than 304 to who
// has it already. The same answer is what the same server says to the same question with the same
// knowledge on the same day; so the tag of one server says nothing to another.
//
// Where the knowledge is named and past, and the day, or a series' last, is named, it stays so for
// ever. It returns true when the answer was sent; headers are set in both cases. The question's own
// text is part of the tag: two spellings of it have two tags, which costs an answer and is never
// wrong.
func (a *API) cached(w *reply, r *http.Request, view *coverage.View, k knowledge,
	known eventstore.Sequence,
) bool {
	h := w.Header()
	named := r.URL.Query()
	if k.past(view, known) && (named.Has("on") || named.Has("until")) {
		h.Set("Cache-Control", forever)
	}
	h.Add("Vary", "Authorization") // from some, small counts are hidden
	h.Add("Vary", "Accept-Encoding")
	w.packs = gzipped.Taken(r.Header)
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d %d %t %t %s %s", a.token, min(known, view.Known()),
		a.today(), w.member.seesAll(), w.packs, r.URL.Path, r.URL.RawQuery))
	tag := `"` + base64.RawURLEncoding.EncodeToString(sum[:18]) + `"`
	h.Set("ETag", tag)
	if !hasTag(r.Header, tag) {
		return false
	}
	w.WriteHeader(http.StatusNotModified)
	return true
}

// past tells whether no event that is yet to come can be part of the knowledge: events come in
// order of their sequences and of their record times. A time counts as past only if an event after
// it was applied: others of the same moment may be on their way.
func (k knowledge) past(view *coverage.View, known eventstore.Sequence) bool {
	if k.timed {
		return known < view.Known()
	}
	return k.sequence <= view.Known()
}

// hasTag tells whether the client says that it has the answer of the tag. Weak and strong are
// compared alike (RFC 9110, section 13.1.2), and * is any answer.
func hasTag(h http.Header, tag string) bool {
	for _, value := range h.Values("If-None-Match") {
		tags := strings.Split(value, ",")
		if slices.ContainsFunc(tags, func(one string) bool {
			one = strings.TrimSpace(one)
			return one == "*" || strings.TrimPrefix(one, "W/") == tag
		}) {
			return true
		}
	}
	return false
}
