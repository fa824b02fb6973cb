package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"cakupan/cmd/internal/problem"
	"cakupan/domain/temporal"
	"cakupan/eventstore/lookups"
)

// LookupAsked is the body of POST /v1/lookups. A NIK has no place in an address: those are written
// to logs on the way.
type LookupAsked struct {
	NIK string `json:"nik"`
}

// LookupFound is the answer.
type LookupFound struct {
	Worker string `json:"worker"`
}

// postLookup answers who a NIK is, once it is recorded who asked.
func (a *API) postLookup(w *reply, r *http.Request) {
	asked, err := readLookup(w, r)
	if err != nil {
		w.fail(r, err)
		return
	}
	who := ""
	if w.member != nil {
		who = w.member.Name
	}
	at := temporal.Instant(a.config.Now().UnixNano())
	worker, err := a.ledger.LookUp(r.Context(), asked.NIK, who, at)
	if err != nil {
		w.fail(r, err)
		return
	}
	writeJSON(w, r, http.StatusOK, LookupFound{worker})
}

// readLookup reads the body. What is wrong with it is told without showing any of it.
func readLookup(w *reply, r *http.Request) (asked LookupAsked, err error) {
	if _, err := parseParameters(r.URL.RawQuery); err != nil {
		return asked, err
	}
	const bytesMax = 1 << 10
	body, err := io.ReadAll(http.MaxBytesReader(w.ResponseWriter, r.Body, bytesMax))
	if err == nil {
		decoder := json.NewDecoder(bytes.NewReader(body))
		decoder.DisallowUnknownFields()
		if err = decoder.Decode(&asked); err == nil {
			if _, err := decoder.Token(); errors.Is(err, io.EOF) {
				return asked, nil
			}
		}
	}
	return LookupAsked{}, problem.New(problem.Malformed, `the body must be {"nik":"…"}`)
}

// getLookups streams who asked for whom.
func (a *API) getLookups(w *reply, r *http.Request) {
	if _, err := parseParameters(r.URL.RawQuery); err != nil {
		w.fail(r, err)
		return
	}
	out := newLines(w)
	err := a.ledger.Lookups(r.Context(), func(l lookups.Lookup) error { return out.write(l) })
	out.end(r, err)
}
