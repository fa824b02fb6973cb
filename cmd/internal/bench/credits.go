package bench

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"path/filepath"

	"cakupan/cmd/internal/ledger"
	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
)

const (
	// creditsMore is by how much more events there are with credits.
	creditsMore = 5
	// creditMonths is for how many months each worker is credited.
	creditMonths = 12
)

// credits measures the replay of a ledger that is told of contributions, month by month.
func (b *benchmark) credits(ctx context.Context) (err error) {
	events := creditsMore * b.events
	b.note("appending %d events with credits", events)
	l, err := ledger.Open(ctx, ledger.Options{Dir: filepath.Join(b.dir, "credits"), Create: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	if err := appendBulk(ctx, l, creditEvents(events)); err != nil {
		return err
	}
	return b.replay(ctx, l, Figure{
		Name: fmt.Sprintf("replay with credits of %d months", creditMonths), Target: 4_000_000,
	})
}

// creditEvents are workers who enrol, then for each of the months a credit for each of them.
func creditEvents(n int) iter.Seq[*event.Event] {
	workers := max(n/(creditMonths+1), 1)
	var regencies []region.Code
	for _, code := range region.All() {
		if code.Level() == region.RegencyLevel {
			regencies = append(regencies, code)
		}
	}
	return func(yield func(*event.Event) bool) {
		for i := range n {
			month, worker := creditedFrom+temporal.Month(i/workers-1), i%workers
			e := &event.Event{Key: event.Key{Source: "urn:bpjs:iuran", ID: fmt.Sprintf("%08d", i)}}
			d := &e.Data
			d.Enrolment = fmt.Sprintf("K%010d", worker)
			if i < workers {
				e.Type = event.EnrolmentOpened
				d.Worker = fmt.Sprintf("%016x%016x", worker*7919, worker)
				d.Region, d.From = regencies[worker*7919%len(regencies)], creditedFrom.First()
				d.Segment, d.Category = event.PU, event.Category(4+worker%3)
				d.Programmes = []event.Programme{event.JKK, event.JKM}
				d.Payer = event.Employer
				if worker%3 == 0 {
					d.Segment, d.Payer = event.BPU, event.Self
				}
			} else {
				e.Type, d.FromMonth, d.UntilMonth = event.ContributionCredited, month, month+1
				d.PaidOn, d.Amount, d.PaymentReference = month.First(), 16_800, "VA"
			}
			addFields(e)
			if !yield(e) {
				return
			}
		}
	}
}

// creditedFrom is the first month that is credited: January 2024.
const creditedFrom temporal.Month = 54 * 12

// addFields says that the event has all fields of its type but those that few have.
func addFields(e *event.Event) {
	for _, field := range e.Type.Fields() {
		if field != event.FieldNIK && field != event.FieldBasis {
			e.Data.Has = e.Data.Has.With(field)
		}
	}
}
