package findings

import "cakupan/projections/checked"

// NewSmall returns a projection for which a person has many enrolments when there are two, and an
// event leaves many steps when it leaves nine, so that short histories have such persons and events.
func NewSmall(db *checked.DB) *Projection { return newProjection(db, 1, fewFacts, 8) }

// NewLong returns one for which an enrolment has many facts when it has more than so many.
func NewLong(brief int) func(db *checked.DB) *Projection {
	return func(db *checked.DB) *Projection { return newProjection(db, 1, brief, 8) }
}

// NewInSteps returns a projection whose batches hold so many steps.
func NewInSteps(db *checked.DB, most int) *Projection {
	return newProjection(db, fewEnrolments, fewFacts, most)
}

// StepsIn returns how many steps are left in a batch.
func StepsIn(b *Batch) int { return len(b.steps) }

// Looked returns at how many facts, stretches, grants and months the last event looked.
func Looked(p *Projection) int { return p.fold.course.looked }

// LookedToTell returns at how many facts who asks has looked, and how many findings are told.
func LookedToTell(p *Projection, q Query) (looked, told int, err error) {
	a := &asked{Query: q, p: p}
	if known, err := a.find(); err != nil || !known {
		return 0, 0, err
	}
	for at, more := 0, true; more; a.lines = a.lines[:0] {
		at, more = a.slice(at)
		told += len(a.lines)
	}
	return a.looked, told, nil
}
