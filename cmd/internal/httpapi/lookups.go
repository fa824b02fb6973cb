package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"

	"cakupan/cmd/internal/problem"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
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

// postLookup answers who a NIK is, once it is recorded who asked. A NIK that the vault does not
// know is 404, and recorded all the same. A crash between the record and the answer leaves a record
// of an answer that nobody got: never the other way round.
func (a *API) postLookup(w *reply, r *http.Request) {
	asked, err := readLookup(w, r)
	if err != nil {
		w.fail(r, err)
		return
	}
	worker, err := a.ledger.LookUp(r.Context(), asked.NIK, w.who(), a.now())
	if err != nil {
		w.fail(r, err)
		return
	}
	writeJSON(w, r, http.StatusOK, LookupFound{worker})
}

// readLookup reads the body. What is wrong with it is told without showing any of it. The body is
// bounded by far more than a NIK takes.
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

// getLookups streams who asked for whom. They are the look-ups among all reads, in the order of
// their record.
func (a *API) getLookups(w *reply, r *http.Request) {
	if _, err := parseParameters(r.URL.RawQuery); err != nil {
		w.fail(r, err)
		return
	}
	out := newLines(w)
	err := a.ledger.Reads(r.Context(), func(read lookups.Read) error {
		l, is := read.Lookup()
		if !is {
			return nil
		}
		return out.write(l)
	})
	out.end(r, err)
}

// getReads streams who read what about people. All are read and those asked for are sent: what was
// read about people is asked for seldom.
func (a *API) getReads(w *reply, r *http.Request) {
	p, err := parseParameters(r.URL.RawQuery, "who", "what", "worker")
	var who, worker string
	var what lookups.Kind
	if err == nil {
		who, worker, what = p.text("who"), p.key("worker"), p.readKind()
		err = p.err()
	}
	if err != nil {
		w.fail(r, err)
		return
	}
	out := newLines(w)
	err = a.ledger.Reads(r.Context(), func(read lookups.Read) error {
		if who != "" && read.Who != who || worker != "" && read.Worker != worker ||
			what != "" && read.What != what {
			return nil
		}
		return out.write(read)
	})
	out.end(r, err)
}

// readKind reads the kind of a read; "" is all.
func (p *parameters) readKind() lookups.Kind {
	kind := lookups.Kind(p.values.Get("what"))
	if p.has("what") && !slices.Contains(lookups.Kinds(), kind) {
		p.fail("what", fmt.Sprintf("must be one of %v", lookups.Kinds()))
	}
	return kind
}

// who names who asks, in records: "" is somebody at the machine of an open ledger.
func (w *reply) who() string {
	if w.member == nil {
		return ""
	}
	return w.member.Name
}

// now is the moment it is.
func (a *API) now() temporal.Instant { return temporal.Instant(a.config.Now().UnixNano()) }

// noteRead records what is read about people, before the first of it is sent. Its error is the
// answer: what cannot be recorded is not read (contract, section 8).
func (a *API) noteRead(w *reply, r *http.Request, read lookups.Read) error {
	read.Who = w.who()
	return a.ledger.NoteRead(r.Context(), a.now(), &read)
}

// ofFigure says which figure was read.
func ofFigure(q *coverageQuery, known eventstore.Sequence) string {
	return fmt.Sprintf("%s on %s, known %s", q.regions[0], q.on, known)
}

// notePerson records that somebody reads about one worker or enrolment; a question about neither is
// not recorded.
func (a *API) notePerson(w *reply, r *http.Request, what lookups.Kind, worker, enrolment string,
) error {
	switch {
	case worker != "":
		return a.noteRead(w, r, lookups.Read{What: what, Of: "worker " + worker, Worker: worker})
	case enrolment != "":
		return a.noteRead(w, r, lookups.Read{What: what, Of: "enrolment " + enrolment})
	}
	return nil
}
