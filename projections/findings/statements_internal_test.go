package findings

import (
	"math/rand/v2"
	"testing"

	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
)

// TestStatements: what is kept of a commitment's terms, however statements come and are retracted,
// is what a look at all of them finds. None is left of those that are retracted.
func TestStatements(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	known := 0
	for range 200 {
		l, last := newLedger(), eventstore.Sequence(1+rng.IntN(60))
		for seq := eventstore.Sequence(1); seq <= last; seq++ {
			target := 1 + eventstore.Sequence(rng.IntN(int(seq)))
			if rng.IntN(3) > 0 {
				l.addMoney(statement(rng, seq))
			} else if l.moneyAt(target) != nil {
				l.retractMoney(target, seq)
			}
			books := l.booksOf(0)
			if want := l.budgetAsOf(0, latest); books.budget != want {
				t.Fatalf("after %d events: %+v, want %+v", seq, books.budget, want)
			}
			if books.budget.known {
				known++
			}
		}
		for seq := range last {
			if target := seq + 1; l.moneyAt(target) != nil {
				l.retractMoney(target, latest-1)
			}
		}
		if books := l.booksOf(0); books.budget != (budget{}) {
			t.Fatalf("%+v is left of nothing", books.budget)
		}
	}
	if known < 1_000 {
		t.Errorf("a budget is known %d times", known)
	}
}

// statement makes a commitment, one of three, or an amendment, which names some terms.
func statement(rng *rand.Rand, seq eventstore.Sequence) money {
	kind := event.FundingAmended
	if rng.IntN(3) == 0 {
		kind = event.FundingCommitted
	}
	return money{
		sequence: seq, kind: uint8(kind), named: uint8(rng.IntN(1 << 5)),
		heads: int64(seq), months: int64(2 * seq), tariff: int64(3 * seq), ceiling: int64(4 * seq),
		from: 7, until: temporal.Month(8 + seq), funder: 7503,
	}
}
