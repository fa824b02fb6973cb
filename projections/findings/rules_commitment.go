package findings

import (
	"math"
	"math/big"
	"math/bits"

	"cakupan/domain/enrolment"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
)

// endsSoon is within how many days an end is near. The contract's number (section 8, FUNDING_ENDS).
const endsSoon = 90

// account is a commitment as the rules see it.
//
// For the fold it has only numbers, which are kept up to date event by event; for an answer also
// the months and the events, which are worked out anew. The rules find the same with either: what
// they look at to decide is in both. Budget and spent belong to the ledger and are only read.
type account struct {
	number uint32
	budget *budget
	closed temporal.Month // the first month that it does not pay any more
	spent  *big.Int
	paid   months // that disbursements name

	foreign  bool                  // somebody else than who committed it said something of it;
	others   []eventstore.Sequence // who: for an answer only, as the next
	payments []eventstore.Sequence

	crowded months // in which it pays more enrolments than its heads
	over    int64  // enrolments and months that are too many
	grants  []eventstore.Sequence
	losing  int64 // enrolments that lose cover at its end
	losers  []eventstore.Sequence
}

// end returns the first month that the commitment does not pay any more. A closing may lie behind
// the period, and then changes nothing.
func (a *account) end() temporal.Month { return min(a.budget.until, a.closed) }

// ending reports whether the commitment's last day is near, or today. One whose period is empty
// never pays and so never ends. Once the end has passed it is no longer near: the finding is
// resolved (contract, section 8).
func (a *account) ending(today temporal.Date) bool {
	if !a.budget.known || a.end() <= a.budget.from {
		return false
	}
	last := a.end().First() - 1
	return today <= last && last-today <= endsSoon
}

// turn returns the first day after the given one on which time alone may change what is wrong with
// the commitment, Never when there is none. That is when the end becomes near, when it has passed,
// and when the period is over, whichever the closing says: DISBURSED_SHORT asks for the period. The
// days must be the same as those of ending.
func (a *account) turn(today temporal.Date) temporal.Date {
	turn := enrolment.Never
	if !a.budget.known {
		return turn
	}
	last := a.end().First() - 1
	for _, day := range [...]temporal.Date{last - endsSoon, last + 1, a.budget.until.First()} {
		if day > today {
			turn = min(turn, day)
		}
	}
	return turn
}

// commitmentRules are about one commitment. They ask for the budget first: of a commitment that was
// never committed nothing can be exceeded, and GRANT_UNKNOWN_COMMITMENT says it at those whom it
// was granted to.
func commitmentRules() []func(*view, *account, *sink) {
	return []func(*view, *account, *sink){
		grantBeyondHeads, disbursedAboveCeiling, disbursedShort, moneyShort, committedByOthers,
		fundingEnds,
	}
}

// checkCommitment returns what is wrong with a commitment. Without events the account gives codes
// and numbers alone.
func checkCommitment(v *view, a *account) []found {
	var k sink
	for _, rule := range commitmentRules() {
		rule(v, a, &k)
	}
	return k.done()
}

// In a month a commitment pays more enrolments than its heads. In an answer what is too much is
// months of a head, each of which costs the tariff.
func grantBeyondHeads(_ *view, a *account, k *sink) {
	if !a.budget.known || a.over == 0 {
		return
	}
	f := k.add(GrantBeyondHeads, 0, a.crowded, a.budget.committed, a.budget.last)
	f.events = append(f.events, a.grants...)
	f.count, f.rupiah = a.over, times(a.over, a.budget.tariff)
}

// Amounts disbursed exceed the ceiling. It does not matter what the months are for.
func disbursedAboveCeiling(_ *view, a *account, k *sink) {
	if !a.budget.known {
		return
	}
	if a.spent.IsInt64() && a.spent.Int64() <= a.budget.ceiling {
		return // nearly always: then nothing is made
	}
	above := new(big.Int).Sub(a.spent, big.NewInt(a.budget.ceiling))
	if above.Sign() > 0 {
		f := k.add(DisbursedAboveCeiling, 0, nil, a.budget.committed, a.budget.last)
		f.events, f.rupiah = append(f.events, a.payments...), bounded(above)
	}
}

// The commitment's period is over at K's record time, and a month of it is named by no
// disbursement. As much is at stake as these months would cost.
func disbursedShort(v *view, a *account, k *sink) {
	if !a.budget.known || v.today < a.budget.until.First() {
		return
	}
	if m := a.budget.period().minus(a.paid); len(m) > 0 {
		f := k.add(DisbursedShort, 0, m, a.budget.committed, a.budget.last)
		f.rupiah = times(times(m.count(), a.budget.heads), a.budget.tariff)
	}
}

// heads × months × tariff exceeds the ceiling; the months are those that the money buys, with two
// decimals, none rounded up. The product of three numbers of up to 2^53 does not fit 64 bits. Where
// it exceeds a ceiling none of them is 0: so one can divide by what a month costs.
func moneyShort(_ *view, a *account, k *sink) {
	b := a.budget
	if !b.known || times(times(b.heads, b.months), b.tariff) <= b.ceiling {
		return // no ceiling is as large as what times bounds
	}
	monthly := new(big.Int).Mul(big.NewInt(b.heads), big.NewInt(b.tariff))
	short := new(big.Int).Mul(monthly, big.NewInt(b.months))
	if short.Sub(short, big.NewInt(b.ceiling)); short.Sign() <= 0 {
		return
	}
	hundredths := new(big.Int).Mul(big.NewInt(b.ceiling), big.NewInt(100))
	hundredths.Quo(hundredths, monthly)
	f := k.add(MoneyShort, 0, nil, b.committed, b.last)
	f.money = new(big.Rat).SetFrac(hundredths, big.NewInt(100)).FloatString(2)
	f.rupiah = bounded(short)
}

// An event about a commitment by another publisher than the one that committed it. Grants and
// disbursements do not count.
func committedByOthers(_ *view, a *account, k *sink) {
	if a.budget.first != 0 && a.foreign {
		f := k.add(ForeignChange, 0, nil, a.budget.first)
		f.events = append(f.events, a.others...)
	}
}

// A commitment ends within 90 days of K's record time and at least one of its covered enrolments
// has no later paid month.
func fundingEnds(v *view, a *account, k *sink) {
	if a.losing == 0 || !a.ending(v.today) {
		return
	}
	f := k.add(FundingEnds, 0, span(a.end(), a.end()+1), a.budget.committed, a.budget.last)
	f.events = append(f.events, a.losers...)
	f.count, f.rupiah = a.losing, times(a.losing, a.budget.tariff)
}

// times multiplies numbers of 0 and more, up to the largest there is. What is beyond is not worth
// an error: nobody reads the exact number.
func times(a, b int64) int64 {
	if high, low := bits.Mul64(uint64(a), uint64(b)); high == 0 && low <= math.MaxInt64 {
		return int64(low)
	}
	return math.MaxInt64
}

// bounded returns a number, or the largest there is.
func bounded(n *big.Int) int64 {
	if !n.IsInt64() {
		return math.MaxInt64
	}
	return n.Int64()
}
