package excerpt_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"cakupan/cmd/internal/excerpt"
	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/ledgertest"
	"cakupan/domain/event"
	"cakupan/eventstore"
	"cakupan/projections/history"
)

// line is what of an event the filters look at.
type line struct {
	Sequence  eventstore.Sequence `json:"sequence"`
	Type      string              `json:"type"`
	Source    string              `json:"source"`
	Publisher string              `json:"-"` // of the log alone
	List      string              `json:"list"`
	Data      struct {
		Enrolment, Worker, Into, Commitment string
	} `json:"data"`
}

// passes says what a filter lets through, of a whole event, but for its bounds.
func (l *line) passes(f *excerpt.Filter) bool {
	publisher := l.Publisher
	if publisher == "" {
		publisher = l.Source
	}
	return (f.Type == 0 || f.Type.Name() == l.Type) &&
		(f.Enrolment == "" || f.Enrolment == l.Data.Enrolment) &&
		(f.Worker == "" || f.Worker == l.Data.Worker || f.Worker == l.Data.Into) &&
		(f.Commitment == "" || f.Commitment == l.Data.Commitment) &&
		(f.Source == "" || f.Source == l.Source) &&
		(f.Publisher == "" || f.Publisher == publisher) &&
		(f.List == "" || f.List == l.List)
}

// expected returns the sequences of what a filter lets through, found by looking at everything.
func expected(all []line, f excerpt.Filter) (found []eventstore.Sequence) {
	for i := range all {
		at := all[i].Sequence
		if at >= f.From && (f.To == 0 || at <= f.To) && all[i].passes(&f) {
			found = append(found, at)
		}
	}
	if f.Last > 0 && uint64(len(found)) > f.Last {
		found = found[uint64(len(found))-f.Last:]
	}
	if f.Limit > 0 && uint64(len(found)) > f.Limit {
		found = found[:f.Limit]
	}
	return found
}

// fill has a world hold random events about a few names, in frames of a few. It returns the
// publisher of each.
func fill(t *testing.T, w *ledgertest.World, r *rand.Rand, frames int) (publishers []string) {
	t.Helper()
	for frame := range frames {
		var raw [][]byte
		for i := range 1 + r.IntN(4) {
			name := func(kind string) string { return fmt.Sprintf("%s%d", kind, r.IntN(4)) }
			kind, data := "", ""
			switch r.IntN(6) {
			case 0:
				kind, data = "enrolment.opened", ledgertest.Opening(name("e"), name("w"), "75.03")
			case 1:
				kind, data = "worker.merged", fmt.Sprintf(`"worker":"w0","into":"w%d"`, 1+r.IntN(3))
			case 2:
				kind, data = "worker.died", fmt.Sprintf(`"worker":%q,"on":"2021-02-01"`, name("w"))
			case 3:
				kind, data = "funding.granted", fmt.Sprintf(`"commitment":%q,"enrolment":%q,`+
					`"from":"2021-01","until":"2021-03"`, name("c"), name("e"))
			case 4:
				kind, data = "funding.amended", fmt.Sprintf(`"commitment":%q,"heads":3`, name("c"))
			default:
				kind, data = "enrolment.terminated",
					fmt.Sprintf(`"enrolment":%q,"until":"2021-05-01","reason":"OTHER"`, name("e"))
			}
			text := ledgertest.Raw(fmt.Sprintf("%d-%d-%d", r.Uint32(), frame, i), name("s"), kind, data)
			if r.IntN(2) == 0 { // a row of a list
				text = fmt.Appendf(text[:len(text)-1], `,"list":"l%d"}`, r.IntN(3))
			}
			raw = append(raw, text)
		}
		opts := intake.Options{Publisher: []string{"", "p1", "p2"}[r.IntN(3)]}
		receipts, err := w.Submit(t.Context(), raw, opts)
		if err != nil {
			t.Fatal(err)
		}
		for i := range receipts {
			if receipts[i].Refusal != nil {
				t.Fatalf("%s: %v", raw[i], receipts[i].Refusal)
			}
			publishers = append(publishers, opts.Publisher)
		}
	}
	return publishers
}

