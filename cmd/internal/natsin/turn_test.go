package natsin

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"cakupan/domain/temporal"
)

// slowTurns takes the messages one by one: always the first of whoever has the least so far, and of
// several of those the one that came first.
func slowTurns(waiting []arrived, messagesMax, bytesMax int) (taken []int) {
	size, has := 0, map[string]int{}
	for len(taken) < min(messagesMax, len(waiting)) {
		next := -1
		for i := range waiting {
			if slices.Contains(taken, i) {
				continue
			}
			if next < 0 || has[waiting[i].Publisher] < has[waiting[next].Publisher] {
				next = i
			}
		}
		if size += waiting[next].size(); size > bytesMax && len(taken) > 0 {
			break
		}
		has[waiting[next].Publisher]++
		taken = append(taken, next)
	}
	slices.Sort(taken)
	return taken
}

// TestInTurn compares what is taken with a slow and obvious way to do it.
func TestInTurn(t *testing.T) {
	for seed := range uint64(2_000) {
		random := rand.New(rand.NewPCG(seed, 2))
		waiting := make([]arrived, 1+random.IntN(30))
		for i := range waiting {
			waiting[i].Publisher = fmt.Sprint(random.IntN(4))
			waiting[i].reply = fmt.Sprint(i)
			waiting[i].Payload = make([]byte, 1+random.IntN(100))
		}
		messages, bytes := 1+random.IntN(20), random.IntN(8_000)
		all := slices.Clone(waiting)
		taken, rest := inTurn(waiting, messages, bytes)
		fits := len(rest) == 0
		want := slowTurns(all, messages, bytes)
		if len(taken) != len(want) && !fits {
			t.Fatalf("seed %d: %d taken, want %d", seed, len(taken), len(want))
		}
		for i, place := range want {
			if i < len(taken) && taken[i].reply != fmt.Sprint(place) && !fits {
				t.Fatalf("seed %d: taken %s, want %d", seed, taken[i].reply, place)
			}
		}
		if len(taken)+len(rest) != len(all) || len(taken) == 0 {
			t.Fatalf("seed %d: %d and %d of %d", seed, len(taken), len(rest), len(all))
		}
	}
}

// TestFloodOfOne: who floods is refused beyond his share, and another is taken with the next pack.
func TestFloodOfOne(t *testing.T) {
	c := newCollector()
	flood, taken := 0, 0
	for c.add(arrived{Message: Message{Publisher: "flood"}}) {
		flood++
	}
	if flood != heldMessagesMax/heldPart {
		t.Errorf("%d messages of one are held", flood)
	}
	if !c.add(arrived{Message: Message{Publisher: "other"}}) {
		t.Fatal("another is refused")
	}
	for pack := c.take(100, 1<<20); pack != nil; pack = c.take(100, 1<<20) {
		if taken == 0 && !slices.ContainsFunc(pack, func(m arrived) bool {
			return m.Publisher == "other"
		}) {
			t.Error("another waits behind the flood")
		}
		taken += len(pack)
		if c.release(pack); taken == flood+1 {
			c.close()
		}
	}
	if c.count != 0 || c.bytes != 0 || len(c.of) != 0 {
		t.Errorf("%d held, %v", c.count, c.of)
	}
}

// TestHeedless: who sends on and on while he is told to wait is hung up on; who waits is not, nor is
// another one.
func TestHeedless(t *testing.T) {
	var h heedless
	now := temporal.Instant(0)
	for i := range heedlessMax - 1 {
		if h.note("flood", now) {
			t.Fatalf("hung up on after %d", i+1)
		}
	}
	if h.note("other", now) {
		t.Error("another is hung up on")
	}
	now += temporal.Instant(heedlessPause)
	if !h.note("flood", now) {
		t.Error("he goes on for ever")
	}
	for range heedlessMax - 1 {
		if h.note("flood", now) {
			t.Fatal("he is not counted anew")
		}
	}
	if now += temporal.Instant(heedlessPause); h.note("flood", now+1) {
		t.Error("who has waited is hung up on")
	}
}
