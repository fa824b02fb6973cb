package coverage_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"

	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections/coverage"
)

// TestShortWaysLeadToTheSame folds histories twice: as always, and with the short ways of the
// fold switched off. Each prefix has the same digest, each question the same answer.
func TestShortWaysLeadToTheSame(t *testing.T) {
	if testing.Short() {
		t.Skip("long in one goroutine")
	}
	dir := t.TempDir()
	taken := map[string]int{}
	for seed := range uint64(300) {
		history := Generate(seed, 20+int(seed%80))
		switch {
		case seed >= 280:
			history = GenerateMoney(seed, 150)
		case seed >= 250:
			history = monthly(seed)
		}
		for _, way := range shortWays(history) {
			taken[way]++
		}
		short, long := foldOnce(t, dir, history, false), foldOnce(t, dir, history, true)
		compareDigests(t, seed, len(history), short.p.View(), long.p.View())
		for _, q := range Queries(seed, history, 30) {
			got, err := short.subject().answer(q)
			want, err2 := long.subject().answer(q)
			if err := firstError(err, err2); err != nil || !bytes.Equal(got, want) {
				t.Fatalf("seed %d: %+v: short %s, long %s, %v", seed, q, got, want, err)
			}
		}
		if err := firstError(short.db.Close(), long.db.Close()); err != nil {
			t.Fatal(err)
		}
	}
	for _, way := range []string{
		"first", "granted", "revoked", "credited", "change", "credited next",
	} {
		if taken[way] < 5 {
			t.Errorf("%q is taken %d times: too few to show anything", way, taken[way])
		}
	}
}

// monthly returns a history of few enrolments that are credited month by month, mostly, with other
// events in between.
func monthly(seed uint64) (history []Recorded) {
	const enrolments, months = 6, 16
	g := &generator{
		Rand: rand.New(rand.NewPCG(seed, 12)), choices: choices(),
		enrolments: enrolments, workers: enrolments, commitments: 1, regencies: []region.Code{7503, 7571},
	}
	for i := range enrolments * (months + 1) {
		g.keys = append(g.keys, event.Key{Source: "urn:a", ID: strconv.Itoa(i)})
	}
	first := must(parseMonth("2019-10"))
	for i, key := range g.keys {
		e, of := event.Event{Key: key}, i%enrolments
		switch month := temporal.Month(i / enrolments); {
		case month == 0:
			e.Type = event.EnrolmentOpened
			g.opened(&e.Data)
			e.Data.Enrolment, e.Data.Worker = fmt.Sprintf("e%d", of), fmt.Sprintf("w%d", of)
		case g.IntN(30) == 0:
			e = g.event(key)
		default:
			e.Type = event.ContributionCredited
			g.credited(&e.Data)
			e.Data.Enrolment = fmt.Sprintf("e%d", of)
			e.Data.FromMonth = first + month + temporal.Month(g.IntN(8)/7)
			e.Data.UntilMonth = e.Data.FromMonth + 1 + temporal.Month(g.IntN(9)/8)
		}
		setHas(&e)
		history = append(history, Recorded{Event: e})
	}
	g.record(history)
	return history
}

// foldOnce folds a history in frames of random size, without a restart.
func foldOnce(t *testing.T, dir string, history []Recorded, longWay bool) *production {
	t.Helper()
	s, err := newProduction(dir, coverage.NewSmall)
	if err != nil {
		t.Fatal(err)
	}
	if longWay {
		s.p.TakeTheLongWay()
	}
	rng := rand.New(rand.NewPCG(uint64(len(history)), 8))
	for from := 0; from < len(history); {
		until := min(from+1+rng.IntN(12), len(history))
		frame, err := frameOf(history, from, until)
		if err != nil {
			t.Fatal(err)
		}
		if err := apply(s.p, frame); err != nil {
			t.Fatal(err)
		}
		from = until
	}
	return s
}

func compareDigests(t *testing.T, seed uint64, events int, short, long *coverage.View) {
	t.Helper()
	for k := range eventstore.Sequence(events + 1) {
		got, err := short.Digest(k)
		want, err2 := long.Digest(k)
		if err := firstError(err, err2); err != nil || got != want {
			t.Fatalf("seed %d: digest at %d is %s on the short ways, %s on the long one, %v",
				seed, k, got, want, err)
		}
	}
}

// shortWays returns which short way the events of a history take that are sure to take one: the
// first fact about an enrolment, of a worker not seen before, and the one after it about the same
// enrolment, while nothing was retracted, nobody merged, and no other enrolment was opened for the
// worker.
func shortWays(history []Recorded) (ways []string) {
	facts, workers, opener := map[string]int{}, map[string]int{}, map[string]string{}
	credited := map[string]temporal.Month{} // the month after, while all but the opening are credits
	for i := range history {
		e := &history[i]
		switch e.Type {
		case event.EventRetracted, event.WorkerMerged:
			return ways
		case event.EnrolmentOpened, event.EnrolmentAmended, event.EnrolmentTerminated,
			event.EnrolmentReinstated, event.FundingGranted, event.FundingRevoked,
			event.ContributionCredited:
		default:
			continue
		}
		name := e.Data.Enrolment
		opens := e.Type == event.EnrolmentOpened
		switch {
		case opens && facts[name] == 0 && workers[e.Data.Worker] == 0:
			opener[name], ways = e.Data.Worker, append(ways, "first")
		case opens || opener[name] == "" || workers[opener[name]] != 1:
		case facts[name] > 1:
			if until := credited[name]; e.Type == event.ContributionCredited && until != 0 &&
				e.Data.FromMonth >= until {
				ways = append(ways, "credited next")
			}
		case e.Type == event.FundingGranted:
			ways = append(ways, "granted")
		case e.Type == event.FundingRevoked:
			ways = append(ways, "revoked")
		case e.Type == event.ContributionCredited:
			ways = append(ways, "credited")
		default:
			ways = append(ways, "change")
		}
		if e.Type == event.ContributionCredited && (facts[name] == 1 || credited[name] != 0) {
			credited[name] = max(credited[name], e.Data.UntilMonth)
		} else {
			delete(credited, name)
		}
		if facts[name]++; opens {
			workers[e.Data.Worker]++
		}
	}
	return ways
}
