package coverage

import (
	"math/rand/v2"
	"slices"
	"testing"

	"cakupan/domain/enrolment"
	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/projections/counts"
	"cakupan/projections/facts"
)

// randomCourse is of a worker, or at times of another one too.
func randomCourse(rng *rand.Rand, w uint32) (c facts.Course) {
	day := temporal.Date(18_000 + rng.IntN(300))
	for range rng.IntN(4) {
		until := day + temporal.Date(1+rng.IntN(200))
		c.Stretches = append(c.Stretches, enrolment.Stretch{
			From: day, Until: until, Worker: w + uint32(rng.IntN(8)/7),
			Terms: enrolment.Terms{
				Region: 7503, Segment: event.PU, Category: event.Private,
				Payer: event.Payer(1 + rng.IntN(3)),
			},
		})
		day = until + temporal.Date(rng.IntN(2))
	}
	c.Money = enrolment.NoMoney(nil)
	for range rng.IntN(4) {
		from := temporal.Date(18_000).Month() + temporal.Month(rng.IntN(24))
		if until := from + temporal.Month(1+rng.IntN(4)); rng.IntN(2) == 0 {
			c.Money.Credit(from, until)
		} else {
			purse := enrolment.EmptyPurse()
			c.Money.Grant(from, until, &purse)
		}
	}
	return c
}

// TestWhatIsLeftIsWorkedOut leaves courses of a part to Show, until there is no room, and compares
// what comes of them with what comparing at once does: event by event, in place of the others.
func TestWhatIsLeftIsWorkedOut(t *testing.T) {
	var l later // its memory is used again by each part
	left, refused := 0, 0
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 3))
		l.reset(1 + rng.IntN(60))
		var edges, all []counts.Change
		var ends, allEnds []uint32
		for i := range uint32(rng.IntN(12)) {
			l.event = i
			if rng.IntN(3) == 0 { // what was worked out at once
				at := counts.Change{Cell: counts.Key(i + 1), Day: 18_000, Weight: 1}
				edges, all = append(edges, at), append(all, at)
			}
			for range rng.IntN(3) {
				w := uint32(rng.IntN(3))
				before, after := randomCourse(rng, w), randomCourse(rng, w)
				died, days := enrolment.Never, facts.AllDays()
				if rng.IntN(4) == 0 {
					died = temporal.Date(18_000 + rng.IntN(400))
					days = facts.Days{From: 18_050, Until: 18_200}
				}
				if !l.leave(w, died, days, &before, &after) {
					refused++
					continue
				}
				left++
				all = compareOwn(before.AppendSpells(nil, w, died, days),
					after.AppendSpells(nil, w, died, days), all)
			}
			ends, allEnds = append(ends, uint32(len(edges))), append(allEnds, uint32(len(all)))
		}
		got, gotEnds := l.workOut(edges, ends)
		if !slices.Equal(got, all) || !slices.Equal(gotEnds, allEnds) {
			t.Fatalf("seed %d: %v by %v, want %v by %v", seed, got, gotEnds, all, allEnds)
		}
		if size := len(l.courses) + len(l.stretches) + len(l.months); size > l.most {
			t.Fatalf("seed %d: %d are left, %d may", seed, size, l.most)
		}
	}
	if left < 500 || refused < 100 {
		t.Errorf("%d were left, %d refused: too few to show anything", left, refused)
	}
}
