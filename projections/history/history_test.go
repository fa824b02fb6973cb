package history_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"cakupan/domain/event"
	"cakupan/eventstore"
	"cakupan/projections"
	"cakupan/projections/checked"
	"cakupan/projections/history"
	"cakupan/projections/projtest"
)

// open returns a projection that is caught up with a log of the events, in frames of up to most.
func open(t *testing.T, events []projections.Event, most int,
	makeProjection func(*checked.DB) *history.Projection,
) *history.Projection {
	t.Helper()
	feed := projections.NewFeed(projtest.Log(t, events, uint64(len(events)), most))
	file := projections.File{Path: filepath.Join(t.TempDir(), "history.db"), Scratch: true}
	r, err := projections.OpenSimple(t.Context(), feed, file, time.Second, makeProjection)
	if err == nil {
		err = r.CatchUp(t.Context(), eventstore.Sequence(len(events)), nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r.Projection()
}

// names says whether an event is about a subject: the model of the index.
func names(s history.Subject, e *projections.Event) bool {
	switch s.Kind {
	case history.Enrolment:
		return e.Data.Enrolment == s.Name
	case history.Worker:
		return e.Data.Worker == s.Name
	case history.List:
		return history.ListOf(&e.Event) == s.Name
	default:
		return e.Data.Commitment == s.Name
	}
}

// subjects returns names that events have, and one that none has.
func subjects(events []projections.Event) (all []history.Subject) {
	seen := map[history.Subject]bool{}
	add := func(kind history.Kind, name string) {
		if s := (history.Subject{Kind: kind, Name: name}); name != "" && !seen[s] {
			seen[s], all = true, append(all, s)
		}
	}
	for i := range events {
		add(history.Enrolment, events[i].Data.Enrolment)
		add(history.Worker, events[i].Data.Worker)
		add(history.Commitment, events[i].Data.Commitment)
		add(history.List, history.ListOf(&events[i].Event))
		add(history.Worker, events[i].Data.Enrolment) // of another kind: no event is about it
	}
	return all
}

// listed are events of which some say that they came with a list, in an attribute before or behind
// others. One says it in an attribute that is no text, which names no list.
func listed(seed uint64, n int) []projections.Event {
	events := projtest.Events(seed, n)
	attribute := func(name string, kind event.Kind, text string) event.Extension {
		return event.Extension{Name: name, Value: event.Value{Kind: kind, Text: text}}
	}
	for i := range events {
		e := &events[i]
		row := attribute("listrow", event.Number, fmt.Sprint(i))
		switch i % 7 {
		case 1, 2:
			list := attribute("list", event.String, fmt.Sprintf("L-%d", i%11))
			e.Extensions = []event.Extension{list, row}
		case 3: // of the same name as an enrolment
			list := attribute("list", event.String, "enrolment-1")
			e.Extensions = []event.Extension{row, list}
		case 4:
			e.Extensions = []event.Extension{attribute("list", event.Number, "7")}
		}
	}
	return events
}

// TestAbout asks for all names, from many places and in parts, for each length of the log.
func TestAbout(t *testing.T) {
	all := listed(21, 150)
	for n := 0; n <= len(all); n += 7 { // passes the ends of chunks and blocks
		events := all[:n]
		p := open(t, events, 5, history.NewSmall)
		for _, s := range subjects(all) {
			for _, from := range []eventstore.Sequence{0, 1, 8, 9, 33, 64, 100, 149, 1000} {
				var want []eventstore.Sequence
				for i := range events {
					if e := &events[i]; e.Sequence >= from && names(s, e) {
						want = append(want, e.Sequence)
					}
				}
				if got := inParts(t, p, s, from, eventstore.Sequence(n)); !slices.Equal(got, want) {
					t.Fatalf("%v of %d events from %d: %v, want %v", s, n, from, got, want)
				}
			}
		}
	}
}

// inParts asks for three at a time.
func inParts(t *testing.T, p *history.Projection, s history.Subject, from, end eventstore.Sequence,
) (all []eventstore.Sequence) {
	t.Helper()
	const limit = 3
	for {
		part, known, err := p.About(s, from, limit)
		if err != nil || known != end || len(part) > limit {
			t.Fatalf("%v, known %d, %v", part, known, err)
		}
		all = append(all, part...)
		if len(part) < limit {
			return all
		}
		from = part[limit-1] + 1
	}
}

// TestRetractions finds the retractions of each event, whichever of the two came first.
func TestRetractions(t *testing.T) {
	events := projtest.Events(22, 400)
	p := open(t, events, 9, history.NewSmall)
	before, after := 0, 0
	for i := range events {
		e := &events[i]
		var want []eventstore.Sequence
		for j := range events {
			r := &events[j]
			of := event.Key{Source: r.Data.RetractedSource, ID: r.Data.RetractedID}
			switch {
			case r.Type != event.EventRetracted || of != e.Key:
			case r.Sequence <= e.Sequence:
				before++
				want = append(want, r.Sequence)
			default:
				after++
				want = append(want, r.Sequence)
			}
		}
		got, err := p.Retractions(e.Sequence, e.Key)
		if err != nil || !slices.Equal(got, want) {
			t.Fatalf("retractions of %d: %v, %v, want %v", e.Sequence, got, err, want)
		}
	}
	if before == 0 || after == 0 {
		t.Errorf("%d retractions came before, %d after: too few to tell", before, after)
	}
}

// TestFullLayout asks an index that is cut as in real life, across the end of a chunk.
func TestFullLayout(t *testing.T) {
	const n = 70_000
	events := make([]projections.Event, n)
	for i := range events {
		e := &events[i]
		e.Sequence, e.RecordedAt = eventstore.Sequence(i+1), 1
		e.Key = event.Key{Source: "urn:test", ID: fmt.Sprint(i)}
		e.Type, e.Data.Worker = event.WorkerDied, fmt.Sprintf("worker-%d", i%10_000)
		e.Data.Has = e.Data.Has.With(event.FieldWorker)
	}
	p := open(t, events, 1000, history.New)
	for i := 0; i < 10_000; i += 997 {
		s := history.Subject{Kind: history.Worker, Name: fmt.Sprintf("worker-%d", i)}
		about, known, err := p.About(s, 1, 100)
		if err != nil || known != n || len(about) != n/10_000 {
			t.Fatalf("%d events, known %d, %v", len(about), known, err)
		}
		for j, seq := range about {
			if seq != eventstore.Sequence(j*10_000+i+1) {
				t.Fatalf("event %d of %v is %d", j, s, seq)
			}
		}
	}
}

func BenchmarkFold(b *testing.B) {
	projtest.Benchmark(b, projections.SimpleKind(history.Name, time.Second, history.New), 500_000)
}

// TestDigestStays: a digest that was noted stays good for as long as the version does.
func TestDigestStays(t *testing.T) {
	const want = "503901bf655ca5b92b895e6220ea15f4b12f9296fcfbd776777d2dcb06279743"
	p := open(t, listed(1, 200), 9, history.New)
	if digest, err := p.Digest(200); err != nil || digest != want {
		t.Errorf("digest %s, %v, want %s: other rules want another version", digest, err, want)
	}
}
