// Package sample makes events: the story of Gorontalo that `cakupan demo` shows ([Events], with
// the moments worth a look in [Story]), and a nation of any size for measuring ([Nation]).
//
// What is published is told with its source; every worker, and every figure marked "synthetic,
// made for this sample", is invented by a seeded generator. No event holds a NIK, and the same
// seed gives the same events on any machine, for ever: a digest of a replay can be compared.
//
// The lists of workers end with the budgets of 2019 to 2021, and a part of Bone Bolango's of 2023;
// people leave, employers and own-account workers stop paying, and nobody new is enrolled after
// 2020. So the sample's coverage of later years is lower than the published one: it is told to show
// how money that ends takes cover away, not to say how things stand today.
//
// Contributions come as one credit for what was paid at once, which is up to a year; what an office
// of the agency had booked before it joined the ledger comes as one credit for all of it. One in
// four employers, and two in five of those who pay for themselves, are with offices that never
// joined.
package sample

import (
	"iter"
	"math/rand/v2"

	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
)

// Seed is the seed of the sample that is shown; [Story] speaks of it. With another one the people
// differ, and with them which of them something happens to; the numbers of the story stay near what
// its words say.
const Seed = 2019

const (
	sourceSynthetic = "urn:cakupan:sample:synthetic" // workers, and who paid for them
	sourcePublished = "urn:cakupan:sample:published" // figures, targets, commitments
)

// Dated is an event and when the ledger of the story took it. RecordedAt is given, not kept in the
// event: an import of original times passes it on.
type Dated struct {
	Event      event.Event
	RecordedAt temporal.Instant
}

// Events returns the story of Gorontalo: about 600,000 events of the years 2019 to 2025, in the
// order of their record times, which never decrease and lie in the past. It takes some 40 MB while
// it runs. Slices of an event are shared: read them, do not write them. The story is planned as a
// whole before the first event comes; it is planned anew for each range over it. One range belongs
// to one goroutine.
func Events(seed uint64) iter.Seq[Dated] {
	return func(yield func(Dated) bool) {
		t := newTeller(seed)
		for _, a := range inOrder(t.acts) {
			if !yield(Dated{Event: t.event(&a), RecordedAt: a.at.instant()}) {
				return
			}
		}
	}
}

// act is an event to come, small enough to put all of them in order in memory. The event is made of
// it when its turn comes. There are some 600,000 of them: each byte more is half a megabyte.
type act struct {
	// When it is told, which is the record time of its event.
	at batch
	// 0 where it is about nobody, which is also the first member: only the type tells them apart.
	who  int32 // place in members
	arg  int32 // a day, a place in a table of published or in members, or months, by what
	what event.Type
	how  uint8 // terminated: the reason, or wrongList; amended: place in amendments; credited: how
}

// inOrder returns acts by their batches, within a batch as they were planned. It counts instead of
// comparing: there are fewer batches than acts have comparisons to make. That order within a batch
// counts: what was opened and granted in one batch stands in the log in this order, and so the
// sample has the same sequences each time.
func inOrder(acts []act) []act {
	var last batch
	for i := range acts {
		last = max(last, acts[i].at)
	}
	next := make([]int32, last+2) // where the next act of a batch goes
	for i := range acts {
		next[acts[i].at+1]++
	}
	for i := range last + 1 {
		next[i+1] += next[i]
	}
	sorted := make([]act, len(acts))
	for _, a := range acts {
		sorted[next[a.at]] = a
		next[a.at]++
	}
	return sorted
}

// wrongList is, for how of an act, that it is a line of the wrong list. No reason has that number.
const wrongList = 255

// teller tells the story once. It is complete before the first event is yielded; each event is made
// of it when its turn comes. It is not changed after newTeller.
type teller struct {
	// Worker ids are made of it, too.
	seed uint64
	// The order in which it is drawn from is part of the story: a draw more or less, anywhere,
	// changes all that comes after it.
	rng       *rand.Rand
	published record
	carries   [event.TypeEnd]event.FieldSet
	// In the order in which they were made; acts and pools name them by their place here.
	members []member
	numbers map[region.Code]int32 // of the members of a regency, the last one
	// Only looked up, never ranged over: its order would be another one in each run.
	pools map[pool]*draw
	// Set by tellMerged; Registered counts the two as one.
	merged merger
	acts   []act
}

// newTeller returns a teller who has planned everything.
func newTeller(seed uint64) *teller {
	t := &teller{
		seed:      seed,
		rng:       rand.New(rand.NewPCG(seed, 7500)),
		published: published(),
		carries:   carries(),
	}
	t.people()
	t.tell()
	// Money draws from a generator of its own: who lives where, and what happened to whom until
	// 2021, does not depend on it.
	t.rng = rand.New(rand.NewPCG(seed, 7501))
	t.enrol(unpaid)
	t.tellMoney()
	return t
}

// carries returns the fields that the sample's events carry, by type: all a type has, but no NIK.
// What is optional is among them: the sample leaves nothing out where it could be said, unless its
// event sets the fields itself.
func carries() (sets [event.TypeEnd]event.FieldSet) {
	for _, t := range event.Types() {
		for _, f := range t.Fields() {
			if !event.EdgeOnly.Has(f) {
				sets[t] = sets[t].With(f)
			}
		}
	}
	return sets
}
