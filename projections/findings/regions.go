package findings

import (
	"math"

	"cakupan/domain/enrolment"
	"cakupan/domain/figures"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
)

// regions counts how many workers of each region are covered on the last day of each month.
//
// It belongs to Show, and is derived: when the fold is loaded it is counted anew from the persons
// and the publications. Which findings are open of a month, the records say; a cell only notes what
// was last found wrong, so that it is compared and not asked.
type regions struct {
	of    []*headcount   // by code; nil: nobody was counted
	ended temporal.Month // the months before it have ended
	begun bool           // an event was recorded
	dirty []region.Code  // whose number or workforce of some month has changed

	gone, come, rest months // memory
}

// headcount is the count of one region: of the months from the first of which a workforce is known,
// else only by how much it changes with each month.
//
// Changes are of all months, past and to come, because a spell may have no end; cells are sums of
// them. Regions of which nobody ever published a workforce have no percent, and so no cells.
type headcount struct {
	near    []int32                  // changes of the months from nearMonth on
	changes map[temporal.Month]int64 // of others
	first   temporal.Month
	cells   []cell // of the months from the first one that have ended
	counted bool   // a workforce was published

	dirty enrolment.Span // in which cells have changed
}

// cell is a month of a region. Percent is worked out when the cell is checked, not when it is
// counted.
type cell struct {
	count, workforce int64 // workforce 0: none, or nobody
	percent          int64 // in hundredths, as it is printed; null: none
	wrong            wrong
}

// wrong says what is wrong with a month of a region.
type wrong uint8

const (
	isAbove wrong = 1 << iota
	jumps
)

// In hundredths of a percent: all of a workforce, by how much its percent must not change, and no
// percent.
const (
	whole100 = 100_00
	jump     = 10_00
	null     = -1
)

func newRegions() *regions { return &regions{} }

// headcount returns the count of a region, which it begins when there is none.
func (r *regions) headcount(code region.Code) *headcount {
	if n := int(code) + 1; n > len(r.of) {
		r.of = append(r.of, make([]*headcount, n-len(r.of))...)
	}
	if r.of[code] == nil {
		r.of[code] = &headcount{changes: map[temporal.Month]int64{}}
	}
	return r.of[code]
}

// count counts a worker who is covered on the last days of some months, or no more. Weight is +1 or
// -1. What is counted for months to come is in the changes, and gets a cell when they have ended.
func (r *regions) count(code region.Code, s enrolment.Span, weight int64) {
	h := r.headcount(code)
	h.change(s.From, weight)
	if s.Until < enrolment.NeverMonth {
		h.change(s.Until, -weight)
	}
	if !h.counted {
		return
	}
	from, until := max(s.From, h.first), min(s.Until, r.ended)
	for m := from; m < until; m++ {
		h.cells[m-h.first].count += weight
	}
	r.touch(code, h, from, until)
}

// The months whose changes are kept side by side: those from 1970 to 2097. What is further away is
// kept in a map: hardly anybody is, and an array to the year 9999 for each region would be large.
const (
	nearMonth  temporal.Month = 0
	nearMonths                = 128 * 12
)

// change counts by how much more, or fewer, are covered from a month on.
func (h *headcount) change(m temporal.Month, weight int64) {
	if m >= nearMonth && m < nearMonth+nearMonths {
		if h.near == nil {
			h.near = make([]int32, nearMonths)
		}
		h.near[m-nearMonth] += int32(weight)
		return
	}
	if h.changes[m] += weight; h.changes[m] == 0 {
		delete(h.changes, m)
	}
}

// changed returns by how much the number changes with a month.
func (h *headcount) changed(m temporal.Month) int64 {
	if m >= nearMonth && m < nearMonth+temporal.Month(len(h.near)) {
		return int64(h.near[m-nearMonth])
	}
	return h.changes[m]
}

// touch notes that something of months has changed. The months in between are checked, too: that
// costs less than to remember them one by one.
func (r *regions) touch(code region.Code, h *headcount, from, until temporal.Month) {
	if until <= from {
		return
	}
	if h.dirty.From == h.dirty.Until {
		h.dirty = enrolment.Span{From: from, Until: until}
		r.dirty = append(r.dirty, code)
		return
	}
	h.dirty.From, h.dirty.Until = min(h.dirty.From, from), max(h.dirty.Until, until)
}

// published notes that a workforce of a region was published, or is not any more. The workforce of
// every month from the reference on is looked up anew: only publications of a later reference hide
// it, and a retraction brings back an older one.
func (r *regions) published(l *ledger, code region.Code, reference temporal.Date) {
	h, month := r.headcount(code), reference.Month()
	if !h.counted || month < h.first {
		h.prepend(month)
	}
	h.grow(l, code, r.ended)
	for m := month; m < r.ended; m++ {
		h.cells[m-h.first].workforce = l.workforce(code, m)
	}
	r.touch(code, h, month, r.ended)
}

