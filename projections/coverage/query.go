package coverage

import (
	"errors"
	"slices"
	"sort"

	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections/checked"
	"cakupan/projections/counts"
	"cakupan/projections/pages"
)

// Everything is the knowledge of all that is recorded. It is what a question without known asks
// for.
const Everything eventstore.Sequence = 1<<64 - 1

// ErrUnknownTime is returned for a record time of an event that is not in the log.
var ErrUnknownTime = errors.New("no such event")

// View is the projection as of a moment. It does not change, and may be used by any number of
// goroutines. It costs no more than pointers; what it holds on to stays in memory, or in the file,
// until it is dropped.
type View struct {
	p     *Projection
	known eventstore.Sequence // the last event applied

	counts        counts.View
	recorded      pages.HistoryView
	heads         pages.HistoryView
	firstRecorded []temporal.Instant
	flips         pages.HistoryView
}

// Known returns the sequence of the last event applied.
func (v *View) Known() eventstore.Sequence { return v.known }

// until returns what the deltas tell of the events up to the sequence. What is beyond the view is
// all of it.
func (v *View) until(tx *checked.Tx, k eventstore.Sequence) (counts.Known, error) {
	if k >= v.known {
		return v.counts.All(), nil
	}
	return v.counts.Until(tx, k)
}

// totals returns all numbers of a region on a day.
func (v *View) totals(tx *checked.Tx, r region.Code, on temporal.Date,
	known counts.Known,
) (totals, error) {
	var total totals
	err := v.counts.On(tx, known, on, rowsIn(r), func(row counts.Key, count int64) {
		total.add(row, count)
	})
	return total, err
}

// point is a day's covered workers, those of them who are confirmed, and those in grace.
type point struct{ covered, confirmed, inGrace int64 }

// line returns the points of the days, which are in order.
func (v *View) line(tx *checked.Tx, r region.Code, days []temporal.Date,
	known counts.Known,
) ([]point, error) {
	points := make([]point, len(days)) // first by how much each differs from the one before
	err := v.counts.Over(tx, known, days, rowsIn(r), func(row counts.Key, i int, change int64) {
		if row&workersBit != 0 {
			points[i].add(rowMeasures(row), change)
		}
	})
	for i := 1; i < len(points); i++ {
		points[i].covered += points[i-1].covered
		points[i].confirmed += points[i-1].confirmed
		points[i].inGrace += points[i-1].inGrace
	}
	return points, err
}

func (p *point) add(m measures, weight int64) {
	if m&covered != 0 {
		p.covered += weight
	}
	if m&confirmed != 0 {
		p.confirmed += weight
	}
	if m&inGrace != 0 {
		p.inGrace += weight
	}
}

// RecordedAt returns when the event was recorded. It is [ErrUnknownTime] for 0 and what the view
// does not have. Other errors say that the file is damaged.
func (v *View) RecordedAt(k eventstore.Sequence) (at temporal.Instant, err error) {
	if k == 0 || k > v.known {
		return 0, ErrUnknownTime
	}
	err = v.p.db.View(func(tx *checked.Tx) error {
		at, err = v.recordedAt(tx, k)
		return err
	})
	return at, err
}

func (v *View) recordedAt(tx *checked.Tx, k eventstore.Sequence) (temporal.Instant, error) {
	i := int(k - 1)
	page, err := v.recordTimes(tx, i>>recordedPageShift)
	if err != nil {
		return 0, err
	}
	return page.at(i & (1<<recordedPageShift - 1)), nil
}

// recordTimes returns those of a page.
func (v *View) recordTimes(tx *checked.Tx, page int) (recordTimes, error) {
	words, err := v.p.recorded.Words(&v.recorded, bucket(tx, recordedBucket), page)
	if err != nil {
		return recordTimes{}, err
	}
	return newRecordTimes(&words), nil
}

// recordTimes are those of a page of events.
type recordTimes struct {
	low, high pages.WordColumn
	n         int
}

func newRecordTimes(page *pages.Words) recordTimes {
	return recordTimes{page.Column(0), page.Column(1), page.Len()}
}

func (t *recordTimes) at(i int) temporal.Instant {
	return temporal.Instant(t.high.At(i))<<32 | temporal.Instant(t.low.At(i))
}

// KnownAt returns the last event recorded at or before the moment, 0 if there is none. Record times
// never decrease along the log, so that a search finds it.
func (v *View) KnownAt(at temporal.Instant) (k eventstore.Sequence, err error) {
	n := sort.Search(len(v.firstRecorded), func(i int) bool { return v.firstRecorded[i] > at }) - 1
	if n < 0 {
		return 0, nil
	}
	err = v.p.db.View(func(tx *checked.Tx) error {
		page, err := v.recordTimes(tx, n)
		if err != nil {
			return err
		}
		in := sort.Search(page.n, func(i int) bool { return page.at(i) > at })
		k = eventstore.Sequence(n<<recordedPageShift + in)
		return nil
	})
	return k, err
}

// Regions returns the regions worth listing as known at k: the nation, and every province and
// regency with an enrolment, a workforce or a target of its own; in order of their codes. Provinces
// are there for their regencies' sake, too. A k beyond the view means all of it.
func (v *View) Regions(k eventstore.Sequence) []region.Code {
	k = min(k, v.known)
	set := map[region.Code]bool{region.Nation: true}
	v.p.presence.regions(set, k)
	v.p.publications.regions(set, k)
	codes := make([]region.Code, 0, len(set))
	for code := range set {
		codes = append(codes, code)
	}
	slices.SortFunc(codes, func(a, b region.Code) int { return listRank(a) - listRank(b) })
	return codes
}

// listRank orders regions as their written codes: ID, 11, 11.01, 11.02, then 12.
func listRank(r region.Code) int {
	if r.Level() == region.ProvinceLevel {
		return int(r) * 100
	}
	return int(r)
}
