// Package takeback takes events back that were reported by mistake, all that are meant in one step,
// and undoes such a step by saying them again.
//
// It picks what is meant and looks at whose it is; the events that take back go the way of all
// events. Nothing is removed from the log.
package takeback

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"

	"cakupan/cmd/internal/excerpt"
	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/eventstore/writer"
	"cakupan/projections/coverage"
	"cakupan/projections/effect"
	"cakupan/projections/history"
	"cakupan/projections/standing"
)

// Ledger is what events are taken back from. All of it may be asked by many at once.
type Ledger interface {
	// Submit takes events in; see [intake.Intake.Submit].
	Submit(ctx context.Context, raw [][]byte, opts intake.Options) ([]event.Receipt, error)
	// View returns the coverage once it shows the log up to an event.
	View(ctx context.Context, known eventstore.Sequence) (*coverage.View, error)
	// Facts returns what the coverage rests on, once it has the log up to an event.
	Facts(ctx context.Context, known eventstore.Sequence) (standing.Source, error)
	// Find returns where an event is in the log, 0 when it is not there.
	Find(key event.Key) (eventstore.Sequence, error)
}

// Taker takes back the events of a ledger.
type Taker struct {
	ledger Ledger
	reader *excerpt.Reader
	source string // of what the ledger itself says

	appending sync.Mutex // held by who appends what takes events back
}

// New returns who takes back events of a ledger, whose log the reader reads, and which itself
// speaks under the source.
func New(ledger Ledger, reader *excerpt.Reader, source string) *Taker {
	return &Taker{ledger: ledger, reader: reader, source: source}
}

// Asked asks for events to be taken back, all that are meant in one step, or for a step to be
// undone: what it has taken back is then said again, by new events. Whoever asks was found out
// before: see [Actor]. Request, Reason and Asked go into the log with each event, and so must not
// name a NIK.
type Asked struct {
	Events       excerpt.Filter      // which; without Limit, Last and Follow
	Since, Until temporal.Instant    // recorded from Since on, and before Until; 0: no bound
	Region       region.Code         // that concern this region, or one in it; the nation: all
	Undo         eventstore.Sequence // the first event of the step to be undone; 0: none is

	Reason  string
	Request string // names the step: sent twice, it is done once
	Asked   string // the same in words, without the reason: recorded with each event
	DryRun  bool
	On      temporal.Date // the day on which the effect is counted
}

// Actor is who takes back. Scope and Regions are those of the moment of asking.
type Actor struct {
	Name    string        // of a member; "": whoever runs the ledger
	Source  string        // of the events that take back
	Scope   *event.Scope  // of a publisher, who takes back what is of his sources alone; else nil
	Regions []region.Code // of a steward, who takes back what concerns these alone; nil: all
}

// Retraction is what a step has done, or would do. Of a dry run, and of a step with nothing to do,
// First and Last are 0.
type Retraction struct {
	Request string `json:"request"`
	DryRun  bool   `json:"dryRun"`
	Before  bool   `json:"doneBefore"` // the same request had done it
	Events  int    `json:"events"`     // taken back, or said again
	// Outside are meant too and left alone: they concern regions that are not the steward's.
	Outside int                 `json:"outside"`
	First   eventstore.Sequence `json:"first,omitempty"` // of the events that did it
	Last    eventstore.Sequence `json:"last,omitempty"`
	Undoes  eventstore.Sequence `json:"undoes,omitempty"`
	Types   []Meant             `json:"types"`
	Regions []Meant             `json:"regions"` // an event may concern several, or none

	On       string          `json:"on,omitempty"`
	Coverage []effect.Region `json:"coverage"` // null: not counted, as it was done before
	// Uncounted change the coverage in ways that are not in it: closures, merges, publications.
	Uncounted int          `json:"uncounted"`
	What      []TakenEvent `json:"what"` // in log order
}

// Meant is how many of the events are of a type, or concern a region.
type Meant struct {
	Name   string `json:"name"`
	Events int    `json:"events"`
}

// TakenEvent is an event that was taken back, or said again.
type TakenEvent struct {
	Sequence eventstore.Sequence `json:"sequence"`
	Type     string              `json:"type"`
	Source   string              `json:"source"`
	ID       string              `json:"id"`
	Again    string              `json:"again,omitempty"` // the id under which it is said again
}

// askedAttribute is the extension attribute of a step's events that says what was asked for.
const askedAttribute = "asked"

