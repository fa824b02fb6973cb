package coverage_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"math/big"
	"slices"

	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
)

// query asks for one region on one day at one knowledge.
type query struct {
	Region    region.Code
	On        temporal.Date
	Known     uint64 // a sequence; beyond the log means its end
	Indicator event.Indicator
	By        []string // "sector", "segment", "category", "programme", "funding", "evidence"
	Count     string   // "workers", or "enrolments"
}

// answer is section 4's object, fields in its order. Name is never filled in.
type answer struct {
	Region     string            `json:"region"`
	Name       *string           `json:"name"`
	On         string            `json:"on"`
	Known      knowledge         `json:"known"`
	Covered    int               `json:"covered"`
	Confirmed  int               `json:"confirmed"`
	InGrace    int               `json:"inGrace"`
	Enrolments int               `json:"enrolments"`
	Workforce  *workforce        `json:"workforce"`
	Percent    *string           `json:"percent"`
	Target     *target           `json:"target"`
	Sectors    sectors           `json:"sectors"`
	By         *dimensionsOfCell `json:"by,omitempty"`
}

type knowledge struct {
	Sequence   uint64  `json:"sequence"`
	RecordedAt *string `json:"recordedAt"`
}

type workforce struct {
	Count       int64  `json:"count"`
	Indicator   string `json:"indicator"`
	Reference   string `json:"reference"`
	Publication string `json:"publication"`
	Sequence    uint64 `json:"sequence"`
}

type target struct {
	Percent   string `json:"percent"`
	From      string `json:"from"`
	Region    string `json:"region"`
	Met       *bool  `json:"met"`
	Shortfall *int64 `json:"shortfall"`
	Sequence  uint64 `json:"sequence"`
}

type sectors struct {
	Formal   sector `json:"FORMAL"`
	Informal sector `json:"INFORMAL"`
}

type sector struct {
	Covered   int        `json:"covered"`
	Workforce *workforce `json:"workforce"`
	Percent   *string    `json:"percent"`
	Target    *target    `json:"target"`
}

// cells counts distinct workers by value. A pointer to it tells "not asked for" from "none".
type cells map[string]int

type dimensionsOfCell struct {
	Sector    *cells `json:"sector,omitempty"`
	Segment   *cells `json:"segment,omitempty"`
	Category  *cells `json:"category,omitempty"`
	Programme *cells `json:"programme,omitempty"`
	Funding   *cells `json:"funding,omitempty"`
	Evidence  *cells `json:"evidence,omitempty"`
}

// model answers from a history. It keeps nothing but the events in force at the knowledge it
// was asked for last.
type model struct {
	history []Recorded
	known   uint64
	events  []*Recorded
	parts   map[string]bearing // by enrolment
}

func newModel(history []Recorded) *model {
	m := &model{history: history}
	m.know(0)
	return m
}

// know makes its events those in force at known.
func (m *model) know(known uint64) {
	m.known = known
	m.events = inForce(m.history, known)
	m.parts = byEnrolment(m.events)
}

// answer answers q exactly as the contract says.
func (m *model) answer(q query) answer {
	if m.known != q.Known {
		m.know(q.Known)
	}
	n := m.count(q.Region, q.On, q.Count == "enrolments")
	formal, informal := n.sectors["FORMAL"], n.sectors["INFORMAL"]
	all := m.figures(q, event.AllSectors, n.covered)
	return answer{
		Region: regionText(q.Region), On: dateText(q.On), Known: m.knowledge(q.Known),
		Covered: n.covered, Confirmed: n.confirmed, InGrace: n.inGrace, Enrolments: n.enrolments,
		Workforce: all.Workforce, Percent: all.Percent, Target: all.Target,
		Sectors: sectors{
			Formal:   m.figures(q, event.Formal, formal),
			Informal: m.figures(q, event.Informal, informal),
		},
		By: n.by(q.By),
	}
}

