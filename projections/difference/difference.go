// Package difference tells why two figures of coverage differ: who came, who went, and for which
// reason, in two steps whose flows add up exactly (contract, section 8).
//
// It follows persons, not counts: that its sums agree with the coverage's figures is a property of
// both, which tests hold them to.
package difference

import (
	"context"
	"slices"

	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections/facts"
	"cakupan/projections/standing"
)

// Point is what a figure is of: a day, as known at an event, which must be applied. An event of 0
// is the empty log.
type Point struct {
	On    temporal.Date
	Known eventstore.Sequence
}

// Query asks why the workers covered in a region differ between two points. Either point may be the
// earlier one, in both of their ways.
type Query struct {
	Region   region.Code
	From, To Point
}

// The steps. First the same day as it is known at the other event, then the other day. They are in
// the order of an answer (contract, section 8).
const (
	KnowledgeStep = "knowledge"
	TimeStep      = "time"
)

// Step is what changed from one figure to the next: how many workers are covered who were not, and
// the other way round, by cause. Causes of none are left out. Joined less left is what the figure
// changes by in the step.
type Step struct {
	Step   string           `json:"step"`
	Joined map[string]int64 `json:"joined"`
	Left   map[string]int64 `json:"left"`
}

// Difference is the flows between two figures. It remembers who they were. It is good for as long
// as its source is, and belongs to one goroutine.
type Difference struct {
	Steps [2]Step

	asked *asked
	flows []flow // by step, and in order of the workers' ids
}

// flow is one worker who joined or left. The worker is the least id of a person, at the point where
// the person is counted.
type flow struct {
	standing.Place
	cause  Cause
	time   bool // the second step
	joined bool // as if forward
}

// asked is a question in work. It is answered as if forward, in knowledge and in time.
type asked struct {
	Query
	source standing.Source
	namer  *standing.Namer

	backKnown, backTime bool

	// What was known at the earlier event; the same without what was retracted up to the later one;
	// what was known at that. Each reader remembers accounts of commitments, which stay true while
	// the fold goes on.
	before, without, after *standing.Reader
	timed                  *standing.Reader // as known at To: one of before and after
	first, last            temporal.Date

	flows []flow
	group group // the one that is looked at, in memory that is used again
}

// Find works out the flows. The state is read in slices, so that the fold goes on meanwhile. Memory
// grows by 24 bytes for each worker who joined or left, and by a bit for each of the ledger.
//
// Two points that are the same have no flows. An error is that of the source, of names, or of the
// context.
func Find(ctx context.Context, source standing.Source, q Query) (*Difference, error) {
	a := newAsked(source, q)
	roster, err := standing.Residents(ctx, source, q.Region)
	if err != nil {
		return nil, err
	}
	err = roster.Each(ctx, source, func(s *facts.State, w uint32) []uint32 {
		a.group.read(a, s, w)
		if q.From.Known != q.To.Known {
			a.knowledge(s)
		}
		if q.From.On != q.To.On {
			a.time(s)
		}
		return a.group.ids
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(a.flows, func(x, y flow) int {
		switch {
		case x.time != y.time && x.time:
			return 1
		case x.time != y.time:
			return -1
		}
		return a.namer.Compare(x.Place, y.Place)
	})
	if err := a.namer.Err(); err != nil {
		return nil, err
	}
	d := &Difference{asked: a, flows: a.flows}
	d.count()
	return d, nil
}

// Readers are of the earlier and of the later knowledge, however the question was put; which way
// round it was, only the telling minds.
func newAsked(source standing.Source, q Query) *asked {
	a := &asked{
		Query: q, source: source, namer: standing.NewNamer(source.Names()),
		backKnown: q.To.Known < q.From.Known, backTime: q.To.On < q.From.On,
		first: min(q.From.On, q.To.On), last: max(q.From.On, q.To.On),
	}
	early, late := min(q.From.Known, q.To.Known), max(q.From.Known, q.To.Known)
	a.before = standing.NewReader(standing.At(early))
	a.after = standing.NewReader(standing.At(late))
	a.without = standing.NewReader(standing.Knowledge{Events: early, Retractions: late})
	if a.timed = a.after; a.backKnown {
		a.timed = a.before
	}
	return a
}

// count counts the flows. Both maps are there when nobody joined or left.
func (d *Difference) count() {
	d.Steps = [2]Step{
		{KnowledgeStep, map[string]int64{}, map[string]int64{}},
		{TimeStep, map[string]int64{}, map[string]int64{}},
	}
	for i := range d.flows {
		f := &d.flows[i]
		step := &d.Steps[0]
		if f.time {
			step = &d.Steps[1]
		}
		if d.asked.joined(f) {
			step.Joined[f.cause.String()]++
		} else {
			step.Left[f.cause.String()]++
		}
	}
}

// joined reports whether a flow is shown as one who joined: backwards it is the other way round.
func (a *asked) joined(f *flow) bool {
	if f.time {
		return f.joined != a.backTime
	}
	return f.joined != a.backKnown
}

// covered reports whether a person is covered in the region on a day. It asks of all enrolments of
// the person: one is enough.
func (a *asked) covered(s *facts.State, r *standing.Reader, p *standing.Person, on temporal.Date,
) bool {
	covered := false
	r.Each(s, p, a.Region, on, func(st standing.Standing) { covered = covered || st.Covered })
	return covered
}

// Worker is one who joined or left: Change says which. Clients read it by these names.
type Worker struct {
	Step   string                `json:"step"`
	Worker string                `json:"worker"`
	Change string                `json:"change"`
	Cause  string                `json:"cause"`
	Events []eventstore.Sequence `json:"events"`
}

// The values of Change.
const (
	Joined = "joined"
	Left   = "left"
)

// Workers calls yield with each worker who joined or left, by step, and in order of their ids.
//
// They are worked out anew, with the events, so that memory does not hold these for all. An error
// of yield ends it and is returned. Each line is valid during the call.
func (d *Difference) Workers(ctx context.Context, yield func(*Worker) error) error {
	var lines []Worker
	var workers []uint32
	var names []string
	return standing.InSlices(ctx, d.asked.source, len(d.flows), func(s *facts.State, i int) {
		f := &d.flows[i]
		workers = append(workers, f.Worker)
		line := Worker{Step: KnowledgeStep, Change: Left, Cause: f.cause.String()}
		if f.time {
			line.Step = TimeStep
		}
		if d.asked.joined(f) {
			line.Change = Joined
		}
		line.Events = d.asked.events(s, f)
		lines = append(lines, line)
	}, func() (err error) {
		if names, err = d.asked.source.Names().AppendWorkers(names[:0], workers...); err != nil {
			return err
		}
		for i := range lines {
			lines[i].Worker = names[i]
			if err := yield(&lines[i]); err != nil {
				return err
			}
		}
		lines, workers = lines[:0], workers[:0]
		return nil
	})
}
