package coverage_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"

	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/eventstore/codec"
	"cakupan/eventstore/merkle"
	"cakupan/projections/coverage"
)

// A dear history is one that would cost more than it changes if a fold looked at all that is known
// of an enrolment, a worker or a commitment for each event about it.
type dear struct {
	name   string
	before func(*dearWriter) // what the measured events stand on
	events func(*dearWriter)
}

func dearHistories(size int) []dear {
	return []dear{
		{"enrolments of one worker", nil, func(w *dearWriter) {
			for i := range size {
				w.open(fmt.Sprintf("e%d", i), "w", w.day())
			}
		}},
		{"facts of one enrolment", nil, func(w *dearWriter) {
			w.open("e", "w", 0)
			for range size {
				w.fact("e")
			}
		}},
		{"facts taken back", func(w *dearWriter) {
			w.open("e", "w", 0)
			for range size {
				w.fact("e")
			}
		}, func(w *dearWriter) {
			for _, sequence := range w.rng.Perm(size) {
				w.retract(sequence + 2)
			}
		}},
		{"ids of one person", func(w *dearWriter) {
			for i := range size {
				w.open(fmt.Sprintf("e%d", i), fmt.Sprintf("w%d", i), w.day())
			}
		}, func(w *dearWriter) {
			for i := 1; i < size; i++ {
				w.add(event.WorkerMerged, func(d *event.Data) {
					d.Worker, d.Into = fmt.Sprintf("w%d", i), "w0"
				})
			}
			for i := size - 1; i > size/2; i-- {
				w.retract(size + i)
			}
		}},
		{
			"deaths of one worker", func(w *dearWriter) { w.open("e", "w", 0) },
			func(w *dearWriter) {
				for range size {
					w.add(event.WorkerDied, func(d *event.Data) { d.Worker, d.On = "w", w.day() })
				}
			},
		},
		{"money of one commitment", func(w *dearWriter) { w.granted(100) }, func(w *dearWriter) {
			for i := range size {
				w.money(i)
			}
		}},
		{
			"closings of many grants", func(w *dearWriter) { w.granted(25 * size) },
			func(w *dearWriter) {
				for i := range 20 {
					w.add(event.FundingClosed, func(d *event.Data) {
						d.Commitment, d.ReasonText = "c", "spent"
						d.FromMonth = temporal.Month(40*12 + 11 - i%12)
					})
					w.retract(len(w.history))
				}
			},
		},
	}
}

// dearWriter writes a history.
type dearWriter struct {
	rng     *rand.Rand
	history []Recorded
}

func (w *dearWriter) add(kind event.Type, fill func(*event.Data)) {
	sequence := uint64(len(w.history) + 1)
	e := Recorded{Sequence: sequence, RecordedAt: temporal.Instant(sequence)}
	e.Key = event.Key{Source: "urn:dear", ID: fmt.Sprint(sequence)}
	e.Type = kind
	fill(&e.Data)
	setHas(&e.Event)
	w.history = append(w.history, e)
}

// day returns one of a century's days.
func (w *dearWriter) day() temporal.Date { return temporal.Date(w.rng.IntN(36_500)) }

func (w *dearWriter) terms(d *event.Data) {
	d.Region = []region.Code{7501, 7502, 7503, 7171}[w.rng.IntN(4)]
	d.Segment, d.Category = event.Segment(1+w.rng.IntN(4)), event.Category(1+w.rng.IntN(7))
	d.Programmes = []event.Programme{event.JKK, event.Programme(2 + w.rng.IntN(4))}
	d.Payer = event.Payer(1 + w.rng.IntN(3))
}

func (w *dearWriter) open(enrolment, worker string, from temporal.Date) {
	w.add(event.EnrolmentOpened, func(d *event.Data) {
		w.terms(d)
		d.Enrolment, d.Worker, d.From = enrolment, worker, from
	})
}

