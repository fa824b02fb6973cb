package findings_test

import (
	"fmt"
	"testing"

	"cakupan/domain/event"
	"cakupan/eventstore"
	"cakupan/projections"
	"cakupan/projections/findings"
	"cakupan/projections/projtest"
	"cakupan/projections/standingtest"
)

// crowded makes events about one worker with n enrolments that one commitment pays, each of them of
// several events.
func crowded(n int) []projections.Event {
	var events []projections.Event
	add := func(kind event.Type, fields ...event.Field) *event.Data {
		e := projections.Event{RecordedAt: 1_600_000_000_000_000_000}
		e.Type = kind
		e.Key = event.Key{Source: "urn:dear", ID: fmt.Sprint(len(events))}
		for _, f := range fields {
			e.Data.Has = e.Data.Has.With(f)
		}
		events = append(events, e)
		return &events[len(events)-1].Data
	}
	month := date(2020, 10, 1).Month()
	d := add(event.FundingCommitted, event.FieldCommitment, event.FieldFunder, event.FieldFunding,
		event.FieldFiscalYear, event.FieldHeads, event.FieldMonths, event.FieldTariff,
		event.FieldCeiling, event.FieldFromMonth, event.FieldUntilMonth)
	d.Commitment, d.Funder, d.Funding, d.FiscalYear, d.Heads = "c", 75, event.Funding(1), 2020, 9
	d.Months, d.FromMonth, d.UntilMonth = 12, month-6, month+1 // it ends soon
	for i := range n {
		enrolment := fmt.Sprintf("e-%d", i)
		d := add(event.EnrolmentOpened, event.FieldEnrolment, event.FieldWorker, event.FieldFrom,
			event.FieldRegion, event.FieldSegment, event.FieldCategory, event.FieldPayer,
			event.FieldProgrammes)
		d.Enrolment, d.Worker, d.From, d.Region = enrolment, "w", date(2020, 9, 1), 7503
		d.Segment, d.Category, d.Payer = event.BPU, event.Vulnerable, event.APBD
		d.Programmes = []event.Programme{event.JKK}
		d = add(event.FundingGranted, event.FieldCommitment, event.FieldEnrolment,
			event.FieldFromMonth, event.FieldUntilMonth)
		d.Commitment, d.Enrolment, d.FromMonth, d.UntilMonth = "c", enrolment, month-1, month+1
		d = add(event.ContributionCredited, event.FieldEnrolment, event.FieldFromMonth,
			event.FieldUntilMonth)
		d.Enrolment, d.FromMonth, d.UntilMonth = enrolment, month, month+1
	}
	for i := range events {
		events[i].Sequence = eventstore.Sequence(i + 1)
	}
	return events
}

// TestNoEventIsDear: an event about one of many enrolments of a worker and a commitment costs no
// more than about one of few.
func TestNoEventIsDear(t *testing.T) {
	const n = 1500
	events := crowded(n)
	var batch findings.Batch
	p := findings.New(nil)
	worst, all := 0, 0
	for i := range events {
		frame := projtest.FrameOf(t, events[i:i+1])
		if err := p.Prepare(frame, &batch); err != nil {
			t.Fatal(err)
		}
		part, err := p.Apply(&batch, 1)
		if err != nil {
			t.Fatal(err)
		}
		p.Show(&batch)
		worst, all = max(worst, part.Work), all+part.Work
	}
	if worst > 60 || all > 12*len(events) {
		t.Errorf("%d events looked at %d courses, one of them at %d", len(events), all, worst)
	}
	open := map[string]int{}
	err := p.Each(t.Context(), findings.Query{Known: eventstore.Sequence(len(events)), Open: true},
		func(f *findings.Finding) error {
			open[f.Code]++
			return nil
		})
	if err != nil {
		t.Fatal(err)
	}
	for _, code := range []string{"TWO_OPEN", "GRANT_BEYOND_HEADS", "FUNDING_ENDS"} {
		if open[code] != 1 {
			t.Errorf("%d of %s", open[code], code)
		}
	}
}

// joined makes n workers with an enrolment each one person by merges, one after the other, and takes
// the merges back, the last one first.
func joined(n int) []projections.Event {
	all := crowded(n)
	var events []projections.Event
	add := func(is event.Event) *projections.Event {
		e := projections.Event{RecordedAt: all[0].RecordedAt, Event: is}
		e.Sequence = eventstore.Sequence(len(events) + 1)
		e.Key = event.Key{Source: "urn:dear", ID: fmt.Sprint(e.Sequence)}
		events = append(events, e)
		return &events[len(events)-1]
	}
	name := func(i int) string { return fmt.Sprintf("w%05d", i) }
	for i := range all {
		if all[i].Type == event.EnrolmentOpened {
			add(all[i].Event).Data.Worker = name(len(events) - 1)
		}
	}
	for i := 1; i < n; i++ {
		add(standingtest.Merged(name(i-1), name(i)))
	}
	for i := n - 1; i > 0; i-- {
		target := events[n+i-1]
		e := add(standingtest.Retracted(target.Sequence))
		e.Retracts = target.Sequence
		e.Data.RetractedSource, e.Data.RetractedID = target.Source, target.ID
	}
	return events
}

// TestNoMergeIsDear: to merge one more id with a person of many, or to part it again, costs what the
// one has, and not what the many have.
func TestNoMergeIsDear(t *testing.T) {
	const n = 600
	checkMerges(t, n, joined(n))
}

// TestNoMergeOfTheDeadIsDear: so it is where one of the many has died, unless it is the one who is
// parted: then all others live again.
func TestNoMergeOfTheDeadIsDear(t *testing.T) {
	const n = 600
	events := joined(n)
	// In place of the first one's opening: nobody else's number changes.
	events[0].Event = standingtest.Died("w00000", date(2020, 9, 20))
	checkMerges(t, n, events)
}

// checkMerges folds n events, n-1 merges of what they are about, and as many that take these back.
func checkMerges(t *testing.T, n int, events []projections.Event) {
	t.Helper()
	var batch findings.Batch
	p := findings.New(nil)
	worst, all := 0, 0
	for i := range events {
		if err := p.Prepare(projtest.FrameOf(t, events[i:i+1]), &batch); err != nil {
			t.Fatal(err)
		}
		part, err := p.Apply(&batch, 1)
		if err != nil {
			t.Fatal(err)
		}
		p.Show(&batch)
		worst, all = max(worst, part.Work), all+part.Work
	}
	if worst > 60 || all > 12*len(events) {
		t.Errorf("%d events looked at %d courses and names, one of them at %d", len(events), all, worst)
	}
	for _, known := range []int{n, 2*n - 1, len(events)} {
		if events[0].Type == event.WorkerDied {
			break // whoever has died has nothing open twice
		}
		two := 0
		q := findings.Query{Known: eventstore.Sequence(known), Open: true}
		err := p.Each(t.Context(), q, func(f *findings.Finding) error {
			if f.Code == "TWO_OPEN" {
				two++
			}
			return nil
		})
		if want := map[int]int{2*n - 1: 1}[known]; err != nil || two != want {
			t.Errorf("as known at %d: %d persons have two open, want %d: %v", known, two, want, err)
		}
	}
}
