package coverage

import (
	"strings"
	"sync/atomic"

	"cakupan/domain/enrolment"
	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/projections/facts"
)

// Weight is what an event has to do with the cost of events: it makes that of others higher, it
// changes many enrolments itself, or neither. It has no text of the event but for copies of the ids
// of the dead and the merged. It may outlive the event.
type Weight struct {
	adds, changes weighed
	tags          [2]facts.Tag // of the commitment; of the worker; merged: of both
	times         int          // how often each of the enrolments is looked at
	people        *[2]string   // of whom enrolments change
}

// Tag is a few bits that an enrolment has for ever, by its name. Others may have them too.
type Tag = facts.Tag

// weighed says what of there may be many.
type weighed uint8

const (
	nothing    weighed = iota
	grants             // of a commitment
	enrolments         // of a worker
	months             // before the one in which what is published counts first by its day
)

// WeightOf returns the weight of an event. The retraction of one that changes many changes as many,
// and is counted with it: there can be but one. An event that has not been accepted yet will do, if
// it is valid. What an event costs as one of many facts about its enrolment is not among it: see
// [FactOf].
func WeightOf(e *event.Event) Weight {
	d := &e.Data
	switch e.Type {
	case event.FundingGranted:
		return Weight{adds: grants, tags: tagsOf(d.Commitment, d.Commitment)}
	case event.EnrolmentOpened:
		return Weight{adds: enrolments, tags: tagsOf(d.Worker, d.Worker)}
	case event.FundingCommitted, event.FundingClosed:
		return Weight{changes: grants, tags: tagsOf(d.Commitment, d.Commitment), times: 2}
	case event.FundingAmended: // which changes nobody's days, but what is found of each of them
		if d.Has.Has(event.FieldUntilMonth) {
			return Weight{changes: grants, tags: tagsOf(d.Commitment, d.Commitment), times: 2}
		}
	case event.FundingDisbursed:
		of := tagsOf(d.Commitment, d.Commitment)
		return Weight{changes: grants, tags: of, times: 2 * rows(d.PaidMonths)}
	case event.WorkerDied:
		return weightOfPeople(d.Worker, d.Worker)
	case event.WorkerMerged: // the smaller of the two moves
		return weightOfPeople(d.Worker, d.Into)
	case event.WorkforcePublished: // percents of all months since are worked out anew
		before := publishedLately - d.Reference.Month()
		if d.Sector == event.AllSectors && d.Indicator == event.Employed && before > 0 {
			return Weight{changes: months, times: 2 * int(before)}
		}
	default:
	}
	return Weight{}
}

// publishedLately is the month from which on a workforce that is published costs nothing: 2000-01.
const publishedLately temporal.Month = 30 * 12

func weightOfPeople(a, b string) Weight {
	people := [2]string{strings.Clone(a), strings.Clone(b)}
	return Weight{changes: enrolments, tags: tagsOf(a, b), times: 2, people: &people}
}

func tagsOf(a, b string) [2]facts.Tag { return [...]facts.Tag{facts.TagOf(a), facts.TagOf(b)} }

// Adds reports whether the event makes others cost more.
func (w *Weight) Adds() bool { return w.adds != nothing }

// IsDear reports whether the event may change many enrolments.
func (w *Weight) IsDear() bool { return w.changes != nothing }

// Changes returns about how many enrolments an event will change, together with its retraction,
// once what is expected is folded too. It may be called at any time. A merge changes what the
// smaller of the two persons has, and where one of them has died what both have.
func (p *Projection) Changes(w Weight, expected ...*Expected) int {
	if w.changes == nothing || w.changes == months {
		return w.times
	}
	var many [2]int
	died := false
	for i, tag := range w.tags {
		switch w.changes {
		case grants:
			many[i] = counted(p.costs.grants, tag)
		default:
			opened, dead := p.opened(w.people[i])
			many[i], died = max(counted(p.costs.enrolments, tag), opened), died || dead
		}
		for _, x := range expected {
			many[i] += x.counted(w.changes, tag)
		}
	}
	if died {
		return w.times * max(many[0], many[1])
	}
	return w.times * min(many[0], many[1])
}

// The bounds of what is looked at to price the death of a person, or a merge.
const (
	openedMost = 1 << 16 // enrolments: whoever has more has a price that is high enough
	lookedInto = 64      // enrolments whose facts are looked at
)

