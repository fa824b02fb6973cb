package httpapi

import (
	"net/http"

	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections/coverage"
	"cakupan/projections/reconcile"
)

// Reconciled is how a published figure may have come about.
type Reconciled struct {
	Region   string              `json:"region"`
	Name     string              `json:"name"`
	On       string              `json:"on"`
	Known    coverage.Known      `json:"known"`
	Figure   string              `json:"figure"`
	Readings []reconcile.Reading `json:"readings"`
}

// The bounds of how many readings may be asked for.
const (
	readingsDefault = 10
	readingsMax     = 1_000
)

// reconcileQuery is what GET /v1/reconcile asks.
type reconcileQuery struct {
	reconcile.Query

	text   string // the figure as it was asked for
	known  knowledge
	minSeq eventstore.Sequence
}

// parseReconcile reads the query of GET /v1/reconcile. A percentage is kept as it was written,
// since 30 and 30.00 are not equally precise.
func parseReconcile(raw string, today temporal.Date) (reconcileQuery, error) {
	p, err := parseParameters(raw, "region", "on", "known", "percent", "count", "limit", "min_seq")
	if err != nil {
		return reconcileQuery{}, err
	}
	q := reconcileQuery{known: p.knowledge("known"), minSeq: p.sequence("min_seq", 0)}
	q.Region, q.On = p.region(region.Nation), p.date("on", today)
	q.Limit = int(min(p.sequence("limit", readingsDefault), readingsMax+1))
	if q.Limit < 1 || q.Limit > readingsMax {
		p.fail("limit", "must be 1 to 1000")
	}
	switch percent, count := p.has("percent"), p.has("count"); {
	case percent && count:
		p.fail("count", "and percent exclude each other: ask for one figure")
	case percent:
		q.text = p.values.Get("percent")
		if q.Figure, err = reconcile.Percent(q.text); err != nil {
			p.fail("percent", err.Error())
		}
	case count:
		q.text = p.values.Get("count")
		q.Figure = reconcile.Count(int64(min(p.sequence("count", 0), 1<<53-1)))
	default:
		p.fail("percent", "or count must say what was published")
	}
	return q, p.err()
}

// getReconcile searches for the ways of counting that give a published figure. None that fits is no
// error: the nearest come then, and say that they do not give it.
func (a *API) getReconcile(w *reply, r *http.Request) {
	q, err := parseReconcile(r.URL.RawQuery, a.today())
	if err != nil {
		w.fail(r, err)
		return
	}
	view, known, err := a.view(r.Context(), q.known, q.minSeq)
	if err != nil {
		w.fail(r, err)
		return
	}
	q.Known = known
	answer, err := view.Answer(coverage.Query{Region: q.Region, On: q.On, Known: known})
	if err == nil {
		err = w.work.begin()
	}
	if err != nil {
		w.fail(r, err)
		return
	}
	readings, err := reconcile.Find(r.Context(), view, q.Query)
	if err != nil {
		w.fail(r, err)
		return
	}
	if readings == nil {
		readings = []reconcile.Reading{} // an empty list, not null
	}
	writeJSON(w, r, http.StatusOK, Reconciled{
		Region: answer.Region, Name: answer.Name, On: answer.On, Known: answer.Known,
		Figure: q.text, Readings: readings,
	})
}
