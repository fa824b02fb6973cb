package httpapi

import (
	"context"
	"net/http"

	"cakupan/domain/figures"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/eventstore/lookups"
	"cakupan/projections/coverage"
	"cakupan/projections/difference"
)

// Difference is why two figures differ.
type Difference struct {
	From    coverage.Answer    `json:"from"`
	To      coverage.Answer    `json:"to"`
	Steps   [2]difference.Step `json:"steps"`
	Percent *Points            `json:"percent"` // null where a workforce is missing
}

// Points are how many of the points of the percentage are due to the numerator and how many to the
// denominator.
type Points struct {
	Numerator   string `json:"numerator"`
	Denominator string `json:"denominator"`
}

// differenceQuery is what GET /v1/difference asks.
type differenceQuery struct {
	from, to coverageQuery
	workers  bool
}

// parseDifference reads the query of GET /v1/difference. What the second figure is not said to
// have, it has from the first one.
func parseDifference(raw string, today temporal.Date) (differenceQuery, error) {
	p, err := parseParameters(raw, "region", "on", "known", "to_on", "to_known", "indicator",
		"workers", "min_seq")
	if err != nil {
		return differenceQuery{}, err
	}
	q := differenceQuery{workers: p.flag("workers"), from: coverageQuery{
		regions: []region.Code{p.region(region.Nation)}, on: p.date("on", today),
		known: p.knowledge("known"), indicator: p.indicator(), minSeq: p.sequence("min_seq", 0),
	}}
	q.to = q.from
	q.to.on = p.date("to_on", q.from.on)
	if p.has("to_known") {
		q.to.known = p.knowledge("to_known")
	}
	if !p.has("to_on") && !p.has("to_known") {
		p.fail("to_on", "must say of which other day the figure is, or to_known as known when")
	}
	return q, p.err()
}

// getDifference answers why two figures differ; with workers it streams who they were, the flows
// first. The flows say nothing of single people, and are not recorded as a read; the workers do.
func (a *API) getDifference(w *reply, r *http.Request) {
	q, err := parseDifference(r.URL.RawQuery, a.today())
	if err != nil {
		w.fail(r, err)
		return
	}
	answer, found, err := a.difference(r.Context(), w, q)
	if err == nil && q.workers {
		err = a.noteRead(w, r, lookups.Read{
			What: lookups.Compared, Of: ofFigure(&q.from, answer.From.Known.Sequence) + "; " +
				ofFigure(&q.to, answer.To.Known.Sequence),
		})
	}
	switch {
	case err != nil:
		w.fail(r, err)
		return
	case !q.workers:
		writeJSON(w, r, http.StatusOK, answer)
		return
	}
	out := newLines(w)
	err = out.write(answer)
	if err == nil {
		err = found.Workers(r.Context(), func(worker *difference.Worker) error {
			return out.write(worker)
		})
	}
	out.end(r, err)
}

// difference finds the flows between two figures. The facts must hold the later of the two
// knowledges; which is the first figure does not matter.
func (a *API) difference(ctx context.Context, w *reply, q differenceQuery,
) (answer Difference, found *difference.Difference, err error) {
	if answer.From, err = a.answer(ctx, q.from); err != nil {
		return answer, nil, err
	}
	if q.to.known == q.from.known { // the log may have grown since
		q.to.known = knowledge{sequence: answer.From.Known.Sequence}
	}
	if answer.To, err = a.answer(ctx, q.to); err != nil {
		return answer, nil, err
	}
	from, to := answer.From.Known.Sequence, answer.To.Known.Sequence
	source, err := a.ledger.Facts(ctx, max(from, to))
	if err == nil {
		err = w.work.begin()
	}
	if err != nil {
		return answer, nil, err
	}
	found, err = difference.Find(ctx, source, difference.Query{
		Region: q.from.regions[0],
		From:   difference.Point{On: q.from.on, Known: from},
		To:     difference.Point{On: q.to.on, Known: to},
	})
	if err != nil {
		return answer, nil, err
	}
	answer.Steps = found.Steps
	if answer.From.Percent != nil && answer.To.Percent != nil {
		answer.Percent = &Points{}
		answer.Percent.Numerator, answer.Percent.Denominator = figures.Points(
			figures.Share{Covered: answer.From.Covered, Workforce: answer.From.Workforce.Count},
			figures.Share{Covered: answer.To.Covered, Workforce: answer.To.Workforce.Count})
	}
	return answer, found, nil
}
