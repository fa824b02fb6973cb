package coverage_test

import (
	"math/rand/v2"

	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
)

// Queries returns n queries about the history, the same for the same seed: regions of all
// levels, the days around those where something changes, every knowledge from the empty log to
// beyond its end.
func Queries(seed uint64, history []Recorded, n int) []query {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 71)), regencies: homes(history)}
	queries := make([]query, n)
	for i := range queries {
		queries[i] = query{
			Region: g.anyRegion(), On: g.queryDay(history), Known: g.known(history),
			Indicator: g.indicator(), By: g.dimensions(),
			Count: pick(g, "workers", "workers", "enrolments"),
		}
	}
	return queries
}

// homes returns the regencies that enrolments of the history name, as often as they do, and one
// more.
func homes(history []Recorded) []region.Code {
	homes := []region.Code{7503}
	for _, e := range history {
		if e.Type == event.EnrolmentOpened {
			homes = append(homes, e.Data.Region)
		}
	}
	return homes
}

// SeriesQueries returns n series of up to three months by day, or two years by month.
func SeriesQueries(seed uint64, history []Recorded, n int) []seriesQuery {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 73))}
	queries := make([]seriesQuery, n)
	for i, q := range Queries(seed, history, n) {
		from := max(g.anyDay(), must(parseDate("2019-10-01")))
		from = min(from, must(parseDate("2021-01-01")))
		queries[i] = seriesQuery{query: q, From: from, Monthly: g.IntN(2) == 0}
		queries[i].Until = from + temporal.Date(g.IntN(90))
		if queries[i].Monthly {
			queries[i].Until = from + temporal.Date(g.IntN(730))
		}
	}
	return queries
}

func (g *generator) known(history []Recorded) uint64 {
	if g.IntN(2) == 0 {
		return uint64(len(history))
	}
	return g.Uint64N(uint64(len(history)) + 3)
}

// queryDay returns a day at which an event changes something, or one beside it, or any.
func (g *generator) queryDay(history []Recorded) temporal.Date {
	if g.IntN(3) == 0 || len(history) == 0 {
		return g.anyDay()
	}
	edges := edgesOf(history[g.IntN(len(history))].Event)
	if len(edges) == 0 {
		return g.anyDay()
	}
	day := edges[g.IntN(len(edges))] + temporal.Date(g.IntN(3)-1)
	return max(must(parseDate("0001-01-01")), min(day, must(parseDate("9999-12-31"))))
}

// edgesOf returns the days on which the event can change an answer, the main one first.
func edgesOf(e event.Event) []temporal.Date {
	d := e.Data
	switch e.Type {
	case event.EnrolmentOpened, event.EnrolmentAmended, event.EnrolmentReinstated, event.TargetSet:
		return []temporal.Date{d.From}
	case event.EnrolmentTerminated:
		return []temporal.Date{d.Until}
	case event.WorkerDied:
		return []temporal.Date{d.On + 1}
	case event.WorkforcePublished:
		return []temporal.Date{d.Reference}
	case event.FundingGranted, event.ContributionCredited:
		if monthText(d.UntilMonth) == "9999-12" {
			return []temporal.Date{firstOf(d.FromMonth)}
		}
		return []temporal.Date{
			firstOf(d.FromMonth), firstOf(d.UntilMonth), firstOf(d.UntilMonth + graceMonths),
		}
	case event.FundingDisbursed:
		return []temporal.Date{firstOf(d.PaidMonths[0]), firstOf(d.PaidMonths[0] + 1)}
	case event.FundingRevoked, event.FundingClosed:
		return []temporal.Date{firstOf(d.FromMonth), firstOf(d.FromMonth + graceMonths)}
	default:
		return nil
	}
}

// dimensions returns some dimensions in some order, often none, often all.
func (g *generator) dimensions() []string {
	all := dimensionNames
	g.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	switch g.IntN(3) {
	case 0:
		return nil
	case 1:
		return all[:]
	default:
		return all[:g.IntN(len(all)+1)]
	}
}
