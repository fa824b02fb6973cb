package enrolment_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"cakupan/domain/enrolment"
	"cakupan/domain/event"
	"cakupan/domain/temporal"
)

// allMonths is how many months the tests look at, one by one.
const allMonths = 24

// income is what a test knows of the money of an enrolment: the grants and credits as they were
// reported.
type income struct {
	grants  []grant
	credits []enrolment.Span
	// What the commitment of every grant has paid for, and from when on it pays nothing.
	disbursed  []enrolment.Span
	closedFrom temporal.Month
}

type grant struct {
	enrolment.Span
	source enrolment.Sources
}

func drawSpan(t *rapid.T, name string) enrolment.Span {
	from := temporal.Month(rapid.IntRange(0, 12).Draw(t, name))
	months := temporal.Month(rapid.IntRange(-1, 6).Draw(t, "months"))
	return enrolment.Span{From: from, Until: from + months}
}

func drawIncome(t *rapid.T) (in income) {
	for range rapid.IntRange(0, 4).Draw(t, "grants") {
		source := enrolment.SourceOf(event.Funding(rapid.IntRange(0, 3).Draw(t, "source")))
		in.grants = append(in.grants, grant{drawSpan(t, "granted from"), source})
	}
	for range rapid.IntRange(0, 3).Draw(t, "credits") {
		in.credits = append(in.credits, drawSpan(t, "credited from"))
	}
	for month := temporal.Month(0); month < allMonths; month++ {
		if rapid.IntRange(0, 2).Draw(t, "disbursed") == 0 {
			in.disbursed = append(in.disbursed, enrolment.Span{From: month, Until: month + 1})
		}
	}
	in.closedFrom = enrolment.NeverMonth
	if rapid.Bool().Draw(t, "closed") {
		in.closedFrom = temporal.Month(rapid.IntRange(0, 18).Draw(t, "closed from"))
	}
	return in
}

// money adds grants and credits, credits first or last.
func (i *income) money(creditsFirst bool) enrolment.Money {
	m := enrolment.NoMoney(nil)
	credit := func() {
		for _, c := range i.credits {
			m.Credit(c.From, c.Until)
		}
	}
	if creditsFirst {
		credit()
	}
	for _, g := range i.grants {
		purse := enrolment.Purse{
			ClosedFrom: i.closedFrom, Source: g.source, Disbursed: i.disbursed,
		}
		m.Grant(g.From, g.Until, &purse)
	}
	if !creditsFirst {
		credit()
	}
	return m
}

func in(s enrolment.Span, m temporal.Month) bool { return s.From <= m && m < s.Until }

// of transcribes "Paid month", "Credited month" and the evidence of grants.
func (i *income) of(m temporal.Month) (sources enrolment.Sources, e enrolment.Evidence) {
	paidFor := slices.ContainsFunc(i.disbursed, func(s enrolment.Span) bool { return in(s, m) })
	for _, g := range i.grants {
		if !in(g.Span, m) || m >= i.closedFrom {
			continue
		}
		sources |= g.source
		if paidFor {
			e |= enrolment.Disbursed
		} else {
			e |= enrolment.Promised
		}
	}
	if i.credited(m) {
		e |= enrolment.Credited
	}
	return sources, e
}

func (i *income) credited(m temporal.Month) bool {
	return slices.ContainsFunc(i.credits, func(s enrolment.Span) bool { return in(s, m) })
}

func TestMoneyKeepsEveryMonth(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		drawn := drawIncome(t)
		money := drawn.money(rapid.Bool().Draw(t, "credits first"))
		speaks := enrolment.NeverMonth
		for m := temporal.Month(allMonths - 1); m >= 0; m-- {
			var sources enrolment.Sources
			var e enrolment.Evidence
			for _, span := range money.Months {
				if span.From <= m && m < span.Until {
					sources, e = span.Sources, span.Evidence
				}
			}
			wantSources, want := drawn.of(m)
			if sources != wantSources || e != want {
				t.Fatalf("month %d: sources %b, evidence %b; want %b, %b", m, sources, e, wantSources, want)
			}
			if drawn.credited(m) {
				speaks = m
			}
		}
		if money.Speaks != speaks {
			t.Fatalf("credits speak from month %d, want %d", money.Speaks, speaks)
		}
		for i, p := range money.Months {
			if p.Until <= p.From || i > 0 && p.From < money.Months[i-1].Until {
				t.Fatalf("not disjoint and in order: %v", money.Months)
			}
		}
	})
}