// TakeBack takes events back, or undoes that. A step is one atomic batch. If we crash after it is
// appended and before it is answered, the same request finds it by the ids of its events.
//
// Nothing is removed from the log: an event is taken out of force by another one (contract, section
// 2). At most [writer.AtomicEventsMax] at once; one more is [problem.BatchTooLarge], none at all
// [problem.NotFound], but for a dry run; and after an error nothing was done, unless the log did
// not say in time what became of it: then the same request says.
func (t *Taker) TakeBack(ctx context.Context, ask *Asked, by *Actor) (Retraction, error) {
	if ask.Undo != 0 {
		return t.sayAgain(ctx, ask, by)
	}
	// Before anything is picked: what it took back is in force no more, and would not be found.
	if done, err := t.step(ctx, stepKey(by.Source, ask.Request)); err != nil || len(done) > 0 {
		return t.doneBefore(ctx, ask, by, done, err)
	}
	p, err := t.pick(ctx, ask, by)
	if err == nil {
		err = p.check()
	}
	if err != nil {
		return t.unlessDone(ctx, ask, by, err)
	}
	r := newRetraction(ask, p)
	rows := make([]effect.Row, len(p.picked))
	raw := make([][]byte, len(p.picked))
	for i := range p.picked {
		e := &p.picked[i].event
		rows[i] = effect.Row{Takes: p.picked[i].sequence, Event: event.Event{
			Type: event.EventRetracted, Data: event.Data{
				Enrolment: e.Data.Enrolment, Worker: e.Data.Worker, Commitment: e.Data.Commitment,
			},
		}}
		if raw[i], err = retractionOf(ask, by, i, e.Key); err != nil {
			return r, err
		}
	}
	if err := t.forecast(ctx, &r, rows, p); err != nil {
		return r, err
	}
	// Two of one request must not both look before one of them has appended. What takes long is
	// done by now: nobody is kept waiting by who only asks.
	t.appending.Lock()
	defer t.appending.Unlock()
	if done, err := t.step(ctx, stepKey(by.Source, ask.Request)); err != nil || len(done) > 0 {
		return t.doneBefore(ctx, ask, by, done, err)
	}
	return r, t.act(ctx, ask, by, raw, &r)
}

// unlessDone returns why nothing can be taken back, unless the same request has done so since it
// was looked for: then nothing that is meant is in force any more. One that appends now is waited
// for.
func (t *Taker) unlessDone(ctx context.Context, ask *Asked, by *Actor, why error,
) (Retraction, error) {
	t.appending.Lock()
	defer t.appending.Unlock()
	done, err := t.step(ctx, stepKey(by.Source, ask.Request))
	if err == nil && len(done) == 0 {
		return Retraction{}, why
	}
	return t.doneBefore(ctx, ask, by, done, err)
}

// stepKey is the key of the first event of a step that takes back. The index finds it for ever, so
// a request is done once for ever, not for a window of minutes.
func stepKey(source, request string) event.Key {
	return event.Key{Source: source, ID: request + "/1"}
}

// retractionOf writes the event that takes another one back, at a place of its step. Its id is that
// of the request and the place, so that the whole step can be told from its first event.
func retractionOf(ask *Asked, by *Actor, place int, of event.Key) ([]byte, error) {
	raw, err := json.Marshal(map[string]any{
		"specversion": "1.0", "source": by.Source,
		"id":           ask.Request + "/" + strconv.Itoa(place+1),
		"type":         event.EventRetracted.Name(),
		askedAttribute: ask.Asked,
		"data": map[string]string{
			"source": of.Source, "id": of.ID, "reason": ask.Reason,
		},
	})
	if err != nil {
		return nil, fmt.Errorf("write retraction: %w", err)
	}
	return raw, nil
}

// act appends the events of a step, or says what would become of them. It goes the way of all
// events, with the same checks. r gets the sequences.
func (t *Taker) act(ctx context.Context, ask *Asked, by *Actor, raw [][]byte, r *Retraction,
) error {
	if len(raw) == 0 {
		return nil
	}
	opts := intake.Options{Atomic: true, DryRun: ask.DryRun, Scope: by.Scope}
	if by.Scope == nil {
		opts.Publisher = by.Name
	}
	receipts, err := t.ledger.Submit(ctx, raw, opts)
	var tooLarge *writer.BatchTooLargeError
	switch {
	case errors.As(err, &tooLarge):
		return tooMany(tooLarge.Events, tooLarge.Error(), 0)
	case err != nil:
		return err
	}
	for i := range receipts {
		switch receipt := &receipts[i]; {
		case receipt.Refusal != nil:
			e := problem.Refusal(receipt.Refusal)
			e.Whole = receipt.Refusal.Code != event.Forbidden
			e.Detail = "nothing was done, as one of its events would be refused: " + e.Detail
			return e
		case ask.DryRun:
		default:
			at := eventstore.Sequence(receipt.Sequence)
			r.Last = max(r.Last, at)
			if r.First == 0 || at < r.First {
				r.First = at
			}
		}
	}
	return nil
}

