package standing_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/projections"
	"cakupan/projections/facts"
	"cakupan/projections/standing"
	"cakupan/projections/standingtest"
)

// TestResidents: those are visited, each once, for whom an enrolment was ever opened of which it was
// ever said that it lies in the region. What was taken back before it came may make one more.
func TestResidents(t *testing.T) {
	for seed := range histories() {
		h := newRead(t, standingtest.Random(seed, events))
		for _, in := range []region.Code{region.Nation, 75, 7503, 7101, 31} {
			roster, err := standing.Residents(t.Context(), h.source, in)
			if err != nil {
				t.Fatal(err)
			}
			got := visited(t, h, roster)
			must, may := residents(h.events, in, true), residents(h.events, in, false)
			for _, name := range got {
				must = slices.DeleteFunc(must, func(m string) bool { return m == name })
				if !slices.Contains(may, name) {
					t.Fatalf("seed %d in %s: %s is no resident", seed, in, name)
				}
			}
			if len(must) > 0 || len(slices.Compact(slices.Clone(got))) < len(got) {
				t.Fatalf("seed %d in %s: %v, without %v", seed, in, got, must)
			}
			if again := visited(t, h, roster); len(again) > 0 {
				t.Errorf("seed %d: visited again: %v", seed, again)
			}
		}
	}
}

// visited returns the names of the workers of a roster, in order.
func visited(t *testing.T, h *read, roster *standing.Roster) (names []string) {
	t.Helper()
	err := roster.Each(t.Context(), h.source, func(_ *facts.State, w uint32) []uint32 {
		names = append(names, h.workerName(w))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	return names
}

// residents does the same by the events: by those that were in force once, or by all.
func residents(all []projections.Event, in region.Code, inForce bool) (names []string) {
	counts := func(e *projections.Event) bool {
		by := retractionOf(all, e)
		return !inForce || by == 0 || by > e.Sequence
	}
	lies := map[string]bool{}
	for i := range all {
		d := &all[i].Data
		if d.Region != 0 && standing.In(d.Region, in) && counts(&all[i]) {
			lies[d.Enrolment] = true
		}
	}
	for i := range all {
		d := &all[i].Data
		if all[i].Type == event.EnrolmentOpened && lies[d.Enrolment] && counts(&all[i]) {
			names = append(names, d.Worker)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// crowd is a ledger of many workers, by number, who have an enrolment each.
func crowd(t *testing.T, n int) *read {
	t.Helper()
	var all []event.Event
	for i := range n {
		all = append(all, standingtest.Opened(fmt.Sprint("e", i), fmt.Sprint("w", i),
			standingtest.Terms(7503, event.Self), standingtest.Day(2021, 1, 1)))
	}
	return newRead(t, all)
}

// TestRosterEach visits in order of numbers, and leaves out whoever was seen beside another: also
// those who come before, and those of whom the roster knows nothing.
func TestRosterEach(t *testing.T) {
	h := crowd(t, 200)
	roster, err := standing.Residents(t.Context(), h.source, 7503)
	if err != nil {
		t.Fatal(err)
	}
	var got, want []uint32
	err = roster.Each(t.Context(), h.source, func(_ *facts.State, w uint32) []uint32 {
		got = append(got, w)
		return []uint32{0, w, w + 3, w + 70, 1 << 20}
	})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[uint32]bool{}
	for w := range uint32(200) {
		if !seen[w] {
			want = append(want, w)
			seen[w+3], seen[w+70] = true, true
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("visited %v, want %v", got, want)
	}
}

// TestInSlices visits each index once and in order, and calls between after each slice and not in
// one: what it does may take long, and the fold waits for a slice.
func TestInSlices(t *testing.T) {
	h := crowd(t, 1)
	for _, n := range []int{0, 1, 63, 64, 65, 200} {
		next, told, slicesDone := 0, 0, 0
		err := standing.InSlices(t.Context(), h.source, n, func(_ *facts.State, i int) {
			if i != next {
				t.Errorf("visited %d, want %d", i, next)
			}
			next++
		}, func() error {
			if next-told > 64 || next == told {
				t.Errorf("a slice of %d", next-told)
			}
			told, slicesDone = next, slicesDone+1
			return nil
		})
		if err != nil || next != n || told != n || slicesDone != (n+63)/64 {
			t.Errorf("%d: visited %d, told %d, in %d slices, %v", n, next, told, slicesDone, err)
		}
	}
}

// broken is a source that cannot be read.
type broken struct{ standing.Source }

var errBroken = errors.New("damaged")

func (broken) Read(func(*facts.State) error) error { return errBroken }

// TestEnded: whoever asks stops with its context, before it reads; and hears why nothing is read.
func TestEnded(t *testing.T) {
	h := crowd(t, 3)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	fail := func(*facts.State, int) { t.Error("visited") }
	stop := func() error { t.Error("between"); return nil }
	for name, c := range map[string]struct {
		ctx    context.Context
		source standing.Source
		want   error
	}{
		"ended": {ended, h.source, context.Canceled}, "broken": {t.Context(), broken{}, errBroken},
	} {
		if err := standing.InSlices(c.ctx, c.source, 3, fail, stop); !errors.Is(err, c.want) {
			t.Errorf("%s, in slices: %v", name, err)
		}
		if _, err := standing.Residents(c.ctx, c.source, 7503); !errors.Is(err, c.want) {
			t.Errorf("%s, residents: %v", name, err)
		}
		roster, err := standing.Residents(t.Context(), h.source, 7503)
		if err != nil {
			t.Fatal(err)
		}
		err = roster.Each(c.ctx, c.source, func(*facts.State, uint32) []uint32 { fail(nil, 0); return nil })
		if !errors.Is(err, c.want) {
			t.Errorf("%s, each: %v", name, err)
		}
	}
	err := standing.InSlices(t.Context(), h.source, 200, func(*facts.State, int) {}, func() error {
		return errBroken
	})
	if !errors.Is(err, errBroken) {
		t.Errorf("between: %v", err)
	}
}

// TestNamer brings workers in order of their ids: also where these begin alike, or one is the
// beginning of the other.
func TestNamer(t *testing.T) {
	ids := []string{
		"long-beginning-2", "b", "long-beginning-10", "a", "long-beg", "long-beginning", "B", "a0",
	}
	var all []event.Event
	for i, id := range ids {
		all = append(all, standingtest.Opened(fmt.Sprint("e", i), id,
			standingtest.Terms(7503, event.Self), standingtest.Day(2021, 1, 1)))
	}
	h := newRead(t, all)
	namer := standing.NewNamer(h.source.Names())
	var places []standing.Place
	for i := range ids {
		places = append(places, namer.Place([]uint32{uint32(i)}))
	}
	if err := namer.Sort(places); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range places {
		got = append(got, h.workerName(p.Worker))
	}
	if want := slices.Sorted(slices.Values(ids)); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if p := namer.Place([]uint32{0, 1, 2, 3}); ids[p.Worker] != "a" {
		t.Errorf("known by %q, want the least", ids[p.Worker])
	}
}
