package httpapi

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"runtime"

	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/eventstore/lookups"
	"cakupan/projections/coverage"
	"cakupan/projections/explain"
)

// Explained is the first line of an explanation.
type Explained struct {
	Answer coverage.Answer `json:"answer"`
}

// ExplainedEnd is the last line of an explanation: without it, it was cut off.
type ExplainedEnd struct {
	Workers int64 `json:"workers"`
}

// explainQuery is what GET /v1/explain asks.
type explainQuery struct {
	coverageQuery
	of explain.Of
}

// parseExplain reads the query of GET /v1/explain.
func parseExplain(raw string, today temporal.Date) (explainQuery, error) {
	p, err := parseParameters(raw, "region", "on", "known", "indicator", "of", "min_seq")
	if err != nil {
		return explainQuery{}, err
	}
	q := explainQuery{of: p.of(), coverageQuery: coverageQuery{
		regions: []region.Code{p.region(region.Nation)}, on: p.date("on", today),
		known: p.knowledge("known"), indicator: p.indicator(), minSeq: p.sequence("min_seq", 0),
	}}
	return q, p.err()
}

// of reads which figure is to be explained: the covered unless it says otherwise.
func (p *parameters) of() explain.Of {
	if !p.has("of") {
		return explain.Covered
	}
	of, ok := explain.ParseOf(p.values.Get("of"))
	if !ok {
		p.fail("of", "must be covered, confirmed or inGrace")
	}
	return of
}

// getExplain streams who makes a figure up. What goes wrong after the first line is the last line.
// The number of workers is that of the figure in the first line, because facts and figure are of
// the same knowledge; who does not find the last line has not got all.
func (a *API) getExplain(w *reply, r *http.Request) {
	q, err := parseExplain(r.URL.RawQuery, a.today())
	if err != nil {
		w.fail(r, err)
		return
	}
	answer, err := a.answer(r.Context(), q.coverageQuery)
	if err != nil {
		w.fail(r, err)
		return
	}
	source, err := a.ledger.Facts(r.Context(), answer.Known.Sequence)
	if err == nil {
		err = a.noteRead(w, r, lookups.Read{
			What: lookups.Explained, Of: ofFigure(&q.coverageQuery, answer.Known.Sequence),
		})
	}
	if err != nil {
		w.fail(r, err)
		return
	}
	out := newLines(w)
	var n int64
	if err = out.write(Explained{answer}); err == nil {
		n, err = explain.Workers(r.Context(), source, explain.Query{
			Region: q.regions[0], On: q.on, Known: answer.Known.Sequence, Of: q.of,
		}, func(worker *explain.Worker) error { return out.write(worker) })
	}
	if err == nil {
		err = out.write(ExplainedEnd{n})
	}
	out.end(r, err)
}

// answer answers about one region, as known at the end of what is applied at the most.
func (a *API) answer(ctx context.Context, q coverageQuery) (coverage.Answer, error) {
	view, known, err := a.view(ctx, q.known, q.minSeq)
	if err != nil {
		return coverage.Answer{}, err
	}
	return view.Answer(coverage.Query{
		Region: q.regions[0], On: q.on, Known: known, Indicator: q.indicator,
	})
}

// lines is an answer of one JSON value a line. It is used by one goroutine, and buffers: what is
// written is with the client after end, or once 64 KiB are full.
type lines struct {
	w       *reply
	out     *bufio.Writer
	encoder *json.Encoder
	written int
}

// Nothing is sent before the first line, so an error until then is an answer of its own.
func newLines(w *reply) *lines {
	w.Header().Set("Content-Type", streamType)
	l := &lines{w: w, out: bufio.NewWriterSize(w, 64<<10)}
	l.encoder = json.NewEncoder(l.out)
	l.encoder.SetEscapeHTML(false)
	return l
}

// write writes a line. It returns errGone when nobody takes it, and another error when whoever
// reads may not read on.
func (l *lines) write(value any) error {
	err := l.next()
	if err == nil && l.encoder.Encode(value) != nil {
		err = errGone
	}
	return err
}

// writeLine writes a line that is JSON already, without its end. It fails as write does.
func (l *lines) writeLine(line []byte) error {
	err := l.next()
	if err != nil {
		return err
	}
	if _, err = l.out.Write(line); err == nil {
		err = l.out.WriteByte('\n')
	}
	if err != nil {
		return errGone
	}
	return nil
}

// next counts a line, and fails when whoever reads may not read on.
func (l *lines) next() error {
	if err := l.w.work.begin(); err != nil {
		return errGone
	}
	if l.written%yieldEvery == yieldEvery-1 {
		runtime.Gosched()
	}
	if l.written++; l.written%stillEvery == 0 {
		return l.w.still()
	}
	return nil
}

// end sends what is left, and err as the last line if there is one. Call it once, with or without
// an error, and write nothing more.
func (l *lines) end(r *http.Request, err error) {
	if flushed := l.out.Flush(); flushed != nil || errors.Is(err, errGone) || err == nil {
		return
	}
	l.w.fail(r, err)
}
