package faults

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"
)

// logged is an event of a ledger's log.
type logged struct {
	ID, Source string
	Sequence   uint64
	Data       struct{ Worker, Enrolment string }
}

// receipt is what was acknowledged of an event. Its sequence is 0 where none was told.
type receipt struct{ sequence uint64 }

// tally is what was found wrong in a log.
type tally struct {
	Lost, Twice, Holes, Moved int
	Examples                  []string
}

func (t *tally) add(count *int, format string, args ...any) {
	*count++
	if len(t.Examples) < 10 {
		t.Examples = append(t.Examples, fmt.Sprintf(format, args...))
	}
}

func (t *tally) sound() bool { return t.Lost+t.Twice+t.Holes+t.Moved == 0 }

// judge compares a log with what was acknowledged.
func judge(log []logged, acked map[string]receipt) (t tally) {
	found := map[string]uint64{}
	for i, e := range log {
		if e.Sequence != uint64(i)+1 {
			t.add(&t.Holes, "event %d stands at %d", e.Sequence, i+1)
		}
		id := e.Source + " " + e.ID
		if was, twice := found[id]; twice {
			t.add(&t.Twice, "%s is event %d and %d", id, was, e.Sequence)
		}
		found[id] = e.Sequence
	}
	for _, id := range slices.Sorted(maps.Keys(acked)) {
		sequence, told := found[id], acked[id].sequence
		switch {
		case sequence == 0:
			t.add(&t.Lost, "%s is not in the log, its receipt said %d", id, told)
		case told != 0 && told != sequence:
			t.add(&t.Moved, "%s is event %d, and its receipt said %d", id, sequence, told)
		}
	}
	return t
}

// TestJudge finds what a log may have wrong.
func TestJudge(t *testing.T) {
	t.Parallel()
	log := []logged{
		{ID: "1", Source: "a", Sequence: 1},
		{ID: "1", Source: "b", Sequence: 2},
		{ID: "2", Source: "a", Sequence: 3},
	}
	acked := map[string]receipt{"a 1": {1}, "b 1": {0}, "a 2": {3}}
	if got := judge(log, acked); !got.sound() {
		t.Errorf("a sound log: %+v", got)
	}
	twice := append(slices.Clone(log), logged{ID: "1", Source: "b", Sequence: 4})
	hole := append(slices.Clone(log), logged{ID: "4", Source: "b", Sequence: 5})
	for _, c := range []struct {
		log   []logged
		acked map[string]receipt
		want  [4]int
	}{
		{log[:2], acked, [4]int{1, 0, 0, 0}},
		{twice, acked, [4]int{0, 1, 0, 0}},
		{hole, acked, [4]int{0, 0, 1, 0}},
		{log, map[string]receipt{"a 2": {2}}, [4]int{0, 0, 0, 1}},
	} {
		got := judge(c.log, c.acked)
		if counts := [4]int{got.Lost, got.Twice, got.Holes, got.Moved}; counts != c.want {
			t.Errorf("%v counts %v, want %v", c.log, counts, c.want)
		}
	}
}

// sight is what somebody saw of a ledger at a moment.
type sight struct {
	at   time.Time
	what seen
}

type seen int

const (
	saysWell  seen = iota // health is ok
	saysNot               // it is not
	taken                 // an event was acknowledged
	turnedOff             // one was answered that the ledger cannot take it
)

// lieTime is how long a ledger must have said that it was well, while it took nothing that it was
// sent, for that to be called a lie; it must have been asked and sent to lieLeast times.
const (
	lieTime  = 15 * time.Second
	lieLeast = 10
)

// lies counts the times for which a ledger said that it was well while it turned all away.
func lies(sights []sight) (count int) {
	var since time.Time
	var well, off int
	for _, s := range sights {
		switch s.what {
		case taken, saysNot:
			since, well, off = time.Time{}, 0, 0
			continue
		case saysWell:
			well++
		case turnedOff:
			off++
		}
		if since.IsZero() {
			since = s.at
		}
		if s.at.Sub(since) >= lieTime && well >= lieLeast && off >= lieLeast {
			count++
			since, well, off = time.Time{}, 0, 0
		}
	}
	return count
}

// TestLies tells a lie from a ledger that is slow to say how it is.
func TestLies(t *testing.T) {
	t.Parallel()
	run := func(whats ...seen) (sights []sight) {
		for i := range 100 {
			at := time.Unix(0, 0).Add(time.Duration(i) * lieTime / 50)
			sights = append(sights, sight{at, whats[i%len(whats)]})
		}
		return sights
	}
	for name, c := range map[string]struct {
		sights []sight
		want   int
	}{
		"well":               {run(saysWell, taken), 0},
		"not well, and says": {run(saysNot, turnedOff), 0},
		"asked by nobody":    {run(saysWell), 0},
		"lies":               {run(saysWell, turnedOff), 1},
		"for too short":      {run(saysWell, turnedOff)[:40], 0},
		"one taken between":  {append(run(saysWell, turnedOff)[:49], sight{what: taken}), 0},
	} {
		if got := lies(c.sights); got != c.want {
			t.Errorf("%s: %d lies, want %d", name, got, c.want)
		}
	}
}
