package ledger_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/ledger"
	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections/coverage"
	"cakupan/projections/effect"
)

// rowsOf makes events as lists bring them, about few people, and retractions of earlier ones.
func rowsOf(r *rand.Rand, round int, sent *[]string) (raw [][]byte) {
	id := func(kind string, n int) string { return fmt.Sprintf("%s%d", kind, r.IntN(n)) }
	earlier := slices.Clone(*sent) // no list takes back what it says itself
	for i := range 1 + r.IntN(8) {
		name := fmt.Sprintf("%d-%d", round, i)
		day := fmt.Sprintf("2021-%02d-%02d", 1+r.IntN(6), 1+r.IntN(28))
		kind, data := "enrolment.opened", ""
		switch r.IntN(8) {
		case 0, 1, 2:
			data = fmt.Sprintf(`{"enrolment":%q,"worker":%q,"region":%q,"segment":%q,"category":"OTHER",`+
				`"programmes":["JKK"],"payer":%q,"from":%q}`, id("e", 9), id("w", 6),
				[]string{"75.03", "75.71", "71.01"}[r.IntN(3)], []string{"PU", "BPU"}[r.IntN(2)],
				[]string{"APBD", "SELF", "EMPLOYER"}[r.IntN(3)], day)
		case 3:
			kind = "enrolment.terminated"
			data = fmt.Sprintf(`{"enrolment":%q,"until":%q,"reason":"OTHER"}`, id("e", 9), day)
		case 4, 5:
			kind = []string{"funding.granted", "contribution.credited"}[r.IntN(2)]
			from := 1 + r.IntN(6)
			commitment := ""
			if kind == "funding.granted" {
				commitment = fmt.Sprintf(`"commitment":%q,`, id("c", 3))
			}
			data = fmt.Sprintf(`{%s"enrolment":%q,"from":"2021-%02d","until":"2021-%02d"}`, commitment,
				id("e", 9), from, from+1+r.IntN(3))
		case 6:
			kind, data = "worker.died", fmt.Sprintf(`{"worker":%q,"on":%q}`, id("w", 9), day)
		default:
			if len(earlier) == 0 {
				continue
			}
			kind = "event.retracted"
			data = fmt.Sprintf(`{"source":"urn:t","id":%q,"reason":"x"}`,
				earlier[r.IntN(len(earlier))])
		}
		raw = append(raw, fmt.Appendf(nil, `{"specversion":"1.0","id":%q,"source":"urn:t",`+
			`"type":"id.cakupan.%s.v1","data":%s}`, name, kind, data))
		*sent = append(*sent, name)
	}
	return raw
}

// TestEffectIsWhatCoverageSays asks what rows would do, sends them, and asks what they have done:
// both say the same, and count as the coverage does before them and after.
func TestEffectIsWhatCoverageSays(t *testing.T) {
	ctx := t.Context()
	l, err := ledger.Open(ctx, ledger.Options{Dir: t.TempDir(), Create: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}()
	today, err := temporal.ParseDate("2022-01-01")
	if err != nil {
		t.Fatal(err)
	}
	covered := func(r effect.Region, on string, known eventstore.Sequence) (covered, confirmed int64) {
		t.Helper()
		view, err := l.View(ctx, known)
		if err != nil {
			t.Fatal(err)
		}
		code, _ := region.Parse(r.Region)
		day, err := temporal.ParseDate(on)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := view.Answer(coverage.Query{
			Region: code, On: day, Known: known, Indicator: event.Employed,
		})
		if err != nil {
			t.Fatal(err)
		}
		return answer.Covered, answer.Confirmed
	}
	var sent []string
	head := eventstore.Sequence(0)
	r := rand.New(rand.NewPCG(7, 7))
	for round := range 60 {
		raw := rowsOf(r, round, &sent)
		if len(raw) == 0 {
			continue
		}
		would, err := l.Effect(ctx, raw, intake.Options{}, 0, effect.Asked{Today: today})
		if err != nil {
			t.Fatal(err)
		}
		got, err := l.Submit(ctx, raw, intake.Options{})
		if err != nil || slices.ContainsFunc(got, func(r event.Receipt) bool {
			return r.Status != event.Appended
		}) {
			t.Fatalf("round %d: %v, %v", round, got, err)
		}
		did, err := l.Effect(ctx, raw, intake.Options{}, head+1, effect.Asked{Today: today})
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(would, did) {
			t.Fatalf("round %d: would be %+v\nis %+v\nof %s", round, would, did, raw)
		}
		before := head
		head = eventstore.Sequence(got[len(got)-1].Sequence)
		for _, region := range did.Regions {
			after, confirmed := covered(region, did.On, head)
			was, wasConfirmed := covered(region, did.On, before)
			c := region.Confirmed
			if region.Total != after || region.After-region.Before != after-was ||
				c.Total != confirmed || c.After-c.Before != confirmed-wasConfirmed {
				t.Errorf("round %d, %s on %s: %+v; the coverage was %d (%d) and is %d (%d)\nof %s",
					round, region.Region, did.On, region, was, wasConfirmed, after, confirmed, raw)
			}
		}
	}
}
