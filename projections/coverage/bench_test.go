//go:build linux || darwin || freebsd

package coverage_test

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/eventstore/codec"
	"cakupan/eventstore/merkle"
	"cakupan/projections/checked"
	"cakupan/projections/coverage"
)

// nation makes events in about the mixture of `cakupan bench`: of a hundred, 55 open an enrolment,
// three of a hundred for a worker who has one already; 25 grant, 10 terminate, 5 amend, 2 reinstate;
// one worker in a hundred events dies, and one commitment in a thousand is closed.
type nation struct {
	rng       *rand.Rand
	regencies []region.Code
	opened    int
	onBudget  []int // enrolments with payer APBD
}

func newNation() *nation {
	n := &nation{rng: rand.New(rand.NewPCG(1, 2))}
	for _, r := range region.All() {
		if r.Level() == region.RegencyLevel {
			n.regencies = append(n.regencies, r)
		}
	}
	return n
}

// regency returns where an enrolment's worker lives.
func (n *nation) regency(e int) region.Code { return n.regencies[e*7919%len(n.regencies)] }

func (n *nation) enrolment(e int) string { return fmt.Sprintf("K%010d", e) }
func (n *nation) worker(e int) string    { return fmt.Sprintf("%016x%016x", e*7919, e) }

// event fills in an event that is reported on a day.
func (n *nation) event(e *event.Event, day temporal.Date) {
	d := &e.Data
	someone := n.rng.IntN(n.opened + 1)
	happened := day - temporal.Date(n.rng.IntN(31))
	d.Enrolment = n.enrolment(someone)
	switch draw := n.rng.IntN(1000); {
	case draw < 550:
		n.open(e, happened)
	case draw < 800 && len(n.onBudget) > 0:
		someone = n.onBudget[n.rng.IntN(len(n.onBudget))]
		e.Type, d.Enrolment = event.FundingGranted, n.enrolment(someone)
		d.FromMonth = day.Month() / 12 * 12 // January
		d.UntilMonth = d.FromMonth + 12
		d.Commitment = fmt.Sprintf("apbd-%d-%d", n.regency(someone), d.FromMonth)
	case draw < 900:
		e.Type, d.Until, d.Reason = event.EnrolmentTerminated, happened, event.Layoff
	case draw < 950:
		e.Type, d.From, d.Region = event.EnrolmentAmended, happened, n.regency(someone+1)
	case draw < 970:
		e.Type, d.From = event.EnrolmentReinstated, happened
	case draw < 980:
		e.Type, d.Worker, d.On = event.WorkerDied, n.worker(someone), happened
	case draw < 981:
		e.Type, d.FromMonth = event.FundingClosed, day.Month()/12*12+11
		d.Commitment = fmt.Sprintf("apbd-%d-%d", n.regency(someone), d.FromMonth-11)
	default:
		n.open(e, happened)
	}
}

func (n *nation) open(e *event.Event, from temporal.Date) {
	d := &e.Data
	e.Type, d.Enrolment, d.Worker = event.EnrolmentOpened, n.enrolment(n.opened), n.worker(n.opened)
	if n.opened%100 < 3 {
		d.Worker = n.worker(n.rng.IntN(n.opened + 1))
	}
	d.Region, d.From = n.regency(n.opened), from
	d.Segment, d.Category = event.Segment(1+n.opened%2), event.Category(4+n.opened%3)
	d.Programmes = []event.Programme{event.JKK, event.JKM}
	d.Payer = event.Employer
	switch draw := n.rng.IntN(10); {
	case draw < 3:
		d.Payer, n.onBudget = event.APBD, append(n.onBudget, n.opened)
	case draw < 6:
		d.Payer = event.Self
	}
	n.opened++
}

// mixture fills in one of so many events, which are over ten years.
func (n *nation) mixture(e *event.Event, i, events int) {
	start, _ := temporal.ParseDate("2015-01-01")
	n.event(e, start+temporal.Date(i*3650/events))
}

// credits fills in one of so many events: a thirteenth of them opens an enrolment, then month by
// month a contribution of each is credited, twelve in all.
func (n *nation) credits(e *event.Event, i, events int) {
	start, _ := temporal.ParseDate("2015-01-01")
	if workers := (events + 12) / 13; i < workers {
		n.open(e, start)
		e.Data.Payer = event.Employer + event.Payer(i%2)
	} else {
		month := start.Month() + temporal.Month(i/workers-1)
		e.Type, e.Data.Enrolment = event.ContributionCredited, n.enrolment(i%workers)
		e.Data.FromMonth, e.Data.UntilMonth = month, month+1
	}
}

