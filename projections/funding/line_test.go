package funding

import (
	"math/big"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"cakupan/domain/enrolment"
	"cakupan/domain/event"
	"cakupan/domain/temporal"
)

// The months that the tests look at, one by one: nothing that they draw lies outside.
const firstMonth, lastMonth temporal.Month = 600, 640

func drawSpans(t *rapid.T, name string) []enrolment.Span {
	return enrolment.Join(rapid.SliceOfN(rapid.Custom(drawSpan), 0, 4).Draw(t, name))
}

func drawSpan(t *rapid.T) enrolment.Span {
	from := firstMonth + 1 + temporal.Month(rapid.IntRange(0, 20).Draw(t, "from"))
	return enrolment.Span{From: from, Until: from + temporal.Month(rapid.IntRange(1, 8).Draw(t, "months"))}
}

func has(spans []enrolment.Span, month temporal.Month) bool {
	return slices.ContainsFunc(spans, func(s enrolment.Span) bool {
		return s.From <= month && month < s.Until
	})
}

// apart fails unless spans are in order, and have months and gaps.
func apart(t *rapid.T, spans []enrolment.Span) {
	t.Helper()
	for i, s := range spans {
		if s.From >= s.Until || i > 0 && spans[i-1].Until > s.From {
			t.Fatalf("%v are not in order and apart", spans)
		}
	}
}

// TestSpans compares what is in both, and what is in none, with the months one by one.
func TestSpans(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, in := drawSpans(t, "a"), drawSpans(t, "b"), drawSpan(t)
		both, rest := overlaps(a, b), gaps(in, a)
		apart(t, both)
		apart(t, rest)
		for m := firstMonth; m < lastMonth; m++ {
			if has(both, m) != (has(a, m) && has(b, m)) {
				t.Fatalf("both of %v and %v: %v", a, b, both)
			}
			if within := in.From <= m && m < in.Until; has(rest, m) != (within && !has(a, m)) {
				t.Fatalf("%v without %v: %v", in, a, rest)
			}
		}
	})
}

// TestMonthsOf: a month is one of a period's when one of its days is.
func TestMonthsOf(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from := firstMonth.First().AddDays(rapid.IntRange(0, 400).Draw(t, "from"))
		until := from.AddDays(rapid.IntRange(1, 400).Draw(t, "days"))
		got := monthsOf(from, until)
		for m := firstMonth; m < lastMonth; m++ {
			want := m.First() < until && from <= m.Last()
			if has([]enrolment.Span{got}, m) != want {
				t.Fatalf("%s to %s has %s: %t; it is %v", from, until, m, want, got)
			}
		}
	})
	if got := monthsOf(firstMonth.Last(), enrolment.Never); got != (enrolment.Span{
		From: firstMonth, Until: neverMonth,
	}) {
		t.Errorf("for ever: %v", got)
	}
}

// TestHundredths compares two decimals, rounded half up, with those of an exact fraction.
func TestHundredths(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.Int64Range(0, 1<<53).Draw(t, "a")
		b := rapid.OneOf(rapid.Int64Range(1, 400), rapid.Int64Range(1, 1<<53)).Draw(t, "b")
		got := amountOf(a).hundredths(amountOf(b))
		if want := big.NewRat(a, b).FloatString(2); got != want {
			t.Fatalf("%d of %d: %s, want %s", a, b, got, want)
		}
	})
	if got := (amount{}).hundredths(amountOf(3)); got != "0.00" {
		t.Errorf("nothing of 3: %s", got)
	}
}

// TestAmount: amounts have no bound, the zero value is 0, and none changes another.
func TestAmount(t *testing.T) {
	var zero amount
	huge := amountOf(1 << 53).times(amountOf(1 << 53)).times(amountOf(1 << 53))
	if got := huge.big().BitLen(); got != 160 {
		t.Errorf("2^159 has %d bits", got)
	}
	if huge.minus(huge).compare(zero) != 0 || zero.plus(huge).compare(huge) != 0 ||
		zero.times(huge).compare(zero) != 0 || zero.minus(huge).compare(zero) >= 0 {
		t.Error("0 is not 0")
	}
	if got := amountOf(7).over(amountOf(2)); got.big().Int64() != 3 {
		t.Errorf("2 goes into 7 %d times", got.big())
	}
	if huge.big().BitLen() != 160 || zero.n != nil {
		t.Error("an amount was changed")
	}
}

