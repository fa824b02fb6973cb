package ledger

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"

	"cakupan/cmd/internal/bundle"
	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/eventstore/writer"
	"cakupan/projections/coverage"
)

// Figure names a figure. Known is an event that the log holds. Known 0 is the empty log.
type Figure struct {
	Region    region.Code
	On        temporal.Date
	Known     eventstore.Sequence
	Indicator event.Indicator
}

// Attested is a figure that is published in the log itself. It is what the event says, and what the
// publication showed then.
type Attested struct {
	Sequence eventstore.Sequence `json:"sequence"` // of the event that says so
	Size     int64               `json:"size"`     // events that were known
	Root     string              `json:"root"`     // over them, base64 as in a checkpoint
	Rules    string              `json:"rules"`
	Events   int64               `json:"events"` // of the region
	Digest   string              `json:"digest"` // of those, base64
	Answer   coverage.Answer     `json:"answer"`
}

// Bundle writes what proves a figure to who has nothing else but the key; see package bundle. A
// figure that rests on no event at all cannot be proved: [problem.NotFound]. After an error what
// was written is no bundle.
func (l *Ledger) Bundle(ctx context.Context, f Figure, w io.Writer) error {
	answer, err := l.figure(ctx, f)
	if err != nil {
		return err
	}
	b := &bundle.Ledger{
		Log: l.log, Region: f.Region, Answer: answer, Indicator: f.Indicator.String(),
	}
	if answer.Known.Sequence > 0 {
		err = l.prover.Prove(ctx, b)
	}
	if err != nil {
		return err
	}
	err = bundle.Write(ctx, w, b)
	if errors.Is(err, bundle.ErrNothing) {
		return problem.New(problem.NotFound, err.Error())
	}
	return err
}

// figure answers about it. It is as of f.Known exactly, whatever the log has beyond.
func (l *Ledger) figure(ctx context.Context, f Figure) (coverage.Answer, error) {
	view, err := l.View(ctx, f.Known)
	if err != nil {
		return coverage.Answer{}, err
	}
	return view.Answer(coverage.Query{
		Region: f.Region, On: f.On, Known: f.Known, Indicator: f.Indicator,
	})
}

// Attest publishes a figure, as known by all that is recorded, in the log itself. f.Known does not
// matter. Of two at the same moment each is of the log before it.
//
// If we crash before the event is appended, nothing was published; after it, it is in the log, and
// to publish the figure again publishes it as of then. It needs a ledger that writes. The figure is
// measured before its own event is appended, which therefore is not in it.
func (l *Ledger) Attest(ctx context.Context, f Figure) (a Attested, err error) {
	head, err := l.Head(ctx)
	if err != nil {
		return a, err
	}
	if f.Known = head.Sequence; f.Known == 0 {
		return a, problem.New(problem.NotFound, bundle.ErrNothing.Error())
	}
	if a.Answer, err = l.figure(ctx, f); err != nil {
		return a, err
	}
	extent, err := bundle.Measure(ctx, l.log, f.Known, f.Region)
	if err != nil {
		return a, err
	}
	// The tree as of f.Known, though the log may have gone on.
	tree, err := l.prover.TreeAt(ctx, int64(f.Known))
	if err != nil {
		return a, err
	}
	a.Size, a.Root, a.Rules = tree.N, tree.Hash.String(), coverage.Rules()
	a.Events, a.Digest = extent.Events, base64.StdEncoding.EncodeToString(extent.Digest)
	e := l.publication(f, &a)
	entry, err := intake.EntryOf(e, 0)
	if err != nil {
		return a, err
	}
	results, err := l.Append(ctx, []writer.Entry{entry}, writer.AppendOptions{})
	if err != nil {
		return a, err
	}
	if results[0].Refusal != nil {
		return a, problem.Refusal(results[0].Refusal)
	}
	a.Sequence = results[0].Sequence
	return a, nil
}

// ownSource returns the source of what the ledger itself says.
func (l *Ledger) ownSource() string { return event.LedgerSource + ":" + l.log.Identity().Ledger }

// publication is the event that publishes a figure. Its id is made of the figure and the size of
// the log, so that one that is sent twice is in the log once.
func (l *Ledger) publication(f Figure, a *Attested) *event.Event {
	e := &event.Event{
		Key: event.Key{
			Source: l.ownSource(),
			ID:     fmt.Sprintf("figure-%s-%s-%s-%d", f.Region, f.On, f.Indicator, a.Size),
		},
		Type: event.FigurePublished,
		Data: event.Data{Region: f.Region, On: f.On, Indicator: f.Indicator, Figure: &event.Figure{
			Size: a.Size, Root: a.Root, Rules: a.Rules, Events: a.Events, Digest: a.Digest,
			Covered: a.Answer.Covered, Confirmed: a.Answer.Confirmed, InGrace: a.Answer.InGrace,
			Enrolments: a.Answer.Enrolments,
		}},
	}
	for _, use := range e.Type.Uses() {
		if use.Need == event.Required {
			e.Data.Has = e.Data.Has.With(use.Field)
		}
	}
	if w := a.Answer.Workforce; w != nil {
		e.Data.Figure.Workforce = w.Count
		e.Data.Has = e.Data.Has.With(event.FieldWorkforce)
	}
	if p := a.Answer.Percent; p != nil {
		e.Data.Percent = *p
		e.Data.Has = e.Data.Has.With(event.FieldPercent)
	}
	return e
}