// frames returns frames of 1,000 events that fill fills in.
func (n *nation) frames(b *testing.B, events int, fill func(e *event.Event, i, events int),
) (frames []eventstore.Frame) {
	b.Helper()
	builder := new(eventstore.FrameBuilder)
	var bytes []byte
	for seq := 1; seq <= events; {
		builder.Reset(eventstore.Sequence(seq), merkle.Hash{}, temporal.Instant(seq))
		for range 1000 {
			e := event.Event{Key: event.Key{
				Source: "urn:bpjs:cabang:G01", ID: fmt.Sprintf("G01-%08d", seq),
			}}
			fill(&e, seq, events)
			setHas(&e)
			bytes = codec.Append(bytes[:0], &e)
			if err := builder.Append(temporal.Instant(seq), bytes); err != nil {
				b.Fatal(err)
			}
			seq++
		}
		frame, err := eventstore.ParseFrame(append([]byte(nil), builder.Bytes()...))
		if err != nil {
			b.Fatal(err)
		}
		frames = append(frames, frame)
	}
	return frames
}

func openScratch(b *testing.B) *checked.DB {
	b.Helper()
	db, err := checked.Open(filepath.Join(b.TempDir(), "c.db"), checked.Options{Scratch: true})
	if err != nil {
		b.Fatal(err)
	}
	return db
}

// Clocks of the processor time that the process, or only this thread, has used.
const process, thread = unix.CLOCK_PROCESS_CPUTIME_ID, unix.CLOCK_THREAD_CPUTIME_ID

// processorTime returns what a clock tells. On a machine that others use too it says more than the
// time that passes. Getrusage would tell it as of when the kernel last looked at the thread, which
// is when that gives way: all stages would be counted to the one that does.
func processorTime(b *testing.B, clock int32) time.Duration {
	b.Helper()
	var used unix.Timespec
	if err := unix.ClockGettime(clock, &used); err != nil {
		b.Skip("no processor time of a thread here:", err)
	}
	return time.Duration(used.Nano())
}

// stages adds up the processor time of a thread that goes from one stage of a replay to the next.
type stages struct {
	b     *testing.B
	last  time.Duration
	spent map[string]time.Duration
}

func (s *stages) begin() { s.last = processorTime(s.b, thread) }

func (s *stages) end(stage string) {
	now := processorTime(s.b, thread)
	s.spent[stage] += now - s.last
	s.last = now
}

// BenchmarkFold folds two million events, one stage after the other, and reports the processor
// time of each. Of a replay, apply and commit are what it waits for; all else goes on beside apply.
func BenchmarkFold(b *testing.B) {
	n := newNation()
	for name, fill := range map[string]func(e *event.Event, i, events int){
		"mixture": n.mixture, "credits": n.credits,
	} {
		b.Run(name, func(b *testing.B) {
			*n = *newNation()
			benchmarkFold(b, n.frames(b, foldEvents, fill))
		})
	}
}

const foldEvents = 2_000_000

func benchmarkFold(b *testing.B, frames []eventstore.Frame) {
	b.Helper()
	const settleFrames = 200
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	s := &stages{b: b, spent: map[string]time.Duration{}}
	for b.Loop() {
		db := openScratch(b)
		p := coverage.New(db)
		var batch coverage.Batch
		began := processorTime(b, process)
		s.begin()
		for i, frame := range frames {
			if err := p.Prepare(frame, &batch); err != nil {
				b.Fatal(err)
			}
			s.end("prepare")
			if _, err := p.Apply(&batch, math.MaxInt); err != nil {
				b.Fatal(err)
			}
			s.end("apply")
			p.Show(&batch)
			s.end("show")
			if i%settleFrames == settleFrames-1 {
				if err := db.Update(p.Settle); err != nil {
					b.Fatal(err)
				}
				p.Settled()
				s.end("settle")
			}
		}
		if err := errors.Join(p.Finish(), db.Update(p.Store)); err != nil {
			b.Fatal(err)
		}
		p.Stored()
		s.end("commit")
		s.spent["all"] += processorTime(b, process) - began
		_ = db.Close()
	}
	for stage, spent := range s.spent {
		b.ReportMetric(float64(spent.Nanoseconds())/foldEvents/float64(b.N), stage+"-ns/event")
	}
}

// BenchmarkLanes folds two million events for the digest alone, by one lane and by several, one
// stage after the other, and reports the processor time of each. All stages, and all lanes, go on
// beside each other in a replay. The shares of a frame are timed in their order.
func BenchmarkLanes(b *testing.B) {
	n := newNation()
	frames := n.frames(b, foldEvents, n.mixture)
	for _, lanes := range []int{1, 2, 3, 4} {
		b.Run(strconv.Itoa(lanes), func(b *testing.B) { benchmarkLanes(b, frames, lanes) })
	}
}