// drawn is a commitment as a test draws it: who is granted and covered, and what is known of it.
type drawn struct {
	granted, covered [][]enrolment.Span // by enrolment
	b                books
}

func drawCommitment(t *rapid.T) (d drawn) {
	for range rapid.IntRange(0, 4).Draw(t, "enrolments") {
		granted := drawSpans(t, "granted")
		d.granted = append(d.granted, granted)
		d.covered = append(d.covered, overlaps(granted, drawSpans(t, "covered")))
	}
	for range rapid.IntRange(0, 5).Draw(t, "named") {
		d.b.named = append(d.b.named, firstMonth+1+temporal.Month(rapid.IntRange(0, 25).Draw(t, "month")))
	}
	d.b.closed = neverMonth
	d.b.paid = amountOf(rapid.Int64Range(0, 500).Draw(t, "paid"))
	if d.b.known = rapid.IntRange(0, 3).Draw(t, "known") > 0; !d.b.known {
		return d
	}
	period := drawSpan(t)
	d.b.from, d.b.until, d.b.funding = period.From, period.Until, event.FundingAPBD
	d.b.heads = rapid.Int64Range(0, 5).Draw(t, "heads")
	d.b.months = rapid.Int64Range(0, 12).Draw(t, "how many months")
	d.b.tariff = rapid.Int64Range(0, 9).Draw(t, "tariff")
	d.b.ceiling = rapid.Int64Range(0, 500).Draw(t, "ceiling")
	return d
}

// in counts the enrolments with a month.
func in(all [][]enrolment.Span, m temporal.Month) (n int64) {
	for _, spans := range all {
		if has(spans, m) {
			n++
		}
	}
	return n
}

// heads adds them up as a ledger does.
func (d *drawn) heads() heads {
	h := heads{granted: run{}, covered: run{}}
	for i := range d.granted {
		h.add(d.granted[i], d.covered[i])
	}
	return h
}

// TestLine compares a line with its months, one by one: what is granted, covered and disbursed in
// each, what that adds up to, and what is missing.
func TestLine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drawCommitment(t)
		l := lineOf("c", &d.b, d.heads())
		shown := map[string]Months{}
		for i, months := range l.Months {
			if i > 0 && l.Months[i-1].Until > months.From || months.From >= months.Until {
				t.Fatalf("months %v are not in order", l.Months)
			}
			for m := firstMonth; m < lastMonth; m++ {
				if text := m.String(); months.From <= text && text < months.Until {
					shown[text] = months
				}
			}
		}
		granted, covered := Part{HeadMonths: new(big.Int)}, Part{HeadMonths: new(big.Int)}
		var last *string
		for m := firstMonth; m < lastMonth; m++ {
			want := Months{
				Span: shown[m.String()].Span, Granted: in(d.granted, m), Covered: in(d.covered, m),
				Disbursed: slices.Contains(d.b.named, m),
			}
			if shown[m.String()] != want {
				t.Fatalf("%s: %+v, want %+v", m, shown[m.String()], want)
			}
			granted.add(want.Granted)
			covered.add(want.Covered)
			if want.Granted > 0 {
				last = monthText(m)
			}
		}
		granted.Heads, covered.Heads = someOf(d.granted), someOf(d.covered)
		checkPart(t, "granted", l.Granted, granted)
		checkPart(t, "covered", l.Covered, covered)
		checkMonth(t, "last", l.MoneyEnds.Last, last)
		if missing := new(big.Int).Sub(granted.HeadMonths, covered.HeadMonths); l.Missing.HeadMonths.Cmp(missing) != 0 {
			t.Fatalf("granted and not covered: %s, want %s", l.Missing.HeadMonths, missing)
		}
		d.checkCommitted(t, l)
	})
}

func (p *Part) add(n int64) {
	p.Most = max(p.Most, n)
	p.HeadMonths.Add(p.HeadMonths, big.NewInt(n))
}

