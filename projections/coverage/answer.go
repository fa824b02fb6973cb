package coverage

import (
	"runtime"

	"cakupan/domain/event"
	"cakupan/domain/figures"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections/checked"
)

// Query asks for the numbers of a region on a day, as known at a place in the log. The zero value
// asks for the nation on 1970-01-01, as known before the first event.
type Query struct {
	Region    region.Code
	On        temporal.Date
	Known     eventstore.Sequence // beyond the log: its end
	Indicator event.Indicator     // which workforce the percentages are of
	By        []Dimension
	Count     Count // what the cells of By count
}

// Answer is what contract section 4 prints; it marshals to that JSON, keys in its order. It is the
// caller's own. What is null in JSON is nil here, never 0.
type Answer struct {
	Region     string     `json:"region"`
	Name       string     `json:"name"`
	On         string     `json:"on"`
	Known      Known      `json:"known"`
	Covered    int64      `json:"covered"`
	Confirmed  int64      `json:"confirmed"`
	InGrace    int64      `json:"inGrace"`
	Enrolments int64      `json:"enrolments"`
	Workforce  *Workforce `json:"workforce"`
	Percent    *string    `json:"percent"`
	Target     *Target    `json:"target"`
	Sectors    Sectors    `json:"sectors"`
	By         *By        `json:"by,omitempty"`
}

// Known is the knowledge an answer rests on. RecordedAt is null for an empty log.
type Known struct {
	Sequence   eventstore.Sequence `json:"sequence"`
	RecordedAt *string             `json:"recordedAt"`
}

// Workforce is the publication a percentage is of.
type Workforce struct {
	Count       int64               `json:"count"`
	Indicator   string              `json:"indicator"`
	Reference   string              `json:"reference"`
	Publication string              `json:"publication"`
	Sequence    eventstore.Sequence `json:"sequence"`
}

// Target is the goal in force. Met and Shortfall (in workers) are null without a percentage. Region
// is where the target was set: that of a parent where the region has none.
type Target struct {
	Percent   string              `json:"percent"`
	From      string              `json:"from"`
	Region    string              `json:"region"`
	Met       *bool               `json:"met"`
	Shortfall *int64              `json:"shortfall"`
	Sequence  eventstore.Sequence `json:"sequence"`
}

// Sectors are the numbers of formal and of informal work.
type Sectors struct {
	Formal   Sector `json:"FORMAL"`
	Informal Sector `json:"INFORMAL"`
}

// Sector is one of them.
type Sector struct {
	Covered   int64      `json:"covered"`
	Workforce *Workforce `json:"workforce"`
	Percent   *string    `json:"percent"`
	Target    *Target    `json:"target"`
}

// Answer answers the query. It must not be used after the file is closed. An error says that the
// file is damaged: there is no answer then, not even in part.
func (v *View) Answer(q Query) (answer Answer, err error) {
	err = v.p.db.View(func(tx *checked.Tx) error {
		answer, err = v.answer(tx, q)
		return err
	})
	return answer, err
}

func (v *View) answer(tx *checked.Tx, q Query) (Answer, error) {
	q.Known = min(q.Known, v.known)
	a := Answer{Region: q.Region.String(), Name: q.Region.Name(), On: q.On.String()}
	var err error
	if a.Known, err = v.knownAs(tx, q.Known); err != nil {
		return a, err
	}
	n, err := v.until(tx, q.Known)
	if err != nil {
		return a, err
	}
	total, err := v.totals(tx, q.Region, q.On, n)
	if err != nil {
		return a, err
	}
	workers := &total.workers
	a.Covered, a.Confirmed = workers[coveredMeasure], workers[confirmedMeasure]
	a.InGrace, a.Enrolments = workers[inGraceMeasure], total.enrolments[coveredMeasure]
	all := v.sector(q, event.AllSectors, a.Covered)
	a.Workforce, a.Percent, a.Target = all.Workforce, all.Percent, all.Target
	formal := workers[sectorBase+int(event.Formal)]
	informal := workers[sectorBase+int(event.Informal)]
	a.Sectors.Formal = v.sector(q, event.Formal, formal)
	a.Sectors.Informal = v.sector(q, event.Informal, informal)
	if len(q.By) > 0 {
		by := workers
		if q.Count == Enrolments {
			by = &total.enrolments
		}
		a.By = newBy(q.By, by)
	}
	return a, nil
}

