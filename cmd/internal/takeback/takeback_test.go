package takeback_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"cakupan/cmd/internal/excerpt"
	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/ledgertest"
	"cakupan/cmd/internal/problem"
	"cakupan/cmd/internal/takeback"
	"cakupan/domain/event"
	"cakupan/domain/region"
)

// anybody is whoever runs the ledger.
func anybody() *takeback.Actor { return &takeback.Actor{Source: event.OperatorSource} }

// asking takes back what a filter lets through.
func asking(request string, f excerpt.Filter) *takeback.Asked {
	return &takeback.Asked{Events: f, Request: request, Asked: "these", Reason: "wrong"}
}

// people has a world know so many, two of three in bone and one in kota, by two sources.
func people(t *testing.T, w *ledgertest.World, count int) {
	t.Helper()
	for i := range count {
		name, code := "bone", "75.03"
		if i%3 == 2 {
			name, code = "kota", "75.71"
		}
		s := ledgertest.Saying{T: t, To: w, N: i}
		scope := ledgertest.Publisher(t, name, code)
		opening := ledgertest.Opening(fmt.Sprint("e", i), fmt.Sprint("w", i), code)
		data := strings.Replace(opening, "APBD", "SELF", 1) // so that they are covered
		if got := s.Say(scope, "enrolment.opened", data); got != "appended" {
			t.Fatal(got)
		}
	}
}

