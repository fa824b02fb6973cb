package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"runtime"
	"strconv"

	"cakupan/cmd/internal/gzipped"
	"cakupan/cmd/internal/small"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections/coverage"
)

// getCoverage answers who is covered, as an array in the order of section 6 of the contract. The
// tag is compared before anything is counted, so an answer that the client has costs hardly
// anything.
func (a *API) getCoverage(w *reply, r *http.Request) {
	q, err := parseCoverage(r.URL.RawQuery, a.today())
	if err != nil {
		w.fail(r, err)
		return
	}
	view, known, err := a.view(r.Context(), q.known, q.minSeq)
	if err != nil {
		w.fail(r, err)
		return
	}
	if a.cached(w, r, view, q.known, known) {
		return
	}
	regions := q.regions
	if regions == nil {
		regions = view.Regions(known)
	}
	answers, err := answerAll(view, known, regions, q)
	if err != nil {
		w.fail(r, err)
		return
	}
	// What is hidden is hidden last, so that it cannot be had by another spelling of the question.
	if w.member.seesAll() {
		writeArray(w, r, answers)
		return
	}
	writeArray(w, r, mapped(answers, small.HideAnswer))
}

// mapped returns a new list of what change makes of each item.
func mapped[S, T any](items []S, change func(S) T) []T {
	changed := make([]T, len(items))
	for i := range items {
		changed[i] = change(items[i])
	}
	return changed
}

// answerAll answers about each of the regions, from one view: all figures of an answer are of the
// same knowledge, whatever is recorded meanwhile.
func answerAll(view *coverage.View, known eventstore.Sequence, regions []region.Code,
	q coverageQuery,
) ([]coverage.Answer, error) {
	answers := make([]coverage.Answer, len(regions))
	for i, code := range regions {
		var err error
		answers[i], err = view.Answer(coverage.Query{
			Region: code, On: q.on, Known: known, Indicator: q.indicator, By: q.by,
			Count: q.count,
		})
		if err != nil {
			return nil, err
		}
	}
	return answers, nil
}

// getSeries answers how the coverage of a region moved over days or months, all as known at one
// moment.
func (a *API) getSeries(w *reply, r *http.Request) {
	q, err := parseSeries(r.URL.RawQuery, a.today())
	if err != nil {
		w.fail(r, err)
		return
	}
	view, known, err := a.view(r.Context(), q.known, q.minSeq)
	if err != nil {
		w.fail(r, err)
		return
	}
	if a.cached(w, r, view, q.known, known) {
		return
	}
	text, err := a.series(w, r, view, coverage.Query{
		Region: q.region, Known: known, Indicator: q.indicator,
	}, q.days)
	if err != nil {
		w.fail(r, err)
		return
	}
	send(w, http.StatusOK, text)
}

// series answers for each of the days. A long one has its turn, which ends before the answer is
// sent: to read it may take a client long. A short one does not queue: it is about as dear as one
// answer.
func (a *API) series(w *reply, r *http.Request, view *coverage.View, q coverage.Query,
	days []temporal.Date,
) ([]byte, error) {
	if len(days) >= longPoints {
		leave, err := a.turn(r.Context(), w, a.pools.questions)
		if err != nil {
			return nil, err
		}
		defer leave()
	}
	points, err := view.Series(q, days)
	switch {
	case err != nil:
		return nil, err
	case w.member.seesAll():
		return arrayOf(points)
	}
	return arrayOf(mapped(points, small.HidePoint))
}

// view returns the coverage and the knowledge that is asked for, as a sequence.
//
// When the knowledge asked for may reach beyond what the projection has applied, it waits for the
// end of the log: the answer about a moment of the past must not depend on how far behind the
// projection happens to be. The sequence is [coverage.Everything] when nothing was asked for.
// minSeq is waited for beside that, up to the bound of [Ledger].View; an error is a problem that
// says how far the projection is, and an old answer is never given for a new one (contract, section
// 7).
func (a *API) view(ctx context.Context, k knowledge, minSeq eventstore.Sequence,
) (*coverage.View, eventstore.Sequence, error) {
	view, err := a.ledger.View(ctx, minSeq)
	if err != nil || !k.timed && k.sequence == coverage.Everything {
		return view, coverage.Everything, err
	}
	wanted := a.ledger.Health(ctx).Head
	if !k.timed {
		wanted = min(wanted, k.sequence)
	}
	known, err := sequenceOf(view, k)
	// Events recorded at the same moment as the last one applied may be yet to come, so a time
	// that takes in all of those applied may take in more.
	if err == nil && known >= view.Known() && wanted > view.Known() {
		if view, err = a.ledger.View(ctx, wanted); err == nil {
			known, err = sequenceOf(view, k)
		}
	}
	return view, known, err
}

// sequenceOf returns the knowledge as a sequence, as far as the view has it. A time is that of the
// last event recorded at or before it; before the first event it is 0, which is nothing known.
func sequenceOf(view *coverage.View, k knowledge) (eventstore.Sequence, error) {
	if k.timed {
		return view.KnownAt(k.at)
	}
	return k.sequence, nil
}

// writeArray answers with a JSON array, an element a line. So two answers can be compared line by
// line.
func writeArray[T any](w *reply, r *http.Request, items []T) {
	text, err := arrayOf(items)
	if err != nil {
		w.fail(r, err)
		return
	}
	send(w, http.StatusOK, text)
}

// yieldEvery is after how many items of an answer others have their turn at the processor.
const yieldEvery = 128

// arrayOf returns a JSON array, an element a line. Signs such as < stay as they are: people read
// the answer too, and its media type keeps a browser from taking it for a page.
func arrayOf[T any](items []T) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	separator := "["
	for i := range items {
		b.WriteString(separator)
		if i%yieldEvery == yieldEvery-1 {
			runtime.Gosched()
		}
		if err := encoder.Encode(&items[i]); err != nil {
			return nil, err
		}
		b.Truncate(b.Len() - len("\n")) // the encoder's
		separator = ",\n"
	}
	if len(items) == 0 {
		b.WriteString(separator)
	}
	b.WriteString("]\n")
	return b.Bytes(), nil
}

// send answers with a whole body of JSON. The length is known, so a client sees when an answer was
// cut off.
func send(w *reply, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	if w.packs {
		if packed := gzipped.Pack(body); packed != nil {
			w.Header().Set("Content-Encoding", gzipped.Encoding)
			body = packed
		}
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	// Whoever asked may be gone, and then there is nobody to tell.
	_, _ = w.Write(body)
}
