package httpapi

import (
	"errors"
	"net/http"

	"cakupan/cmd/internal/problem"
	"cakupan/eventstore"
	"cakupan/eventstore/lookups"
	"cakupan/projections/history"
	"cakupan/projections/story"
)

// StoryEnd is the last line of a history: without it, the answer was cut off.
type StoryEnd struct {
	Events int64 `json:"events"`
}

// storyQuery is what GET /v1/history asks.
type storyQuery struct {
	about  history.Subject
	known  knowledge
	minSeq eventstore.Sequence
}

// parseStory reads the query of GET /v1/history. It takes no NIK: an address is written to logs on
// the way.
func parseStory(raw string) (storyQuery, error) {
	p, err := parseParameters(raw, "enrolment", "worker", "commitment", "known", "min_seq")
	if err != nil {
		return storyQuery{}, err
	}
	q := storyQuery{known: p.knowledge("known"), minSeq: p.sequence("min_seq", 0)}
	for _, kind := range []struct {
		name string
		kind history.Kind
	}{
		{"enrolment", history.Enrolment},
		{"worker", history.Worker},
		{"commitment", history.Commitment},
	} {
		if !p.has(kind.name) {
			continue
		}
		if q.about.Kind != 0 {
			p.fail(kind.name, "is one too many: ask for the history of one enrolment, worker or"+
				" commitment")
		}
		q.about = history.Subject{Kind: kind.kind, Name: p.key(kind.name)}
	}
	if q.about.Kind == 0 {
		p.fail("enrolment", "is missing: name an enrolment, a worker or a commitment; who has only"+
			" an identity number looks the worker up with POST /v1/lookups")
	}
	return q, p.err()
}

// read is the history as a read about people.
func (q *storyQuery) read() lookups.Read {
	read := lookups.Read{What: lookups.History}
	switch q.about.Kind {
	case history.Worker:
		read.Of, read.Worker = "worker "+q.about.Name, q.about.Name
	case history.Enrolment:
		read.Of = "enrolment " + q.about.Name
	case history.Commitment:
		read.Of = "commitment " + q.about.Name
	case history.List: // a list has no story: see GET /v1/lists/events
	}
	return read
}

// getStory streams the history of an enrolment, a worker or a commitment. What there is no event of
// is 404, and was recorded as read: that somebody asked is what counts.
func (a *API) getStory(w *reply, r *http.Request) {
	q, err := parseStory(r.URL.RawQuery)
	if err != nil {
		w.fail(r, err)
		return
	}
	known, err := a.known(r.Context(), q.known, q.minSeq)
	if err != nil {
		w.fail(r, err)
		return
	}
	source, err := a.ledger.Facts(r.Context(), known.Sequence)
	if err == nil {
		err = a.noteRead(w, r, q.read())
	}
	if err != nil {
		w.fail(r, err)
		return
	}
	out, n := newLines(w), int64(0)
	err = story.Each(r.Context(), source, a.ledger, story.Query{
		About: q.about, Known: known.Sequence,
	}, func(line *story.Line) error {
		if n++; n == 1 {
			if err := out.write(KnownLine{known}); err != nil {
				return err
			}
		}
		return out.write(line)
	})
	if errors.Is(err, story.ErrUnknown) {
		err = problem.New(problem.NotFound, "no event names "+q.about.Name+
			", as known at event "+known.Sequence.String())
	}
	if err == nil {
		err = out.write(StoryEnd{n})
	}
	out.end(r, err)
}
