package enrolment

import (
	"cmp"
	"slices"

	"cakupan/domain/event"
	"cakupan/domain/temporal"
)

// graceMonths is how many months an unpaid enrolment stays in grace, or an employer's due, after
// its last month with money. Both are the contract's, section 3.
const graceMonths = 3

// Sources is the set of sources of money that pay a month: bit f for each [event.Funding] f.
// Several are possible, as grants of different commitments may pay the same month.
type Sources uint8

// SourceOf returns the set that holds just f.
func SourceOf(f event.Funding) Sources { return 1 << f }

// Evidence is the set of what a covered day rests on: bit i for each kind i.
type Evidence uint8

// The kinds of evidence, from money booked down to nobody having said otherwise.
const (
	Credited  Evidence = 1 << 0 // the agency has booked the month's contribution
	Disbursed Evidence = 1 << 1 // a grant pays the month, and its commitment has paid for it
	Promised  Evidence = 1 << 2 // a grant pays the month
	Due       Evidence = 1 << 3 // one of the three months before was booked, and the employer owes
	Presumed  Evidence = 1 << 4 // nobody has reported payments yet
)

// EvidenceNames returns the names of the kinds, in the order of their bits.
func EvidenceNames() [5]string {
	return [...]string{"CREDITED", "DISBURSED", "PROMISED", "DUE", "PRESUMED"}
}

