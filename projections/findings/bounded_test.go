package findings_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"

	"cakupan/domain/event"
	"cakupan/eventstore"
	"cakupan/projections"
	"cakupan/projections/checked"
	"cakupan/projections/findings"
	"cakupan/projections/projtest"
	"cakupan/projections/standingtest"
)

// closed makes events about one commitment that pays n enrolments, each of a worker of his own, and
// is closed and opened again some times: each of the last events changes all enrolments.
func closed(n int) []projections.Event {
	events := crowded(n)
	month := date(2020, 9, 1).Month()
	for i := range events {
		d := &events[i].Data
		switch events[i].Type {
		case event.EnrolmentOpened:
			d.Worker, d.From = "w-"+d.Enrolment, date(2019, 9, 1)
		case event.FundingGranted:
			d.FromMonth, d.UntilMonth = month-9, month+2
		case event.ContributionCredited:
			d.FromMonth, d.UntilMonth = month-12, month-11
		default:
			d.FromMonth, d.Heads = month-12, int64(n)
		}
	}
	add := func(is event.Event) *projections.Event {
		e := events[len(events)-1]
		e.Sequence++
		e.Event, e.Retracts = is, 0
		e.Key = event.Key{Source: "urn:dear", ID: fmt.Sprint(e.Sequence)}
		events = append(events, e)
		return &events[len(events)-1]
	}
	closing := standingtest.Closed("c", month-6)
	for range 2 {
		target := *add(closing)
		e := add(standingtest.Retracted(target.Sequence))
		e.Retracts = target.Sequence
		e.Data.RetractedSource, e.Data.RetractedID = target.Source, target.ID
	}
	add(closing)
	return events
}

// inSteps makes a projection whose batches hold so many steps.
func inSteps(t *testing.T, most int) *findings.Projection {
	t.Helper()
	return findings.NewInSteps(scratch(t), most)
}

// longIn makes one for which an enrolment has many facts when it has more than so many.
func longIn(t *testing.T, brief int) *findings.Projection {
	t.Helper()
	return findings.NewLong(brief)(scratch(t))
}

// scratch returns an empty database.
func scratch(t *testing.T) *checked.DB {
	t.Helper()
	db, err := checked.Open(filepath.Join(t.TempDir(), "f.db"), checked.Options{Scratch: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// applyTo applies events, and returns how many steps they leave.
func applyTo(t *testing.T, p *findings.Projection, e []projections.Event, b *findings.Batch) int {
	t.Helper()
	if err := p.Prepare(projtest.FrameOf(t, e), b); err != nil {
		t.Fatal(err)
	}
	if part, err := p.Apply(b, 1<<30); err != nil || part.Last != e[len(e)-1].Sequence {
		t.Fatal(part, err)
	}
	return findings.StepsIn(b)
}

// TestStepsAreBounded: an event that changes all enrolments of a commitment leaves no more steps
// than any, finds the same, and is not seen half done by those who ask while it is applied.
func TestStepsAreBounded(t *testing.T) {
	const most = 64
	events := closed(300)
	whole := inSteps(t, 1<<30)
	known := map[string]bool{}
	known[digestOf(t, whole)] = true
	largest := 0
	for i := range events {
		var batch findings.Batch
		largest = max(largest, applyTo(t, whole, events[i:i+1], &batch))
		whole.Show(&batch)
		known[digestOf(t, whole)] = true
	}
	if largest < 10*most {
		t.Fatalf("no event changes much: %d steps", largest)
	}
	wantAll(t, whole, events)

	p := inSteps(t, most)
	applied := make(chan *findings.Batch, 16)
	done := make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		defer close(done)
		for b := range applied {
			p.Show(b)
		}
	})
	for range 2 {
		all.Go(func() {
			for {
				if is := digestOf(t, p); !known[is] {
					t.Error("somebody sees half an event")
					return
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	for from := 0; from < len(events); from += 3 {
		batch := new(findings.Batch)
		n := applyTo(t, p, events[from:min(from+3, len(events))], batch)
		if n > most+32 { // the parts of the last one
			t.Errorf("%d steps are left", n)
		}
		applied <- batch
	}
	close(applied)
	all.Wait()
	if digestOf(t, p) != digestOf(t, whole) {
		t.Error("what is shown in parts is something else")
	}
	wantAll(t, p, events)
}

// TestStepsComeInOrder: an event that is shown while it is applied waits for all before it.
func TestStepsComeInOrder(t *testing.T) {
	events := closed(300)
	p, whole := inSteps(t, 64), inSteps(t, 1<<30)
	synctest.Test(t, func(t *testing.T) {
		var batches [2]findings.Batch
		last := len(events) - 1
		for i, some := range [...][]projections.Event{events[:last], events[last:]} {
			frame := projtest.FrameOf(t, some)
			if err := errors.Join(p.Prepare(frame, &batches[i]), show(whole, frame)); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := p.Apply(&batches[0], 1<<30); err != nil {
			t.Fatal(err)
		}
		applied := false
		go func() {
			if _, err := p.Apply(&batches[1], 1<<30); err != nil {
				t.Error(err)
			}
			applied = true
		}()
		synctest.Wait()
		if applied {
			t.Error("steps are shown before those of the events before them")
		}
		p.Show(&batches[0])
		synctest.Wait()
		if !applied {
			t.Fatal("it waits for nothing")
		}
		p.Show(&batches[1])
	})
	wantAll(t, p, events)
	if a, b := digestOf(t, p), digestOf(t, whole); a != b {
		t.Error("what is shown in parts is something else")
	}
}

// show folds a frame and shows it.
func show(p *findings.Projection, frame eventstore.Frame) error {
	var batch findings.Batch
	if err := p.Prepare(frame, &batch); err != nil {
		return err
	}
	_, err := p.Apply(&batch, 1<<30)
	p.Show(&batch)
	return err
}

// digestOf returns the digest of all that is shown.
func digestOf(t *testing.T, p *findings.Projection) string {
	t.Helper()
	digest, err := p.Digest(1 << 40)
	if err != nil {
		t.Error(err)
	}
	return digest
}

// wantAll wants what the last closing leaves: all enrolments without money for months.
func wantAll(t *testing.T, p *findings.Projection, events []projections.Event) {
	t.Helper()
	n := 0
	err := p.Each(t.Context(), findings.Query{Known: eventstore.Sequence(len(events)), Open: true},
		func(f *findings.Finding) error {
			if f.Code == "NEVER_FUNDED" {
				n++
			}
			return nil
		})
	if err != nil {
		t.Fatal(err)
	}
	if n != 300 {
		t.Errorf("%d of 300 enrolments lack money", n)
	}
}
