// Package small hides counts that are so small that they may tell of a person whom the reader
// knows, from readers who may see the coverage alone.
//
// A count from 1 to 4 is hidden: as a figure it is null, as a cell of a dimension left out. What
// would give it away is hidden with it: percentage and shortfall of the same figure; the other
// sector, for the two nearly add up to all; and, where one cell of a dimension is hidden, the next
// smallest one. An answer in which something is hidden says so: "suppressed" is true.
//
// What is not prevented: a region's small count is what its siblings leave of the region that they
// lie in. Who must not even work that out is not to be given a login.
package small

import "cakupan/projections/coverage"

// Least is the least count, beside 0, that is not hidden.
const Least = 5

// Answer is a [coverage.Answer], or what may be shown of it; it marshals as that does.
type Answer struct {
	Region     string              `json:"region"`
	Name       string              `json:"name"`
	On         string              `json:"on"`
	Known      coverage.Known      `json:"known"`
	Covered    *int64              `json:"covered"`
	Confirmed  *int64              `json:"confirmed"`
	InGrace    *int64              `json:"inGrace"`
	Enrolments *int64              `json:"enrolments"`
	Workforce  *coverage.Workforce `json:"workforce"`
	Percent    *string             `json:"percent"`
	Target     *coverage.Target    `json:"target"`
	Sectors    Sectors             `json:"sectors"`
	By         *coverage.By        `json:"by,omitempty"`
	Suppressed bool                `json:"suppressed,omitempty"`
}

// Sectors are a [coverage.Sectors], or what may be shown of them.
type Sectors struct {
	Formal   Sector `json:"FORMAL"`
	Informal Sector `json:"INFORMAL"`
}

// Sector is a [coverage.Sector], or what may be shown of it.
type Sector struct {
	Covered   *int64              `json:"covered"`
	Workforce *coverage.Workforce `json:"workforce"`
	Percent   *string             `json:"percent"`
	Target    *coverage.Target    `json:"target"`
}

// Point is a [coverage.Point], or what may be shown of it.
type Point struct {
	On         string  `json:"on"`
	Covered    *int64  `json:"covered"`
	Confirmed  *int64  `json:"confirmed"`
	InGrace    *int64  `json:"inGrace"`
	Percent    *string `json:"percent"`
	Suppressed bool    `json:"suppressed,omitempty"`
}

// hider hides counts, and notes that it did.
type hider struct{ hid bool }

// HideAnswer returns what may be shown of an answer. The cells of its dimensions are not changed:
// what is left of them is another map.
func HideAnswer(a coverage.Answer) Answer {
	var h hider
	shown := Answer{
		Region: a.Region, Name: a.Name, On: a.On, Known: a.Known,
		Covered: h.count(a.Covered), InGrace: h.count(a.InGrace),
		Workforce: a.Workforce, Percent: a.Percent, Target: a.Target,
	}
	shown.Confirmed = h.part(a.Confirmed, a.Covered)
	shown.Enrolments = h.count(a.Enrolments)
	if shown.Covered == nil {
		shown.Percent, shown.Target = nil, bare(a.Target)
		shown.Confirmed, shown.Enrolments = nil, nil
	}
	shown.Sectors = h.sectors(a.Sectors, shown.Covered == nil)
	shown.By = h.by(a.By)
	shown.Suppressed = h.hid
	return shown
}

// HidePoint returns what may be shown of a point.
func HidePoint(p coverage.Point) Point {
	var h hider
	shown := Point{
		On: p.On, Covered: h.count(p.Covered), Confirmed: h.part(p.Confirmed, p.Covered),
		InGrace: h.count(p.InGrace), Percent: p.Percent,
	}
	if shown.Covered == nil {
		shown.Confirmed, shown.Percent = nil, nil
	}
	shown.Suppressed = h.hid
	return shown
}

func isSmall(n int64) bool { return n > 0 && n < Least }

// count returns a count, nil when it is small.
func (h *hider) count(n int64) *int64 {
	if isSmall(n) {
		h.hid = true
		return nil
	}
	return &n
}

// part returns a count that is a part of another one, nil when either it or the rest is small.
func (h *hider) part(n, of int64) *int64 {
	if isSmall(of - n) {
		h.hid = true
		return nil
	}
	return h.count(n)
}

// sectors hides both where one is small, and where their sum is.
func (h *hider) sectors(s coverage.Sectors, all bool) Sectors {
	shown := Sectors{h.sector(s.Formal), h.sector(s.Informal)}
	if all || shown.Formal.Covered == nil || shown.Informal.Covered == nil {
		h.hid = true
		shown.Formal.hide()
		shown.Informal.hide()
	}
	return shown
}

func (h *hider) sector(s coverage.Sector) Sector {
	return Sector{h.count(s.Covered), s.Workforce, s.Percent, s.Target}
}

func (s *Sector) hide() { s.Covered, s.Percent, s.Target = nil, nil, bare(s.Target) }

// bare returns a target without what says how far from it the coverage is.
func bare(t *coverage.Target) *coverage.Target {
	if t == nil {
		return nil
	}
	shown := *t
	shown.Met, shown.Shortfall = nil, nil
	return &shown
}

// by leaves out small cells.
func (h *hider) by(by *coverage.By) *coverage.By {
	if by == nil {
		return nil
	}
	return &coverage.By{
		Sector: h.cells(by.Sector), Segment: h.cells(by.Segment), Category: h.cells(by.Category),
		Programme: h.cells(by.Programme), Funding: h.cells(by.Funding),
		Evidence: h.cells(by.Evidence),
	}
}

// cells leaves out those that are small, and where that is one alone, the next smallest one too:
// the first would be what the others leave of all.
func (h *hider) cells(cells *coverage.Cells) *coverage.Cells {
	if cells == nil {
		return nil
	}
	shown := coverage.Cells{}
	hidden, next := 0, ""
	for name, n := range *cells {
		if isSmall(n) {
			hidden++
			continue
		}
		shown[name] = n
		if m, found := shown[next]; !found || n < m || n == m && name < next {
			next = name
		}
	}
	if hidden == 1 {
		delete(shown, next)
	}
	h.hid = h.hid || hidden > 0
	return &shown
}
