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
	// creditsMore is by how much more events there are with credits. A ledger that is told of each
	// month has many times more credits than enrolments, so the same number of workers needs a
	// longer log.
	creditsMore = 5
	// creditMonths is for how many months each worker is credited. Thus one event in thirteen is an
	// enrolment.
	creditMonths = 12
)

// credits measures the replay of a ledger that is told of contributions, month by month. Credits
// are most of what an agency reports, and each of them touches one enrolment that was opened long
// before: the fold must find it again. The floor of the replay is that of all replays.
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

// creditEvents are workers who enrol, then for each of the months a credit for each of them. The
// events come month by month, as they are reported, and not worker by worker: neighbours in the log
// are of different enrolments, which is the dear order for whoever keeps them apart. They are the
// same for the same n, without any randomness.
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
			// The first round is the enrolments, so credits of the first month come in the second.
			month, worker := creditedFrom+temporal.Month(i/workers-1), i%workers
			e := &event.Event{Key: event.Key{Source: "urn:bpjs:iuran", ID: fmt.Sprintf("%08d", i)}}
			d := &e.Data
			d.Enrolment = fmt.Sprintf("K%010d", worker)
			if i < workers {
				e.Type = event.EnrolmentOpened
				// It has as many bits as an id of the vault, which it never was. The prime spreads
				// the ids and the regencies, since the order of random ids is no order at all.
				d.Worker = fmt.Sprintf("%016x%016x", worker*7919, worker)
				d.Region, d.From = regencies[worker*7919%len(regencies)], creditedFrom.First()
				// Categories 4 to 6 are those of private workers, the self-employed and the
				// vulnerable.
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

// creditedFrom is the first month that is credited: January 2024. Months count from January 1970.
const creditedFrom temporal.Month = 54 * 12

// addFields says that the event has all fields of its type but those that few have. It leaves out
// NIK, since the events name workers, and the legal ground. A field that is not said to be there is
// absent for the codec, whatever its value is.
func addFields(e *event.Event) {
	for _, field := range e.Type.Fields() {
		if field != event.FieldNIK && field != event.FieldBasis {
			e.Data.Has = e.Data.Has.With(field)
		}
	}
}
