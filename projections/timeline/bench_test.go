package timeline_test

import (
	"math/rand/v2"
	"testing"

	"cakupan/domain/enrolment"
	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/projections/timeline"
)

// BenchmarkManyFacts reports facts about one enrolment on scattered days of a century, twenty
// thousand of them, and begins anew.
func BenchmarkManyFacts(b *testing.B) {
	r := source{rand.New(rand.NewPCG(3, 4))}
	m := slow{died: [3]temporal.Date{enrolment.Never, enrolment.Never, enrolment.Never}}
	for range 3 {
		m.purses = append(m.purses, enrolment.EmptyPurse())
	}
	var line timeline.Timeline
	var d timeline.Difference
	sequence, spells := uint64(0), 0
	for b.Loop() {
		if sequence++; sequence == 20_000 {
			line, sequence = timeline.Timeline{}, 1
		}
		f := r.fact(sequence)
		if f.kind == event.EnrolmentOpened && sequence > 1 {
			f.kind, f.change.Kind = event.EnrolmentAmended, event.EnrolmentAmended
		}
		f.change.On = temporal.Date(r.IntN(36_500))
		f.grant.From = temporal.Month(r.IntN(1_200))
		f.grant.Until = f.grant.From + 1 + temporal.Month(r.IntN(12))
		if sequence == 1 {
			f.kind, f.change.Kind, f.change.On = event.EnrolmentOpened, event.EnrolmentOpened, 0
		}
		add(&line, f, &m, &d)
		spells += len(d.Were) + len(d.Are)
	}
	b.ReportMetric(float64(spells)/float64(b.N), "spells/op")
}
