package metrics

import (
	"context"
	"strconv"
	"sync"
	"time"

	"cakupan/cmd/internal/small"
	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections/coverage"
)

// regions answers about all regions for today. It answers anew when there are more events or
// another day: nothing else changes an answer. ledger and now are set once; mu guards what follows,
// which belongs to one answer: as known at which sequence, and on which day in Asia/Makassar. The
// zero value, with both set, has no answer yet.
type regions struct {
	ledger Ledger
	now    func() time.Time

	mu      sync.Mutex
	known   eventstore.Sequence
	on      temporal.Date
	answers []small.Answer
}

// get returns the answers; those of before while there is none anew. The result is shared and not
// changed. mu is held while all regions are answered for, so that the figures of one scrape make it
// work once. With an error it returns none, and a series that is missing shows as a gap: better
// than an old figure as a new one.
func (r *regions) get() []small.Answer {
	ctx, cancel := context.WithTimeout(context.Background(), askMost)
	defer cancel()
	today := temporal.Instant(r.now().UnixNano()).Date()
	r.mu.Lock()
	defer r.mu.Unlock()
	view, err := r.ledger.View(ctx, 0)
	if err != nil { // other figures say why
		return nil
	}
	if r.answers != nil && view.Known() == r.known && r.on == today {
		return r.answers
	}
	answers := []small.Answer{}
	for _, code := range view.Regions(coverage.Everything) {
		answer, err := view.Answer(coverage.Query{
			Region: code, On: today, Known: coverage.Everything, Indicator: event.Employed,
		})
		if err != nil {
			return nil
		}
		answers = append(answers, small.HideAnswer(answer))
	}
	r.known, r.on, r.answers = view.Known(), today, answers
	return answers
}

// followCoverage asks for today's figures of each region. Who reads metrics may be anybody who may
// look at a chart: small counts are hidden, and what there is no figure of is left out. All rest on
// one answer, and so on one knowledge.
func (m *Metrics) followCoverage(l Ledger, now func() time.Time) {
	all := &regions{ledger: l, now: now}
	ask := func(name, help string, number func(*small.Answer) (float64, bool)) {
		m.Ask(Figure{
			Name: name, Help: help, Label: "region",
			Values: func() map[string]float64 {
				values := map[string]float64{}
				answers := all.get()
				for i := range answers {
					if n, ok := number(&answers[i]); ok {
						values[answers[i].Region] = n
					}
				}
				return values
			},
		})
	}
	ask("cakupan_coverage_covered", "Workers who are covered today, by region.",
		func(a *small.Answer) (float64, bool) { return whole(a.Covered) })
	ask("cakupan_coverage_confirmed", "Of them, those for whom money was booked.",
		func(a *small.Answer) (float64, bool) { return whole(a.Confirmed) })
	ask("cakupan_coverage_percent", "Share of the workforce that is covered today, in percent.",
		func(a *small.Answer) (float64, bool) { return decimal(a.Percent) })
	ask("cakupan_coverage_target_percent", "The target that holds today, in percent.",
		func(a *small.Answer) (float64, bool) {
			if a.Target == nil {
				return 0, false
			}
			return decimal(&a.Target.Percent)
		})
}

// whole returns a count as a number; false when it is hidden or there is none.
func whole(n *int64) (float64, bool) {
	if n == nil {
		return 0, false
	}
	return float64(*n), true
}

// decimal returns a percentage, which is a decimal text, as a number; false when it is not known.
// What it loses by that is below what is shown.
func decimal(text *string) (float64, bool) {
	if text == nil {
		return 0, false
	}
	n, err := strconv.ParseFloat(*text, 64)
	return n, err == nil
}
