package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/eventstore"
	"cakupan/eventstore/lookups"
	"cakupan/projections/coverage"
	"cakupan/projections/findings"
)

// FindingsSummary is how many findings there are.
type FindingsSummary struct {
	Known  coverage.Known   `json:"known"`
	Counts []findings.Count `json:"counts"`
}

// ReceiptFindings is what a receipt has beside its own members when who sends asks for findings.
type ReceiptFindings struct {
	// Findings are the open ones that the event has raised or that rest on it; null when they are
	// not known yet.
	Findings []findings.Finding `json:"findings"`
}

// findingsQuery is what GET /v1/findings asks.
type findingsQuery struct {
	findings.Query
	known   knowledge
	minSeq  eventstore.Sequence
	summary bool
}

// parseFindings reads the query of GET /v1/findings. from and to narrow by the events of a finding,
// and known says as known when: two bounds of the same log.
func parseFindings(raw string) (findingsQuery, error) {
	p, err := parseParameters(raw, "code", "region", "worker", "enrolment", "commitment", "open",
		"from", "to", "known", "lang", "summary", "min_seq")
	if err != nil {
		return findingsQuery{}, err
	}
	q := findingsQuery{
		known: p.knowledge("known"), minSeq: p.sequence("min_seq", 0), summary: p.flag("summary"),
	}
	q.Query = findings.Query{
		Code: p.findingCode(), Region: p.region(region.Nation), Worker: p.key("worker"),
		Enrolment: p.key("enrolment"), Commitment: p.key("commitment"), Open: p.flag("open"),
		Language: p.language(),
	}
	if p.has("from") || p.has("to") {
		q.From, q.To = max(p.sequence("from", 1), 1), p.sequence("to", coverage.Everything)
		if q.To < q.From {
			p.fail("to", "is before from")
		}
	}
	return q, p.err()
}

// findingCode reads the code of a finding; 0 when it is left out, which is all.
func (p *parameters) findingCode() findings.Code {
	if !p.has("code") {
		return 0
	}
	code, ok := findings.ParseCode(p.values.Get("code"))
	if !ok {
		p.fail("code", "is no code of a finding: there are "+
			strings.Join(findings.CodeNames(), ", "))
	}
	return code
}

// language reads the language of words for people: Indonesian unless it says otherwise.
func (p *parameters) language() findings.Language {
	if !p.has("lang") {
		return findings.Indonesian
	}
	language, err := findings.ParseLanguage(p.values.Get("lang"))
	if err != nil {
		p.fail("lang", err.Error())
	}
	return language
}

// getFindings streams what the events contradict, or counts it. What goes wrong after the first
// line is the last line.
func (a *API) getFindings(w *reply, r *http.Request) {
	q, err := parseFindings(r.URL.RawQuery)
	if err != nil {
		w.fail(r, err)
		return
	}
	view, known, err := a.view(r.Context(), q.known, q.minSeq)
	if err != nil {
		w.fail(r, err)
		return
	}
	q.Known = min(known, view.Known())
	found, err := a.ledger.Findings(r.Context(), q.Known)
	if err != nil {
		w.fail(r, err)
		return
	}
	err = a.notePerson(w, r, lookups.Findings, q.Worker, q.Enrolment)
	if err == nil {
		err = w.work.begin()
	}
	if err != nil {
		w.fail(r, err)
		return
	}
	if q.summary {
		a.summarise(w, r, view, found, q.Query)
		return
	}
	out := newLines(w)
	err = found.Each(r.Context(), q.Query, func(f *findings.Finding) error {
		return out.write(f)
	})
	out.end(r, err)
}

// summarise answers how many findings there are, by code and region.
func (a *API) summarise(w *reply, r *http.Request, view *coverage.View,
	found *findings.Projection, q findings.Query,
) {
	counts, err := found.Summarise(r.Context(), q)
	answer := FindingsSummary{Counts: counts}
	if err == nil {
		answer.Known, err = view.Knowledge(q.Known)
	}
	if err != nil {
		w.fail(r, err)
		return
	}
	writeJSON(w, r, http.StatusOK, answer)
}

// isTold tells whether a publisher may be told of a finding: what is about a person, and no
// enrolment or commitment that his event names, would tell whom others have enrolled or reported
// dead, and so would what is of a region of others. Auditors are told all of them.
func isTold(f *findings.Finding, scope *event.Scope) bool {
	if scope == nil || scope.HasRegion(region.Nation) {
		return true
	}
	if f.Worker != "" && f.Enrolment == "" && f.Commitment == "" {
		return false
	}
	code, known := region.Parse(f.Region)
	return !known || scope.HasRegion(code)
}

// withFindings returns what is put into receipts whose sender asks for it: the findings of each
// event. It waits until they are known, within bounds; what is not known then is null. It is called
// once the events are durable, so an error of its own is none of the request. The lists are as many
// as the receipts.
func (a *API) withFindings(ctx context.Context, got []event.Receipt, opts *submission,
) []json.RawMessage {
	if !opts.findings {
		return nil
	}
	last := uint64(0)
	for i := range got {
		last = max(last, got[i].Sequence)
	}
	// The events are in the log, whatever goes wrong here, and their receipts count.
	found, err := a.ledger.Findings(ctx, eventstore.Sequence(last))
	if err != nil {
		found = nil
	}
	all := make([]json.RawMessage, len(got))
	for i := range got {
		one := ReceiptFindings{Findings: []findings.Finding{}}
		switch {
		case found == nil:
			one.Findings = nil
		case got[i].Sequence != 0:
			one.Findings, _ = found.Of(eventstore.Sequence(got[i].Sequence), opts.language)
			one.Findings = slices.DeleteFunc(one.Findings, func(f findings.Finding) bool {
				return !isTold(&f, opts.Scope)
			})
		}
		all[i], _ = json.Marshal(one) // texts and numbers always encode
	}
	return all
}
