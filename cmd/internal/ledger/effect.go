package ledger

import (
	"context"
	"slices"
	"strings"

	"cakupan/cmd/internal/excerpt"
	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/takeback"
	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/eventstore"
	"cakupan/projections/effect"
)

// Effect says what events have done, or would do: those that the log has from since on are what is
// looked at, those that it has not are supposed to come now. Nothing is appended. Notices name the
// places of events in raw. A publisher is told of his regions alone, and nothing of people of whom
// the log has nothing that he has a right over. ask is as [effect.Of] has it, without what he may
// be told; since 0 has only those that are not in the log looked at as new. Refused events have no
// effect and no error.
func (l *Ledger) Effect(ctx context.Context, raw [][]byte, opts intake.Options,
	since eventstore.Sequence, ask effect.Asked,
) (effect.Report, error) {
	rows, places, err := l.judged(ctx, raw, opts, since)
	if err != nil {
		return effect.Report{}, err
	}
	last := eventstore.Sequence(0)
	for i := range rows {
		last = max(last, rows[i].Sequence)
	}
	facts, err := l.Facts(ctx, last)
	if err != nil {
		return effect.Report{}, err
	}
	ask.Sees = func(code region.Code) bool {
		return opts.Scope == nil || opts.Scope.HasRegion(code)
	}
	report, err := effect.Of(ctx, facts, rows, ask)
	if err != nil {
		return report, err
	}
	for _, notice := range report.Notices {
		for i, row := range notice.Rows {
			notice.Rows[i] = places[row]
		}
	}
	for i := range report.Apart {
		report.Apart[i].Row = places[report.Apart[i].Row]
	}
	// It waits until all that the rows rest on is shown.
	view, err := l.View(ctx, last)
	if err != nil {
		return report, err
	}
	return report, takeback.CountAll(&report, view, rows)
}

// judged returns events as rows, and the place of each among the raw ones. What is refused, or said
// before in the same batch, is none. It is a dry run: rights are judged as they would be, but
// nothing is held, so that what it says may be another thing a moment later.
func (l *Ledger) judged(ctx context.Context, raw [][]byte, opts intake.Options,
	since eventstore.Sequence,
) (rows []effect.Row, places []int, err error) {
	in, err := l.openGate(ctx)
	if err != nil {
		return nil, nil, err
	}
	opts.DryRun = true
	batch, err := in.Prepare(raw, opts)
	if err != nil {
		return nil, nil, err
	}
	verdict, err := l.rights.Judge(ctx, in, batch)
	if err != nil {
		return nil, nil, err
	}
	events, err := batch.Events()
	if err != nil {
		return nil, nil, err
	}
	receipts, err := in.Commit(ctx, batch)
	if err != nil {
		return nil, nil, err
	}
	for i := range receipts {
		r := &receipts[i]
		// A duplicate without a sequence is one of an event before it in this batch.
		if r.Status == event.Refused || r.Status == event.Duplicate && r.Sequence == 0 {
			continue
		}
		row := effect.Row{Event: events[i], Sequence: eventstore.Sequence(r.Sequence)}
		// A duplicate is new only where it was recorded since.
		row.New = r.Sequence == 0 || since != 0 && row.Sequence >= since
		row.Nobody = verdict.Told(i)
		row.Event = verdict.HideFrom(i, row.Event)
		if row.Nobody {
			row.Sequence = 0 // whoever has taken it back
		}
		if d := &events[i].Data; events[i].Type == event.EventRetracted {
			of := event.Key{Source: d.RetractedSource, ID: d.RetractedID}
			row.Takes, err = grounds{l}.Find(of)
			if err != nil {
				return nil, nil, err
			}
		}
		rows, places = append(rows, row), append(places, i)
	}
	return rows, places, l.nameTaken(ctx, rows)
}

// nameTaken finds out whom the events are about that rows take back. A retraction names a source
// and an id only, and the effect is counted by enrolments and workers. The texts are copied: those
// of the selection are memory of the log.
func (l *Ledger) nameTaken(ctx context.Context, rows []effect.Row) error {
	about := map[eventstore.Sequence]*event.Data{}
	var taken []eventstore.Sequence
	for i := range rows {
		if r := &rows[i]; r.Takes != 0 {
			taken, about[r.Takes] = append(taken, r.Takes), &r.Event.Data
		}
	}
	slices.Sort(taken)
	s := &excerpt.Selection{Each: func(record eventstore.Record, e *event.Event) error {
		if d := about[record.Sequence]; d != nil {
			d.Enrolment = strings.Clone(e.Data.Enrolment)
			d.Worker = strings.Clone(e.Data.Worker)
		}
		return nil
	}}
	return l.reader.Some(ctx, slices.Compact(taken), s)
}