// fact reports anything about an enrolment.
func (w *dearWriter) fact(enrolment string) {
	kinds := []event.Type{
		event.EnrolmentAmended, event.EnrolmentTerminated, event.EnrolmentReinstated,
		event.FundingGranted, event.FundingRevoked, event.ContributionCredited,
	}
	w.add(kinds[w.rng.IntN(len(kinds))], func(d *event.Data) {
		w.terms(d)
		d.Enrolment, d.Commitment = enrolment, fmt.Sprintf("c%d", w.rng.IntN(50))
		d.From, d.Until, d.Reason = w.day(), w.day(), event.Layoff
		d.FromMonth = d.From.Month()
		d.UntilMonth = d.FromMonth + 1 + temporal.Month(w.rng.IntN(12))
	})
}

// granted opens enrolments and grants each of them a year of one commitment.
func (w *dearWriter) granted(n int) {
	for i := range n {
		enrolment := fmt.Sprintf("e%d", i)
		w.open(enrolment, fmt.Sprintf("w%d", i), 0)
		w.history[len(w.history)-1].Data.Payer = event.APBD
		w.add(event.FundingGranted, func(d *event.Data) {
			d.Enrolment, d.Commitment = enrolment, "c"
			d.FromMonth, d.UntilMonth = 40*12, 41*12
		})
	}
}

// money restates a commitment in one way or another.
func (w *dearWriter) money(i int) {
	kinds := []event.Type{event.FundingCommitted, event.FundingClosed, event.FundingDisbursed}
	w.add(kinds[i%3], func(d *event.Data) {
		d.Commitment, d.Funder, d.Funding = "c", 75, event.Funding(1+w.rng.IntN(7))
		d.FiscalYear, d.PaymentReference, d.ReasonText = 2010, "SP2D", "spent"
		d.FromMonth = 40*12 + temporal.Month(w.rng.IntN(200))
		d.UntilMonth = d.FromMonth + 12
		d.PaidMonths = []temporal.Month{temporal.Month(w.rng.IntN(40_000))}
	})
}

func (w *dearWriter) retract(sequence int) {
	w.add(event.EventRetracted, func(d *event.Data) {
		d.RetractedSource, d.RetractedID, d.ReasonText = "urn:dear", fmt.Sprint(sequence), "error"
	})
}

// BenchmarkDear folds dear histories and tells what the dearest event costs.
func BenchmarkDear(b *testing.B) {
	for _, d := range dearHistories(20_000) {
		b.Run(d.name, func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				w := &dearWriter{rng: rand.New(rand.NewPCG(5, 6))}
				s, err := newProduction(b.TempDir(), coverage.New)
				if err != nil {
					b.Fatal(err)
				}
				if d.before != nil {
					d.before(w)
				}
				standing := len(w.history)
				d.events(w)
				foldPart(b, s, w.history, 0, standing, 1000)
				before := heap()
				b.StartTimer()
				took := foldPart(b, s, w.history, standing, len(w.history), 1)
				b.StopTimer()
				slices.Sort(took)
				b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
				b.ReportMetric(float64(took[len(took)-1].Microseconds()), "max-µs")
				b.ReportMetric(float64(heap()-before)/1e6, "MB")
				b.ReportMetric(float64(len(took)), "events")
				if err := s.db.Close(); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
		})
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// foldPart applies a part of a history in frames of some events and returns how long each took.
func foldPart(tb testing.TB, s *production, history []Recorded, from, until, size int,
) (took []time.Duration) {
	tb.Helper()
	for from < until {
		end := min(from+size, until)
		frame, err := frameOfDear(history, from, end)
		if err != nil {
			tb.Fatal(err)
		}
		start := time.Now()
		if err := apply(s.p, frame); err != nil {
			tb.Fatal(err)
		}
		took = append(took, time.Since(start))
		from = end
	}
	return took
}

// frameOfDear packs a part of a dear history, in which retractions name sequences.
func frameOfDear(history []Recorded, from, until int) (eventstore.Frame, error) {
	b := eventstore.NewFrameBuilder(eventstore.Sequence(from+1), merkle.Hash{},
		history[from].RecordedAt)
	for i := from; i < until; i++ {
		bytes := codec.Append(nil, &history[i].Event)
		if target, err := strconv.Atoi(history[i].Data.RetractedID); err == nil {
			bytes = codec.AppendRetracts(bytes, uint64(target))
		}
		if err := b.Append(history[i].RecordedAt, bytes); err != nil {
			return eventstore.Frame{}, err
		}
	}
	return eventstore.ParseFrame(append([]byte(nil), b.Bytes()...))
}
