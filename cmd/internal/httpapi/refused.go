package httpapi

import (
	"bufio"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"unicode/utf8"

	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/eventstore/lookups"
)

// refusals returns what the ledger keeps of what it refused; one that keeps nothing is 404.
func (a *API) refusals() (intake.Refusals, error) {
	if kept, ok := a.ledger.(intake.Refusals); ok {
		return kept, nil
	}
	return nil, problem.New(problem.NotFound, "this ledger keeps nothing that was refused")
}

// getRefused streams what was refused. What goes wrong after the first line is the last line.
func (a *API) getRefused(w *reply, r *http.Request) {
	kept, which, err := a.parseRefused(r)
	if err != nil {
		w.fail(r, err)
		return
	}
	w.Header().Set("Content-Type", streamType)
	out := bufio.NewWriterSize(w, 64<<10)
	lines := 0
	ctx, stop := a.untilDrain(r)
	defer stop()
	err = kept.Refused(ctx, which, func(one intake.Refused) error {
		if lines++; lines%stillEvery == 0 {
			if err := w.still(); err != nil {
				return err
			}
		}
		line, err := json.Marshal(one)
		if err != nil {
			return err
		}
		_, _ = out.Write(line) // the writer keeps its first error
		if err := out.WriteByte('\n'); err != nil {
			return errGone
		}
		return nil
	})
	if flushed := out.Flush(); flushed != nil || errors.Is(err, errGone) {
		return
	}
	if err != nil {
		w.fail(r, a.drained(err, "go on from the last number, later"))
	}
}

// parseRefused reads the query of GET /v1/refused; without any, all are meant.
func (a *API) parseRefused(r *http.Request,
) (kept intake.Refusals, which intake.RefusedQuery, err error) {
	p, err := parseParameters(r.URL.RawQuery, "from", "publisher", "code", "before", "brief")
	if err != nil {
		return nil, which, err
	}
	which.Publisher, which.Code = p.values.Get("publisher"), event.Code(p.values.Get("code"))
	which.Brief = p.flag("brief")
	if which.Publisher != "" && event.CheckPublisher(which.Publisher) != "" {
		p.fail("publisher", "is no name of a publisher")
	}
	if p.has("from") {
		which.From, err = strconv.ParseUint(p.values.Get("from"), 10, 64)
		if err != nil {
			p.fail("from", "must be a number")
		}
	}
	if p.has("before") {
		which.Before, err = temporal.ParseInstant(p.values.Get("before"))
		if err != nil {
			p.fail("before", "must be a time, such as 2026-01-31T00:00:00Z")
		}
	}
	if err := p.err(); err != nil {
		return nil, which, err
	}
	kept, err = a.refusals()
	return kept, which, err
}

// refusedNumber reads the number in the path of a request without parameters.
func (a *API) refusedNumber(r *http.Request) (intake.Refusals, uint64, error) {
	if _, err := parseParameters(r.URL.RawQuery); err != nil {
		return nil, 0, err
	}
	return a.refusedAt(r)
}

// refusedAt reads the number in the path.
func (a *API) refusedAt(r *http.Request) (intake.Refusals, uint64, error) {
	number, err := strconv.ParseUint(r.PathValue("number"), 10, 64)
	if err != nil {
		return nil, 0, problem.New(problem.NotFound, "what was refused is known by a number")
	}
	kept, err := a.refusals()
	return kept, number, err
}

// getRefusedOne answers with one and its original, once it is recorded who looks. An auditor sees
// names of fields without their values: the values are for a steward who may settle it or an
// operator, and for the machine itself.
func (a *API) getRefusedOne(w *reply, r *http.Request) {
	kept, number, err := a.refusedNumber(r)
	var one intake.Refused
	if err == nil {
		one, err = kept.RefusedOne(r.Context(), number)
	}
	if err == nil {
		err = a.noteRead(w, r, readOf(lookups.Original, &one))
	}
	if err != nil {
		w.fail(r, err)
		return
	}
	if w.member != nil && one.Original != "" &&
		(w.member.Role == Auditor || a.maySettle(w.member, one.Publisher) != nil) {
		one.Original = namesOnly(one.Original)
	}
	writeJSON(w, r, http.StatusOK, one)
}