// knowledge returns the last event known, in force or not.
func (m *model) knowledge(known uint64) knowledge {
	last := min(known, uint64(len(m.history)))
	if last == 0 {
		return knowledge{}
	}
	text := instantText(m.history[last-1].RecordedAt)
	return knowledge{Sequence: last, RecordedAt: &text}
}

// numbers are the counts of one region on one day.
type numbers struct {
	covered, confirmed, inGrace, enrolments int
	sectors                                 cells            // workers
	cells                                   map[string]cells // by dimension, of what was asked for
}

// set holds distinct workers or enrolments.
type set map[string]bool

// count counts distinct workers, enrolment by enrolment; in the cells enrolments, if asked for.
func (m *model) count(in region.Code, day temporal.Date, enrolments bool) numbers {
	covered, confirmed, grace := set{}, set{}, set{}
	workers, counted := map[[2]string]set{}, map[[2]string]set{} // by dimension and value
	n := numbers{sectors: cells{}, cells: map[string]cells{}}
	for enrolment, facts := range m.parts {
		s := facts.standingOn(day)
		if !s.agreed || !contains(in, s.region) {
			continue
		}
		worker := facts.persons.of(s.worker)
		if s.inGrace {
			grace[worker] = true
		}
		if !s.covered {
			continue
		}
		n.enrolments++
		covered[worker] = true
		if s.confirmed() {
			confirmed[worker] = true
		}
		for _, cell := range cellsOf(s) {
			add(workers, cell, worker)
			if enrolments {
				add(counted, cell, enrolment)
			} else {
				add(counted, cell, worker)
			}
		}
	}
	maps.DeleteFunc(grace, func(worker string, _ bool) bool { return covered[worker] })
	n.covered, n.confirmed, n.inGrace = len(covered), len(confirmed), len(grace)
	for cell, who := range counted {
		if n.cells[cell[0]] == nil {
			n.cells[cell[0]] = cells{}
		}
		n.cells[cell[0]][cell[1]] = len(who)
	}
	for _, sector := range []string{"FORMAL", "INFORMAL"} {
		n.sectors[sector] = len(workers[[2]string{"sector", sector}])
	}
	return n
}

func add(to map[[2]string]set, cell [2]string, who string) {
	if to[cell] == nil {
		to[cell] = set{}
	}
	to[cell][who] = true
}

// cellsOf returns the (dimension, value) pairs a covered enrolment counts in.
func cellsOf(s standing) [][2]string {
	in := [][2]string{
		{"sector", sectorOf(s.segment)},
		{"segment", segmentNames[s.segment]},
		{"category", categoryNames[s.category]},
	}
	for _, p := range s.programmes {
		in = append(in, [2]string{"programme", programmeNames[p]})
	}
	for _, name := range s.sources {
		in = append(in, [2]string{"funding", name})
	}
	for _, name := range s.evidence {
		in = append(in, [2]string{"evidence", name})
	}
	return in
}

func sectorOf(s event.Segment) string {
	if s == event.PU || s == event.JAKON {
		return "FORMAL"
	}
	return "INFORMAL"
}

// by returns the dimensions asked for, nil when none is.
func (n numbers) by(asked []string) *dimensionsOfCell {
	if len(asked) == 0 {
		return nil
	}
	pick := func(name string) *cells {
		if !slices.Contains(asked, name) {
			return nil
		}
		found := n.cells[name]
		if found == nil {
			found = cells{}
		}
		return &found
	}
	return &dimensionsOfCell{
		Sector: pick("sector"), Segment: pick("segment"), Category: pick("category"),
		Programme: pick("programme"), Funding: pick("funding"),
		Evidence: pick("evidence"),
	}
}

// figures sets the covered workers of a sector beside its workforce and its target.
func (m *model) figures(q query, of event.Sector, covered int) sector {
	s := sector{
		Covered:   covered,
		Workforce: m.workforce(q.Region, of, q.Indicator, q.On),
		Target:    m.target(q.Region, of, q.On),
	}
	if s.Workforce == nil || s.Workforce.Count == 0 {
		return s
	}
	share := big.NewRat(int64(covered)*100, s.Workforce.Count)
	text := share.FloatString(2) // rounds half away from zero, which is up
	s.Percent = &text
	if s.Target != nil {
		percent, _ := new(big.Rat).SetString(s.Target.Percent)
		met := share.Cmp(percent) > 0
		missing := max(0, above(percent, s.Workforce.Count)-int64(covered))
		s.Target.Met, s.Target.Shortfall = &met, &missing
	}
	return s
}

