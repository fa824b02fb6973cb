package rights_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"cakupan/cmd/internal/excerpt"
	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/ledgertest"
	"cakupan/domain/event"
)

// said is an event as a test says it: its type and what stands between the braces of its data.
type said struct{ kind, data string }

// TestRightsEarly has a publisher speak of another's people, in each way there is, before they are
// known: it is accepted, and changes nothing of them once they are.
func TestRightsEarly(t *testing.T) {
	own := []said{
		{"enrolment.opened", ledgertest.Opening("ea", "wa", "75.03")},
		{"funding.committed", ledgertest.Committing("ca", "75.03")},
		{"funding.granted", `"commitment":"ca","enrolment":"ea","from":"2021-01","until":"2022-01"`},
		{"funding.disbursed", `"commitment":"ca","amount":1,"paidOn":"2021-02-01",` +
			`"months":["2021-01"],"reference":""`},
	}
	others := slices.Clone(own)
	slices.Reverse(others)
	// The grant before what it is of, and the enrolment before the commitment.
	third := []said{own[2], own[0], own[3], own[1]}
	want := afterEarly(t, nil, own) // the same in each order
	if want[2] == ([4]int64{}) {
		t.Fatal("nobody is covered: the test shows nothing")
	}
	for name, early := range map[string][]said{
		"termination":   {{"enrolment.terminated", `"enrolment":"ea","until":"2021-02-01","reason":"OTHER"`}},
		"reinstatement": {{"enrolment.reinstated", `"enrolment":"ea","from":"2020-06-01"`}},
		"move":          {{"enrolment.amended", `"enrolment":"ea","from":"2021-02-01","region":"75.71"`}},
		"payer":         {{"enrolment.amended", `"enrolment":"ea","from":"2021-02-01","payer":"SELF"`}},
		"credit":        {{"contribution.credited", `"enrolment":"ea","from":"2021-01","until":"2022-06"`}},
		"grant":         {{"funding.granted", `"commitment":"cb","enrolment":"ea","from":"2022-01","until":"2023-01"`}},
		"own commitment": {
			{"funding.committed", ledgertest.Committing("cb", "75.71")},
			{"funding.granted", `"commitment":"cb","enrolment":"ea","from":"2022-01","until":"2023-01"`},
		},
		"revocation": {{"funding.revoked", `"commitment":"ca","enrolment":"ea","from":"2021-01"`}},
		"closure":    {{"funding.closed", `"commitment":"ca","from":"2021-01","reason":""`}},
		"payment": {{"funding.disbursed", `"commitment":"ca","amount":1,"paidOn":"2021-02-01",` +
			`"months":["2021-02","2021-05"],"reference":""`}},
		"death": {{"worker.died", `"worker":"wa","on":"2021-01-15"`}},
		"death of somebody merged": {
			{"worker.merged", `"worker":"wx","into":"wa"`},
			{"worker.died", `"worker":"wx","on":"2021-01-15"`},
		},
		"death of somebody merged twice": {
			{"worker.merged", `"worker":"wy","into":"wx"`},
			{"worker.merged", `"worker":"wa","into":"wy"`},
			{"worker.died", `"worker":"wx","on":"2021-01-15"`},
		},
	} {
		for order, events := range map[string][]said{
			"in order": own, "backwards": others, "grant first": third,
		} {
			t.Run(name+" "+order, func(t *testing.T) {
				t.Parallel()
				if got := afterEarly(t, early, events); got != want {
					t.Errorf("without it %v, with it %v", want, got)
				}
			})
		}
	}
}

