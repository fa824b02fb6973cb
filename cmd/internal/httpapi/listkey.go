package httpapi

import (
	"encoding/hex"
	"encoding/json"
	"net/http"

	"cakupan/cmd/internal/excerpt"
)

// ListKey is the answer of GET /v1/lists/key: what whoever makes events of lists of people needs
// so that a list sent again, by whatever way, adds nothing.
type ListKey struct {
	Key string `json:"key"` // 32 bytes in hexadecimal
}

// getListKey answers with the key of lists. Whoever has it can try which NIK an event of a list
// belongs to; it is nothing to keep.
func (a *API) getListKey(w *reply, r *http.Request) {
	if _, err := parseParameters(r.URL.RawQuery); err != nil {
		w.fail(r, err)
		return
	}
	key, err := a.ledger.ListKey(r.Context())
	if err != nil {
		w.fail(r, err)
		return
	}
	body, err := json.Marshal(ListKey{Key: hex.EncodeToString(key[:])})
	if err != nil {
		w.fail(r, err)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	send(w, http.StatusOK, append(body, '\n'))
}

// getListEvents streams the events of a list: its rows, and the steps that corrected it, each with
// what takes it back. A publisher gets its own alone. What goes wrong after the first line is the
// last line.
func (a *API) getListEvents(w *reply, r *http.Request) {
	p, err := parseParameters(r.URL.RawQuery, "list", "source")
	if err != nil {
		w.fail(r, err)
		return
	}
	filter := excerpt.List{List: p.text("list"), Source: p.text("source")}
	if filter.List == "" {
		p.fail("list", "must be the id of a list")
	}
	if err := p.err(); err != nil {
		w.fail(r, err)
		return
	}
	if w.member != nil && w.member.Role == Publisher {
		filter.Publisher = w.member.Name
	}
	out := newLines(w)
	out.end(r, a.ledger.ListEvents(r.Context(), filter, out.writeLine))
}
