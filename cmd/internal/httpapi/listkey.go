package httpapi

import (
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strconv"

	"cakupan/cmd/internal/excerpt"
	"cakupan/cmd/internal/ledger"
	"cakupan/cmd/internal/lists/matched"
	"cakupan/cmd/internal/problem"
)

// ListKey is the answer of GET /v1/lists/key: what whoever makes events of lists of people needs
// so that a list sent again, by whatever way, adds nothing.
type ListKey struct {
	Key string `json:"key"` // 32 bytes in hexadecimal
	// Older says that rows may be in the log under an older key: see POST /v1/lists/matches.
	Older bool `json:"older,omitempty"`
}

// Matches is the answer of POST /v1/lists/matches.
type Matches struct {
	// Rows has one for each that was asked about, null where the row is sent as it is.
	Rows []*matched.Names `json:"rows"`
}

// listAsk reads for whom a key of lists is asked. Who has logged in must name the source: programs
// that do not know that there are several keys would make new rows of old ones.
func listAsk(w *reply, p *parameters) (ledger.ListAsk, error) {
	ask := ledger.ListAsk{Source: p.text("source"), DryRun: p.flag("dry_run")}
	if ask.Source == "" && w.member != nil {
		p.fail("source", "must be the source of the list; an older program does not send it: use"+
			" a newer one")
	}
	if w.member != nil {
		ask.Scope = w.member.Scope
	}
	return ask, p.err()
}

// getListKey answers with the key of lists of whoever speaks for a source. Whoever has it can try
// which NIK an event of his lists belongs to; it is nothing to keep.
func (a *API) getListKey(w *reply, r *http.Request) {
	p, err := parseParameters(r.URL.RawQuery, "source", "dry_run")
	if err != nil {
		w.fail(r, err)
		return
	}
	ask, err := listAsk(w, p)
	if err != nil {
		w.fail(r, err)
		return
	}
	key, err := a.ledger.ListKey(r.Context(), ask)
	if err != nil {
		w.fail(r, err)
		return
	}
	body, err := json.Marshal(ListKey{Key: hex.EncodeToString(key.Key[:]), Older: key.Older})
	if err != nil {
		w.fail(r, err)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	send(w, http.StatusOK, append(body, '\n'))
}

// postMatches answers by which ids and names the ledger has rows of a list under older keys. It
// appends nothing.
func (a *API) postMatches(w *reply, r *http.Request) {
	p, err := parseParameters(r.URL.RawQuery, "source", "dry_run")
	if err != nil {
		w.fail(r, err)
		return
	}
	ask, err := listAsk(w, p)
	if _, known := encodingOf(r.Header); err == nil && !known {
		err = problem.New(problem.MediaType, "send the rows as they are, or in gzip or zstd")
	}
	if err != nil {
		w.fail(r, err)
		return
	}
	work := a.take(w)
	defer work.release()
	if err := a.readBatch(w, r, work); err != nil {
		w.failBody(r, err)
		return
	}
	rows := make([]matched.Row, len(work.events))
	for i, raw := range work.events {
		if json.Unmarshal(raw, &rows[i]) != nil || len(rows[i].Event) == 0 {
			w.fail(r, problem.New(problem.Malformed, "the body must be an array of rows, each an"+
				" object with the member event, and nik where something is named by it; row "+
				strconv.Itoa(i+1)+" is none"))
			return
		}
	}
	if err := w.still(); err != nil { // the body may have taken its time
		w.failAdmit(r, err)
		return
	}
	names, err := a.ledger.MatchRows(r.Context(), ask, rows)
	if err != nil {
		w.fail(r, err)
		return
	}
	writeJSON(w, r, http.StatusOK, Matches{Rows: names})
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
