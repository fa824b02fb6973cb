package standingtest

import (
	"fmt"
	"math/rand/v2"

	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
)

// Names are how many enrolments, workers and commitments the events of [Random] speak of, so that
// each has some history within some dozens of events: e0, e1, …; w0, …; c0, ….
const Names = 4

// Random returns n events of all types that facts are made of, the same for the same seed: about
// few names, within a year and a half, in any order, some of them taken back.
//
// Many contradict others, as reports do: nothing keeps a worker from dying twice or a grant from
// being of a commitment that nobody has committed.
func Random(seed uint64, n int) []event.Event {
	r := &maker{rand.New(rand.NewPCG(seed, 21))}
	events := make([]event.Event, n)
	for i := range events {
		events[i] = r.event(n)
	}
	return events
}

// maker draws from one source of chance, so that a seed says it all.
type maker struct{ *rand.Rand }

func (r *maker) name(kind string) string { return fmt.Sprint(kind, r.IntN(Names)) }

// day returns one of the days of 2021 and of the half year after it.
func (r *maker) day() temporal.Date { return Day(2021, 1, 1).AddDays(r.IntN(540)) }

// months returns one to six months that follow one another.
func (r *maker) months() (from, until temporal.Month) {
	from = r.day().Month()
	return from, from + temporal.Month(1+r.IntN(6))
}

// terms returns terms of which region, segment and payer differ from one to the other.
func (r *maker) terms() event.Data {
	places := [...]region.Code{7503, 7503, 7571, 7101} // two of them in one province
	d := Terms(places[r.IntN(len(places))], event.Payer(1+r.IntN(3)))
	d.Segment = event.Segment(1 + r.IntN(2))
	return d
}

// amended returns some of the terms that an amendment may name, one of them at least.
func (r *maker) amended() event.Data {
	d := r.terms()
	switch d.Programmes, d.Category = nil, 0; r.IntN(3) {
	case 0:
		d.Region = 0
	case 1:
		d.Payer = 0
	default:
		d.Segment = 0
	}
	return d
}

// event returns an event of any type; how often each comes is chosen so that enrolments have some
// of everything. A retraction may be of itself, of one that came, or of one to come.
func (r *maker) event(n int) event.Event {
	e, w := r.name("e"), r.name("w")
	switch draw := r.IntN(100); {
	case draw < 22:
		return Opened(e, w, r.terms(), r.day())
	case draw < 32:
		return Amended(e, r.amended(), r.day())
	case draw < 39:
		return Terminated(e, r.day())
	case draw < 45:
		return Reinstated(e, r.day())
	case draw < 48:
		return Died(w, r.day())
	case draw < 51:
		one := r.IntN(Names)
		return Merged(fmt.Sprint("w", one), fmt.Sprint("w", (one+1+r.IntN(Names-1))%Names))
	case draw < 91:
		return r.money(draw, e)
	default:
		return Retracted(eventstore.Sequence(1 + r.IntN(n)))
	}
}

// money returns an event about the money of an enrolment.
func (r *maker) money(draw int, e string) event.Event {
	from, until := r.months()
	switch c := r.name("c"); {
	case draw < 59:
		return Credited(e, from, until)
	case draw < 75:
		return Granted(c, e, from, until)
	case draw < 80:
		return Revoked(c, e, from)
	case draw < 84:
		return Committed(c, event.Funding(1+r.IntN(7)), from, until)
	case draw < 88:
		return Disbursed(c, r.Int64N(1_000_000), from, from, until)
	default:
		return Closed(c, from)
	}
}
