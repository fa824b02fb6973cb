package funding

import (
	"math/big"
	"slices"

	"cakupan/domain/enrolment"
	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
)

// Line is one commitment, as known at a place in the log. What its committed event says is null
// where there is none in force. Amounts that are products may be above 2^53, hence big ones; JSON
// has them as numbers all the same. Lists are there when they are empty.
type Line struct {
	Commitment string     `json:"commitment"`
	Funder     *string    `json:"funder"`
	Funding    string     `json:"funding"` // UNKNOWN without a committed event
	FiscalYear *int64     `json:"fiscalYear"`
	Basis      string     `json:"basis,omitempty"`
	From       *string    `json:"from"`
	Until      *string    `json:"until"`
	Closed     *string    `json:"closed"` // from this month on
	Committed  *Committed `json:"committed"`
	Granted    Part       `json:"granted"`
	Disbursed  Disbursed  `json:"disbursed"`
	Covered    Part       `json:"covered"`
	Missing    Missing    `json:"missing"`
	MoneyEnds  MoneyEnds  `json:"moneyEnds"`
	Months     []Months   `json:"months"`

	Events []eventstore.Sequence `json:"events"` // in force: committed, amended, closed, disbursed
}

// Committed is what was promised. The tariff is rupiah for a head and a month; the ceiling is
// rupiah for all.
type Committed struct {
	Heads      int64    `json:"heads"`
	Months     int64    `json:"months"`
	HeadMonths *big.Int `json:"headMonths"`
	Tariff     int64    `json:"tariff"`
	Rupiah     *big.Int `json:"rupiah"` // heads times months times tariff
	Ceiling    int64    `json:"ceiling"`
	Buys       *string  `json:"buys"` // how many months; null where one is free
}

// Part is what enrolments have of the commitment. Without a committed event there is no tariff to
// count by.
type Part struct {
	Heads      int64    `json:"heads"` // enrolments with a month
	Most       int64    `json:"most"`  // of them in one month
	HeadMonths *big.Int `json:"headMonths"`
	Rupiah     *big.Int `json:"rupiah"` // times tariff; null without one
}

// Disbursed is the money that was paid. Months are those that disbursements name, which says
// nothing of how much was paid for each.
type Disbursed struct {
	Months []Span   `json:"months"`
	Rupiah *big.Int `json:"rupiah"`
}

// Missing is what lies between the parts. What is more than there is to be is negative. Heads,
// rupiah and ceiling are null without a committed event.
//
// Negative heads are enrolments above those that were committed, negative rupiah is money paid out
// that no grant asks for.
type Missing struct {
	Heads      *int64   `json:"heads"`      // committed, less the most granted in a month
	HeadMonths *big.Int `json:"headMonths"` // granted, and not covered
	Months     []Span   `json:"months"`     // committed, and named by no disbursement
	Rupiah     *big.Int `json:"rupiah"`     // granted, less disbursed
	Ceiling    *big.Int `json:"ceiling"`    // committed heads, months and tariff, less the ceiling
}

// MoneyEnds names the first month that is not paid for in full; null where the money suffices. A
// month counts as paid for when the money of those before it and its own is there.
type MoneyEnds struct {
	Last      *string `json:"last"`      // the last month that somebody is granted
	Committed *string `json:"committed"` // of the committed heads, by the ceiling
	Granted   *string `json:"granted"`   // of the granted heads, by the ceiling
	Disbursed *string `json:"disbursed"` // of the granted heads, by what was disbursed
}

// Span is some months that follow one another; until is out.
type Span struct {
	From  string `json:"from"`
	Until string `json:"until"`
}

// Months are some that are alike. A commitment may run for thousands of years, so that months are
// told in spans.
type Months struct {
	Span

	Granted   int64 `json:"granted"`
	Covered   int64 `json:"covered"`
	Disbursed bool  `json:"disbursed"`
}

// stretch is some months with the same heads.
type stretch struct {
	enrolment.Span

	granted, covered int64
	disbursed        bool
}

// lineOf puts a commitment together. What rests on the terms is left null where there is no
// committed event.
func lineOf(name string, b *books, h heads) *Line {
	paid := namedMonths(b.named)
	all := stretches(h, paid)
	l := &Line{
		Commitment: name, Funding: event.UnknownFunding.String(), Basis: b.basis, Events: b.events,
		Closed: monthText(b.closed), Months: []Months{},
		Granted:   partOf(all, h.grantedHeads, func(s *stretch) int64 { return s.granted }),
		Covered:   partOf(all, h.coveredHeads, func(s *stretch) int64 { return s.covered }),
		Disbursed: Disbursed{Months: spanTexts(paid), Rupiah: b.paid.big()},
		Missing:   Missing{Months: []Span{}},
	}
	if l.Events == nil {
		l.Events = []eventstore.Sequence{}
	}
	l.Missing.HeadMonths = new(big.Int).Sub(l.Granted.HeadMonths, l.Covered.HeadMonths)
	for i := range all {
		if all[i].granted > 0 {
			l.MoneyEnds.Last = monthText(all[i].Until - 1)
		}
		l.Months = append(l.Months, Months{
			spanText(all[i].Span), all[i].granted, all[i].covered, all[i].disbursed,
		})
	}
	if b.known {
		l.commit(b, all, paid)
	}
	return l
}

