// Package reconcile searches for the ways of counting that give a published figure: other workers
// or workforces, other days, other knowledge, means of percents (contract, section 8).
//
// It asks the coverage and keeps nothing: no reading is an answer of the ledger, each says by what
// it departs from the contract's way. Whether a figure was meant so, nobody can tell from a
// reading.
package reconcile

import (
	"cmp"
	"context"
	"math/big"
	"slices"

	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections/coverage"
)

// Source answers questions about coverage. [coverage.View] is one. It has to answer all questions
// of one search from the same log, no shorter than what Known says; one goroutine asks it.
type Source interface {
	Answer(q coverage.Query) (coverage.Answer, error)
	// KnownAt returns the last event recorded at or before a moment.
	KnownAt(at temporal.Instant) (eventstore.Sequence, error)
	Known() eventstore.Sequence
}

// Query asks how a figure comes about that was published about a region and a day. The zero Limit
// returns none. Known may lie behind the end of the log, which then is what counts.
type Query struct {
	Region region.Code
	On     temporal.Date
	Known  eventstore.Sequence
	Figure Figure
	Limit  int // how many readings to return
}

// Reading is a way of counting, and what it gives. The four that are null or named are as of that
// way: On and Known are where it looks, which may be another day and another knowledge than were
// asked about.
type Reading struct {
	Gives   bool     `json:"gives"`   // the figure, as precise as that is
	Value   string   `json:"value"`   // a percentage with two decimals, or a count
	Off     string   `json:"off"`     // the value less the figure
	Departs []string `json:"departs"` // from the contract's way of counting; none: it is that
	Text    Words    `json:"text"`

	On          string              `json:"on"`
	Known       eventstore.Sequence `json:"known"`
	Numerator   *int64              `json:"numerator"`   // null of a mean
	Denominator *int64              `json:"denominator"` // null of a mean and of a count

	value *big.Rat
}

// Words is the same in English and in Indonesian. No number in it is written in another way in the
// two languages.
type Words struct {
	EN string `json:"en"`
	ID string `json:"id"`
}

const (
	// departsMax is in how many ways a reading may differ from the contract's.
	departsMax = 3
	// manyBelow is from how many regions below on readings of all of them may differ in one way
	// less: there are as many answers to work out for each.
	manyBelow = 50
)

// Find returns the readings that give the figure, those first that depart the least from the
// contract's way of counting, and then those that come nearest to it. Where none gives it, the
// nearest ones are returned all the same. Days and knowledge that come to the same are tried once.
// An error is that of the source, or of the context, and then there are no readings. It costs some
// hundred answers for a region with few below it.
func Find(ctx context.Context, source Source, q Query) ([]Reading, error) {
	s := &search{
		query: q, source: source, answers: map[coordinate]coverage.Answer{},
		below: below(q.Region),
	}
	knowledge, err := s.knowledge()
	if err != nil {
		return nil, err
	}
	for _, day := range days(q.On) {
		for _, known := range knowledge {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			if err := s.at(day, known); err != nil {
				return nil, err
			}
		}
	}
	return s.best(), nil
}

// search is a question in work. It belongs to one goroutine and lasts for one figure. Answers are
// kept, since many readings are made of the same ones.
type search struct {
	query   Query
	source  Source
	answers map[coordinate]coverage.Answer
	below   []region.Code
	found   []Reading
}

// best returns the readings to be told.
//
// Distances are exact fractions: no two readings change places by rounding.
func (s *search) best() []Reading {
	slices.SortStableFunc(s.found, func(a, b Reading) int {
		if a.Gives != b.Gives {
			return cmp.Compare(truth(b.Gives), truth(a.Gives))
		}
		byDistance := s.distance(&a).Cmp(s.distance(&b))
		byDepartures := cmp.Compare(len(a.Departs), len(b.Departs))
		if a.Gives {
			return cmp.Or(byDepartures, byDistance)
		}
		return cmp.Or(byDistance, byDepartures)
	})
	// Where some give the figure, what only comes near it would hide them.
	given := 0
	for given < len(s.found) && s.found[given].Gives {
		given++
	}
	if given == 0 {
		given = len(s.found)
	}
	return s.found[:min(given, s.query.Limit)]
}

// truth is there to compare two that are true or not: Go does not order them.
func truth(b bool) int {
	if b {
		return 1
	}
	return 0
}

// distance returns how far a reading is from the figure. It is measured with all decimals, although
// the figure may have been rounded.
func (s *search) distance(r *Reading) *big.Rat {
	d := new(big.Rat).Sub(r.value, s.query.Figure.value)
	return d.Abs(d)
}

// add adds a reading. Off is of the rounded value, as people would subtract it.
func (s *search) add(r *Reading, ways []way) {
	f := &s.query.Figure
	r.Departs = []string{}
	for _, w := range ways {
		if w.name != "" {
			r.Departs = append(r.Departs, w.name)
		}
	}
	r.Gives, r.Value, r.Off = f.isGivenBy(r.value), f.text(r.value), f.off(r.value)
	r.Text = wordsOf(r, ways, f)
	s.found = append(s.found, *r)
}

// departures counts the ways that are not the contract's. The choices of a reading do not depend on
// each other, so each counts once.
func departures(ways []way) (n int) {
	for _, w := range ways {
		n += w.cost()
	}
	return n
}

// below returns the regions next below a region, in order of their codes. A regency has none:
// nothing is made of regions below it then.
func below(r region.Code) (codes []region.Code) {
	for _, code := range region.All() {
		if code != r && code.Parent() == r {
			codes = append(codes, code)
		}
	}
	return codes
}
