package httpapi

import (
	"context"
	"io"
	"net/http"
	"time"

	"cakupan/cmd/internal/ledger"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/eventstore/lookups"
	"cakupan/projections/coverage"
)

// Figures are what a ledger has that can prove and publish its figures. All methods may be called
// at the same time.
type Figures interface {
	// Bundle writes what proves a figure; see package bundle.
	Bundle(ctx context.Context, f ledger.Figure, w io.Writer) error
	// Attest publishes a figure in the log, as known by all that is recorded.
	Attest(ctx context.Context, f ledger.Figure) (ledger.Attested, error)
}

// figures returns what the ledger has of that. A ledger that has none of it is 404.
func (a *API) figures() (Figures, error) {
	if kept, ok := a.ledger.(Figures); ok {
		return kept, nil
	}
	return nil, problem.New(problem.NotFound, "this ledger proves nothing")
}

// parseFigure reads the query of a figure that is to be proved or published. known are the names of
// further parameters: a published figure has no knowledge but all that is recorded.
func parseFigure(raw string, today temporal.Date, known ...string) (coverageQuery, error) {
	p, err := parseParameters(raw, append(known, "region", "on", "indicator")...)
	if err != nil {
		return coverageQuery{}, err
	}
	q := coverageQuery{
		regions: []region.Code{p.region(region.Nation)}, on: p.date("on", today),
		known: p.knowledge("known"), indicator: p.indicator(), minSeq: p.sequence("min_seq", 0),
	}
	return q, p.err()
}

// getBundle answers with a bundle. What goes wrong after it has begun is at its end, and then its
// checksum is not. The knowledge is fixed by the answer first, so that the bundle is of the events
// that the record names.
func (a *API) getBundle(w *reply, r *http.Request) {
	q, err := parseFigure(r.URL.RawQuery, a.today(), "known", "min_seq")
	var figures Figures
	if err == nil {
		figures, err = a.figures()
	}
	var answer coverage.Answer
	if err == nil {
		answer, err = a.answer(r.Context(), q)
	}
	if err == nil {
		err = a.noteRead(w, r, lookups.Read{
			What: lookups.Bundled, Of: ofFigure(&q, answer.Known.Sequence),
		})
	}
	if err == nil {
		err = w.work.begin()
	}
	if err != nil {
		w.fail(r, err)
		return
	}
	// The log is read before there is anything to send, however long it is.
	_ = w.control.SetWriteDeadline(time.Time{})
	w.Header().Set("Content-Type", bytesType)
	err = figures.Bundle(r.Context(), ledger.Figure{
		Region: q.regions[0], On: q.on, Known: answer.Known.Sequence, Indicator: q.indicator,
	}, w)
	if err != nil {
		w.fail(r, err)
	}
}

// postAttest publishes a figure, for the operator at the machine. It is for ever: a figure that was
// published stays in the log, also when what it rests on is taken back.
func (a *API) postAttest(w *reply, r *http.Request) {
	q, err := parseFigure(r.URL.RawQuery, a.today())
	var figures Figures
	if err == nil {
		figures, err = a.figures()
	}
	if err == nil {
		err = onlyHere(r)
	}
	var attested ledger.Attested
	if err == nil {
		attested, err = figures.Attest(r.Context(), ledger.Figure{
			Region: q.regions[0], On: q.on, Indicator: q.indicator,
		})
	}
	if err != nil {
		w.fail(r, err)
		return
	}
	writeJSON(w, r, http.StatusOK, attested)
}
