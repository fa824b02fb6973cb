// Package effect says what the rows of a list have done, or would do: how many of their people are
// covered and confirmed before and after, and which rows have no effect, or another one than meant,
// and why.
//
// What contradicts others is accepted, as the world did report it; but whoever sends it should
// hear of it then. The facts are those of the coverage, the rules those of package enrolment. Rows
// that are not in the log are supposed to come at its end.
//
// It reads the state of the coverage and changes nothing, neither there nor in the log. Whoever
// imports a list asks it, after the rows were sent or instead of sending them.
package effect

import (
	"context"
	"fmt"
	"slices"

	"cakupan/domain/enrolment"
	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections/facts"
	"cakupan/projections/standing"
)

// Row is one event of a list, or one that takes an earlier one back. A row that is in the log
// counts as it is there, with what came behind it; one that is not counts as if it came next. Names
// are those of the log: workers have taken the place of NIKs.
type Row struct {
	Event    event.Event         // of a retraction: its data name also whom it is about
	Sequence eventstore.Sequence // 0: it is not in the log
	New      bool                // it is of this import; else it was in the log before
	Takes    eventstore.Sequence // of a retraction: what it takes back
	Nobody   bool                // of a death: whoever sends it may be told of nobody by it
}

// Report is what rows have done. Both lists are there when they are empty. On is absent where no
// row has a day.
type Report struct {
	On      string   `json:"on,omitempty"` // the day that regions are counted on
	Regions []Region `json:"regions"`      // in order of their codes
	Notices []Notice `json:"notices"`      // in order of their codes, and of their first rows
	Apart   []Apart  `json:"apart,omitempty"`
}

// Apart is a row of which nothing is said as part of a list: whom it is about may be named by rows
// of another part too. Rows of one person have to be asked about together. Person is a name of no
// meaning, the same in all parts; it is absent of somebody whom the log does not know, of whom no
// other part has rows.
type Apart struct {
	Row    int    `json:"row"`
	Person string `json:"person,omitempty"`
}

// Asked says how rows are looked at.
type Asked struct {
	Today temporal.Date // bounds the days that count as near
	// On is the day that regions are counted on, YYYY-MM-DD; "": the rows' own, see [Of].
	On string
	// Part says that the rows are a part of a list. All rows of the list name enrolments, or none
	// does. Another part may have more rows of a person, but none of the same enrolment, nor of
	// somebody whom the log does not know.
	Part bool
	// Sees says of which regions who asks may be told; nil: of all. Others are not told, nor
	// enrolments there that no row names.
	Sees func(region.Code) bool
}

func (a Asked) sees(code region.Code) bool { return a.Sees == nil || a.Sees(code) }

// Region counts the covered workers of a region and, of them, the confirmed ones: a person counts
// once in each (contract, section 3).
type Region struct {
	Region string `json:"region"`
	Name   string `json:"name"`
	Counts
	Confirmed Counts `json:"confirmed"`
}

// Counts are workers among those whom the rows name, and among all. Before and After are of the
// same moment, on the same day. Total is for the caller to fill in: this package knows nobody but
// the people of the rows.
type Counts struct {
	Before int64 `json:"before"` // of those whom the rows name
	After  int64 `json:"after"`
	Total  int64 `json:"total"` // after them, of all
}

// Notice is what some rows have in common. Rows are their places, from 0. Date and Name are absent
// where the code has none. Whatever differs in one of them is another notice.
type Notice struct {
	Code string `json:"code"`
	Rows []int  `json:"rows"`
	Date string `json:"date,omitempty"` // of the earlier start or end, of the death
	Name string `json:"name,omitempty"` // commitment, other enrolment, number of the other event
}

// The codes of notices, in their order. Some are findings too, of the same name; what a row alone
// can show has names of its own. Clients go by them: none is renamed.
const (
	TakenBack         = "TAKEN_BACK"
	EndsNobody        = "ENDS_NOBODY"
	EndedBefore       = "ENDED_BEFORE"
	OtherPerson       = "OTHER_PERSON"
	StartStands       = "START_STANDS"
	OpenedBefore      = "OPENED_BEFORE"
	NotFunded         = "NOT_FUNDED"
	UnknownCommitment = "GRANT_UNKNOWN_COMMITMENT"
	UnknownEnrolment  = "UNKNOWN_ENROLMENT"
	NotAPBD           = "GRANT_NOT_APBD"
	DoubleFunded      = "DOUBLE_FUNDED"
	Dead              = "DEAD"
	CoveredTwice      = "COVERED_TWICE"
	FarFuture         = "FAR_FUTURE"
	NobodyKnown       = "NOBODY_KNOWN"
	NeverEnrolled     = "NEVER_ENROLLED"
)

// Codes lists them.
func Codes() []string {
	return []string{
		TakenBack, EndsNobody, EndedBefore, OtherPerson, StartStands, OpenedBefore, NotFunded,
		UnknownCommitment, UnknownEnrolment, NotAPBD, DoubleFunded, Dead, CoveredTwice, FarFuture,
		NobodyKnown, NeverEnrolled,
	}
}

// RowsMax bounds what is looked at together: the facts of all who are named are in memory then.
// Whoever has more rows asks for a part of them.
const RowsMax = 50_000