// readOf is what is read of one that was refused, or done with it.
func readOf(what lookups.Kind, one *intake.Refused) lookups.Read {
	return lookups.Read{
		What: what, Of: strconv.FormatUint(one.Number, 10) + " of " + one.Publisher,
	}
}

// settling reads which one is to be retried or dropped, and records who wants that and why, before
// it is done. A steward may from anywhere, what publishers of his regions have sent; whoever reads
// as an auditor, and anybody while the ledger is open, at the machine itself.
func (a *API) settling(w *reply, r *http.Request, what lookups.Kind) (kept intake.Refusals,
	number uint64, err error,
) {
	p, err := parseParameters(r.URL.RawQuery, "reason")
	if err != nil {
		return nil, 0, err
	}
	why := p.text("reason")
	if utf8.RuneCountInString(why) > reasonMax {
		p.fail("reason", "must have at most 300 characters")
	}
	if err := p.err(); err != nil {
		return nil, 0, err
	}
	if kept, number, err = a.refusedAt(r); err != nil {
		return nil, 0, err
	}
	steward := w.member != nil && 1<<w.member.Role&stewards != 0
	switch {
	case !steward:
		err = onlyHere(r)
	case saysNothing(why):
		err = problem.Query("reason", "is missing: what a steward does is recorded with why")
	}
	if err != nil {
		return nil, 0, err
	}
	one, err := kept.RefusedOne(r.Context(), number)
	if err == nil && steward {
		err = a.maySettle(w.member, one.Publisher)
	}
	if err != nil {
		return nil, 0, err
	}
	read := readOf(what, &one)
	read.Why = why
	return kept, number, a.noteRead(w, r, read)
}

// maySettle refuses a steward what was sent by a publisher of regions that are not his. Without
// regions it is an operator, who has no bounds. A publisher who is not one any more may have
// reported of anywhere, so only the nation's steward may decide.
func (a *API) maySettle(m *Member, publisher string) error {
	if len(m.Regions) == 0 {
		return nil
	}
	scope, err := a.config.Access.Scope(publisher)
	if err != nil {
		return err
	}
	own := event.Scope{Regions: m.Regions}
	if scope == nil && slices.Contains(m.Regions, region.Nation) ||
		scope != nil && !slices.ContainsFunc(scope.Regions, func(code region.Code) bool {
			return !own.HasRegion(code)
		}) {
		return nil
	}
	return problem.New(problem.Forbidden, "its publisher reports of regions that are not yours, or"+
		" is none any more: ask a steward of the nation")
}

// postRefused takes one in again. It is judged by what its publisher may report now, and appended
// as his. If we crash after that, it is a duplicate when it is retried again.
func (a *API) postRefused(w *reply, r *http.Request) {
	kept, number, err := a.settling(w, r, lookups.Retried)
	var receipts []event.Receipt
	if err == nil {
		receipts, err = kept.RetryRefused(r.Context(), number)
	}
	if err != nil {
		w.fail(r, err)
		return
	}
	a.tellRefused(w, r, "retried", number)
	writeJSON(w, r, http.StatusOK, intake.Masked(receipts))
}

// deleteRefused removes one. What it was cannot be had again; that it was dropped, by whom and why,
// stays recorded.
func (a *API) deleteRefused(w *reply, r *http.Request) {
	kept, number, err := a.settling(w, r, lookups.Dropped)
	if err == nil {
		err = kept.DropRefused(r.Context(), number)
	}
	if err != nil {
		w.fail(r, err)
		return
	}
	a.tellRefused(w, r, "dropped", number)
	writeJSON(w, r, http.StatusOK, map[string]uint64{"dropped": number})
}

// tellRefused tells the operator's log who retried or dropped something that was refused.
func (a *API) tellRefused(w *reply, r *http.Request, how string, number uint64) {
	by := "open ledger"
	if w.member != nil {
		by = w.member.Name
	}
	a.config.Log.LogAttrs(r.Context(), slog.LevelInfo, "refused entry settled",
		slog.Uint64("number", number), slog.String("how", how), slog.String("by", by))
}