// Names returns the names of the kinds in the set, none for an empty one.
func (e Evidence) Names() []string {
	names := []string{}
	for i, name := range EvidenceNames() {
		if e&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return names
}

// Confirmed reports whether the evidence has money that was booked or disbursed.
func (e Evidence) Confirmed() bool { return e&(Credited|Disbursed) != 0 }

// Months is a span of months with the same money: what grants pay and from which sources, and
// whether contributions are credited.
type Months struct {
	From, Until temporal.Month // Until is out
	Sources     Sources        // of the grants that pay; 0: none does
	Evidence    Evidence       // of Credited, Disbursed, Promised
}

// Money is what is known of the months of one enrolment. The zero value with Speaks at NeverMonth
// is that of an enrolment without grants and credits. It belongs to one goroutine, and is made for
// one enrolment after the other in the same memory.
type Money struct {
	// Speaks is the first credited month, from which on credits are what EMPLOYER and SELF go by;
	// NeverMonth: nobody has reported payments.
	Speaks temporal.Month
	Months []Months // disjoint, in order of time
}

// NoMoney returns the money of an enrolment without grants and credits. The memory of months is
// used again.
func NoMoney(months []Months) Money { return Money{Speaks: NeverMonth, Months: months[:0]} }

// Credit adds credited months.
func (m *Money) Credit(from, until temporal.Month) {
	if from < until {
		m.Speaks = min(m.Speaks, from)
		m.Months = AddMonths(m.Months, Months{From: from, Until: until, Evidence: Credited})
	}
}

// Grant adds the months [from, until) that a grant pays unless its commitment has closed; the
// caller has cut off what is revoked. Months that the commitment has paid for are disbursed, the
// others promised.
func (m *Money) Grant(from, until temporal.Month, of *Purse) {
	until = min(until, of.ClosedFrom)
	for next := EndingAfter(of.Disbursed, from); from < until; next++ {
		paid := Span{until, until}
		if next < len(of.Disbursed) {
			paid = of.Disbursed[next]
		}
		m.add(from, min(until, paid.From), of.Source, Promised)
		m.add(max(from, paid.From), min(until, paid.Until), of.Source, Disbursed)
		from = max(from, paid.Until)
	}
}

func (m *Money) add(from, until temporal.Month, source Sources, e Evidence) {
	m.Months = AddMonths(m.Months, Months{From: from, Until: until, Sources: source, Evidence: e})
}

// Purse is what the facts in force about a commitment come to, for the months of its grants.
type Purse struct {
	ClosedFrom temporal.Month // the first month that it no longer pays, or NeverMonth
	Source     Sources        // of its committed fact with the highest sequence
	Disbursed  []Span         // the months it has paid for: disjoint, in order, with gaps between
}

// EmptyPurse is that of a commitment of which nothing is known.
func EmptyPurse() Purse {
	return Purse{ClosedFrom: NeverMonth, Source: SourceOf(event.UnknownFunding)}
}

// Span is a span of months.
type Span struct{ From, Until temporal.Month } // Until is out

// Join brings spans in order of time and makes those one that overlap or touch, so that gaps are
// between them. It works in place. None of them may be without months.
func Join(spans []Span) []Span {
	slices.SortFunc(spans, func(a, b Span) int { return cmp.Compare(a.From, b.From) })
	joined := spans[:0]
	for _, span := range spans {
		if n := len(joined); n > 0 && span.From <= joined[n-1].Until {
			joined[n-1].Until = max(joined[n-1].Until, span.Until)
			continue
		}
		joined = append(joined, span)
	}
	return joined
}

// Equal reports whether two purses are the same.
func (p *Purse) Equal(other *Purse) bool {
	return p.ClosedFrom == other.ClosedFrom && p.Source == other.Source &&
		slices.Equal(p.Disbursed, other.Disbursed)
}

// DisbursedByOne returns the months that one of two purses has disbursed and the other has not.
func (p *Purse) DisbursedByOne(other *Purse) (spans []Span) {
	// At each bound one of the two begins or ends; where both do, nothing differs.
	var one Span
	begun := false
	a, b := bounds{spans: p.Disbursed}, bounds{spans: other.Disbursed}
	for {
		x, y := a.next(), b.next()
		month := min(x, y)
		if month == NeverMonth {
			return spans
		}
		if x == month {
			a.at++
		}
		if y == month {
			b.at++
		}
		switch {
		case x == y:
		case begun:
			one.Until, begun = month, false
			spans = append(spans, one)
		default:
			one.From, begun = month, true
		}
	}
}

// bounds goes through the months in which spans begin or end, in order.
type bounds struct {
	spans []Span
	at    int // twice the index of the span, and one more at its end
}

// next returns the next bound, NeverMonth when there is none.
func (b *bounds) next() temporal.Month {
	switch i := b.at / 2; {
	case i == len(b.spans):
		return NeverMonth
	case b.at%2 == 0:
		return b.spans[i].From
	default:
		return b.spans[i].Until
	}
}

// EndingAfter returns the index of the first of the spans, which are disjoint and in order of time,
// that ends after the month begins.
func EndingAfter(spans []Span, month temporal.Month) int {
	at, _ := slices.BinarySearchFunc(spans, month, func(s Span, month temporal.Month) int {
		if s.Until <= month {
			return -1
		}
		return 1
	})
	return at
}

// AddMonths adds a span to disjoint ones in order of time, and keeps them so: where they overlap,
// the months have the money of both. It works in place and may grow the slice. A span without
// months adds nothing. It costs a search, and what comes after the span's beginning.
func AddMonths(spans []Months, add Months) []Months {
	at := after(spans, add.From)
	for ; at < len(spans) && add.From < add.Until; at++ {
		is := spans[at]
		switch {
		case add.From < is.From: // what is before it; the next turn comes to it again
			before := add
			before.Until = min(add.Until, is.From)
			spans = slices.Insert(spans, at, before)
			add.From = before.Until
		case is.Sources|add.Sources == is.Sources && is.Evidence|add.Evidence == is.Evidence:
			add.From = is.Until
		case is.From < add.From: // cut it in two; the next turn comes to the second part
			spans[at].Until = add.From
			is.From = add.From
			spans = slices.Insert(spans, at+1, is)
		default: // both begin with the same month
			until := min(is.Until, add.Until)
			spans[at].Until = until
			spans[at].Sources, spans[at].Evidence = is.Sources|add.Sources, is.Evidence|add.Evidence
			if until < is.Until {
				is.From = until
				spans = slices.Insert(spans, at+1, is)
			}
			add.From = until
		}
	}
	if add.From < add.Until {
		spans = append(spans, add)
	}
	return spans
}

// after returns the index of the first span that ends after the month begins.
func after(spans []Months, month temporal.Month) int {
	if n := len(spans); n == 0 || spans[n-1].Until <= month {
		return n // so it is for what comes in order of time
	}
	at, _ := slices.BinarySearchFunc(spans, month, func(s Months, month temporal.Month) int {
		if s.Until <= month {
			return -1
		}
		return 1
	})
	return at
}