// commit adds what rests on the committed event. The tariff is that of now for all months: an
// amendment says that it replaces the one before, not from when on.
func (l *Line) commit(b *books, all []stretch, paid []enrolment.Span) {
	funder, year := b.funder.String(), b.year
	l.Funder, l.FiscalYear, l.Funding = &funder, &year, b.funding.String()
	l.From, l.Until = monthText(b.from), monthText(b.until)
	tariff, ceiling := amountOf(b.tariff), amountOf(b.ceiling)
	headMonths := amountOf(b.heads).times(amountOf(b.months))
	l.Committed = &Committed{
		Heads: b.heads, Months: b.months, HeadMonths: headMonths.big(), Tariff: b.tariff,
		Rupiah: headMonths.times(tariff).big(), Ceiling: b.ceiling,
	}
	month := amountOf(b.heads).times(tariff)
	if month.compare(amount{}) > 0 {
		buys := ceiling.hundredths(month)
		l.Committed.Buys = &buys
	}
	granted := amount{l.Granted.HeadMonths}.times(tariff)
	l.Granted.Rupiah = granted.big()
	l.Covered.Rupiah = amount{l.Covered.HeadMonths}.times(tariff).big()
	missing := b.heads - l.Granted.Most
	l.Missing.Heads = &missing
	l.Missing.Rupiah = granted.minus(b.paid).big()
	l.Missing.Ceiling = headMonths.times(tariff).minus(ceiling).big()
	l.Missing.Months = spanTexts(gaps(enrolment.Span{From: b.from, Until: b.until}, paid))

	planned := []stretch{{
		Span: enrolment.Span{From: b.from, Until: b.planned()}, granted: b.heads,
	}}
	l.MoneyEnds = MoneyEnds{
		Last:      l.MoneyEnds.Last,
		Committed: monthText(end(planned, ceiling, tariff)),
		Granted:   monthText(end(all, ceiling, tariff)),
		Disbursed: monthText(end(all, b.paid, tariff)),
	}
}

// planned returns the month after the committed ones: so many as are said, from the first on. The
// period of a commitment may have more months or less; money is counted in what was planned.
func (b *books) planned() temporal.Month {
	return b.from + temporal.Month(min(b.months, int64(neverMonth-b.from)))
}

// end returns the first month that money does not pay for in full, neverMonth where it suffices.
// What costs nothing is always paid for. A stretch may be of thousands of years: it is divided. The
// stretches have to be in order of time.
func end(all []stretch, money, tariff amount) temporal.Month {
	for i := range all {
		month := amountOf(all[i].granted).times(tariff)
		if month.compare(amount{}) <= 0 {
			continue
		}
		n := amountOf(int64(all[i].Until - all[i].From))
		if buys := money.over(month); buys.compare(n) < 0 {
			return all[i].From + temporal.Month(buys.big().Int64())
		}
		money = money.minus(month.times(n))
	}
	return neverMonth
}

// stretches returns the months with somebody granted, or disbursed for, those together that are
// alike. Who is covered is granted, so that months of covering alone do not arise. The walk is over
// the months in which something changes, so that a span costs no more for being long.
func stretches(h heads, paid []enrolment.Span) (all []stretch) {
	named := run{}
	for _, span := range paid {
		named.add(span)
	}
	var now stretch
	disbursed := int64(0)
	for _, month := range bounds(h.granted, h.covered, named) {
		if now.Until = month; now.granted > 0 || now.disbursed {
			all = append(all, now)
		}
		disbursed += named[month]
		now = stretch{
			Span:    enrolment.Span{From: month},
			granted: now.granted + h.granted[month], covered: now.covered + h.covered[month],
			disbursed: disbursed > 0,
		}
	}
	return slices.Clip(alike(all))
}

// alike makes stretches one that touch and differ in nothing.
func alike(all []stretch) []stretch {
	joined := all[:0]
	for _, s := range all {
		if n := len(joined); n > 0 && joined[n-1].Until == s.From &&
			joined[n-1].granted == s.granted && joined[n-1].covered == s.covered &&
			joined[n-1].disbursed == s.disbursed {
			joined[n-1].Until = s.Until
			continue
		}
		joined = append(joined, s)
	}
	return joined
}

// partOf adds up what stretches have. The most is that of any month, which is what the committed
// heads are compared with.
func partOf(all []stretch, heads int64, count func(*stretch) int64) Part {
	p, sum := Part{Heads: heads}, amount{}
	for i := range all {
		n := count(&all[i])
		p.Most = max(p.Most, n)
		sum = sum.plus(amountOf(n).times(amountOf(int64(all[i].Until - all[i].From))))
	}
	p.HeadMonths = sum.big()
	return p
}

// namedMonths returns the months, in order and apart.
func namedMonths(months []temporal.Month) []enrolment.Span {
	spans := make([]enrolment.Span, len(months))
	for i, month := range months {
		spans[i] = enrolment.Span{From: month, Until: month + 1}
	}
	return enrolment.Join(spans)
}

// spanTexts returns spans as texts; no spans are an empty list.
func spanTexts(spans []enrolment.Span) []Span {
	texts := make([]Span, len(spans))
	for i, span := range spans {
		texts[i] = spanText(span)
	}
	return texts
}

func spanText(span enrolment.Span) Span { return Span{span.From.String(), span.Until.String()} }

// monthText returns a month as text, nil for neverMonth.
func monthText(month temporal.Month) *string {
	if month == neverMonth {
		return nil
	}
	text := month.String()
	return &text
}