// above returns the smallest number of workers that is more than the percentage of the count.
func above(percent *big.Rat, count int64) int64 {
	exactly := new(big.Rat).Mul(percent, big.NewRat(count, 100))
	return new(big.Int).Div(exactly.Num(), exactly.Denom()).Int64() + 1
}

// workforce returns the publication for exactly these three with the latest reference.
func (m *model) workforce(
	in region.Code, of event.Sector, by event.Indicator, day temporal.Date,
) *workforce {
	var best *Recorded
	for _, e := range m.events {
		if e.Type == event.WorkforcePublished && e.Data.Region == in && e.Data.Sector == of &&
			e.Data.Indicator == by && e.Data.Reference <= day &&
			(best == nil || e.Data.Reference >= best.Data.Reference) {
			best = e
		}
	}
	if best == nil {
		return nil
	}
	return &workforce{
		Count: best.Data.Count, Indicator: indicatorNames[best.Data.Indicator],
		Reference: dateText(best.Data.Reference), Publication: best.Data.Publication,
		Sequence: best.Sequence,
	}
}

// target returns the region's target with the latest first day, or else its parent's.
func (m *model) target(in region.Code, of event.Sector, day temporal.Date) *target {
	var best *Recorded
	for _, e := range m.events {
		if e.Type == event.TargetSet && e.Data.Region == in && e.Data.Sector == of &&
			e.Data.From <= day && (best == nil || e.Data.From >= best.Data.From) {
			best = e
		}
	}
	switch {
	case best != nil:
		percent, _ := new(big.Rat).SetString(best.Data.Percent)
		return &target{
			Percent: percent.FloatString(2), From: dateText(best.Data.From),
			Region: regionText(in), Sequence: best.Sequence,
		}
	case in == region.Nation:
		return nil
	default:
		return m.target(parent(in), of, day)
	}
}

// regions returns the regions a table of everything has: the nation, and every province and
// regency with an enrolment, a workforce or a target of its own in force at known.
func (m *model) regions(known uint64) []region.Code {
	m.know(known)
	has := map[region.Code]bool{region.Nation: true}
	for _, e := range m.events {
		switch e.Type {
		case event.EnrolmentOpened, event.EnrolmentAmended:
			if e.Data.Region != 0 {
				has[e.Data.Region], has[parent(e.Data.Region)] = true, true
			}
		case event.WorkforcePublished, event.TargetSet:
			has[e.Data.Region] = true
		default: // speaks of no region
		}
	}
	return slices.SortedFunc(maps.Keys(has), compareRegions)
}

// point is one day of a series.
type point struct {
	On        string  `json:"on"`
	Covered   int     `json:"covered"`
	Confirmed int     `json:"confirmed"`
	InGrace   int     `json:"inGrace"`
	Percent   *string `json:"percent"`
}

// seriesQuery asks for the days from From to Until, both in: each day, or, when Monthly, each
// that is the last of its month. Its On and By are not used.
type seriesQuery struct {
	query
	From, Until temporal.Date
	Monthly     bool
}

func (m *model) series(q seriesQuery) []point {
	points := []point{}
	for day := q.From; day <= q.Until; day++ {
		if q.Monthly && monthOf(day) == monthOf(day+1) {
			continue
		}
		q.On = day
		a := m.answer(q.query)
		points = append(points, point{
			On: a.On, Covered: a.Covered, Confirmed: a.Confirmed, InGrace: a.InGrace,
			Percent: a.Percent,
		})
	}
	return points
}

// encode writes a value of the model as JSON.
func encode(v any) []byte {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		panic(err) // structs of texts and numbers: must not happen
	}
	return bytes.TrimSpace(buffer.Bytes())
}
