package ledger_test

import (
	"fmt"
	"testing"

	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/ledger"
	"cakupan/cmd/internal/ledgertest"
	"cakupan/domain/event"
)

// TestRights has a publisher of one region speak for the people of another, in each way there is.
func TestRights(t *testing.T) {
	l, err := ledger.Open(t.Context(), ledger.Options{Dir: t.TempDir(), Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	s := &ledgertest.Saying{T: t, To: l}
	a, b := ledgertest.Publisher(t, "bone", "75.03"), ledgertest.Publisher(t, "kota", "75.71")
	commitment := func(code string) string {
		return `"commitment":"c-` + code + `","funder":"` + code + `","funding":"APBD",` +
			`"fiscalYear":2021,"heads":10,"months":12,"tariff":16800,"ceiling":2016000,` +
			`"from":"2021-01","until":"2022-01"`
	}
	granted := `"commitment":"c-75.03","enrolment":"ea","from":"2021-01","until":"2022-01"`
	for _, own := range []struct {
		by         *event.Scope
		kind, data string
	}{
		{a, "enrolment.opened", ledgertest.Opening("ea", "wa", "75.03")},
		{b, "enrolment.opened", ledgertest.Opening("eb", "wb", "75.71")},
		{a, "funding.committed", commitment("75.03")},
		{b, "funding.committed", commitment("75.71")},
		{a, "funding.granted", granted},
	} {
		if got := s.Say(own.by, own.kind, own.data); got != "appended" {
			t.Fatalf("%s of one's own: %s", own.kind, got)
		}
	}
	// Of a person he must not be told whether the ledger knows him: these are taken in, and have no
	// effect.
	silent := map[string]bool{
		`"worker":"wa","on":"2021-03-01"`: true,
		`"worker":"wb","into":"wa"`:       true,
		`"worker":"wa","into":"wb"`:       true,
	}
	ways := []struct{ kind, data string }{
		{"enrolment.terminated", `"enrolment":"ea","until":"2021-06-01","reason":"OTHER"`},
		{"enrolment.reinstated", `"enrolment":"ea","from":"2021-06-01"`},
		{"enrolment.amended", `"enrolment":"ea","from":"2021-06-01","region":"75.71"`},
		{"enrolment.amended", `"enrolment":"ea","from":"2021-06-01","payer":"SELF"`},
		{"enrolment.opened", ledgertest.Opening("ea", "wb", "75.71")},
		{"worker.died", `"worker":"wa","on":"2021-03-01"`},
		{"worker.merged", `"worker":"wb","into":"wa"`},
		{"worker.merged", `"worker":"wa","into":"wb"`},
		{"contribution.credited", `"enrolment":"ea","from":"2020-01","until":"2020-02"`},
		{"funding.committed", `"commitment":"c-75.03",` + commitment("75.71")[len(`"commitment":"c-75.71",`):]},
		{"funding.amended", `"commitment":"c-75.03","heads":0`},
		{"funding.granted", `"commitment":"c-75.03","enrolment":"eb","from":"2021-01","until":"2021-02"`},
		{"funding.granted", `"commitment":"c-75.71","enrolment":"ea","from":"2021-01","until":"2021-02"`},
		{"funding.revoked", `"commitment":"c-75.03","enrolment":"ea","from":"2021-01"`},
		{"funding.disbursed", `"commitment":"c-75.03","amount":1,"paidOn":"2021-02-01","months":["2021-01"],"reference":""`},
		{"funding.closed", `"commitment":"c-75.03","from":"2021-01","reason":""`},
	}
	view, err := l.View(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	before := ledgertest.FiguresOf(t, view, a.Regions[0])
	if before[2][0] != 1 {
		t.Fatal(before)
	}
	for _, way := range ways {
		s.N++
		id := fmt.Sprintf("%d", s.N)
		for _, opts := range []intake.Options{{DryRun: true}, {Atomic: true}, {}} {
			got := s.Send(b, opts, id, way.kind, way.data)
			want := event.Status(event.Forbidden)
			switch {
			case silent[way.data] && !opts.DryRun && !opts.Atomic: // the atomic one was before
				want = event.Duplicate
			case silent[way.data]:
				want = event.Appended
			}
			if got != string(want) {
				t.Errorf("%s %s: %s", way.kind, way.data, got)
			}
		}
	}
	if view, err = l.View(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	if got := ledgertest.FiguresOf(t, view, a.Regions[0]); got != before {
		t.Errorf("it was %v, it is %v", before, got)
	}
	// What is one's own may be changed, and what nobody knows be reported.
	for _, own := range []struct {
		by         *event.Scope
		kind, data string
	}{
		{a, "enrolment.terminated", `"enrolment":"ea","until":"2021-06-01","reason":"OTHER"`},
		{b, "worker.died", `"worker":"wb","on":"2021-03-01"`},
		{a, "funding.closed", `"commitment":"c-75.03","from":"2021-09","reason":""`},
		{b, "enrolment.terminated", `"enrolment":"new","until":"2021-06-01","reason":"OTHER"`},
		{
			ledgertest.Publisher(t, "gorontalo", "75"), "enrolment.amended",
			`"enrolment":"ea","from":"2021-02-01","region":"75.71"`,
		},
		{b, "contribution.credited", `"enrolment":"ea","from":"2021-02","until":"2021-03"`},
		{a, "enrolment.reinstated", `"enrolment":"ea","from":"2021-07-01"`},
	} {
		if got := s.Say(own.by, own.kind, own.data); got != "appended" {
			t.Errorf("%s %s: %s", own.kind, own.data, got)
		}
	}
	if got := s.Send(a, intake.Options{}, "1", "enrolment.opened", ledgertest.Opening("ea", "wa", "75.03")); got != "duplicate" {
		t.Errorf("what was appended, again: %s", got)
	}
}
