package coverage_test

import (
	"slices"
	"testing"

	"cakupan/domain/event"
	"cakupan/domain/region"
)

// situation is a meeting of rules that a comparison must not miss.
type situation struct {
	name string
	met  func(m *model, q query, a answer) bool
}

// TestGeneratorReachesEveryRule shows that the histories and queries a comparison makes lead
// into every situation, each more than once.
func TestGeneratorReachesEveryRule(t *testing.T) {
	all := slices.Concat(
		reportSituations(), peopleSituations(), figureSituations(), knowledgeSituations())
	count := map[string]int{}
	for seed := range uint64(400) {
		history := Generate(seed, 1+int(seed*7919%60))
		m := newModel(history)
		for _, q := range Queries(seed, history, 12) {
			a := m.answer(q)
			for _, s := range all {
				if s.met(m, q, a) {
					count[s.name]++
				}
			}
		}
	}
	for _, s := range all {
		t.Logf("%6d %s", count[s.name], s.name)
		if count[s.name] < 5 {
			t.Errorf("%s: reached %d times", s.name, count[s.name])
		}
	}
}

// TestGenerateIsDeterministic also checks what Generate promises of every history.
func TestGenerateIsDeterministic(t *testing.T) {
	for seed := range uint64(50) {
		history, again := Generate(seed, 80), Generate(seed, 80)
		keys := map[event.Key]bool{}
		for i, e := range history {
			if describe(e) != describe(again[i]) || e.Data.Has != again[i].Data.Has {
				t.Fatalf("seed %d gives %s and %s", seed, describe(e), describe(again[i]))
			}
			if e.Sequence != uint64(i+1) || keys[e.Key] || e.Data.Has == 0 {
				t.Fatalf("seed %d, place %d: %s", seed, i, describe(e))
			}
			if i > 0 && e.RecordedAt < history[i-1].RecordedAt {
				t.Fatalf("seed %d: %s goes back in time", seed, describe(e))
			}
			keys[e.Key] = true
		}
	}
}

// pair reports whether two events in force, the first with the lower sequence, fit.
func (m *model) pair(fit func(a, b *Recorded) bool) bool {
	for i, b := range m.events {
		for _, a := range m.events[:i] {
			if fit(a, b) {
				return true
			}
		}
	}
	return false
}

func both(a, b *Recorded, first, second event.Type) bool {
	return a.Type == first && b.Type == second
}

// sameGrant reports whether two events speak of one commitment's grant to one enrolment.
func sameGrant(a, b *Recorded) bool {
	return a.Data.Commitment == b.Data.Commitment && a.Data.Enrolment == b.Data.Enrolment
}

// pairs makes a situation of two events in force, the first with the lower sequence.
func pairs(name string, fit func(a, b *Recorded) bool) situation {
	return situation{name, func(m *model, _ query, _ answer) bool { return m.pair(fit) }}
}