// Of returns what rows of a list have done. Without a day the regions are counted on the last one,
// not after today, on which a row takes effect. Rows must not be more than RowsMax, and worker ids
// must stand where NIKs were. An error is that of the source, of the context, or of a day that is
// none; there is no report then. It may run while the fold goes on.
func Of(ctx context.Context, source standing.Source, rows []Row, ask Asked) (Report, error) {
	b := newBook(rows)
	b.sees = ask.sees
	if err := b.name(source.Names()); err != nil {
		return Report{}, err
	}
	if err := b.load(ctx, source); err != nil {
		return Report{}, err
	}
	b.suppose()
	report := Report{Regions: []Region{}, Notices: []Notice{}}
	on, dated := b.day(ask.Today)
	if ask.On != "" {
		var err error
		if on, err = temporal.ParseDate(ask.On); err != nil {
			return Report{}, fmt.Errorf("read day of the effect: %w", err)
		}
		dated = true
	}
	if ask.Part {
		b.setApart()
	}
	if dated {
		report.On = on.String()
		report.Regions = slices.DeleteFunc(b.regions(on), func(r Region) bool {
			code, known := region.Parse(r.Region)
			return !known || !ask.sees(code)
		})
	}
	n := noted{at: map[said]int{}}
	for i := range rows {
		if p := b.apartOf(i); p != nil {
			report.Apart = append(report.Apart, Apart{Row: i, Person: p.name()})
		} else {
			b.judge(i, ask.Today, &n)
		}
	}
	report.Notices = n.inOrder()
	return report, nil
}

// Covered counts, by region, the people whom rows name: how many are covered on a day, and of them
// confirmed, before the rows and after them. The totals are not counted.
func Covered(ctx context.Context, source standing.Source, rows []Row, on temporal.Date,
) ([]Region, error) {
	b := newBook(rows)
	if err := b.name(source.Names()); err != nil {
		return nil, err
	}
	if err := b.load(ctx, source); err != nil {
		return nil, err
	}
	b.suppose()
	return b.regions(on), nil
}

// day returns the day on which the rows are counted: the last one, not after today, on which one of
// them takes effect; where all are to come, the first. Rows that change nothing by a day, as merges
// do, do not count for it. Without any there is no day.
func (b *book) day(today temporal.Date) (on temporal.Date, dated bool) {
	first := temporal.Date(0)
	for i := range b.rows {
		day, ok := effective(&b.rows[i].Event)
		switch {
		case !ok:
		case day <= today && (!dated || day > on):
			on, dated = day, true
		case first == 0 || day < first:
			first = day
		}
	}
	if !dated && first != 0 {
		return first, true
	}
	return on, dated
}

// effective returns the first day on which an event changes something. The last day of life is one
// of coverage; the day behind it is not. Amendments and reinstatements are not what lists are made
// of.
func effective(e *event.Event) (temporal.Date, bool) {
	switch e.Type {
	case event.EnrolmentOpened:
		return e.Data.From, true
	case event.EnrolmentTerminated:
		return e.Data.Until, true
	case event.WorkerDied:
		return e.Data.On.AddDays(1), true
	case event.FundingGranted, event.ContributionCredited, event.FundingRevoked:
		return e.Data.FromMonth.First(), true
	default:
		return 0, false
	}
}

func (c *Counts) count(after bool) {
	if after {
		c.After++
	} else {
		c.Before++
	}
}

// regions counts who is covered on a day. Regions that a row opens an enrolment in are there with
// zeros too: that nobody is covered there by the rows is what is to be seen. The map is put in
// order of codes, as it has none.
func (b *book) regions(on temporal.Date) []Region {
	counts := map[region.Code]*Region{}
	at := func(code region.Code) *Region {
		if counts[code] == nil {
			counts[code] = &Region{Region: code.String(), Name: code.Name()}
		}
		return counts[code]
	}
	for _, p := range b.inOrder {
		if p.apart {
			continue
		}
		for _, after := range []bool{false, true} {
			for code, confirmed := range b.placesOf(p, on, after) {
				r := at(code)
				r.count(after)
				if confirmed {
					r.Confirmed.count(after)
				}
			}
		}
	}
	for i := range b.rows {
		if e := &b.rows[i].Event; e.Type == event.EnrolmentOpened {
			at(e.Data.Region)
		}
	}
	all := []Region{}
	for _, r := range counts {
		all = append(all, *r)
	}
	slices.SortFunc(all, func(a, b Region) int {
		if a.Region < b.Region {
			return -1
		}
		return 1
	})
	return all
}

// placesOf returns the regencies in which a person is covered on a day, and whether confirmed
// there, by any of the enrolments. Only regencies are: who counts for a province adds nobody up,
// and is the caller. They are for counting: the map has no order.
func (b *book) placesOf(p *person, on temporal.Date, after bool) map[region.Code]bool {
	var places map[region.Code]bool
	died := b.died(p, after)
	for _, number := range p.enrolments {
		s := b.stand(b.enrolments[number], on, died, after)
		if !s.covered || b.people[s.worker] != p {
			continue
		}
		if places == nil {
			places = map[region.Code]bool{}
		}
		places[s.terms.Region] = places[s.terms.Region] || s.confirmed
	}
	return places
}

// died returns the last day of a person's life. The earliest counts (contract, section 3).
func (b *book) died(p *person, after bool) temporal.Date {
	died := enrolment.Never
	for i := range p.deaths {
		if r := &p.deaths[i]; b.holds(r, after) {
			died = min(died, r.On)
		}
	}
	return died
}

// holds tells whether a record is in force, before the rows or after them. Before them, events of
// the rows that are in the log do not hold, and what they retract does. After them, what rows that
// are not in the log retract holds no more.
func (b *book) holds(r *facts.Record, after bool) bool {
	if after {
		return !b.taken[r.Sequence] && (r.Retracted == 0 || r.Retracted > b.head)
	}
	return !b.mine[r.Sequence] &&
		(r.Retracted == 0 || r.Retracted > b.head || b.mine[r.Retracted])
}
