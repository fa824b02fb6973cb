package rights

import (
	"context"
	"math/rand/v2"
	"testing"

	"cakupan/eventstore"
	"cakupan/eventstore/logtest"
	"cakupan/eventstore/memlog"
)

// TestGiven compares what is remembered with all that was noted: whoever asks waits for what was said
// of the same and is not folded, and, unless there is too much to remember, for nothing else.
func TestGiven(t *testing.T) {
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(seed, 0))
		g, all := newGiven(), map[subject]eventstore.Sequence{}
		var at, folded, toAll eventstore.Sequence
		for range 2_000 {
			switch random.IntN(40) {
			case 0:
				at++
				g.toAll(at)
				toAll = at
			default:
				at++
				var held []subject
				for range 1 + random.IntN(3) {
					held = append(held, subject(random.IntN(30)))
				}
				for _, one := range held {
					all[one] = at
				}
				g.to(held, at, folded)
			}
			if random.IntN(5) == 0 {
				folded += eventstore.Sequence(random.Uint64N(uint64(at-folded) + 1))
			}
			one := subject(random.IntN(30))
			want, got := max(toAll, all[one]), g.since([]subject{one})
			if want > folded && got != want || want <= folded && got > folded {
				t.Fatalf("seed %d: event %d of %d, folded %d, want %d", seed, got, at, folded, want)
			}
		}
	}
}

// TestGivenUnsure: what may be in the log without anybody having been told is waited for by all,
// once, and nobody is judged while the log does not tell.
func TestGivenUnsure(t *testing.T) {
	log, g := memlog.New(eventstore.NewIdentity(1)), newGiven()
	maker := new(logtest.Maker)
	if _, err := log.Append(t.Context(), maker.Frame(3), maker.Before()); err != nil {
		t.Fatal(err)
	}
	if err := g.sure(t.Context(), log); err != nil || g.since(nil) != 0 {
		t.Errorf("%d is waited for with nothing to be unsure of, %v", g.since(nil), err)
	}
	g.unsure.Add(1)
	gone, stop := context.WithCancel(t.Context())
	stop()
	if err := g.sure(gone, log); err == nil && g.since(nil) != 3 {
		t.Error("nobody was asked")
	}
	if err := g.sure(t.Context(), log); err != nil || g.since(nil) != 3 {
		t.Errorf("%d is waited for, %v", g.since(nil), err)
	}
}

// TestGivenTooMuch: what is too much to remember is waited for by everybody.
func TestGivenTooMuch(t *testing.T) {
	g := newGiven()
	for at := range eventstore.Sequence(3) {
		held := make([]subject, giftsMost/2+1)
		for i := range held {
			held[i] = subject(i) + subject(at)*giftsMost
		}
		g.to(held, at+1, 0)
	}
	if len(g.younger.of)+len(g.older.of) > 2*giftsMost {
		t.Error("there is no bound")
	}
	for at := range eventstore.Sequence(3) {
		if got := g.since([]subject{subject(at) * giftsMost}); got < at+1 {
			t.Errorf("event %d is waited for, want %d", got, at+1)
		}
	}
}