func TestSpellsAreTheStatusOfEveryDay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		stretch := enrolment.Stretch{
			From: temporal.Date(rapid.IntRange(0, 300).Draw(t, "from")), Until: enrolment.Never,
			Terms: drawTerms(t),
		}
		if rapid.Bool().Draw(t, "ends") {
			stretch.Until = stretch.From + temporal.Date(rapid.IntRange(1, 150).Draw(t, "length"))
		}
		died := enrolment.Never
		if rapid.Bool().Draw(t, "dies") {
			died = temporal.Date(rapid.IntRange(0, 380).Draw(t, "died"))
		}
		drawn := drawIncome(t)
		money := drawn.money(true)
		spells := enrolment.AppendSpells(nil, stretch, died, &money)
		for day := range temporal.Date(days) {
			want, is := drawn.statusOn(stretch, died, day)
			var on []enrolment.Spell
			for _, s := range spells {
				if s.From <= day && day < s.Until {
					on = append(on, s)
				}
			}
			if len(on) > 1 || (len(on) == 1) != is {
				t.Fatalf("day %d: %d spells, want %v %+v", day, len(on), is, want)
			}
			if is && (on[0].Evidence != want.Evidence || on[0].Sources != want.Sources) {
				t.Fatalf("day %d: %+v, want %+v", day, on[0], want)
			}
		}
		for i := 1; i < len(spells); i++ {
			next, last := spells[i], spells[i-1]
			next.From, next.Until = last.From, last.Until
			if spells[i].From < last.Until || spells[i].From == last.Until && next == last {
				t.Fatalf("out of order, or cut without need: %+v", spells)
			}
		}
	})
}

// statusOn transcribes "Covered on D", "In grace on D" and "Evidence".
func (i *income) statusOn(s enrolment.Stretch, died, day temporal.Date,
) (is enrolment.Spell, counts bool) {
	if day < s.From || s.Until <= day || died < day {
		return is, false
	}
	m := day.Month()
	sources, e := i.of(m)
	credited, speaks := e&enrolment.Credited != 0, false
	for first := temporal.Month(0); first <= m; first++ {
		speaks = speaks || i.credited(first)
	}
	paidBefore, creditedBefore := false, false
	for before := m - 3; before < m; before++ {
		_, was := i.of(before)
		paidBefore = paidBefore || was != 0
		creditedBefore = creditedBefore || was&enrolment.Credited != 0
	}
	switch payer := s.Terms.Payer; {
	case payer == event.APBD && e != 0:
		if sources == 0 {
			sources = enrolment.SourceOf(event.UnknownFunding)
		}
		return enrolment.Spell{Sources: sources, Evidence: e}, true
	case payer == event.APBD:
		return is, paidBefore
	case credited:
		return enrolment.Spell{Evidence: enrolment.Credited}, true
	case !speaks: // a credited month that comes later says nothing of this one
		return enrolment.Spell{Evidence: enrolment.Presumed}, true
	case payer == event.Employer && creditedBefore:
		return enrolment.Spell{Evidence: enrolment.Due}, true
	}
	return is, creditedBefore && s.Terms.Payer == event.Self
}

func drawDisbursed(t *rapid.T) (p enrolment.Purse) {
	for month := temporal.Month(0); month < allMonths; month++ {
		if rapid.Bool().Draw(t, "disbursed") {
			continue
		}
		if n := len(p.Disbursed); n > 0 && p.Disbursed[n-1].Until == month {
			p.Disbursed[n-1].Until++
		} else {
			p.Disbursed = append(p.Disbursed, enrolment.Span{From: month, Until: month + 1})
		}
	}
	return p
}

func TestDisbursedByOneOfTwo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawDisbursed(t), drawDisbursed(t)
		differ := a.DisbursedByOne(&b)
		for month := range temporal.Month(allMonths) {
			has := func(spans []enrolment.Span) bool {
				return slices.ContainsFunc(spans, func(s enrolment.Span) bool { return in(s, month) })
			}
			if has(differ) != (has(a.Disbursed) != has(b.Disbursed)) {
				t.Fatalf("month %d: %v and %v differ in %v", month, a.Disbursed, b.Disbursed, differ)
			}
		}
	})
}

// TestJoin: what is joined has the months of the spans, month by month, in order and with gaps.
func TestJoin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spans := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) enrolment.Span {
			from := temporal.Month(rapid.IntRange(0, 15).Draw(t, "from"))
			return enrolment.Span{From: from, Until: from + temporal.Month(rapid.IntRange(1, 6).Draw(t, "months"))}
		}), 0, 6).Draw(t, "spans")
		has := func(spans []enrolment.Span, month temporal.Month) bool {
			return slices.ContainsFunc(spans, func(s enrolment.Span) bool {
				return s.From <= month && month < s.Until
			})
		}
		joined := enrolment.Join(slices.Clone(spans))
		for month := temporal.Month(-1); month < allMonths; month++ {
			if has(joined, month) != has(spans, month) {
				t.Fatalf("month %d of %v: %v", month, spans, joined)
			}
		}
		for i := range joined {
			if joined[i].From >= joined[i].Until || i > 0 && joined[i-1].Until >= joined[i].From {
				t.Fatalf("%v: %v are not apart", spans, joined)
			}
		}
	})
}
