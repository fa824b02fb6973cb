package sample

import (
	"math"
	"testing"

	"cakupan/domain/event"
	"cakupan/domain/temporal"
)

func TestNationIsWellFormed(t *testing.T) {
	for _, n := range []int{0, 1, 9, 10, 11, 200, 1_000, 200_000} {
		if _, total := wellFormed(t, Nation(7, n)); total != n {
			t.Errorf("Nation(%d) gave %d events", n, total)
		}
	}
}

func TestNationMixture(t *testing.T) {
	const n = 200_000
	counts := map[event.Type]int{}
	regions, late, grants, known := map[string]int{}, 0, 0, 0
	commitments, enrolments := map[string]bool{}, map[string]string{}
	for e := range Nation(7, n) {
		d := &e.Event.Data
		counts[e.Event.Type]++
		switch e.Event.Type {
		case event.EnrolmentOpened:
			regions[d.Region.String()]++
			enrolments[d.Enrolment] = d.Payer.String()
			if int(e.RecordedAt.Date()-d.From) > 31 {
				late++
			}
		case event.FundingCommitted:
			commitments[d.Commitment] = true
		case event.FundingGranted:
			grants++
			if commitments[d.Commitment] {
				known++
			}
			if payer := enrolments[d.Enrolment]; payer != "APBD" {
				t.Fatalf("grant for %s, whose payer is %q", d.Enrolment, payer)
			}
		case event.EnrolmentTerminated, event.EnrolmentReinstated, event.EnrolmentAmended:
			if enrolments[d.Enrolment] == "" {
				t.Fatalf("%v of an enrolment not opened before", e.Event.Type)
			}
		}
	}
	for what, want := range map[event.Type]float64{
		event.EnrolmentOpened: 55, event.FundingGranted: 25, event.EnrolmentTerminated: 10,
		event.EnrolmentAmended: 5, event.EnrolmentReinstated: 2, event.WorkerDied: 1,
	} {
		if got := 100 * float64(counts[what]) / n; math.Abs(got-want) > 0.7 {
			t.Errorf("%.2f %% of the events are %v, want %v %%", got, what, want)
		}
	}
	for _, what := range event.Types() {
		// The nation tells of no credits and no merges.
		if counts[what] == 0 && what != event.ContributionCredited && what != event.WorkerMerged {
			t.Errorf("no %v", what)
		}
	}
	if len(regions) != 514 {
		t.Errorf("%d regencies, want 514", len(regions))
	}
	if share := float64(known) / float64(grants); share < 0.35 || share > 0.43 { // 200 of 514
		t.Errorf("%.2f of the grants name a commitment known by then", share)
	}
	if all := newNation(7, 514_000).committed; all != 514 {
		t.Errorf("%d regencies have a budget, want all", all)
	}
	if share := 100 * late / counts[event.EnrolmentOpened]; share < 5 || share > 20 {
		t.Errorf("%d %% of the enrolments were reported late, want some", share)
	}
}

// TestRetractionsHit checks what the nation computes instead of remembering: a retraction names an
// event that was there, and a revocation a grant.
func TestRetractionsHit(t *testing.T) {
	keys, grants := map[event.Key]event.Type{}, map[[2]string]bool{}
	for e := range Nation(3, 50_000) {
		d := &e.Event.Data
		keys[e.Event.Key] = e.Event.Type
		switch e.Event.Type {
		case event.FundingGranted:
			grants[[2]string{d.Commitment, d.Enrolment}] = true
		case event.FundingRevoked:
			if !grants[[2]string{d.Commitment, d.Enrolment}] {
				t.Fatalf("%v revokes no grant", e.Event.Key)
			}
		case event.EventRetracted:
			named := event.Key{Source: d.RetractedSource, ID: d.RetractedID}
			if keys[named] != event.EnrolmentTerminated {
				t.Fatalf("%v retracts %v, which is %v", e.Event.Key, named, keys[named])
			}
		}
	}
}

func TestScheduleInverts(t *testing.T) {
	s := newSchedule()
	for _, m := range mixture {
		for n := range 3 * m.count {
			place := s.find(m.what, n)
			if s.types[place%blockEvents] != m.what || s.count(m.what, place) != n {
				t.Fatalf("event %d of %v at %d, where %d come before", n, m.what, place, s.count(m.what, place))
			}
		}
	}
}

func BenchmarkNation(b *testing.B) {
	b.ReportAllocs()
	const n = 200_000
	var last temporal.Instant
	for b.Loop() {
		for e := range Nation(1, n) {
			last = e.RecordedAt
		}
	}
	_ = last
	b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds(), "events/s")
}