// prepend counts from an earlier month on. What is wrong with the others stays noted.
func (h *headcount) prepend(first temporal.Month) {
	were, was := h.cells, h.first
	h.cells, h.first = nil, first
	h.counted = true
	if len(were) == 0 { // also when its first month has not ended yet
		return
	}
	count := h.before(first)
	for m := first; m < was; m++ {
		count += h.changed(m)
		h.cells = append(h.cells, cell{count: count, percent: null})
	}
	h.cells = append(h.cells, were...)
}

// before returns how many are covered at the end of the month before one. The months before the
// first workforce have no cells to begin with.
func (h *headcount) before(month temporal.Month) (count int64) {
	for m, change := range h.changes { // a sum: in any order
		if m < month {
			count += change
		}
	}
	for i, change := range h.near {
		if nearMonth+temporal.Month(i) < month {
			count += int64(change)
		}
	}
	return count
}

// grow counts the months that have ended. Each goes on from the one before it.
func (h *headcount) grow(l *ledger, code region.Code, ended temporal.Month) {
	m := h.first + temporal.Month(len(h.cells))
	if m >= ended {
		return
	}
	var count int64
	if n := len(h.cells); n > 0 {
		count = h.cells[n-1].count
	} else {
		count = h.before(m)
	}
	for ; m < ended; m++ {
		count += h.changed(m)
		h.cells = append(h.cells, cell{
			count: count, workforce: l.workforce(code, m), percent: null,
		})
	}
}

// end lets the months before the given one have ended. At the first event all months before it have
// ended at once: nothing is known of them yet but what will be reported later.
func (r *regions) end(l *ledger, month temporal.Month) {
	if r.begun && month <= r.ended {
		return
	}
	was := r.ended
	if !r.begun {
		was = month
	}
	r.begun, r.ended = true, month
	for code, h := range r.of {
		if h != nil && h.counted {
			h.grow(l, region.Code(code), month)
			r.touch(region.Code(code), h, max(was, h.first), month)
		}
	}
}

// check calls yield with the regions and months of which something else is wrong than before. The
// percents come first, also that of the last dirty month, because a JUMP compares with the month
// before: so one month more than those that changed is looked at. What is yielded is in order.
func (r *regions) check(yield func(o owner, is wrong)) {
	for _, code := range sortedNumbers(r.dirty) {
		h := r.of[code]
		for m := h.dirty.From; m < h.dirty.Until; m++ {
			c := &h.cells[m-h.first]
			c.percent = percentOf(c.count, c.workforce)
		}
		for m := h.dirty.From; m < min(h.dirty.Until+1, r.ended); m++ {
			c := &h.cells[m-h.first]
			if is := h.wrong(m); is != c.wrong {
				c.wrong = is
				yield(owner{ofRegion, uint32(code), int32(m)}, is)
			}
		}
		h.dirty = enrolment.Span{}
	}
	r.dirty = r.dirty[:0]
}

// wrong returns what is wrong with a month. Null on either side is no jump: null is no number
// (contract, section 8).
func (h *headcount) wrong(m temporal.Month) (is wrong) {
	percent, before := h.cells[m-h.first].percent, int64(null)
	if m > h.first {
		before = h.cells[m-1-h.first].percent
	}
	if percent > whole100 {
		is |= isAbove
	}
	if percent != null && before != null && max(percent, before)-min(percent, before) > jump {
		is |= jumps
	}
	return is
}

// marks returns all that is wrong.
func (w wrong) marks() (all []mark) {
	if w&isAbove != 0 {
		all = append(all, mark{code: CoverageAbove100})
	}
	if w&jumps != 0 {
		all = append(all, mark{code: Jump})
	}
	return all
}

// percentOf returns the percent of a workforce that is covered, null where there is none. It is the
// one that is printed. So what is above 100 here is above 100 in an answer. The short way is exact:
// numbers that would overflow take the long one.
func percentOf(count, workforce int64) int64 {
	const most = math.MaxInt64 / (4 * whole100)
	switch {
	case workforce <= 0:
		return null
	case count <= most && workforce <= most:
		return (2*whole100*count + workforce) / (2 * workforce)
	default:
		percent, _ := figures.ParsePercent(figures.Percent(count, workforce))
		return percent
	}
}

// workforce returns that of a region at the end of a month, 0 when there is none. It is the one for
// ALL, EMPLOYED, by the publications that Show has seen.
func (l *ledger) workforce(code region.Code, m temporal.Month) int64 {
	if p := l.workforceAsOf(code, m.Last(), latest); p != nil {
		return p.count
	}
	return 0
}
