package httpapi

import (
	"context"
	"net/http"

	"cakupan/domain/region"
	"cakupan/eventstore"
	"cakupan/projections/coverage"
	"cakupan/projections/funding"
)

// KnownLine is the first line of an answer of lines: what it rests on.
type KnownLine struct {
	Known coverage.Known `json:"known"`
}

// FundingEnd is the last line about commitments: without it, the answer was cut off.
type FundingEnd struct {
	Commitments int64 `json:"commitments"`
}

// fundingQuery is what GET /v1/funding asks.
type fundingQuery struct {
	funding.Query

	known  knowledge
	minSeq eventstore.Sequence
}

// parseFunding reads the query of GET /v1/funding. Left out, commitment, funder and year are all.
func parseFunding(raw string) (fundingQuery, error) {
	p, err := parseParameters(raw, "commitment", "funder", "year", "known", "min_seq")
	if err != nil {
		return fundingQuery{}, err
	}
	q := fundingQuery{known: p.knowledge("known"), minSeq: p.sequence("min_seq", 0)}
	q.Commitment = p.key("commitment")
	if p.has("funder") {
		q.Funder = p.regionOf("funder", region.Nation)
	}
	const yearMax = 9999
	if p.has("year") {
		if q.Year = int64(p.sequence("year", 0)); q.Year < 1 || q.Year > yearMax {
			p.fail("year", "must be a fiscal year, 1 to 9999")
		}
	}
	return q, p.err()
}

// getFunding streams what was committed, granted, disbursed and covered. Lines are sent as they are
// reckoned; an error after the first is the last line, and the end is missing then.
func (a *API) getFunding(w *reply, r *http.Request) {
	q, err := parseFunding(r.URL.RawQuery)
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
	if err != nil {
		w.fail(r, err)
		return
	}
	q.Known = known.Sequence
	out, n := newLines(w), int64(0)
	if err = out.write(KnownLine{known}); err == nil {
		err = funding.Each(r.Context(), source, a.ledger, q.Query, func(l *funding.Line) error {
			n++
			return out.write(l)
		})
	}
	if err == nil {
		err = out.write(FundingEnd{n})
	}
	out.end(r, err)
}

// known returns the knowledge that is asked for, up to the end of what is applied. Of an empty log
// it is sequence 0 and no time. It is fixed before anything is sent, so that the first line says
// what all of the answer rests on.
func (a *API) known(ctx context.Context, k knowledge, minSeq eventstore.Sequence,
) (known coverage.Known, err error) {
	view, sequence, err := a.view(ctx, k, minSeq)
	if err != nil {
		return known, err
	}
	if known.Sequence = min(sequence, view.Known()); known.Sequence == 0 {
		return known, nil
	}
	at, err := view.RecordedAt(known.Sequence)
	text := at.String()
	known.RecordedAt = &text
	return known, err
}