// reportSituations are about two reports and their order.
func reportSituations() []situation {
	return []situation{
		pairs("revoked before it was granted", func(a, b *Recorded) bool {
			return both(a, b, event.FundingRevoked, event.FundingGranted) && sameGrant(a, b) &&
				a.Data.FromMonth < b.Data.UntilMonth
		}),
		pairs("revoked after it was granted", func(a, b *Recorded) bool {
			return both(a, b, event.FundingGranted, event.FundingRevoked) && sameGrant(a, b) &&
				b.Data.FromMonth < a.Data.UntilMonth
		}),
		pairs("closed before it was granted", func(a, b *Recorded) bool {
			return both(a, b, event.FundingClosed, event.FundingGranted) &&
				a.Data.Commitment == b.Data.Commitment && a.Data.FromMonth < b.Data.UntilMonth
		}),
		pairs("committed again from another source", func(a, b *Recorded) bool {
			return both(a, b, event.FundingCommitted, event.FundingCommitted) &&
				a.Data.Commitment == b.Data.Commitment && a.Data.Funding != b.Data.Funding
		}),
		pairs("two facts of an enrolment on one day", func(a, b *Recorded) bool {
			return isTerm(a.Type) && isTerm(b.Type) && effective(a) == effective(b) &&
				a.Data.Enrolment == b.Data.Enrolment && a.Type != b.Type
		}),
		pairs("a late report of an earlier day", func(a, b *Recorded) bool {
			return isTerm(a.Type) && isTerm(b.Type) && effective(a) > effective(b) &&
				a.Data.Enrolment == b.Data.Enrolment
		}),
		pairs("opened again for another worker", func(a, b *Recorded) bool {
			return both(a, b, event.EnrolmentOpened, event.EnrolmentOpened) &&
				a.Data.Enrolment == b.Data.Enrolment && a.Data.Worker != b.Data.Worker
		}),
		pairs("amended before it opens", func(a, b *Recorded) bool {
			return both(a, b, event.EnrolmentAmended, event.EnrolmentOpened) &&
				a.Data.Enrolment == b.Data.Enrolment && a.Data.From < b.Data.From
		}),
		pairs("two deaths of a worker", func(a, b *Recorded) bool {
			return both(a, b, event.WorkerDied, event.WorkerDied) &&
				a.Data.Worker == b.Data.Worker && a.Data.On != b.Data.On
		}),
		pairs("two retractions of one event", func(a, b *Recorded) bool {
			return both(a, b, event.EventRetracted, event.EventRetracted) &&
				a.Data.RetractedSource == b.Data.RetractedSource &&
				a.Data.RetractedID == b.Data.RetractedID && a.Data.RetractedSource != "urn:nobody"
		}),
		pairs("a retraction retracted", func(a, b *Recorded) bool {
			return both(a, b, event.EventRetracted, event.EventRetracted) &&
				b.Data.RetractedID == a.ID && b.Data.RetractedSource == a.Source
		}),
		pairs("two publications of one day", func(a, b *Recorded) bool {
			return both(a, b, event.WorkforcePublished, event.WorkforcePublished) &&
				a.Data.Reference == b.Data.Reference && a.Data.Region == b.Data.Region &&
				a.Data.Sector == b.Data.Sector && a.Data.Indicator == b.Data.Indicator
		}),
		pairs("two targets of one day", func(a, b *Recorded) bool {
			return both(a, b, event.TargetSet, event.TargetSet) && a.Data.From == b.Data.From &&
				a.Data.Region == b.Data.Region && a.Data.Sector == b.Data.Sector
		}),
	}
}

// twice makes a situation of two different enrolments of one worker on the day asked for.
func twice(name string, fit func(in region.Code, a, b standing) bool) situation {
	return situation{name, func(m *model, q query, _ answer) bool {
		for first, facts := range m.parts {
			a := facts.standingOn(q.On)
			for second, facts := range m.parts {
				b := facts.standingOn(q.On)
				one := a.worker != "" && a.worker == b.worker
				if first != second && one && fit(q.Region, a, b) {
					return true
				}
			}
		}
		return false
	}}
}

// peopleSituations are about workers enrolled more than once, and money.
func peopleSituations() []situation {
	return []situation{
		twice("covered twice in a regency", func(_ region.Code, a, b standing) bool {
			return a.covered && b.covered && a.region == b.region
		}),
		twice("covered in two regencies of a province", func(_ region.Code, a, b standing) bool {
			return a.covered && b.covered && a.region != b.region &&
				parent(a.region) == parent(b.region)
		}),
		twice("covered in two provinces", func(_ region.Code, a, b standing) bool {
			return a.covered && b.covered && parent(a.region) != parent(b.region)
		}),
		twice("in grace and covered in the region", func(in region.Code, a, b standing) bool {
			return a.inGrace && b.covered && contains(in, a.region) && contains(in, b.region)
		}),
		twice("in grace here, covered elsewhere", func(in region.Code, a, b standing) bool {
			return a.inGrace && b.covered && contains(in, a.region) && !contains(in, b.region)
		}),
		twice("covered in both sectors", func(_ region.Code, a, b standing) bool {
			return a.covered && b.covered && a.segment.Sector() != b.segment.Sector()
		}),
		{"two sources of money for a month", func(m *model, q query, _ answer) bool {
			for _, facts := range m.parts {
				if s := facts.standingOn(q.On).sources; len(slices.Compact(slices.Sorted(
					slices.Values(s)))) > 1 {
					return true
				}
			}
			return false
		}},
		{"money of an unknown source", func(_ *model, _ query, a answer) bool {
			return a.By != nil && a.By.Funding != nil && (*a.By.Funding)["UNKNOWN"] > 0
		}},
		{"a dead worker's open enrolment", func(m *model, q query, _ answer) bool {
			for _, facts := range m.parts {
				if t := termsOn(facts.own, q.On); t.open && !facts.alive(t.worker, q.On) {
					return true
				}
			}
			return false
		}},
	}
}

