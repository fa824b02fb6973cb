package coverage

import (
	"sync"

	"cakupan/eventstore"
	"cakupan/projections/checked"
	"cakupan/projections/counts"
)

// NewSmall returns a projection whose pages hold 4 deltas and whose chunks hold 16, so that a
// short history passes through runs of several levels.
func NewSmall(db *checked.DB) *Projection {
	return newProjection(db, smallLayout(), fullLimits())
}

func smallLayout() counts.Layout { return counts.Layout{Page: 2, Chunk: 4, Part: 5} }

// NewHeavy returns a small projection to which an enrolment with 3 facts is heavy, and a person with
// 2 enrolments, and which keeps little of that.
func NewHeavy(db *checked.DB) *Projection {
	return newProjection(db, smallLayout(),
		limits{
			facts: 3, enrolments: 2, months: 2, dear: 5, factsKept: 40, spellsKept: 60, later: 9,
		})
}

// TakeTheLongWay makes the projection compare what was and what is for every fact, the first and
// the second about an enrolment too.
func (p *Projection) TakeTheLongWay() { p.fold.longWay = true }

// DigestInLanes is DigestOnly, by so many lanes.
func (p *Projection) DigestInLanes(until eventstore.Sequence, lanes int) {
	p.DigestOnly(until)
	p.foldInLanes(lanes)
}

// TimeLanes has each share folded at once, by a call of one.
func (p *Projection) TimeLanes(one func(fold func())) { p.lanes.run = one }

// WatchReading has it told whenever the fold lets readers in and shuts them out within an event, and
// at how much it has looked by then.
func (p *Projection) WatchReading(told func(in bool, looked int)) {
	p.fold.reading = watchedReading{&p.reading, func(in bool) { told(in, p.fold.looked) }}
}

type watchedReading struct {
	sync.Locker
	told func(in bool)
}

func (w watchedReading) Unlock() {
	w.Locker.Unlock()
	w.told(true)
}

func (w watchedReading) Lock() {
	w.told(false)
	w.Locker.Lock()
}
