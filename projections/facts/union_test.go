package facts_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections/facts"
)

// lives makes events about few workers: enrolments, deaths and merges, and retractions of them.
func lives(seed uint64, n int) *history {
	h := newHistory(seed, 0)
	for i := range n {
		e := event.Event{Key: event.Key{Source: "urn:a", ID: fmt.Sprint(i)}}
		d := &e.Data
		d.Worker = h.name("w", 9)
		switch h.IntN(7) {
		case 0:
			e.Type, d.On = event.WorkerDied, temporal.Date(18000+h.IntN(5))
		case 1, 2:
			e.Type, d.Enrolment, d.From = event.EnrolmentOpened, h.name("e", 9), 18000
			d.Region, d.Segment, d.Category = 7503, event.PU, event.Private
			d.Payer, d.Programmes = event.Employer, []event.Programme{event.JKK}
		case 3, 4:
			e.Type = event.WorkerMerged
			for d.Into = d.Worker; d.Into == d.Worker; {
				d.Into = h.name("w", 9)
			}
		default:
			e.Type, d.Worker, d.RetractedSource = event.EventRetracted, "", "urn:a"
			d.RetractedID = fmt.Sprint(h.IntN(n))
		}
		setHas(&e)
		h.events = append(h.events, e)
	}
	return h
}

// TestUnions: what is kept of persons who are several ids is what all of their ids say.
func TestUnions(t *testing.T) {
	several := 0
	for seed := range uint64(40) {
		h := lives(seed, 90)
		m := &memory{path: filepath.Join(t.TempDir(), "facts.db")}
		m.open(t)
		for i := range h.events {
			m.fold(t, h.frame(t, i, i+1))
			if h.IntN(20) == 0 {
				m.restart(t)
			}
			for w := range uint32(m.state.WorkerCount()) {
				several += m.checkUnion(t, w, eventstore.Sequence(i+1))
			}
		}
		if err := m.db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if several < 1000 {
		t.Errorf("only %d persons were several ids", several)
	}
}

// checkUnion compares a worker's person with all of its ids; it returns 1 when these are several.
func (m *memory) checkUnion(t *testing.T, w uint32, k eventstore.Sequence) (several int) {
	t.Helper()
	ids := m.state.IDs(nil, w)
	slices.Sort(ids)
	if want := m.state.PersonAsOf(w, k); !slices.Equal(ids, want) {
		t.Fatalf("after event %d worker %d is %v, want %v", k, w, ids, want)
	}
	died := m.state.DiedAsOf(w, k)
	if got := m.state.DiedOn(w); got != died || facts.DeathsAsOf(k).Of(m.state, w) != died {
		t.Fatalf("after event %d worker %d died on %v, want %v", k, w, got, died)
	}
	homes := m.state.Homes(nil, w)
	var of, all []uint32
	for _, id := range homes {
		of = slices.AppendSeq(of, m.state.Enrolments(id, facts.NoEnrolment))
	}
	for _, id := range ids {
		some := slices.Collect(m.state.Enrolments(id, facts.NoEnrolment))
		if all = append(all, some...); len(ids) > 1 && slices.Contains(homes, id) != (len(some) > 0) {
			t.Fatalf("after event %d the homes of %v are %v", k, ids, homes)
		}
	}
	slices.Sort(of)
	slices.Sort(all)
	if n := m.state.Opened(w, 3); !slices.Equal(of, all) || n != min(len(all), 3) {
		t.Fatalf("after event %d %v has enrolments %v, want %v; %d are counted", k, ids, of, all, n)
	}
	return min(len(ids)-1, 1)
}

// TestIDs keeps few and many, each once, in the order in which they came.
func TestIDs(t *testing.T) {
	var l facts.IDs
	for _, n := range []uint32{3, 200, 1} {
		l.Reset(7)
		want := []uint32{7}
		for i := range 3 * n {
			l.Add(i%n, 7)
			if i < n && i != 7 {
				want = append(want, i)
			}
		}
		if !slices.Equal(l.All(), want) || l.Len() != len(want) || l.At(l.Len()-1) != want[len(want)-1] {
			t.Errorf("%v, want %v", l.All(), want)
		}
	}
}