func benchmarkLanes(b *testing.B, frames []eventstore.Frame, lanes int) {
	b.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	s := &stages{b: b, spent: map[string]time.Duration{}}
	for b.Loop() {
		db := openScratch(b)
		p := coverage.New(db)
		p.DigestInLanes(foldEvents, lanes)
		next := 0
		if lanes > 1 {
			p.TimeLanes(func(fold func()) {
				s.end("apply")
				fold()
				s.end("lane" + strconv.Itoa(next%lanes))
				next++
			})
		}
		var batch coverage.Batch
		began := processorTime(b, process)
		s.begin()
		for _, frame := range frames {
			if err := p.Prepare(frame, &batch); err != nil {
				b.Fatal(err)
			}
			s.end("prepare")
			if _, err := p.Apply(&batch, math.MaxInt); err != nil {
				b.Fatal(err)
			}
			s.end("apply")
			p.Show(&batch)
			s.end("show")
		}
		s.spent["all"] += processorTime(b, process) - began
		_ = db.Close()
	}
	for stage, spent := range s.spent {
		b.ReportMetric(float64(spent.Nanoseconds())/foldEvents/float64(b.N), stage+"-ns/event")
	}
}

// BenchmarkPipeline folds two million events for the digest alone, by one lane and by several, with
// all stages beside each other as in a replay. Its time is that which passes. All must come to one
// digest.
func BenchmarkPipeline(b *testing.B) {
	n := newNation()
	frames := n.frames(b, foldEvents, n.mixture)
	want := ""
	for _, lanes := range []int{1, 2, 3, 4} {
		b.Run(strconv.Itoa(lanes), func(b *testing.B) {
			began := processorTime(b, process)
			for b.Loop() {
				db := openScratch(b)
				p := coverage.New(db)
				p.DigestInLanes(foldEvents, lanes)
				digest := pipeline(b, p, frames)
				if want = cmp.Or(want, digest); digest != want {
					b.Fatalf("the digest in %d lanes is %s, in fewer %s", lanes, digest, want)
				}
				_ = db.Close()
			}
			spent := processorTime(b, process) - began
			b.ReportMetric(float64(spent.Nanoseconds())/foldEvents/float64(b.N), "all-ns/event")
			b.ReportMetric(foldEvents*float64(b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

// pipeline prepares, applies and shows frames, each stage in a goroutine, and returns the digest.
func pipeline(b *testing.B, p *coverage.Projection, frames []eventstore.Frame) string {
	b.Helper()
	const ahead = 16
	used, ready := make(chan *coverage.Batch, ahead), make(chan *coverage.Batch, ahead)
	applied, done := make(chan *coverage.Batch, ahead), make(chan error, 2)
	for range ahead {
		used <- new(coverage.Batch)
	}
	go func() {
		var err error
		for i := 0; i < len(frames) && err == nil; i++ {
			next := <-used
			err = p.Prepare(frames[i], next)
			ready <- next
		}
		close(ready)
		done <- err
	}()
	go func() {
		for next := range applied {
			p.Show(next)
			used <- next
		}
		done <- nil
	}()
	for next := range ready {
		if _, err := p.Apply(next, math.MaxInt); err != nil {
			b.Fatal(err)
		}
		applied <- next
	}
	close(applied)
	if err := errors.Join(<-done, <-done); err != nil {
		b.Fatal(err)
	}
	digest, err := p.Digest(foldEvents)
	if err != nil {
		b.Fatal(err)
	}
	return digest
}

// BenchmarkAnswer asks for random regions, days and knowledge after two million events.
func BenchmarkAnswer(b *testing.B) {
	const events = 2_000_000
	db := openScratch(b)
	p := coverage.New(db)
	answered := newNation()
	for _, frame := range answered.frames(b, events, answered.mixture) {
		if err := apply(p, frame); err != nil {
			b.Fatal(err)
		}
	}
	if err := errors.Join(p.Finish(), db.Update(p.Store)); err != nil {
		b.Fatal(err)
	}
	p.Stored()
	rng := rand.New(rand.NewPCG(3, 4))
	all := region.All()
	day, _ := temporal.ParseDate("2015-01-01")
	for b.Loop() {
		_, err := p.View().Answer(coverage.Query{
			Region: all[rng.IntN(len(all))], On: day + temporal.Date(rng.IntN(3650)),
			Known: eventstore.Sequence(rng.IntN(events)), Indicator: event.Employed,
			By: []coverage.Dimension{coverage.BySegment, coverage.ByFunding},
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}