// afterEarly returns the figures of a publisher's region when another one has spoken before him.
func afterEarly(t *testing.T, early, own []said) ledgertest.Figures {
	t.Helper()
	a, b := ledgertest.Publisher(t, "bone", "75.03"), ledgertest.Publisher(t, "kota", "75.71")
	l := ledgertest.New(t)
	l.Join(a, b)
	s := &ledgertest.Saying{T: t, To: l}
	for _, e := range early {
		if status := s.Say(b, e.kind, e.data); status != "appended" {
			t.Fatalf("%s of what nobody knows: %s", e.kind, status)
		}
	}
	for _, e := range own {
		if status := s.Say(a, e.kind, e.data); status != "appended" {
			t.Fatalf("%s of one's own: %s", e.kind, status)
		}
	}
	view, err := l.View(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	return ledgertest.FiguresOf(t, view, a.Regions[0])
}

// TestRightsEarlyTold: what is taken back is in the log, in front of what made it known, by the
// ledger itself and with the reason; what its publisher has a right over stays.
func TestRightsEarlyTold(t *testing.T) {
	l := ledgertest.New(t)
	a, b := ledgertest.Publisher(t, "bone", "75.03"), ledgertest.Publisher(t, "kota", "75.71")
	l.Join(a, b, ledgertest.Publisher(t, "gorontalo", "75"))
	province, err := l.LastScope("gorontalo")
	if err != nil {
		t.Fatal(err)
	}
	s := &ledgertest.Saying{T: t, To: l}
	s.Say(b, "enrolment.terminated", `"enrolment":"ea","until":"2021-02-01","reason":"OTHER"`)
	s.Say(province, "enrolment.terminated", `"enrolment":"ea","until":"2021-06-01","reason":"OTHER"`)
	s.Say(a, "enrolment.amended", `"enrolment":"ea","from":"2021-03-01","payer":"SELF"`)
	if got := s.Send(a, intake.Options{Atomic: true}, "open", "enrolment.opened",
		ledgertest.Opening("ea", "wa", "75.03")); got != "appended" {
		t.Fatal(got)
	}
	if got := s.Send(a, intake.Options{}, "open", "enrolment.opened",
		ledgertest.Opening("ea", "wa", "75.03")); got != "duplicate" {
		t.Fatal(got)
	}
	var lines []string
	err = l.Reader.Events(t.Context(), excerpt.Filter{From: 4}, func(line []byte) error {
		lines = append(lines, string(line))
		return nil
	})
	if err != nil || len(lines) != 2 {
		t.Fatalf("%v: %q", err, lines)
	}
	for _, want := range []string{
		`cakupan.event.retracted.v1"`, `"source":"urn:cakupan:ledger:`, `"id":"1"`, `kota reported it before`,
	} {
		if !strings.Contains(lines[0], want) {
			t.Errorf("%s lacks %s", lines[0], want)
		}
	}
}

// TestRightsEarlyAmended: what was said of a commitment before it was known, and changes no figure,
// is taken back too; what its funder has said stays.
func TestRightsEarlyAmended(t *testing.T) {
	for _, first := range []said{
		{"funding.committed", ledgertest.Committing("ca", "75.03")},
		{"funding.granted", `"commitment":"ca","enrolment":"ea","from":"2021-01","until":"2022-01"`},
	} {
		l := ledgertest.New(t)
		a, b := ledgertest.Publisher(t, "bone", "75.03"), ledgertest.Publisher(t, "kota", "75.71")
		l.Join(a, b)
		s := &ledgertest.Saying{T: t, To: l}
		for _, e := range []struct {
			by *event.Scope
			said
		}{
			{a, said{"enrolment.opened", ledgertest.Opening("ea", "wa", "75.03")}},
			{b, said{"funding.amended", `"commitment":"ca","heads":0`}},
			{a, said{"funding.amended", `"commitment":"ca","heads":11`}},
			{b, said{"funding.amended", `"commitment":"cx","heads":0`}},
			{a, first},
		} {
			if got := s.Say(e.by, e.kind, e.data); got != "appended" {
				t.Fatalf("%s: %s", e.kind, got)
			}
		}
		var taken []string
		err := l.Reader.Events(t.Context(), excerpt.Filter{Type: event.EventRetracted},
			func(line []byte) error {
				taken = append(taken, string(line))
				return nil
			})
		if err != nil || len(taken) != 1 || !strings.Contains(taken[0], `"source":"urn:kota","id":"2"`) {
			t.Errorf("%s: %v %q", first.kind, err, taken)
		}
	}
}

// TestRightsAtOnce has a publisher speak of another's people at the moment they are reported: it is
// refused, or comes first and is taken back.
func TestRightsAtOnce(t *testing.T) {
	const people = 60
	l := ledgertest.New(t)
	a, b := ledgertest.Publisher(t, "bone", "75.03"), ledgertest.Publisher(t, "kota", "75.71")
	l.Join(a, b)
	submit := func(scope *event.Scope, i int, kind, data string) string {
		raw := fmt.Appendf(nil, `{"specversion":"1.0","id":"%d","source":"urn:%s",`+
			`"type":"id.cakupan.%s.v1","data":{%s}}`, i, scope.Publisher, kind, data)
		receipts, err := l.Submit(t.Context(), [][]byte{raw}, intake.Options{Scope: scope})
		switch {
		case err != nil:
			return err.Error()
		case receipts[0].Refusal != nil:
			return string(receipts[0].Refusal.Code)
		}
		return string(receipts[0].Status)
	}
	var wait sync.WaitGroup
	for i := range people {
		enrolment, worker := fmt.Sprintf("e%d", i), fmt.Sprintf("w%d", i)
		wait.Go(func() {
			got := submit(a, i, "enrolment.opened", strings.Replace(
				ledgertest.Opening(enrolment, worker, "75.03"), `"APBD"`, `"SELF"`, 1))
			if got != "appended" {
				t.Errorf("opening: %s", got)
			}
		})
		wait.Go(func() {
			kind, data := "worker.died", fmt.Sprintf(`"worker":%q,"on":"2021-01-15"`, worker)
			if i%2 == 0 {
				kind, data = "enrolment.terminated",
					fmt.Sprintf(`"enrolment":%q,"until":"2021-01-15","reason":"OTHER"`, enrolment)
			}
			if got := submit(b, i, kind, data); got != "appended" && got != "publisher.forbidden" {
				t.Errorf("%s: %s", kind, got)
			}
		})
	}
	wait.Wait()
	view, err := l.View(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	if got := ledgertest.FiguresOf(t, view, a.Regions[0])[2][0]; got != people {
		t.Errorf("%d of %d are covered", got, people)
	}
}

// TestRightsDeathRegister: who may report deaths alone, for the whole nation, reports those of
// everybody, also before they are known; and nothing else.
func TestRightsDeathRegister(t *testing.T) {
	l := ledgertest.New(t)
	a, deaths := ledgertest.Publisher(t, "bone", "75.03"), ledgertest.Publisher(t, "sipil", "ID")
	deaths.Types = []event.Type{event.WorkerDied}
	l.Join(a, deaths)
	s := &ledgertest.Saying{T: t, To: l}
	for _, c := range []struct {
		by         *event.Scope
		kind, data string
		want       string
	}{
		{deaths, "worker.died", `"worker":"w1","on":"2021-01-15"`, "appended"},
		{a, "enrolment.opened", strings.Replace(ledgertest.Opening("e1", "w1", "75.03"), "APBD", "SELF", 1), "appended"},
		{a, "enrolment.opened", strings.Replace(ledgertest.Opening("e2", "w2", "75.03"), "APBD", "SELF", 1), "appended"},
		{a, "enrolment.opened", strings.Replace(ledgertest.Opening("e3", "w3", "75.03"), "APBD", "SELF", 1), "appended"},
		{deaths, "worker.died", `"worker":"w2","on":"2021-01-15"`, "appended"},
		{deaths, "worker.merged", `"worker":"w3","into":"w2"`, "publisher.forbidden"},
		{deaths, "enrolment.terminated", `"enrolment":"e3","until":"2021-02-01","reason":"OTHER"`, "publisher.forbidden"},
	} {
		if got := s.Say(c.by, c.kind, c.data); got != c.want {
			t.Errorf("%s %s: %s", c.kind, c.data, got)
		}
	}
	view, err := l.View(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	if got := ledgertest.FiguresOf(t, view, a.Regions[0])[2][0]; got != 1 {
		t.Errorf("%d are covered, not only w3", got)
	}
}
