package findings

import (
	"math/big"

	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
)

// budget is what a commitment comes to, by its last committed event and the amendments after it.
//
// Heads are enrolments a month, months how many the commitment means to pay, tariff rupiah for a
// head and a month, ceiling rupiah for all of it; from and until are the period. They need not
// agree: MONEY_SHORT says when they do not. It is derived from the table of money. The zero value,
// not known, is that of a commitment that was never committed: its amendments alone say nothing.
//
// A second committed event replaces all terms and whatever amended them; first stays, because its
// sender is the one whose commitment it is (FOREIGN_CHANGE).
type budget struct {
	// Of all commitments these are looked at most: they share a line of the cache.
	known       bool
	funder      region.Code
	from, until temporal.Month

	heads, months, tariff, ceiling int64

	first     eventstore.Sequence // the event that committed it first,
	committed eventstore.Sequence // and the one that did so last
	last      eventstore.Sequence // that one, or the last that amended it
}

// period returns the months of the commitment.
func (b *budget) period() months { return span(b.from, b.until) }

// sameGround reports whether two budgets are the same for who is granted something. It leaves out
// heads and money: no rule about a grant raises anything by them, and the tariff only says how much
// is at stake, which is worked out when somebody asks.
func (b *budget) sameGround(other *budget) bool {
	return b.known == other.known && b.from == other.from && b.until == other.until &&
		b.funder == other.funder
}

// books are the events about one commitment, as indexes in the table of money, in order of the log,
// and what those in force come to.
//
// They are derived. Lists have retracted events too: as known at an earlier event those are in
// force. Spent is a large number, because thousands of amounts of up to 2^53 rupiah may add up.
type books struct {
	budget budget

	terms, payments, changes []int

	standing *statements // of the terms: nil until one is retracted

	spent   big.Int
	senders map[uint32]int // publisher → events that are not payments
	sent    int            // all of those
}

// list returns the list that events of a kind are in.
func (b *books) list(kind uint8) *[]int {
	switch event.Type(kind) {
	case event.FundingDisbursed:
		return &b.payments
	case event.FundingCommitted, event.FundingAmended:
		return &b.terms
	default:
		return &b.changes
	}
}

// states reports whether an event of the kind states terms.
func (b *books) states(kind uint8) bool { return b.list(kind) == &b.terms }

// foreign reports whether an event in force is of another publisher than the given one.
func (b *books) foreign(publisher uint32) bool { return b.sent > b.senders[publisher] }

// booksOf returns the books of a commitment, which it opens when there are none.
func (l *ledger) booksOf(c uint32) *books {
	for int(c) >= len(l.accounts) {
		l.accounts = append(l.accounts, nil)
	}
	if l.accounts[c] == nil {
		l.accounts[c] = &books{senders: map[uint32]int{}}
	}
	return l.accounts[c]
}

// account returns the books of a commitment; nil: nothing was said of it.
func (l *ledger) account(c uint32) *books {
	if int(c) >= len(l.accounts) {
		return nil
	}
	return l.accounts[c]
}

// note adds an event in force to what they come to, or takes it away. Weight is +1 or -1. The
// events about one commitment may come from many publishers: counts by publisher tell whether any
// is foreign without looking at all of them.
func (l *ledger) note(index, weight int) {
	m := l.money.At(index)
	b := l.booksOf(m.commitment)
	if event.Type(m.kind) == event.FundingDisbursed {
		amount := big.NewInt(m.ceiling)
		if weight < 0 {
			amount.Neg(amount)
		}
		b.spent.Add(&b.spent, amount)
		return
	}
	b.sent += weight
	b.senders[m.publisher] += weight
}

// moneyAsOf returns those events of a list that are in force as known at k. They are in order of
// the log.
func (l *ledger) moneyAsOf(list []int, k eventstore.Sequence) (all []*money) {
	for _, i := range list {
		if m := l.money.At(i); inForce(m.sequence, m.retracted, k) {
			all = append(all, m)
		}
	}
	return all
}

// budgetAsOf returns what a commitment comes to as known at k. It looks at all events that state
// terms: for now the ledger keeps the outcome.
func (l *ledger) budgetAsOf(c uint32, k eventstore.Sequence) (b budget) {
	books := l.account(c)
	if books == nil {
		return b
	}
	for _, m := range l.moneyAsOf(books.terms, k) {
		b.state(m)
	}
	return b
}

// state takes over what an event states that came after all others.
func (b *budget) state(m *money) {
	switch {
	case event.Type(m.kind) == event.FundingCommitted:
		first := b.first
		if first == 0 {
			first = m.sequence
		}
		*b = budget{
			true, m.funder, m.from, m.until, m.heads, m.months, m.tariff, m.ceiling,
			first, m.sequence, m.sequence,
		}
	case b.known:
		b.amend(m)
	}
}

// amend takes over the terms that an amendment names. It becomes the last event whatever it names.
func (b *budget) amend(m *money) {
	b.last = m.sequence
	set := func(named uint8, to *int64, value int64) {
		if m.named&named != 0 {
			*to = value
		}
	}
	set(namesHeads, &b.heads, m.heads)
	set(namesMonths, &b.months, m.months)
	set(namesTariff, &b.tariff, m.tariff)
	set(namesCeiling, &b.ceiling, m.ceiling)
	if m.named&namesUntil != 0 {
		b.until = m.until
	}
}