// knownAs describes the knowledge k, which the view has.
func (v *View) knownAs(tx *checked.Tx, k eventstore.Sequence) (Known, error) {
	if k == 0 {
		return Known{}, nil
	}
	at, err := v.recordedAt(tx, k)
	text := at.String()
	return Known{Sequence: k, RecordedAt: &text}, err
}

// sector works out percentage and target of a sector's covered workers.
func (v *View) sector(q Query, sector event.Sector, covered int64) Sector {
	s := Sector{Covered: covered}
	workforce, found := v.p.publications.latest(topic{
		kind: event.WorkforcePublished, region: q.Region, sector: sector, indicator: q.Indicator,
	}, q.On, q.Known)
	if found {
		s.Workforce = &Workforce{
			Count: workforce.Count, Indicator: q.Indicator.String(),
			Reference: workforce.On.String(), Publication: workforce.Text,
			Sequence: workforce.Sequence,
		}
	}
	if workforce.Count > 0 {
		percent := figures.Percent(covered, workforce.Count)
		s.Percent = &percent
	}
	if target, found := v.p.publications.target(q.Region, sector, q.On, q.Known); found {
		s.Target = &Target{
			Percent: figures.FormatPercent(target.Count), From: target.On.String(),
			Region: target.Region.String(), Sequence: target.Sequence,
		}
		if workforce.Count > 0 {
			met := figures.Met(covered, workforce.Count, target.Count)
			shortfall := figures.Shortfall(covered, workforce.Count, target.Count)
			s.Target.Met, s.Target.Shortfall = &met, &shortfall
		}
	}
	return s
}

// Point is one day of a series.
type Point struct {
	On        string  `json:"on"`
	Covered   int64   `json:"covered"`
	Confirmed int64   `json:"confirmed"`
	InGrace   int64   `json:"inGrace"`
	Percent   *string `json:"percent"`
}

// Series answers for each of the days, which must be in order; q.On, q.By and q.Count are ignored.
func (v *View) Series(q Query, days []temporal.Date) ([]Point, error) {
	q.Known = min(q.Known, v.known)
	points := make([]Point, len(days))
	err := v.p.db.View(func(tx *checked.Tx) error {
		n, err := v.until(tx, q.Known)
		if err != nil {
			return err
		}
		line, err := v.line(tx, q.Region, days, n)
		if err != nil {
			return err
		}
		for i, p := range line {
			if i%yieldEvery == yieldEvery-1 {
				runtime.Gosched()
			}
			q.On = days[i]
			points[i] = Point{
				On: q.On.String(), Covered: p.covered, Confirmed: p.confirmed,
				InGrace: p.inGrace,
				Percent: v.sector(q, event.AllSectors, p.covered).Percent,
			}
		}
		return nil
	})
	return points, err
}

// yieldEvery is after how many points others have their turn at the processor.
const yieldEvery = 128

// Step is the distance of the points of a series.
type Step uint8

// The steps: every day, or the last day of every month.
const (
	Daily Step = iota
	Monthly
)

// Days returns the days of a series that lie in [from, until], both included.
func Days(from, until temporal.Date, step Step) []temporal.Date {
	var days []temporal.Date
	if step == Daily {
		for day := from; day <= until; day++ {
			days = append(days, day)
		}
		return days
	}
	for month := from.Month(); month.Last() <= until; month++ {
		days = append(days, month.Last())
	}
	return days
}