// figureSituations are about workforces and targets.
func figureSituations() []situation {
	return []situation{
		{"somebody covered", func(_ *model, _ query, a answer) bool { return a.Covered > 0 }},
		{"several covered", func(_ *model, _ query, a answer) bool { return a.Covered > 2 }},
		{"somebody in grace", func(_ *model, _ query, a answer) bool { return a.InGrace > 0 }},
		{"a workforce of 0", func(_ *model, _ query, a answer) bool {
			return a.Workforce != nil && a.Workforce.Count == 0 && a.Target != nil
		}},
		{"more than 100 %", func(_ *model, _ query, a answer) bool {
			return a.Workforce != nil && int64(a.Covered) > a.Workforce.Count && a.Percent != nil
		}},
		{"the target met", func(_ *model, _ query, a answer) bool {
			return a.Target != nil && a.Target.Met != nil && *a.Target.Met
		}},
		{"the target missed by one worker or less", func(_ *model, _ query, a answer) bool {
			return a.Target != nil && a.Target.Shortfall != nil && *a.Target.Shortfall == 1 &&
				*a.Percent == a.Target.Percent
		}},
		{"a regency's target from its province", func(_ *model, _ query, a answer) bool {
			return a.Target != nil && len(a.Region) == 5 && len(a.Target.Region) == 2 &&
				a.Target.Region != "ID"
		}},
		{"a regency's target from the nation", func(_ *model, _ query, a answer) bool {
			return a.Target != nil && len(a.Region) == 5 && a.Target.Region == "ID"
		}},
		{"a sector's target and workforce", func(_ *model, _ query, a answer) bool {
			return a.Sectors.Formal.Percent != nil && a.Sectors.Informal.Target != nil
		}},
	}
}

// knowledgeSituations are about what is known when.
func knowledgeSituations() []situation {
	return []situation{
		{"nothing known", func(_ *model, q query, a answer) bool { return a.Known.Sequence == 0 }},
		{"knowledge beyond the log", func(m *model, q query, a answer) bool {
			return q.Known > a.Known.Sequence
		}},
		{"retracted before it was reported", func(m *model, q query, _ answer) bool {
			return m.retraction(q.Known, func(at, target uint64) bool { return at < target })
		}},
		{"retracted, but not yet known to be", func(m *model, q query, _ answer) bool {
			return m.retraction(uint64(len(m.history)), func(at, target uint64) bool {
				return target <= q.Known && q.Known < at
			})
		}},
		{"a retraction of itself", func(m *model, q query, _ answer) bool {
			return m.retraction(q.Known, func(at, target uint64) bool { return at == target })
		}},
	}
}

// retraction reports whether a retraction known so far and the event it names fit.
func (m *model) retraction(known uint64, fit func(at, target uint64) bool) bool {
	for _, r := range inForce(m.history, known) {
		for _, e := range m.history {
			if r.Type == event.EventRetracted && e.Source == r.Data.RetractedSource &&
				e.ID == r.Data.RetractedID && e.Sequence <= known && fit(r.Sequence, e.Sequence) {
				return true
			}
		}
	}
	return false
}