func head(t *testing.T, w *ledgertest.World) uint64 {
	t.Helper()
	_, tail, err := w.Log.Last(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return uint64(tail.Sequence)
}

func enrolled(t *testing.T, w *ledgertest.World, code string) int64 {
	t.Helper()
	view, err := w.View(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	c, _ := region.Parse(code)
	return ledgertest.FiguresOf(t, view, c)[1][3]
}

// TestTakeBack takes random parts back and undoes that: the figures are those without them and, in
// the end, those of before; each request is done once, and a dry run does nothing.
func TestTakeBack(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	const count = 12
	w := ledgertest.New(t)
	people(t, w, count)
	want := [2]int64{enrolled(t, w, "75.03"), enrolled(t, w, "75.71")}
	if want != [2]int64{8, 4} {
		t.Fatalf("%v are enrolled", want)
	}
	for round := range 6 {
		f := excerpt.Filter{Source: []string{"", "urn:bone", "urn:kota"}[r.IntN(3)]}
		ask := asking(fmt.Sprint("r", round), f)
		before := head(t, w)
		dry := *ask
		dry.DryRun = true
		would, err := w.Taker.TakeBack(t.Context(), &dry, anybody())
		if err != nil || head(t, w) != before || would.First != 0 || would.Events == 0 {
			t.Fatalf("%+v: %+v, %v", f, would, err)
		}
		done, err := w.Taker.TakeBack(t.Context(), ask, anybody())
		if err != nil || done.Events != would.Events ||
			head(t, w) != before+uint64(done.Events) || uint64(done.First) != before+1 ||
			!slices.Equal(done.What, would.What) || !slices.Equal(done.Regions, would.Regions) {
			t.Fatalf("%+v: %+v, %v, it would be %+v", f, done, err, would)
		}
		left := want[0] + want[1] - int64(done.Events)
		if got := enrolled(t, w, "75.03") + enrolled(t, w, "75.71"); got != left {
			t.Errorf("%d are enrolled after %d were taken back", got, done.Events)
		}
		again, err := w.Taker.TakeBack(t.Context(), ask, anybody())
		if err != nil || !again.Before || again.First != done.First || again.Last != done.Last {
			t.Errorf("again: %+v, %v", again, err)
		}
		ask.Reason = "another"
		_, err = w.Taker.TakeBack(t.Context(), ask, anybody())
		if problem.From(err).Code != problem.Code(event.Conflict) {
			t.Errorf("for another reason: %v", err)
		}
		undo := &takeback.Asked{Undo: done.First, Request: fmt.Sprint("u", round), Asked: "undo"}
		for turn := range 2 {
			undone, err := w.Taker.TakeBack(t.Context(), undo, anybody())
			if err != nil || undone.Undoes != done.First || undone.Events != done.Events ||
				undone.Before != (turn == 1) {
				t.Fatalf("undone: %+v, %v", undone, err)
			}
		}
		if got := [2]int64{enrolled(t, w, "75.03"), enrolled(t, w, "75.71")}; got != want {
			t.Fatalf("round %d: %v are enrolled, want %v", round, got, want)
		}
	}
}

// TestWhose: a steward takes back what is of his regions alone, and is told how many are not; a
// publisher what is of his sources.
func TestWhose(t *testing.T) {
	w := ledgertest.New(t)
	people(t, w, 9)
	bone, kota := ledgertest.Publisher(t, "bone", "75.03"), ledgertest.Publisher(t, "kota", "75.71")
	w.Join(bone, kota)
	dry := asking("dry", excerpt.Filter{})
	dry.DryRun = true
	gorontalo, _ := region.Parse("75")
	for name, c := range map[string]struct {
		by              *takeback.Actor
		events, outside int
	}{
		"whoever runs it":    {anybody(), 9, 0},
		"the nation's":       {&takeback.Actor{Name: "n", Source: "urn:n", Regions: []region.Code{region.Nation}}, 9, 0},
		"the province's":     {&takeback.Actor{Name: "p", Source: "urn:p", Regions: []region.Code{gorontalo}}, 9, 0},
		"a regency's":        {&takeback.Actor{Name: "s", Source: "urn:s", Regions: kota.Regions}, 3, 6},
		"a publisher of his": {&takeback.Actor{Name: "kota", Source: "urn:kota", Scope: kota}, 3, 0},
	} {
		got, err := w.Taker.TakeBack(t.Context(), dry, c.by)
		if err != nil || got.Events != c.events || got.Outside != c.outside {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	dry.Region = bone.Regions[0]
	if got, err := w.Taker.TakeBack(t.Context(), dry, anybody()); err != nil || got.Events != 6 {
		t.Errorf("of a region: %+v, %v", got, err)
	}
	for name, c := range map[string]struct {
		ask  *takeback.Asked
		by   *takeback.Actor
		want problem.Code
	}{
		"another's by name": {
			asking("1", excerpt.Filter{Publisher: "bone"}),
			&takeback.Actor{Name: "kota", Source: "urn:kota", Scope: kota}, problem.Forbidden,
		},
		"all of them of others": {
			asking("2", excerpt.Filter{Source: "urn:bone"}),
			&takeback.Actor{Name: "s", Source: "urn:s", Regions: kota.Regions}, problem.Forbidden,
		},
		"nothing": {asking("3", excerpt.Filter{Source: "urn:x"}), anybody(), problem.NotFound},
		"no step": {&takeback.Asked{Undo: 2, Request: "4"}, anybody(), problem.NotFound},
	} {
		before := head(t, w)
		_, err := w.Taker.TakeBack(t.Context(), c.ask, c.by)
		if problem.From(err).Code != c.want || head(t, w) != before {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}

// TestOccupied: whose events were taken back can keep nobody's from being said again, whatever ids
// he takes meanwhile that stand in the log.
func TestOccupied(t *testing.T) {
	w := ledgertest.New(t)
	people(t, w, 6)
	bone := ledgertest.Publisher(t, "bone", "75.03")
	w.Join(bone)
	done, err := w.Taker.TakeBack(t.Context(), asking("r", excerpt.Filter{}), anybody())
	if err != nil {
		t.Fatal(err)
	}
	undo := &takeback.Asked{Undo: done.First, Request: "u", Asked: "undo"}
	undo.DryRun = true
	would, err := w.Taker.TakeBack(t.Context(), undo, anybody())
	if err != nil || would.Events != done.Events {
		t.Fatalf("%+v, %v", would, err)
	}
	var raw [][]byte
	for _, one := range would.What {
		id, _ := strings.CutPrefix(one.Again, "again-")
		id, rest, _ := strings.Cut(id, "-")
		if id != fmt.Sprint(one.Sequence) || len(rest) != 12 {
			t.Errorf("said again as %s", one.Again)
		}
		for _, guess := range []string{"again-" + id, "again-" + id + "-" + strings.Repeat("0", 12)} {
			raw = append(raw, ledgertest.Raw(guess, "bone", "enrolment.opened",
				ledgertest.Opening("x"+guess, "y"+guess, "75.03")))
		}
	}
	if _, err := w.Submit(t.Context(), raw, intake.Options{Scope: bone}); err != nil {
		t.Fatal(err)
	}
	undo.DryRun = false
	undone, err := w.Taker.TakeBack(t.Context(), undo, anybody())
	if err != nil || undone.Events != done.Events || undone.Before {
		t.Errorf("%+v, %v", undone, err)
	}
	if got := enrolled(t, w, "75.71"); got != 2 {
		t.Errorf("%d of another are enrolled", got)
	}
}

// TestDoneMeanwhile: who finds nothing in force, since the same request has just taken it back, is
// answered as who came first.
func TestDoneMeanwhile(t *testing.T) {
	w := ledgertest.New(t)
	people(t, w, 3)
	ask, why := asking("k", excerpt.Filter{}), errors.New("nothing in force")
	got, err := takeback.UnlessDone(w.Taker, t.Context(), ask, anybody(), why)
	if !errors.Is(err, why) {
		t.Errorf("not done: %+v, %v", got, err)
	}
	first, err := w.Taker.TakeBack(t.Context(), ask, anybody())
	if err != nil {
		t.Fatal(err)
	}
	again, err := takeback.UnlessDone(w.Taker, t.Context(), ask, anybody(), why)
	if err != nil || !again.Before || again.First != first.First || again.Events != first.Events {
		t.Errorf("%+v, %v, after %+v", again, err, first)
	}
}

// TestPersons: a death concerns where the person is enrolled by any of his ids, and a grant the
// funder too, so that a steward of one of the regions alone leaves them.
func TestPersons(t *testing.T) {
	w := ledgertest.New(t)
	var raw [][]byte
	for i, e := range []struct{ kind, data string }{
		{"enrolment.opened", ledgertest.Opening("e1", "w1", "75.03")},
		{"enrolment.opened", ledgertest.Opening("e2", "w2", "75.71")},
		{"worker.merged", `"worker":"w1","into":"w2"`},
		{"worker.died", `"worker":"w1","on":"2021-03-01"`},
		{"funding.committed", ledgertest.Committing("c", "75.71")},
		{"funding.granted", `"commitment":"c","enrolment":"e1","from":"2021-01","until":"2021-03"`},
		{"worker.died", `"worker":"unknown","on":"2021-03-01"`},
	} {
		raw = append(raw, ledgertest.Raw(fmt.Sprint(i), "x", e.kind, e.data))
	}
	if _, err := w.Submit(t.Context(), raw, intake.Options{}); err != nil {
		t.Fatal(err)
	}
	bone, _ := region.Parse("75.03")
	for _, c := range []struct {
		kind event.Type
		want []string
	}{
		{event.WorkerDied, []string{"75.03", "75.71"}},
		{event.WorkerMerged, []string{"75.03", "75.71"}},
		{event.FundingGranted, []string{"75.03", "75.71"}},
		{event.FundingCommitted, []string{"75.71"}},
	} {
		ask := asking("r", excerpt.Filter{Type: c.kind})
		ask.DryRun = true
		all, err := w.Taker.TakeBack(t.Context(), ask, anybody())
		var got []string
		for _, m := range all.Regions {
			got = append(got, m.Name)
		}
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s concerns %v, want %v, %v", c.kind, got, c.want, err)
		}
		steward := &takeback.Actor{Name: "s", Source: "urn:s", Regions: []region.Code{bone}}
		_, err = w.Taker.TakeBack(t.Context(), ask, steward)
		if problem.From(err).Code != problem.Forbidden {
			t.Errorf("%s by a steward of one region: %v", c.kind, err)
		}
	}
}
