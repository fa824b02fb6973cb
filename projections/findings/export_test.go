package findings

import "cakupan/projections/checked"

// NewSmall returns a projection for which a person has many enrolments when there are two, so that
// short histories have such persons.
func NewSmall(db *checked.DB) *Projection { return newProjection(db, 1) }