// opened returns how many enrolments were opened for the person that a worker is, how many other
// ids that person has, and how many facts there are about enrolments with very many, all in one; 0
// when that is little. It also tells whether the person has died. It reads the state, which is
// right for events that are rare. While the state is not in memory nobody waits for it, and nothing
// is known.
func (p *Projection) opened(worker string) (n int, died bool) {
	if !p.loaded() {
		return 0, false
	}
	w, known, err := p.names.FindWorker(worker)
	if err != nil || !known {
		return 0, false
	}
	var some []uint32
	err = p.Read(func(s *facts.State) error {
		if int(w) >= s.WorkerCount() {
			return nil // named by an event that is not folded yet
		}
		n, died = s.Opened(w, openedMost)+s.OtherIDs(w), s.DiedOn(w) < enrolment.Never
		for _, id := range s.Homes(nil, w) {
			for e := range s.Enrolments(id, facts.NoEnrolment) {
				if some = append(some, e); len(some) == lookedInto {
					return nil
				}
			}
		}
		return nil
	})
	if err != nil {
		return 0, false
	}
	names, err := p.names.AppendEnrolments(nil, some...)
	if err != nil {
		return 0, false
	}
	for _, name := range names {
		n += p.factsOf(facts.TagOf(name))
	}
	if n < p.limits.enrolments {
		n = 0
	}
	return n, died
}

// FactOf returns the tag of the enrolment about which an event is a fact, and whether it is one.
func FactOf(e *event.Event) (Tag, bool) {
	switch e.Type {
	case event.EnrolmentOpened, event.EnrolmentAmended, event.EnrolmentTerminated,
		event.EnrolmentReinstated, event.FundingGranted, event.FundingRevoked,
		event.ContributionCredited:
		return facts.TagOf(e.Data.Enrolment), true
	default:
		return 0, false
	}
}

// factsOfChange is how many facts about an enrolment count as a change. What comes of very many is
// kept, so that one more of them costs what it changes; only where too much would have to be kept
// all are read for each, at a tenth of a change or so. No fact costs nothing, as nobody knows
// before what will be kept.
const factsOfChange = 8

// ChangesOfFact returns about how many changes a fact about an enrolment will take as long as,
// together with its retraction, once what is expected is folded too; 0 where there are not very
// many facts about it. It may be called at any time, and is for each event that is taken in.
func (p *Projection) ChangesOfFact(of Tag, expected ...*Expected) int {
	n, coming := p.factsOf(of), 0
	for _, x := range expected {
		coming += x.facts.least(of)
	}
	if n == 0 && coming < p.limits.dear {
		return 0
	}
	return (n + coming) / factsOfChange
}

// factsOf returns how many facts there are about an enrolment that has very many; else 0.
func (p *Projection) factsOf(of facts.Tag) int {
	n := counted(p.costs.facts, of)
	if n > 0 {
		n += p.limits.dear // which were not counted
	}
	return n
}

// Expected counts events that make others cost more, from when they are on their way to the log
// until they are folded. It is an estimate from above like that of what is folded. The zero value
// expects nothing. All methods may be called at the same time.
type Expected struct {
	grants, enrolments, facts expectedRows
}

type expectedRows [2][expectedPlaces]atomic.Int32

// expectedPlaces is how many places there are in each row: as many as keep a name from sharing all
// of its places with others, while a million events wait.
const expectedPlaces = 1 << 16

// Clear makes x expect nothing.
func (x *Expected) Clear() {
	for _, rows := range [...]*expectedRows{&x.grants, &x.enrolments, &x.facts} {
		for row := range rows {
			for at := range rows[row] {
				rows[row][at].Store(0)
			}
		}
	}
}

// Add adds the weight of an event so many times, -1 to take it away again. What was added must be
// taken away as it was, or cleared with all else.
func (x *Expected) Add(w Weight, times int32) {
	if w.adds != nothing {
		x.rows(w.adds).add(w.tags[0], times)
	}
}

// AddFact does so for a fact about an enrolment.
func (x *Expected) AddFact(of Tag, times int32) { x.facts.add(of, times) }

func (rows *expectedRows) add(t facts.Tag, times int32) {
	for row, at := range expectedPlacesOf(t) {
		rows[row][at].Add(times)
	}
}

// rows returns those that count what there may be many of.
func (x *Expected) rows(of weighed) *expectedRows {
	if of == grants {
		return &x.grants
	}
	return &x.enrolments
}

// least returns how often a name was counted, or more.
func (rows *expectedRows) least(t facts.Tag) int {
	at := expectedPlacesOf(t)
	return int(min(rows[0][at[0]].Load(), rows[1][at[1]].Load()))
}

// counted returns how many are expected. A worker's enrolments are none until they are many: those
// who enrol and die must not wait for each other.
func (x *Expected) counted(of weighed, t facts.Tag) int {
	n := x.rows(of).least(t)
	if of == enrolments && n < fullLimits().enrolments {
		return 0
	}
	return n
}

// expectedPlacesOf returns where a name is counted.
func expectedPlacesOf(t facts.Tag) [2]int {
	return [...]int{int(t) % expectedPlaces, int(t>>16) % expectedPlaces}
}
