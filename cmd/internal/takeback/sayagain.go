package takeback

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"

	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
	"cakupan/eventstore"
	"cakupan/eventstore/cloudevents"
	"cakupan/projections/effect"
)

// The extension attributes of an event that is said again.
const (
	againAttribute  = "restates" // the sequence of what was taken back
	reasonAttribute = "reason"   // why it is said again
)

// againID is the id under which an event is said again. There is one for each event, so that it is
// said again once, however often that is asked for. So it is a duplicate the second time (contract,
// section 1).
//
// It stands among the ids of the event's publisher, who must not find it out before: who had taken
// it could keep a whole step, others' events in it too, from being undone. So it is made of what
// first took the event back, with its record time, which publishers are not told.
func againID(of eventstore.Sequence, takenBy *picked) string {
	const bytes = 6
	by := fmt.Sprintf("%q %q %d", takenBy.event.Source, takenBy.event.ID, takenBy.recordedAt)
	digest := sha256.Sum256([]byte(by))
	return "again-" + of.String() + "-" + hex.EncodeToString(digest[:bytes])
}

// againIDs returns the id for each of those picked.
func (p *picker) againIDs(ctx context.Context) (ids []string, err error) {
	first := make([]eventstore.Sequence, len(p.picked))
	for i := range p.picked {
		taken, err := p.history.Retractions(p.picked[i].sequence, p.picked[i].event.Key)
		if err != nil {
			return nil, err
		}
		first[i] = taken[0] // the step has taken each of them back, if no other one has before
	}
	all, err := p.t.keepSome(ctx, slices.Clone(first))
	for i := range p.picked {
		at, _ := slices.BinarySearchFunc(all, first[i], func(a picked, s eventstore.Sequence) int {
			return cmp.Compare(a.sequence, s)
		})
		if err == nil {
			ids = append(ids, againID(p.picked[i].sequence, &all[at]))
		}
	}
	return ids, err
}

// sayAgain undoes a step: it says again what that has taken back, under the same sources and new
// ids, as a retraction cannot be retracted. What is said again stands at the end of the log:
// between two events of one day the later one holds, and a grant pays in spite of a revocation
// before it.
func (t *Taker) sayAgain(ctx context.Context, ask *Asked, by *Actor) (Retraction, error) {
	// What makes a step is what was asked for, which no retraction of a publisher's has by chance.
	step, err := t.stepAt(ctx, ask.Undo)
	if err != nil {
		return Retraction{}, err
	}
	if len(step) == 0 || !follows(&step[0], &step[0].event, 0) || step[0].asked() == "" {
		return Retraction{}, problem.New(problem.NotFound, "event "+ask.Undo.String()+" is not the"+
			" first of a step that has taken events back: its answer names it, and so does"+
			" cakupan log --type event.retracted.v1")
	}
	if by.Scope != nil && !by.Scope.HasSource(step[0].event.Source) {
		return Retraction{}, problem.New(problem.Forbidden, "another one has taken these back: a"+
			" publisher undoes what he has done himself")
	}
	p, err := t.newPicker(ctx, ask, by)
	if err != nil {
		return Retraction{}, err
	}
	taken, err := t.originals(ctx, step)
	if err != nil {
		return Retraction{}, err
	}
	if err := p.chooseAgain(ctx, taken); err != nil {
		return Retraction{}, err
	}
	if err := p.check(); err != nil {
		return Retraction{}, err
	}
	r := newRetraction(ask, p)
	r.Undoes = ask.Undo
	ids, err := p.againIDs(ctx)
	if err != nil {
		return Retraction{}, err
	}
	raw, rows, err := t.again(ask, &r, p, ids)
	if err == nil {
		err = t.forecast(ctx, &r, rows, p)
	}
	if err == nil {
		err = t.act(ctx, ask, by, raw, &r)
	}
	return r, err
}

// chooseAgain picks those that the filter lets through too: what is too much for one step is said
// again in parts. taken is in the order of the log, as what is picked is then.
func (p *picker) chooseAgain(ctx context.Context, taken []picked) error {
	f := &p.ask.Events
	for i := range taken {
		at := taken[i].sequence
		if at >= f.From && (f.To == 0 || at <= f.To) && f.Passes(&taken[i].event) {
			p.waiting = append(p.waiting, taken[i])
		}
	}
	// The facts know nothing of enrolments that were taken back whole: the step itself does.
	where := map[string][]picked{}
	for i := range taken {
		if d := &taken[i].event.Data; d.Enrolment != "" && d.Has.Has(event.FieldRegion) {
			where[d.Enrolment] = append(where[d.Enrolment], taken[i])
		}
	}
	for i := range p.waiting {
		for _, other := range where[p.waiting[i].event.Data.Enrolment] {
			p.waiting[i].concerns(other.event.Data.Region)
		}
	}
	return p.sift(ctx)
}

// again writes the events that say what was picked again, and what they would do.
func (t *Taker) again(ask *Asked, r *Retraction, p *picker, ids []string) (raw [][]byte,
	rows []effect.Row, err error,
) {
	for i := range p.picked {
		one := &p.picked[i]
		e := one.event
		e.ID = ids[i]
		e.Extensions = slices.DeleteFunc(slices.Clone(e.Extensions), func(x event.Extension) bool {
			return x.Name == againAttribute || x.Name == reasonAttribute
		})
		e.Extensions = append(e.Extensions, textAttribute(againAttribute, one.sequence.String()))
		if ask.Reason != "" {
			e.Extensions = append(e.Extensions, textAttribute(reasonAttribute, ask.Reason))
		}
		r.What[i].Again = e.ID
		raw = append(raw, cloudevents.AppendJSON(nil, &e, uint64(one.sequence), 0))
		at, err := p.saidAgain(e.Key)
		if err != nil {
			return nil, nil, err
		}
		rows = append(rows, effect.Row{Event: e, Sequence: at})
	}
	r.Before = !slices.ContainsFunc(rows, func(row effect.Row) bool { return row.Sequence == 0 })
	return raw, rows, nil
}

// textAttribute makes an extension attribute of a text.
func textAttribute(name, text string) event.Extension {
	return event.Extension{Name: name, Value: event.Value{Kind: event.String, Text: text}}
}

// saidAgain returns where an event is that was said again before, 0 when it was not. It refuses
// when that was taken back since: the same event cannot be said a third time.
func (p *picker) saidAgain(key event.Key) (eventstore.Sequence, error) {
	at, err := p.t.ledger.Find(key)
	if err != nil || at == 0 {
		return at, err
	}
	taken, err := p.history.Retractions(at, key)
	if err == nil && len(taken) > 0 {
		err = problem.New(problem.NotFound, "this was undone before, and what was said again,"+
			" event "+at.String()+", was taken back by event "+taken[0].String()+": undo that step")
	}
	return at, err
}
