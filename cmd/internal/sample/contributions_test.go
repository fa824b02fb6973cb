package sample

import (
	"testing"

	"cakupan/domain/event"
	"cakupan/domain/temporal"
)

// TestCreditsAreWellFormed checks every credit: a payment is for a year at most and names its day;
// what a worker pays for himself is the tariff, and what an employer pays is not told.
func TestCreditsAreWellFormed(t *testing.T) {
	opened := map[string]promise{}
	for e := range Events(Seed) {
		d := &e.Event.Data
		if e.Event.Type == event.EnrolmentOpened {
			opened[d.Enrolment] = promise{d.Payer, d.From.Month(), len(d.Programmes)}
		}
		if e.Event.Type != event.ContributionCredited {
			continue
		}
		months := int64(d.UntilMonth - d.FromMonth)
		terms, known := opened[d.Enrolment]
		switch {
		case !known:
			t.Fatalf("%v before its enrolment", e.Event.Key)
		case months < 1, d.FromMonth < terms.from, d.UntilMonth > creditsEnd():
			t.Fatalf("%v: months %v to %v", e.Event.Key, d.FromMonth, d.UntilMonth)
		case !d.Has.Has(event.FieldPaidOn):
			if d.Has.Has(event.FieldAmount) {
				t.Fatalf("%v: an amount that was paid on no day", e.Event.Key)
			}
			continue
		case months > 12, d.PaidOn != e.RecordedAt.Date():
			t.Fatalf("%v: %d months paid on %v", e.Event.Key, months, d.PaidOn)
		case d.Has.Has(event.FieldAmount) != (terms.payer == event.Self):
			t.Fatalf("%v: payer %v, amount %d", e.Event.Key, terms.payer, d.Amount)
		case terms.payer == event.Self && d.Amount != price(terms, d.FromMonth, d.UntilMonth):
			t.Fatalf("%v: amount %d", e.Event.Key, d.Amount)
		}
	}
}

// promise is what a test needs of an enrolment.
type promise struct {
	payer      event.Payer
	from       temporal.Month
	programmes int
}

func price(terms promise, from, until temporal.Month) (rupiah int64) {
	for m := from; m < until; m++ {
		if m >= month(2020, 8) && m <= month(2021, 1) {
			rupiah += 168
		} else {
			rupiah += 16_800
		}
		if terms.programmes > 2 {
			rupiah += 20_000
		}
	}
	return rupiah
}

// TestRegisteredCoveredConfirmed recounts what people argue about.
func TestRegisteredCoveredConfirmed(t *testing.T) {
	r := counted()
	all := len(r.facts)
	share := func(what string, part, whole int, low, high float64) {
		t.Helper()
		got := float64(part) / float64(whole)
		if t.Logf("%s: %d of %d, %.3f", what, part, whole, got); got < low || got > high {
			t.Errorf("%s: %.3f, want %v to %v", what, got, low, high)
		}
	}
	now, then := r.on(gorontalo, end(2019), all), r.on(gorontalo, end(2019), r.known(end(2019)))
	share("registered who are covered", now.covered, now.registered, 0.80, 0.85)
	share("covered who are confirmed", now.confirmed, now.covered, 0.65, 0.75)
	share("confirmed as known then", then.confirmed, then.covered, 0.15, 0.20)
	share("covered as known then", then.covered, now.covered, 0.999, 1.001)

	november, december := r.on(boneBolango, day(2021, 11, 30), all), r.on(boneBolango, end(2021), all)
	share("covered without the twelfth month", december.covered, november.covered, 0.99, 1)
	share("confirmed without it", december.confirmed, november.confirmed, 0.4, 0.55)

	last := r.on(gorontalo, end(2021), all)
	for year := 2023; year <= 2025; year += 2 {
		next := r.on(gorontalo, end(year), all)
		share("registered from year to year", next.registered, last.registered, 0.90, 0.95)
		share("covered from year to year", next.covered, last.covered, 0.70, 0.90)
		last = next
	}
	later := r.on(gorontalo, end(2026), all)
	share("covered after the last credit", later.covered, last.covered, 0.35, 0.45)
	share("confirmed after the last credit", later.confirmed, later.covered, 0, 0)
}

// TestEveryEvidence recounts what single enrolments rest on at the end of 2019.
func TestEveryEvidence(t *testing.T) {
	r := counted()
	all := len(r.facts)
	counts := map[event.Payer]map[int]int{event.Employer: {}, event.Self: {}, event.APBD: {}}
	gone, back := 0, 0
	for i := range r.enrolments {
		e := &r.enrolments[i]
		now, open := r.fold(e, end(2019), all)
		if !open {
			continue
		}
		evidence, _ := r.evidence(e, now.payer, month(2019, 12), all)
		counts[now.payer][evidence]++
		if now.payer == event.Self && evidence == credited {
			paid := func(m temporal.Month) bool { return r.credited(e, m, all) }
			for m := month(2020, 1); m < creditsEnd(); m++ {
				gone += one(paid(m-1) && !paid(m))
				back += one(!paid(m-1) && paid(m))
			}
		}
	}
	t.Logf("%v; %d lapses, %d returns", counts, gone, back)
	staffed := counts[event.Employer]
	formals := staffed[credited] + staffed[due] + staffed[presumed]
	if p := 100 * staffed[presumed] / formals; p < 15 || p > 30 {
		t.Errorf("%d %% of the covered employees are presumed", p)
	}
	if d := 1000 * staffed[due] / formals; d < 5 || d > 100 {
		t.Errorf("%d in 1000 of the covered employees are due", d)
	}
	if counts[event.APBD][disbursed] != 20_000 || gone < 2*back || back < 5_000 {
		t.Errorf("%v; %d lapses, %d returns", counts, gone, back)
	}
}

// TestBookedBeyondItsGrant recounts the people of the city for whom the money lasted longer than
// their budget: their months are credited, and no grant pays them.
func TestBookedBeyondItsGrant(t *testing.T) {
	r := counted()
	alone := 0
	for i := range r.enrolments {
		e := &r.enrolments[i]
		now, open := r.fold(e, end(2020), len(r.facts))
		if open && now.payer == event.APBD && now.region == kotaGtlo {
			evidence, _ := r.evidence(e, now.payer, month(2020, 12), len(r.facts))
			alone += one(evidence == credited)
		}
	}
	if alone != bookedOn {
		t.Errorf("%d, want %d", alone, bookedOn)
	}
}

// TestRegistered compares the number that the sample tells with one recounted from its events.
func TestRegistered(t *testing.T) {
	r, teller := counted(), newTeller(Seed)
	for _, place := range append(regencies(), gorontalo) {
		for _, on := range []temporal.Date{end(2019), end(2023)} {
			want := r.on(place, on, len(r.facts)).registered
			if got := teller.registered(place, on); got != want {
				t.Errorf("%v on %v: %d, want %d", place, on, got, want)
			}
		}
	}
}