// read returns what the reader gives of a filter.
func read(t *testing.T, w *ledgertest.World, f excerpt.Filter) (found []line) {
	t.Helper()
	err := w.Reader.Events(t.Context(), f, func(text []byte) error {
		var one line
		if err := json.Unmarshal(text, &one); err != nil {
			return err
		}
		found = append(found, one)
		return nil
	})
	if err != nil {
		t.Fatalf("%+v: %v", f, err)
	}
	return found
}

func sequences(lines []line) (all []eventstore.Sequence) {
	for i := range lines {
		all = append(all, lines[i].Sequence)
	}
	return all
}

// TestEvents asks for events by random filters, with the history at all stages of its way, and
// compares with what looking at every event finds.
func TestEvents(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	w := ledgertest.New(t)
	const stages = 3
	found := 0
	var publishers []string
	for stage := range stages {
		publishers = append(publishers, fill(t, w, r, 30)...)
		all := read(t, w, excerpt.Filter{})
		for i := range all {
			all[i].Publisher = publishers[i]
		}
		if len(all) < 30 || all[len(all)-1].Sequence != eventstore.Sequence(len(all)) {
			t.Fatalf("the log has %d events", len(all))
		}
		for range 300 {
			f := randomFilter(r, len(all))
			got, want := sequences(read(t, w, f)), expected(all, f)
			if found += len(want); !slices.Equal(got, want) {
				t.Fatalf("stage %d: %+v finds %v, want %v", stage, f, got, want)
			}
		}
		if stage > 0 { // of the first stage the history has seen nothing
			if _, err := w.At(t.Context(), 0); err != nil {
				t.Fatal(err)
			}
		}
	}
	if found < 1000 {
		t.Errorf("%d events were found: the test shows little", found)
	}
}

func randomFilter(r *rand.Rand, events int) (f excerpt.Filter) {
	name := func(kind string) string { return fmt.Sprintf("%s%d", kind, r.IntN(4)) }
	may := func(set func()) {
		if r.IntN(4) == 0 {
			set()
		}
	}
	may(func() { f.From = eventstore.Sequence(r.IntN(events + 2)) })
	may(func() { f.To = eventstore.Sequence(r.IntN(events + 2)) })
	may(func() { f.Type = event.FundingGranted })
	may(func() { f.Enrolment = name("e") })
	may(func() { f.Worker = name("w") })
	may(func() { f.Commitment = name("c") })
	may(func() { f.Source = "urn:" + name("s") })
	may(func() { f.Publisher = []string{"p1", "p2", "urn:s1"}[r.IntN(3)] })
	may(func() { f.List = fmt.Sprintf("l%d", r.IntN(3)) })
	may(func() { f.Last = uint64(1 + r.IntN(5)) })
	may(func() { f.Limit = uint64(1 + r.IntN(5)) })
	return f
}

// TestEventsWithoutHistory: a history that does not answer is no reason to give less, but who needs
// to know what was retracted is told why he cannot.
func TestEventsWithoutHistory(t *testing.T) {
	w := ledgertest.New(t)
	fill(t, w, rand.New(rand.NewPCG(3, 4)), 20)
	all := read(t, w, excerpt.Filter{})
	gone := errors.New("the history is gone")
	w.FailHistory(gone)
	for n := range 4 {
		f := excerpt.Filter{Enrolment: fmt.Sprintf("e%d", n), Last: 3}
		if got, want := sequences(read(t, w, f)), expected(all, f); !slices.Equal(got, want) {
			t.Errorf("%+v finds %v, want %v", f, got, want)
		}
	}
	about := history.Subject{Kind: history.Enrolment, Name: "e1"}
	nothing := func(*history.Reported) error { t.Error("something is told"); return nil }
	if err := w.Reader.Reported(t.Context(), about, 1, nil, nothing); !errors.Is(err, gone) {
		t.Errorf("reported: %v", err)
	}
	rows := func([]byte) error { t.Error("a row is told"); return nil }
	if err := w.Reader.Rows(t.Context(), excerpt.List{List: "l1"}, rows); !errors.Is(err, gone) {
		t.Errorf("rows: %v", err)
	}
}

