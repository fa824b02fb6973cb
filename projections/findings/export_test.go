package findings

import "cakupan/projections/checked"

// NewSmall returns a projection for which a person has many enrolments when there are two, and an
// event leaves many steps when it leaves nine, so that short histories have such persons and events.
func NewSmall(db *checked.DB) *Projection { return newProjection(db, 1, 8) }

// NewInSteps returns a projection whose batches hold so many steps.
func NewInSteps(db *checked.DB, most int) *Projection {
	return newProjection(db, fewEnrolments, most)
}

// StepsIn returns how many steps are left in a batch.
func StepsIn(b *Batch) int { return len(b.steps) }
