package answers

import (
	"cakupan/cmd/internal/problem"
	"cakupan/projections/coverage"
)

// ShownAnswer is an answer as a server gives it to whoever asks: to a dashboard's login, small
// counts are null, which would be read as 0. Suppressed says that there is one; a ledger that hides
// nothing leaves it out.
type ShownAnswer struct {
	coverage.Answer
	Suppressed bool `json:"suppressed"`
}

// ShownPoint is the same of a point of a series.
type ShownPoint struct {
	coverage.Point
	Suppressed bool `json:"suppressed"`
}

// whole returns the answer, and whether nothing of it is hidden.
func (a *ShownAnswer) whole() (coverage.Answer, bool) { return a.Answer, !a.Suppressed }
func (p *ShownPoint) whole() (coverage.Point, bool)   { return p.Point, !p.Suppressed }

// Wholes returns what was answered, unless something of it is hidden: a table has no word for that,
// and a 0 would be a lie. So is every sum and chart that a 0 goes into, which is why one hidden
// count refuses all of the answer.
func Wholes[T any, S any, P interface {
	*S
	whole() (T, bool)
}](shown []S) ([]T, error) {
	all := make([]T, len(shown))
	for i := range shown {
		item, whole := P(&shown[i]).whole()
		if !whole {
			return nil, problem.New(problem.Forbidden, "counts below 5 are hidden from a"+
				" dashboard's login: ask with --json, where they are null, or with the secret of"+
				" an auditor")
		}
		all[i] = item
	}
	return all, nil
}
