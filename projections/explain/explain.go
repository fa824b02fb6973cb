// Package explain tells who makes a figure of coverage up, and on which events that rests
// (contract, section 8).
//
// It finds one by one whom the coverage counts all at once, by the same rules; that both come to
// the same number is what the contract demands and tests hold them to.
package explain

import (
	"cmp"
	"context"
	"slices"

	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections/facts"
	"cakupan/projections/standing"
)

// Of says which figure is explained. The zero value is that of who asks for nothing else.
type Of uint8

// The figures of contract section 3 that count workers.
const (
	Covered Of = iota
	Confirmed
	InGrace
)

var ofNames = [...]string{"covered", "confirmed", "inGrace"}

// OfNames returns the names of the figures.
func OfNames() []string { return append([]string(nil), ofNames[:]...) }

// ParseOf returns the figure of that name. Case matters.
func ParseOf(name string) (Of, bool) {
	for of, known := range ofNames {
		if name == known {
			return Of(of), true
		}
	}
	return 0, false
}

// Query asks who makes a figure up. Known must be applied. A region without anybody is answered
// with nobody.
type Query struct {
	Region region.Code
	On     temporal.Date
	Known  eventstore.Sequence
	Of     Of
}

// Worker is one who counts, by the least of the ids that are the worker. Whoever counts has one
// enrolment at least.
type Worker struct {
	Worker     string      `json:"worker"`
	Enrolments []Enrolment `json:"enrolments"`
}

// Enrolment is one for which a worker counts: of who is covered the covered ones, of who is
// confirmed those of them that are, of who is in grace those in grace, all in the region asked for.
type Enrolment struct {
	Enrolment  string                `json:"enrolment"`
	Region     string                `json:"region"`
	Segment    string                `json:"segment"`
	Category   string                `json:"category"`
	Programmes []string              `json:"programmes"`
	Payer      string                `json:"payer"`
	Status     string                `json:"status"` // COVERED or IN_GRACE
	Evidence   []string              `json:"evidence"`
	Events     []eventstore.Sequence `json:"events"`
}

// The values of Status. It belongs to one goroutine, and its memory goes from one worker to the
// next.
const (
	StatusCovered = "COVERED"
	StatusInGrace = "IN_GRACE"
)

// asked is a question in work.
type asked struct {
	Query
	source standing.Source
	reader *standing.Reader
	person standing.Person // memory
}

// Workers calls yield with each worker who makes the figure up, in order of their ids, and returns
// how many there are: as many as the figure says. The worker is valid during the call.
//
// The state is read in slices, so that the fold goes on meanwhile. Beside what yield keeps, memory
// grows by a bit for each worker of the ledger and 16 bytes for each who counts: those are what is
// brought in order.
//
// An error of yield ends it and is returned; workers that were told before stay told. It may also
// be that of the source, of names or of the context.
func Workers(ctx context.Context, source standing.Source, q Query, yield func(*Worker) error,
) (n int64, err error) {
	a := &asked{Query: q, source: source, reader: standing.NewReader(standing.At(q.Known))}
	roster, err := standing.Residents(ctx, source, q.Region)
	if err != nil {
		return 0, err
	}
	var who []standing.Place
	namer := standing.NewNamer(source.Names())
	err = roster.Each(ctx, source, func(s *facts.State, w uint32) []uint32 {
		if a.reader.Person(s, &a.person, w); a.counts(s) {
			who = append(who, namer.Place(a.person.IDs))
		}
		return a.person.IDs
	})
	if err == nil {
		err = namer.Sort(who)
	}
	if err != nil {
		return 0, err
	}
	return int64(len(who)), a.tell(ctx, who, yield)
}

// counts reports whether the person read last counts. Whoever is covered by one enrolment is not in
// grace by another (contract, section 3).
func (a *asked) counts(s *facts.State) bool {
	covered, confirmed, inGrace := false, false, false
	a.reader.Each(s, &a.person, a.Region, a.On, func(st standing.Standing) {
		covered = covered || st.Covered
		confirmed = confirmed || st.Covered && st.Evidence.Confirmed()
		inGrace = inGrace || st.InGrace
	})
	switch a.Of {
	case Confirmed:
		return confirmed
	case InGrace:
		return inGrace && !covered
	default:
		return covered
	}
}

// rests reports whether an enrolment is one for which its worker counts.
func (a *asked) rests(st *standing.Standing) bool {
	switch a.Of {
	case Confirmed:
		return st.Covered && st.Evidence.Confirmed()
	case InGrace:
		return st.InGrace
	default:
		return st.Covered
	}
}

// tell calls yield with the workers in line.
func (a *asked) tell(ctx context.Context, who []standing.Place, yield func(*Worker) error) error {
	var found page
	visit := func(s *facts.State, i int) {
		found.workers = append(found.workers, who[i].Worker)
		a.reader.Person(s, &a.person, who[i].Worker)
		a.reader.Each(s, &a.person, a.Region, a.On, func(st standing.Standing) {
			if a.rests(&st) {
				found.add(&st, standing.Ascending(a.reader.Basis(s, nil), a.person.Merges...))
			}
		})
		found.ends = append(found.ends, len(found.enrolments))
	}
	return standing.InSlices(ctx, a.source, len(who), visit, func() error {
		return found.flush(a.source.Names(), yield)
	})
}

// page is some workers whose names are not looked up yet: that reads the file, and is done when the
// fold does not wait.
type page struct {
	workers    []uint32
	ends       []int // of each worker: where the enrolments end
	enrolments []uint32
	lines      []Enrolment

	names []string // memory
}

// add adds an enrolment of the last worker. Programmes come in the order of the contract's list,
// and as a list where there are none.
func (p *page) add(st *standing.Standing, events []eventstore.Sequence) {
	p.enrolments = append(p.enrolments, st.Enrolment)
	line := Enrolment{
		Region: st.Terms.Region.String(), Segment: st.Terms.Segment.String(),
		Category: st.Terms.Category.String(), Programmes: []string{},
		Payer: st.Terms.Payer.String(), Status: StatusCovered,
		Evidence: st.Evidence.Names(), Events: events,
	}
	if st.InGrace {
		line.Status = StatusInGrace
	}
	for programme := event.JKK; programme <= event.JKP; programme++ {
		if st.Terms.Programmes&(1<<programme) != 0 {
			line.Programmes = append(line.Programmes, programme.String())
		}
	}
	p.lines = append(p.lines, line)
}

// flush calls yield with the workers, and is empty then. Enrolments of a worker come in order of
// their ids. After an error it is not to be used again.
func (p *page) flush(names *facts.Names, yield func(*Worker) error) (err error) {
	if p.names, err = names.AppendWorkers(p.names[:0], p.workers...); err != nil {
		return err
	}
	if p.names, err = names.AppendEnrolments(p.names, p.enrolments...); err != nil {
		return err
	}
	for i, name := range p.names[len(p.workers):] {
		p.lines[i].Enrolment = name
	}
	from := 0
	for i, end := range p.ends {
		worker := Worker{Worker: p.names[i], Enrolments: p.lines[from:end]}
		slices.SortFunc(worker.Enrolments, func(a, b Enrolment) int {
			return cmp.Compare(a.Enrolment, b.Enrolment)
		})
		if err := yield(&worker); err != nil {
			return err
		}
		from = end
	}
	*p = page{
		workers: p.workers[:0], ends: p.ends[:0], enrolments: p.enrolments[:0],
		lines: p.lines[:0], names: p.names[:0],
	}
	return nil
}
