package takeback

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"cakupan/cmd/internal/excerpt"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/eventstore/codec"
	"cakupan/eventstore/writer"
	"cakupan/projections/effect"
	"cakupan/projections/facts"
	"cakupan/projections/history"
	"cakupan/projections/standing"
)

// picked is an event of the log that is kept in memory, and the regions that it concerns. Its texts
// are its own.
type picked struct {
	sequence   eventstore.Sequence
	recordedAt temporal.Instant
	event      event.Event
	regions    []region.Code
}

// keep keeps an event of a frame, which is memory of the log. It is copied: to keep the record
// would keep the whole frame.
func keep(record eventstore.Record) (one picked, err error) {
	one.sequence, one.recordedAt = record.Sequence, record.RecordedAt
	if _, err = codec.Decode(bytes.Clone(record.Event), &one.event); err != nil {
		return one, fmt.Errorf("read event %d: %w", record.Sequence, err)
	}
	return one, nil
}

// keepSome keeps the events of some sequences. They come in the order of the log, each once.
// Sequences is sorted on the way.
func (t *Taker) keepSome(ctx context.Context, sequences []eventstore.Sequence,
) (all []picked, err error) {
	slices.Sort(sequences)
	s := &excerpt.Selection{Each: func(record eventstore.Record, _ *event.Event) error {
		one, err := keep(record)
		all = append(all, one)
		return err
	}}
	return all, t.reader.Some(ctx, slices.Compact(sequences), s)
}

// asked is what the event says that was asked for.
func (p *picked) asked() string { return extension(&p.event, askedAttribute) }

// extension returns an extension attribute that is a text, "" when there is none.
func extension(e *event.Event, name string) string {
	for i := range e.Extensions {
		if x := &e.Extensions[i]; x.Name == name && x.Value.Kind == event.String {
			return x.Value.Text
		}
	}
	return ""
}

// follows tells whether an event stands at a place of the step that begins with another one. The
// first is that of place 0. A retraction that a publisher numbers so himself looks the same: what
// makes it a step is what was asked for, which TakeBack adds.
func follows(first *picked, e *event.Event, place int) bool {
	name, _ := strings.CutSuffix(first.event.ID, "/1")
	return e.Type == event.EventRetracted && e.Source == first.event.Source &&
		e.ID == name+"/"+strconv.Itoa(place+1)
}

// picker picks the events that are meant. It is used once, by one goroutine. All that it looks at
// is as of known: what comes to the log meanwhile is not picked.
type picker struct {
	t       *Taker
	ask     *Asked
	by      *Actor
	known   eventstore.Sequence // the end of the log when it began
	history *history.Projection // of the retractions; nil: the log is empty
	facts   standing.Source

	waiting []picked // where they belong is looked up some at a time
	picked  []picked // at most as many as a step may have
	meant   int
	outside int
	places  []facts.Place
}

// newPicker returns a picker that looks at all that is in the log now. It waits for history and
// coverage to have come as far.
func (t *Taker) newPicker(ctx context.Context, ask *Asked, by *Actor) (*picker, error) {
	_, tail, err := t.reader.Log.Last(ctx)
	if err != nil {
		return nil, err
	}
	p := &picker{t: t, ask: ask, by: by, known: tail.Sequence}
	if p.history, err = t.retractionsOf(ctx, p.known); err != nil {
		return nil, err
	}
	p.facts, err = t.ledger.Facts(ctx, p.known)
	return p, err
}

// pick returns the events in force that are meant. What is in force is told by the history, and
// whose it is by the facts. There may be more than one step can have: then they are counted, and
// check refuses.
func (t *Taker) pick(ctx context.Context, ask *Asked, by *Actor) (*picker, error) {
	if by.Scope != nil && ask.Events.Publisher != "" && ask.Events.Publisher != by.Name {
		return nil, problem.New(problem.Forbidden, "a publisher takes back his own events alone:"+
			" leave publisher out, or ask a steward")
	}
	p, err := t.newPicker(ctx, ask, by)
	if err != nil || p.known == 0 {
		return p, err
	}
	filter, err := p.bounds(ctx)
	if err != nil || filter.To < filter.From {
		return p, err
	}
	s := &excerpt.Selection{Filter: filter}
	s.Each = func(record eventstore.Record, e *event.Event) error { return p.take(ctx, record, e) }
	if err := t.reader.Select(ctx, s); err != nil {
		return nil, err
	}
	return p, p.sift(ctx)
}

// bounds returns the filter with the times as sequences, and no event after those looked at. To
// below From means that there are none.
func (p *picker) bounds(ctx context.Context) (excerpt.Filter, error) {
	f := p.ask.Events
	f.From = max(f.From, 1)
	if f.To == 0 || f.To > p.known {
		f.To = p.known
	}
	if p.ask.Since == 0 && p.ask.Until == 0 {
		return f, nil
	}
	view, err := p.t.ledger.View(ctx, p.known)
	if err != nil {
		return f, err
	}
	if p.ask.Since != 0 {
		// One nanosecond before: several events may have one record time, and all of them are
		// meant.
		before, err := view.KnownAt(p.ask.Since - 1)
		if err != nil {
			return f, err
		}
		f.From = max(f.From, before+1)
	}
	if p.ask.Until != 0 {
		last, err := view.KnownAt(p.ask.Until - 1)
		if err != nil {
			return f, err
		}
		if f.To = min(f.To, last); last == 0 {
			f.From = f.To + 1 // nothing was recorded by then; 0 would be no bound
		}
	}
	return f, nil
}