// someOf counts the enrolments with any month.
func someOf(all [][]enrolment.Span) (n int64) {
	for _, spans := range all {
		if len(spans) > 0 {
			n++
		}
	}
	return n
}

func checkPart(t *rapid.T, name string, got, want Part) {
	t.Helper()
	if got.Heads != want.Heads || got.Most != want.Most || got.HeadMonths.Cmp(want.HeadMonths) != 0 {
		t.Fatalf("%s: %+v, want %+v", name, got, want)
	}
}

func checkMonth(t *rapid.T, name string, got, want *string) {
	t.Helper()
	if (got == nil) != (want == nil) || got != nil && *got != *want {
		t.Fatalf("%s: %s, want %s", name, textOf(got), textOf(want))
	}
}

func textOf(month *string) string {
	if month == nil {
		return "none"
	}
	return *month
}

// checkCommitted compares what rests on the committed event.
func (d *drawn) checkCommitted(t *rapid.T, l *Line) {
	t.Helper()
	if !d.b.known {
		if l.Committed != nil || l.Funder != nil || l.From != nil || l.Missing.Heads != nil ||
			l.Missing.Rupiah != nil || l.Granted.Rupiah != nil || l.Funding != "UNKNOWN" ||
			l.MoneyEnds.Committed != nil || len(l.Missing.Months) > 0 {
			t.Fatalf("of what was never committed: %+v", l)
		}
		return
	}
	granted := func(m temporal.Month) int64 { return in(d.granted, m) }
	planned := func(m temporal.Month) int64 {
		if d.b.from <= m && m < d.b.from+temporal.Month(d.b.months) {
			return d.b.heads
		}
		return 0
	}
	checkMonth(t, "committed", l.MoneyEnds.Committed, d.ends(planned, d.b.ceiling))
	checkMonth(t, "granted", l.MoneyEnds.Granted, d.ends(granted, d.b.ceiling))
	checkMonth(t, "disbursed", l.MoneyEnds.Disbursed, d.ends(granted, d.b.paid.big().Int64()))
	rupiah, missing := int64(0), int64(0)
	unnamed := map[string]bool{}
	for m := firstMonth; m < lastMonth; m++ {
		rupiah += granted(m) * d.b.tariff
		unnamed[m.String()] = d.b.from <= m && m < d.b.until && !slices.Contains(d.b.named, m)
	}
	missing = rupiah - d.b.paid.big().Int64()
	if l.Granted.Rupiah.Int64() != rupiah || l.Missing.Rupiah.Int64() != missing ||
		*l.Missing.Heads != d.b.heads-l.Granted.Most ||
		l.Missing.Ceiling.Int64() != d.b.heads*d.b.months*d.b.tariff-d.b.ceiling {
		t.Fatalf("granted %s, missing %+v of %+v", l.Granted.Rupiah, l.Missing, d.b)
	}
	for _, span := range l.Missing.Months {
		for m := firstMonth; m < lastMonth; m++ {
			if text := m.String(); span.From <= text && text < span.Until && !unnamed[text] {
				t.Fatalf("%s is missing, and was disbursed or never committed", text)
			} else if span.From <= text && text < span.Until {
				delete(unnamed, text)
			}
		}
	}
	for month, missing := range unnamed {
		if missing {
			t.Fatalf("%s was not disbursed, and is not among %v", month, l.Missing.Months)
		}
	}
	if month := d.b.heads * d.b.tariff; month == 0 {
		if l.Committed.Buys != nil {
			t.Fatalf("what costs nothing is bought for %s months", *l.Committed.Buys)
		}
	} else if want := big.NewRat(d.b.ceiling, month).FloatString(2); *l.Committed.Buys != want {
		t.Fatalf("buys %s months, want %s", *l.Committed.Buys, want)
	}
}

// ends pays month by month until the money does not suffice.
func (d *drawn) ends(heads func(temporal.Month) int64, money int64) *string {
	for m := firstMonth; m < lastMonth; m++ {
		if money -= heads(m) * d.b.tariff; money < 0 {
			return monthText(m)
		}
	}
	return nil
}
