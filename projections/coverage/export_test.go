package coverage

import (
	"go.etcd.io/bbolt"

	"cakupan/projections/counts"
)

// NewSmall returns a projection whose pages hold 4 deltas and whose chunks hold 16, so that a
// short history passes through runs of several levels.
func NewSmall(db *bbolt.DB) *Projection {
	return newProjection(db, counts.Layout{Page: 2, Chunk: 4})
}

// TakeTheLongWay makes the projection compare what was and what is for every fact, the first and
// the second about an enrolment too.
func (p *Projection) TakeTheLongWay() { p.fold.longWay = true }
