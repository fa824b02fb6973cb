package httpapi

import (
	"net/http"

	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/temporal"
	"cakupan/projections/effect"
)

// postEffect tells what events have done, or would do, to whoever may report them. It appends
// nothing. Events beyond its scope are judged as POST /v1/events would.
func (a *API) postEffect(w *reply, r *http.Request) {
	p, err := parseParameters(r.URL.RawQuery, "since", "on", "part")
	if err != nil {
		w.fail(r, err)
		return
	}
	since := p.sequence("since", 0)
	ask := effect.Asked{On: p.text("on"), Part: p.flag("part"), Today: a.today()}
	if _, err := temporal.ParseDate(ask.On); ask.On != "" && err != nil {
		p.fail("on", "must be a date, YYYY-MM-DD")
	}
	opts := intake.Options{DryRun: true}
	if err = p.err(); err == nil {
		err = confine(&opts, w.member)
	}
	if _, known := encodingOf(r.Header); err == nil && (!known || mediaType(r) != batchType) {
		err = problem.New(problem.MediaType, "send an array of events as "+batchType)
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
	if err := w.still(); err != nil { // the body may have taken its time
		w.failAdmit(r, err)
		return
	}
	report, err := a.ledger.Effect(r.Context(), work.events, opts, since, ask)
	if err != nil {
		w.fail(r, err)
		return
	}
	writeJSON(w, r, http.StatusOK, report)
}
