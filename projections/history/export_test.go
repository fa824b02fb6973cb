package history

import "cakupan/projections/checked"

// NewSmall returns a projection whose chunks have 8 events, blocks 32 and pages 3 entries, so that
// a short history passes through runs of all kinds.
func NewSmall(db *checked.DB) *Projection {
	return newProjection(db, layout{chunk: 3, block: 5, page: 3})
}
