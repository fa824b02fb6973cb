package cost

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
)

// TestThrottle sends what costs more than a publisher may change, and waits as long as it is told.
func TestThrottle(t *testing.T) {
	limit, now := NewThrottle(10, 100), time.Unix(0, 0)
	of := func(publisher string, changes int) []Dear {
		return []Dear{{publisher: publisher, kind: event.FundingClosed, Changes: changes}}
	}
	take := func(dear []Dear, wantRetry int) {
		t.Helper()
		err := limit.Take(dear, now)
		var known *problem.Error
		retry := 0
		if errors.As(err, &known) && known.Code == problem.EventsDear {
			retry = known.Retry
		}
		if retry != wantRetry {
			t.Errorf("%+v: retry after %d, want %d: %v", dear, retry, wantRetry, err)
		}
	}
	take(of("a", 100), 0)
	take(of("a", 155), 0) // nothing left, and nothing owed
	take(of("a", 1), 16)
	take(of("b", 1), 0)
	take(append(of("b", 1), of("a", 1)...), 16) // nothing is taken of b either
	take(of("b", 98), 0)
	now = now.Add(15 * time.Second)
	take(of("a", 1), 1)
	now = now.Add(time.Second)
	take(of("a", 1000), 0)
	take(of("a", 1), 100)
	limit.GiveBack(of("a", 1000), []event.Receipt{{Status: event.Duplicate}}, now)
	take(of("a", 5), 0)
	now = now.Add(-time.Hour) // somebody sets the clock
	take(of("a", 1), 0)
	take(nil, 0)
	take(of("a", 1), 1)
	take(append(of("c", 60), of("c", 41)...), 1) // together more than is left
	take(append(of("c", 600), of("c", 500)...), 1)
	take(append(of("c", 60), of("c", 40)...), 0)
	take(of("c", 900), 0) // one alone may
}

// TestThrottleForgets: whoever makes up names fills no memory, and nobody's debt is forgotten.
func TestThrottleForgets(t *testing.T) {
	limit, now := NewThrottle(10, 100), time.Unix(0, 0)
	owe := []Dear{{publisher: "owes", Changes: 1000}}
	if err := limit.Take(owe, now); err != nil {
		t.Fatal(err)
	}
	for i := range 3 * debtorsMax {
		dear := []Dear{{publisher: fmt.Sprint(i), Changes: 50}}
		if err := limit.Take(dear, now); err != nil {
			t.Fatal(err)
		}
	}
	if len(limit.debtors) > debtorsMax {
		t.Errorf("%d are remembered", len(limit.debtors))
	}
	if err := limit.Take(owe, now); err == nil {
		t.Error("a debt is forgotten")
	}
}