// take looks at an event that the filter lets through. It is called in the order of the log.
func (p *picker) take(ctx context.Context, record eventstore.Record, e *event.Event) error {
	// A retraction cannot be retracted, and what the ledger has published stays checkable.
	if e.Type == event.EventRetracted || e.Type.OfLedger() {
		return nil
	}
	if p.by.Scope != nil && !p.by.Scope.HasSource(e.Source) {
		return nil
	}
	taken, err := p.isTaken(ctx, record.Sequence, e.Key)
	if err != nil || taken {
		return err
	}
	one, err := keep(record)
	if err != nil {
		return err
	}
	if p.waiting = append(p.waiting, one); len(p.waiting) < facts.Together {
		return nil
	}
	return p.sift(ctx)
}

// isTaken tells whether an event was taken back. What the ledger has taken back itself is not told
// to a publisher: it would tell whom others have enrolled. He may take it back all the same, which
// changes nothing.
func (p *picker) isTaken(ctx context.Context, at eventstore.Sequence, key event.Key,
) (taken bool, err error) {
	by, err := p.history.Retractions(at, key)
	if err != nil || len(by) == 0 || p.by.Scope == nil {
		return len(by) > 0, err
	}
	all, err := p.t.keepSome(ctx, by)
	for i := range all {
		taken = taken || all[i].event.Source != p.t.source
	}
	return taken, err
}

// sift finds out where those that wait belong, and picks them or not. Some at a time, since the
// coverage is held still while they are looked up.
func (p *picker) sift(ctx context.Context) error {
	if err := p.locate(ctx, p.waiting); err != nil {
		return err
	}
	for i := range p.waiting {
		one := &p.waiting[i]
		switch {
		case p.ask.Region != region.Nation && !slices.ContainsFunc(one.regions, p.isAsked):
		case !p.may(one):
			p.outside++
		default:
			if p.meant++; p.meant <= writer.AtomicEventsMax {
				p.picked = append(p.picked, *one)
			}
		}
	}
	p.waiting = p.waiting[:0]
	return nil
}

// isAsked tells whether a region is the one that was asked for, or lies in it.
func (p *picker) isAsked(code region.Code) bool {
	return within(code, []region.Code{p.ask.Region})
}

// within tells whether a region is one of some, or lies in one.
func within(code region.Code, some []region.Code) bool {
	scope := event.Scope{Regions: some}
	return scope.HasRegion(code)
}

// may tells whether a steward may take an event back: all regions that it concerns are his. Of what
// concerns none that is known, nobody knows whose it is. A publisher, and whoever runs the ledger,
// has no such regions; what a publisher may is looked at by his sources.
func (p *picker) may(one *picked) bool {
	if len(p.by.Regions) == 0 || slices.Contains(p.by.Regions, region.Nation) {
		return true
	}
	return len(one.regions) > 0 && !slices.ContainsFunc(one.regions, func(code region.Code) bool {
		return !within(code, p.by.Regions)
	})
}

// check refuses a step of too many events, and one of none. It is asked before anything is
// appended.
func (p *picker) check() error {
	switch {
	case p.meant > writer.AtomicEventsMax:
		why := fmt.Sprintf("at most %d at once", writer.AtomicEventsMax)
		return tooMany(p.meant, why, p.picked[len(p.picked)-1].sequence)
	case p.meant == 0 && p.outside > 0:
		return problem.New(problem.Forbidden, fmt.Sprintf("all %d events that are meant concern"+
			" regions that are not yours, or none that is known: ask a steward of the nation",
			p.outside))
	case p.meant == 0 && !p.ask.DryRun:
		return problem.New(problem.NotFound, "no event in force is what was asked for: nothing was"+
			" done. What was taken back before is not taken back again")
	}
	return nil
}

// newRetraction counts what was picked. Counts of what may not be shown to who asks are left out.
func newRetraction(ask *Asked, p *picker) Retraction {
	r := Retraction{
		Request: ask.Request, DryRun: ask.DryRun, Events: len(p.picked), Outside: p.outside,
		What: []TakenEvent{},
	}
	types, regions := map[string]int{}, map[string]int{}
	for i := range p.picked {
		one := &p.picked[i]
		types[one.event.Type.Name()]++
		for _, code := range one.regions {
			if p.sees(code) {
				regions[code.String()]++
			}
		}
		if isUncounted(one.event.Type) {
			r.Uncounted++
		}
		r.What = append(r.What, TakenEvent{
			Sequence: one.sequence, Type: one.event.Type.Name(), Source: one.event.Source,
			ID: one.event.ID,
		})
	}
	r.Types, r.Regions = meant(types), meant(regions)
	return r
}

// isUncounted tells whether the effect of an event's type is not counted: it changes others than
// whom it names, or what they are compared with. How many there are is told instead: see Uncounted.
func isUncounted(t event.Type) bool {
	switch t {
	case event.WorkerMerged, event.FundingClosed, event.FundingCommitted, event.FundingAmended,
		event.FundingDisbursed, event.WorkforcePublished, event.TargetSet:
		return true
	default:
		return false
	}
}

// sees tells whether a region may be told to who asks: a publisher reads nothing of others'.
func (p *picker) sees(code region.Code) bool {
	return p.by.Scope == nil || p.by.Scope.HasRegion(code)
}

// visible returns the counts of regions that who asks may see.
func (p *picker) visible(all []effect.Region) []effect.Region {
	return slices.DeleteFunc(all, func(r effect.Region) bool {
		code, known := region.Parse(r.Region)
		return !known || !p.sees(code)
	})
}

// meant returns counts in order of their names.
func meant(counts map[string]int) []Meant {
	all := []Meant{}
	for name, n := range counts {
		all = append(all, Meant{name, n})
	}
	slices.SortFunc(all, func(a, b Meant) int { return cmp.Compare(a.Name, b.Name) })
	return all
}
