package coverage_test

import (
	"encoding/json"
	"testing"

	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections"
	"cakupan/projections/coverage"
	"cakupan/projections/projtest"
)

// TestDamages damages the file; see [projtest.Damages].
func TestDamages(t *testing.T) {
	if testing.Short() {
		t.Skip("long in one goroutine")
	}
	projtest.Damages(t, projections.StagedKind[*coverage.Projection, coverage.Batch](
		coverage.Name, coverage.NewSmall), askCoverage)
}

// askCoverage asks for all that readers can ask for, as known at some places up to k.
func askCoverage(kept projections.Kept, k eventstore.Sequence) (string, error) {
	p, _ := projections.Answers[*coverage.Projection](kept)
	v := p.View()
	text, err := v.Digest(k)
	var days []temporal.Date
	for day := temporal.Date(18_000); day < 19_000; day += 90 {
		days = append(days, day)
	}
	add := func(answer any, failed error) {
		if err == nil {
			err = failed
		}
		line, _ := json.Marshal(answer)
		text += "\n" + string(line)
	}
	for known := eventstore.Sequence(1); known <= k && err == nil; known += 23 {
		for _, code := range []region.Code{region.Nation, 75, 7503, 7101} {
			q := coverage.Query{Region: code, Known: known}
			for _, q.On = range days {
				answer, err := v.Answer(q)
				add(answer, err)
			}
			points, err := v.Series(q, days)
			add(points, err)
		}
		at, failed := v.RecordedAt(known)
		add(at, failed)
		before, failed := v.KnownAt(at)
		add(before, failed)
		add(v.Regions(known), nil)
	}
	return text, err
}