// tooMany refuses a step that one atomic batch cannot hold, and says how to take parts of it.
func tooMany(events int, why string, last eventstore.Sequence) error {
	part := "narrow it by since, until, type, region, or from and to"
	if last != 0 {
		part = fmt.Sprintf("take the first %d with to=%d, then ask for the rest, or %s",
			writer.AtomicEventsMax, last, part)
	}
	return problem.New(problem.BatchTooLarge, fmt.Sprintf("%d events are meant, and a step is done"+
		" as a whole or not at all: %s. Nothing was done: %s", events, why, part))
}

// forecast counts who is covered before and after. It is counted as known when the picking began;
// what comes meanwhile is not in it.
func (t *Taker) forecast(ctx context.Context, r *Retraction, rows []effect.Row, p *picker) error {
	report := effect.Report{On: p.ask.On.String(), Regions: []effect.Region{}}
	facts, err := t.ledger.Facts(ctx, p.known)
	if err == nil {
		report.Regions, err = effect.Covered(ctx, facts, rows, p.ask.On)
	}
	var view *coverage.View
	if err == nil {
		view, err = t.ledger.View(ctx, p.known)
	}
	if err == nil {
		err = CountAll(&report, view, rows)
	}
	r.On, r.Coverage = report.On, p.visible(report.Regions)
	return err
}

// step returns the events of a step by the key of its first one, in their order; none where there
// is no such step. It was one batch, so they follow one another.
func (t *Taker) step(ctx context.Context, first event.Key) (events []picked, err error) {
	at, err := t.ledger.Find(first)
	if err != nil || at == 0 {
		return nil, err
	}
	return t.stepAt(ctx, at)
}

// stepAt returns the events of the step that begins with one. Where there is no step the result may
// hold the one event that is there: follows tells.
func (t *Taker) stepAt(ctx context.Context, first eventstore.Sequence) (all []picked, err error) {
	s := &excerpt.Selection{Filter: excerpt.Filter{
		From: first, To: first + writer.AtomicEventsMax - 1,
	}}
	s.Each = func(record eventstore.Record, e *event.Event) error {
		if len(all) > 0 && !follows(&all[0], e, len(all)) {
			s.Done = true
		}
		if s.Done {
			return nil
		}
		one, err := keep(record)
		all = append(all, one)
		return err
	}
	return all, t.reader.All(ctx, first, s)
}

// doneBefore answers a request that was done before, from what it has left in the log. The effect
// is not counted again: what it would be now is another thing.
func (t *Taker) doneBefore(ctx context.Context, ask *Asked, by *Actor, done []picked, err error,
) (Retraction, error) {
	if err != nil {
		return Retraction{}, err
	}
	if done[0].asked() != ask.Asked || done[0].event.Data.ReasonText != ask.Reason {
		return Retraction{}, problem.New(problem.Code(event.Conflict), "the request "+ask.Request+
			" has taken back something else, or for another reason: name another one")
	}
	p, err := t.newPicker(ctx, ask, by)
	if err == nil {
		p.picked, err = t.originals(ctx, done)
	}
	if err == nil {
		err = p.locate(ctx, p.picked)
	}
	if err != nil {
		return Retraction{}, err
	}
	r := newRetraction(ask, p)
	r.Before, r.DryRun, r.Uncounted = true, false, 0
	r.First, r.Last = done[0].sequence, done[len(done)-1].sequence
	return r, nil
}

// originals returns the events that a step has taken back. In the order of the log, not of the
// step.
func (t *Taker) originals(ctx context.Context, step []picked) ([]picked, error) {
	var sequences []eventstore.Sequence
	for i := range step {
		d := &step[i].event.Data
		at, err := t.ledger.Find(event.Key{Source: d.RetractedSource, ID: d.RetractedID})
		if err != nil {
			return nil, err
		}
		sequences = append(sequences, at)
	}
	return t.keepSome(ctx, sequences)
}

// retractionsOf returns the history as it is at an event. Of an empty log there is none, which is
// no error.
func (t *Taker) retractionsOf(ctx context.Context, known eventstore.Sequence,
) (*history.Projection, error) {
	if known == 0 {
		return nil, nil
	}
	return t.reader.History.At(ctx, known)
}
