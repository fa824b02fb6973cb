package ledger

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"cakupan/cmd/internal/intake"
	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/eventstore/index"
	"cakupan/projections/coverage"
	"cakupan/projections/effect"
)

// Effect says what events have done, or would do: those that the log has from since on are what is
// looked at, those that it has not are supposed to come now. Nothing is appended.
func (l *Ledger) Effect(ctx context.Context, raw [][]byte, opts intake.Options,
	since eventstore.Sequence, today temporal.Date,
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
	report, err := effect.Of(ctx, facts, rows, today)
	if err != nil {
		return report, err
	}
	for _, notice := range report.Notices {
		for i, row := range notice.Rows {
			notice.Rows[i] = places[row]
		}
	}
	view, err := l.View(ctx, last)
	if err != nil {
		return report, err
	}
	return report, countAll(&report, view, rows)
}

// countAll adds how many are covered in each region, after the rows.
func countAll(report *effect.Report, view *coverage.View, rows []effect.Row) error {
	logged := true
	for i := range rows {
		logged = logged && rows[i].Sequence != 0
	}
	for i := range report.Regions {
		r := &report.Regions[i]
		code, _ := region.Parse(r.Region)
		on, err := temporal.ParseDate(report.On)
		if err != nil {
			return fmt.Errorf("read day of the effect: %w", err)
		}
		answer, err := view.Answer(coverage.Query{
			Region: code, On: on, Known: view.Known(), Indicator: event.Employed,
		})
		if err != nil {
			return err
		}
		if r.Total = answer.Covered; !logged {
			r.Total += r.After - r.Before // what is not in the log is not counted there
		}
	}
	return nil
}

// judged returns events as rows, and the place of each among the raw ones. What is refused, or said
// before in the same batch, is none.
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
	if _, err := l.judgeRights(ctx, in, batch); err != nil {
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
		if r.Status == event.Refused || r.Status == event.Duplicate && r.Sequence == 0 {
			continue
		}
		row := effect.Row{Event: events[i], Sequence: eventstore.Sequence(r.Sequence)}
		row.New = r.Sequence == 0 || since != 0 && row.Sequence >= since
		if d := &events[i].Data; events[i].Type == event.EventRetracted {
			row.Takes, err = l.find(event.Key{Source: d.RetractedSource, ID: d.RetractedID})
			if err != nil {
				return nil, nil, err
			}
		}
		rows, places = append(rows, row), append(places, i)
	}
	return rows, places, l.nameTaken(ctx, rows)
}

// nameTaken finds out whom the events are about that rows take back.
func (l *Ledger) nameTaken(ctx context.Context, rows []effect.Row) error {
	about := map[eventstore.Sequence]*event.Data{}
	var taken []eventstore.Sequence
	for i := range rows {
		if r := &rows[i]; r.Takes != 0 {
			taken, about[r.Takes] = append(taken, r.Takes), &r.Event.Data
		}
	}
	slices.Sort(taken)
	s := &selection{}
	s.yield = func([]byte) error {
		if d := about[s.last]; d != nil {
			d.Enrolment = strings.Clone(s.event.Data.Enrolment)
			d.Worker = strings.Clone(s.event.Data.Worker)
		}
		return nil
	}
	return l.readSome(ctx, slices.Compact(taken), s)
}

// find returns where an event is in the log, 0 when it is not there.
func (l *Ledger) find(key event.Key) (eventstore.Sequence, error) {
	found := make([]index.Entry, 1)
	err := l.index.Lookup([]index.Key{index.KeyOf(key)}, found)
	return found[0].Sequence, err
}