// TestReported: everything about a subject up to an event is told with what takes it back, each
// subject by its own name, and what is not wanted is not read.
func TestReported(t *testing.T) {
	w := ledgertest.New(t)
	fill(t, w, rand.New(rand.NewPCG(5, 6)), 60)
	all := read(t, w, excerpt.Filter{})
	victim := all[len(all)/2]
	for i := range all { // one about an enrolment
		if i > len(all)/2 && all[i].Data.Enrolment != "" {
			victim = all[i]
			break
		}
	}
	taken := eventstore.Sequence(len(all) + 1)
	takeBack(t, w, &victim)
	for kind, f := range map[history.Kind]excerpt.Filter{
		history.Enrolment:  {Enrolment: victim.Data.Enrolment},
		history.Worker:     {Worker: "w0"},
		history.Commitment: {Commitment: "c1"},
		history.List:       {List: "l1"},
	} {
		about := history.Subject{Kind: kind, Name: f.Enrolment + f.Worker + f.Commitment + f.List}
		for _, known := range []eventstore.Sequence{0, 1, taken / 2, taken, taken + 9} {
			f.To = min(known, taken-1)
			var got []eventstore.Sequence
			err := w.Reader.Reported(t.Context(), about, known, nil,
				func(r *history.Reported) error {
					got = append(got, r.Sequence)
					is := r.Sequence == victim.Sequence
					if (r.TakenBy(taken) == taken) != is || len(r.Retractions) > 0 != is {
						t.Errorf("event %d is taken back by %v", r.Sequence, r.Retractions)
					}
					return nil
				})
			want := expected(all, f)
			if known == 0 {
				want = nil
			}
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("%+v as of %d: %v, want %v, %v", about, known, got, want, err)
			}
		}
		half := func(some []eventstore.Sequence) ([]eventstore.Sequence, error) {
			return slices.DeleteFunc(some, func(at eventstore.Sequence) bool { return at%2 == 0 }), nil
		}
		err := w.Reader.Reported(t.Context(), about, taken, half, func(r *history.Reported) error {
			if r.Sequence%2 == 0 {
				t.Errorf("event %d is not wanted", r.Sequence)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
}

// takeBack has an event taken back by its source.
func takeBack(t *testing.T, w *ledgertest.World, victim *line) {
	t.Helper()
	var id string
	err := w.Reader.Events(t.Context(), excerpt.Filter{
		From: victim.Sequence, To: victim.Sequence,
	}, func(text []byte) error {
		var of struct{ ID string }
		err := json.Unmarshal(text, &of)
		id = of.ID
		return err
	})
	if err != nil || id == "" {
		t.Fatalf("%q, %v", id, err)
	}
	receipts, err := w.Submit(t.Context(), [][]byte{ledgertest.Raw("back", victim.Source[len("urn:"):],
		"event.retracted", fmt.Sprintf(`"source":%q,"id":%q,"reason":"wrong"`, victim.Source, id),
	)}, intake.Options{})
	if err != nil || receipts[0].Status != event.Appended {
		t.Fatalf("%+v, %v", receipts, err)
	}
}

// TestAt reads events by their places, near and far, and says what the log has not got.
func TestAt(t *testing.T) {
	w := ledgertest.New(t)
	fill(t, w, rand.New(rand.NewPCG(7, 8)), 60)
	last := eventstore.Sequence(len(read(t, w, excerpt.Filter{})))
	for _, want := range [][]eventstore.Sequence{nil, {1}, {last}, {2, 3, last - 1}, {1, last}} {
		var got []eventstore.Sequence
		err := w.Reader.At(t.Context(), want, func(r *history.Reported) error {
			if r.Event.ID == "" || r.RecordedAt == 0 || r.Retractions != nil {
				t.Errorf("%+v", r)
			}
			got = append(got, r.Sequence)
			return nil
		})
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%v: %v, %v", want, got, err)
		}
	}
	told := 0
	count := func(*history.Reported) error { told++; return nil }
	var damage *eventstore.DamageError
	err := w.Reader.At(t.Context(), []eventstore.Sequence{2, last + 5}, count)
	if !errors.As(err, &damage) || damage.From != last+5 || told != 1 {
		t.Errorf("of what the log has not got: %v, %d are told", err, told)
	}
	enough := errors.New("enough")
	err = w.Reader.At(t.Context(), []eventstore.Sequence{2, 3},
		func(*history.Reported) error { return enough })
	if !errors.Is(err, enough) {
		t.Errorf("an error of who is told: %v", err)
	}
}

// TestFollow: who follows gets what comes, hears when there is no more for now, and ends with ctx.
func TestFollow(t *testing.T) {
	w := ledgertest.New(t)
	r := rand.New(rand.NewPCG(9, 10))
	fill(t, w, r, 5)
	before := eventstore.Sequence(len(read(t, w, excerpt.Filter{})))
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	next, pauses := before, 0
	enough := errors.New("enough")
	err := w.Reader.Events(ctx, excerpt.Filter{Last: 2, Follow: true}, func(text []byte) error {
		if text == nil {
			if pauses++; pauses > 3 {
				return enough
			}
			// By whoever follows himself: it comes behind all that he has heard.
			for frame := range 2 {
				_, err := w.Submit(ctx, [][]byte{ledgertest.Raw(fmt.Sprint("f", pauses, frame), "s",
					"worker.died", `"worker":"w1","on":"2021-02-01"`)}, intake.Options{})
				if err != nil {
					return err
				}
			}
			return nil
		}
		var one line
		if err := json.Unmarshal(text, &one); err != nil {
			return err
		}
		if one.Sequence != next-1 {
			t.Errorf("event %d is told, want %d", one.Sequence, next-1)
		}
		next++
		return nil
	})
	if !errors.Is(err, enough) || next < before+3 {
		t.Errorf("%v after event %d", err, next-2)
	}
	stop()
	err = w.Reader.Events(ctx, excerpt.Filter{Follow: true}, func([]byte) error { return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("after the end: %v", err)
	}
}

// TestRows: the rows of a list say which of them are taken back, and nobody else's word for that.
func TestRows(t *testing.T) {
	w := ledgertest.New(t)
	row := func(id, source, more string) []byte {
		text := ledgertest.Raw(id, source, "worker.died", `"worker":"w1","on":"2021-02-01"`)
		return append(text[:len(text)-1], `,"list":"l"`+more+`}`...)
	}
	receipts, err := w.Submit(t.Context(), [][]byte{
		row("1", "a", ""), row("2", "a", `,"retractedby":77`), row("3", "b", ""),
		ledgertest.Raw("4", "a", "event.retracted", `"source":"urn:a","id":"1","reason":"wrong"`),
	}, intake.Options{Publisher: "office"})
	if err != nil || len(receipts) != 4 {
		t.Fatal(receipts, err)
	}
	for f, want := range map[excerpt.List][]string{
		{List: "l"}:                  {"1 4", "2 0", "3 0"},
		{List: "l", Source: "urn:a"}: {"1 4", "2 0"},
		{List: "l", Publisher: "office", Source: "urn:b"}: {"3 0"},
		{List: "l", Publisher: "somebody"}:                nil,
		{List: "another"}:                                 nil,
	} {
		var got []string
		err := w.Reader.Rows(t.Context(), f, func(text []byte) error {
			var one struct {
				ID          string
				RetractedBy int
			}
			err := json.Unmarshal(text, &one)
			got = append(got, fmt.Sprint(one.ID, " ", one.RetractedBy))
			return err
		})
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%+v: %q, want %q, %v", f, got, want, err)
		}
	}
}
