package cost

import (
	"fmt"
	"testing"

	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/ledgertest"
	"cakupan/domain/event"
	"cakupan/eventstore"
	"cakupan/projections/coverage"
)

// silent is a verdict: places whose publisher is told nothing, and those that have no effect.
type silent struct{ told, void map[int]bool }

func (s silent) Told(place int) bool { return s.told[place] }
func (s silent) Void(place int) bool { return s.void[place] }

// granted returns what grants so many enrolments of a commitment, from a number on.
func granted(from, count int) (events []event.Event) {
	for i := from; i < from+count; i++ {
		e := event.Event{Type: event.FundingGranted}
		e.Data.Commitment, e.Data.Enrolment = "c", fmt.Sprint("e", i)
		events = append(events, e)
	}
	return events
}

// closing returns what changes all of them.
func closing() event.Event {
	e := event.Event{Type: event.FundingClosed}
	e.Source, e.Data.Commitment = "urn:a", "c"
	return e
}

func weighed(events ...event.Event) *Load {
	l := &Load{}
	for i := range events {
		l.Weigh(i, &events[i])
	}
	return l
}

// fold has grants folded, and returns the coverage and the last of them.
func fold(t *testing.T, w *ledgertest.World, from, count int) (*coverage.Projection, uint64) {
	t.Helper()
	var raw [][]byte
	for i := from; i < from+count; i++ {
		raw = append(raw, ledgertest.Raw(fmt.Sprint(i), "a", "funding.granted", fmt.Sprintf(
			`"commitment":"c","enrolment":"e%d","from":"2021-01","until":"2022-01"`, i)))
	}
	receipts, err := w.Submit(t.Context(), raw, intake.Options{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := w.Coverage(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return p, receipts[len(receipts)-1].Sequence
}

// TestBacklog: what is folded, on its way, and in the log but not folded yet counts for the price of
// what changes it, and each once it is folded counts once.
func TestBacklog(t *testing.T) {
	w := ledgertest.New(t)
	p, _ := fold(t, w, 0, 10)
	b := NewBacklog()
	price := func() int {
		t.Helper()
		dear := b.Price(p, weighed(closing()), silent{})
		if len(dear) != 1 || dear[0].publisher != "urn:a" || dear[0].kind != event.FundingClosed {
			t.Fatalf("%+v", dear)
		}
		return dear[0].Changes
	}
	of10 := price()
	if of10 < 10 {
		t.Fatalf("a closing of 10 grants changes %d", of10)
	}
	each := of10 / 10
	coming := b.Begin(p, weighed(granted(10, 5)...))
	if got := price(); got != of10+5*each {
		t.Errorf("with 5 on their way it changes %d, want %d", got, of10+5*each)
	}
	p, last := fold(t, w, 10, 5)
	b.End(coming, []event.Receipt{{Sequence: last - 4}, {Sequence: last}})
	b.End(b.Begin(p, weighed(closing())), nil) // forgets what is folded
	if got := price(); got != of10+5*each {
		t.Errorf("once they are folded it changes %d, want %d", got, of10+5*each)
	}
	failed := b.Begin(p, weighed(granted(15, 3)...))
	b.End(failed, nil)
	b.End(b.Begin(p, weighed(closing())), nil)
	b.End(b.Begin(p, weighed(closing())), nil)
	if got := price(); got != of10+5*each {
		t.Errorf("what did not come is counted: %d, want %d", got, of10+5*each)
	}
}

// TestBacklogFull: more than is remembered one by one is counted, and forgotten all the same.
func TestBacklogFull(t *testing.T) {
	w := ledgertest.New(t)
	p, last := fold(t, w, 0, 1)
	b := NewBacklog()
	g := b.Begin(p, weighed(granted(0, addsRemembered+1)...))
	if !g.full || len(g.adds) != 0 {
		t.Errorf("%d are remembered", len(g.adds))
	}
	if dear := b.Price(p, weighed(closing()), nil); len(dear) != 1 || dear[0].Changes <= addsRemembered {
		t.Errorf("%+v", dear)
	}
	b.End(g, []event.Receipt{{Sequence: last}})
	b.forget(eventstore.Sequence(last))
	b.forget(eventstore.Sequence(last))
	if dear := b.Price(p, weighed(closing()), nil); len(dear) != 1 || dear[0].Changes > 10 {
		t.Errorf("once folded: %+v", dear)
	}
}

// TestPriceTellsNothing: what a publisher must be told nothing of costs nothing, and without a
// coverage nothing does.
func TestPriceTellsNothing(t *testing.T) {
	w := ledgertest.New(t)
	p, _ := fold(t, w, 0, 3)
	b, load := NewBacklog(), weighed(closing())
	for name, c := range map[string]struct {
		of   *coverage.Projection
		v    silent
		want int
	}{
		"told":               {p, silent{told: map[int]bool{0: true}}, 1},
		"void and not told":  {p, silent{void: map[int]bool{0: true}}, 1},
		"told of no effect":  {p, silent{map[int]bool{0: true}, map[int]bool{0: true}}, 0},
		"another":            {p, silent{map[int]bool{1: true}, map[int]bool{1: true}}, 1},
		"without a coverage": {nil, silent{}, 0},
	} {
		if dear := b.Price(c.of, load, c.v); len(dear) != c.want {
			t.Errorf("%s: %+v, want %d", name, dear, c.want)
		}
	}
	if g := b.Begin(nil, load); g != nil {
		t.Error("something is counted without a coverage")
	}
	b.End(nil, nil)
}

// amended returns so many facts about an enrolment, by a publisher.
func amended(enrolment, publisher string, count int) (events []event.Event) {
	for range count {
		e := event.Event{Type: event.EnrolmentAmended, Publisher: publisher}
		e.Source, e.Data.Enrolment = "urn:a", enrolment
		events = append(events, e)
	}
	return events
}

// TestFactsOfOne: facts about one enrolment cost nothing until they are very many, by whatever way
// they come; then each costs an eighth of them, and its own publisher. Others cost nothing.
func TestFactsOfOne(t *testing.T) {
	w := ledgertest.New(t)
	p, last := fold(t, w, 0, 1)
	b := NewBacklog()
	price := func(l *Load, v Verdict) (n, changes int, by map[string]int) {
		by = map[string]int{}
		for _, d := range b.Price(p, l, v) {
			n, changes, by[d.publisher] = n+1, changes+d.Changes, by[d.publisher]+1
		}
		return n, changes, by
	}
	few := weighed(amended("e", "", 900)...)
	g := b.Begin(p, few)
	if n, _, _ := price(few, nil); n != 0 {
		t.Errorf("of 900 facts %d are dear", n)
	}
	more := weighed(append(append(amended("e", "dinas", 300), amended("e", "", 100)...),
		amended("other", "dinas", 100)...)...)
	h := b.Begin(p, more)
	n, changes, by := price(more, nil)
	if n != 400 || changes != 400*(1300/8) || by["dinas"] != 300 || by["urn:a"] != 100 {
		t.Errorf("after 1,300 facts %d are dear, and change %d: %v", n, changes, by)
	}
	all := silent{told: map[int]bool{}, void: map[int]bool{}}
	for place := range 500 {
		all.told[place], all.void[place] = true, place < 100
	}
	if n, _, _ := price(more, all); n != 300 {
		t.Errorf("%d of 400 are dear, of which 100 have no effect that may be told", n)
	}
	for _, of := range []*Generation{g, h} {
		b.End(of, []event.Receipt{{Sequence: last}})
	}
	b.End(b.Begin(p, weighed(amended("f", "", 1)...)), nil) // forgets what is folded
	b.End(b.Begin(p, weighed(amended("f", "", 1)...)), nil)
	if n, _, _ := price(more, nil); n != 0 {
		t.Errorf("once nobody expects them any more %d are dear", n)
	}
}

// TestManyFactsAreForgotten: more facts than are remembered one by one are forgotten too.
func TestManyFactsAreForgotten(t *testing.T) {
	w := ledgertest.New(t)
	p, last := fold(t, w, 0, 1)
	b := NewBacklog()
	g := b.Begin(p, weighed(amended("e", "", addsRemembered+1)...))
	if !g.full || len(g.facts) != 0 {
		t.Errorf("%d are remembered", len(g.facts))
	}
	one := weighed(amended("e", "", 1)...)
	if dear := b.Price(p, one, nil); len(dear) != 1 || dear[0].Changes != (addsRemembered+1)/8 {
		t.Errorf("%+v", dear)
	}
	b.End(g, []event.Receipt{{Sequence: last}})
	b.forget(eventstore.Sequence(last))
	b.forget(eventstore.Sequence(last))
	if dear := b.Price(p, one, nil); len(dear) != 0 {
		t.Errorf("once folded: %+v", dear)
	}
}

// BenchmarkUsual measures what batches of usual events pay for not being dear.
func BenchmarkUsual(b *testing.B) {
	w := ledgertest.New(b)
	p, err := w.Coverage(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	const size = 1000
	backlog, events := NewBacklog(), make([]event.Event, size)
	for i := range events {
		e := &events[i]
		e.Type, e.Source, e.Data.Enrolment = event.ContributionCredited, "urn:a", fmt.Sprint("KPJ-", i)
	}
	for i := 0; i < b.N; i += size {
		var l Load
		for place := range events {
			l.Weigh(place, &events[place])
		}
		g := backlog.Begin(p, &l)
		if dear := backlog.Price(p, &l, nil); len(dear) > 0 {
			b.Fatal("some are dear")
		}
		backlog.End(g, nil)
	}
}
