package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"time"

	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/eventstore/codec"
	"cakupan/eventstore/memlog"
	"cakupan/eventstore/merkle"
	"cakupan/projections"
	"cakupan/projections/coverage"
)

// Dear events are those that would cost more than they change, if the fold looked at all that is
// known of an enrolment, a worker or a commitment. A hundredth of the events are of one worker, as
// many of one enrolment; a fourth are grants of one commitment.
const (
	// At a hundredth of the events, it is reached from two million on.
	dearMax = 20_000
	// At a fourth of the events, it is reached from two million on.
	grantsMax = 500_000
	// Each closes and opens again: forty folds of all grants.
	closeTurns = 20
	century    = 36_500 // days
)

// dears measures dear events: the log is in memory, the projection follows it as it does live. A
// disk and the network would hide the cost that is looked for. The events are the same in each run,
// by their own generator.
func (b *benchmark) dears(ctx context.Context) error {
	size := max(min(b.events/100, dearMax), 1)
	d := &dear{rng: rand.New(rand.NewPCG(seed, 4))}
	b.note("folding %d enrolments of one worker, %d facts of one enrolment", size, size)
	err := b.dearPart(ctx, d, fmt.Sprintf("%d enrolments of one worker", size), size,
		func(i int) { d.open(fmt.Sprint(i), "one") })
	if err != nil {
		return err
	}
	// It waits, and is written with the first frame of the log that comes next: the enrolment is
	// open before its facts come.
	d.open("one", "someone")
	err = b.dearPart(ctx, d, fmt.Sprintf("%d facts of one enrolment", size), size,
		func(int) { d.fact("one") })
	if err != nil {
		return err
	}
	return b.closings(ctx, d, max(min(b.events/4, grantsMax), 1))
}

// dearPart measures so many events, each in a frame of its own. Frames of one event are the dearest
// way to fold. The cost of one event must not grow with how many came before: that is what the
// targets bound, 2 s for all, 1 ms to be readable.
func (b *benchmark) dearPart(ctx context.Context, d *dear, name string, events int,
	next func(i int),
) error {
	f, err := b.follow(ctx, d)
	if err != nil {
		return err
	}
	defer f.end()
	latencies := make([]time.Duration, 0, events)
	// Both are taken after the follower has caught up with what waited, which counts for neither.
	heap, started := heapBytes(), time.Now()
	for i := range events {
		next(i)
		took, err := f.append(ctx, d)
		if err != nil {
			return err
		}
		latencies = append(latencies, took)
	}
	seconds := time.Since(started).Seconds()
	_, p99 := percentiles(latencies)
	b.add(Figure{Name: name + ", all", Value: seconds, Unit: "s", Target: 2})
	b.add(Figure{Name: name + ", an event to readable, p99", Value: p99, Unit: "ms", Target: 1})
	b.add(Figure{
		Name: name + ", memory", Value: (heapBytes() - heap) / 1e6, Unit: "MB", Target: 200,
	})
	return nil
}

// closings measures a commitment with many grants that closes, opens again by a retraction, and
// closes a month earlier, again and again. What changes at once is all that the commitment pays
// for, in one event, while questions are answered. The memory that it takes while it does so is
// taken after each turn, and the greatest counts.
func (b *benchmark) closings(ctx context.Context, d *dear, grants int) error {
	b.note("closing and opening a commitment with %d grants", grants)
	for i := range grants {
		d.grant(fmt.Sprintf("granted-%d", i))
	}
	f, err := b.follow(ctx, d)
	if err != nil {
		return err
	}
	defer f.end()
	latencies := make([]time.Duration, 0, 2*closeTurns)
	heap, most := heapBytes(), 0.0
	for turn := range closeTurns {
		for _, next := range []func(){
			// Each turn closes a month earlier than the last, so that it changes another set of
			// days. The retraction names the event that has just been written, and is not in this
			// list when it is made: d.next is read when it is called.
			func() { d.shut(11 - turn%12) }, func() { d.takeBack(d.next - 1) },
		} {
			next()
			took, err := f.append(ctx, d)
			if err != nil {
				return err
			}
			latencies = append(latencies, took)
		}
		most = max(most, heapBytes()-heap)
	}
	// Of forty the 99th percentile is the slowest.
	_, slowest := percentiles(latencies)
	name := fmt.Sprintf("%d grants, to close or reopen them", grants)
	b.add(Figure{Name: name + ", slowest", Value: slowest / 1e3, Unit: "s", Target: 0.15})
	b.add(Figure{Name: name + ", memory", Value: most / 1e6, Unit: "MB", Target: 128})
	return nil
}

// dear writes dear events, encoded as in a frame. It belongs to one goroutine. There is no check
// and no vault on its way: it writes what the writer would have written.
type dear struct {
	// Owned; seeded, so that each run has the same events.
	rng *rand.Rand
	// Its ids are made of it, which is how a retraction names an event by its sequence.
	next eventstore.Sequence // after what is written and what waits
	// Each of them encoded; emptied by follower.write, which alone writes.
	waiting [][]byte
}

// add encodes an event and has it wait. It takes its key from its place in the log.
func (d *dear) add(e *event.Event) {
	e.Key = event.Key{Source: "urn:cakupan:bench:dear", ID: fmt.Sprint(d.next)}
	addFields(e)
	d.waiting, d.next = append(d.waiting, codec.Append(nil, e)), d.next+1
}

// day returns any day of a hundred years from 1970 on, so that no two facts have an order that
// helps.
func (d *dear) day() temporal.Date { return temporal.Date(d.rng.IntN(century)) }

// open opens an enrolment of a worker on any day, in one of four regencies of two provinces, so
// that moves between provinces are among what comes of it.
func (d *dear) open(enrolment, worker string) {
	e := event.Event{Type: event.EnrolmentOpened}
	e.Data.Enrolment, e.Data.Worker, e.Data.From = enrolment, worker, d.day()
	e.Data.Region = []region.Code{7501, 7502, 7503, 7171}[d.rng.IntN(4)]
	e.Data.Segment, e.Data.Category = event.BPU, event.Category(1+d.rng.IntN(7))
	e.Data.Programmes = []event.Programme{event.JKK, event.JKM}
	e.Data.Payer = event.Payer(1 + d.rng.IntN(3))
	d.add(&e)
}

// fact reports anything about an enrolment. All of its fields are filled, whatever the type;
// addFields names those that count.
func (d *dear) fact(enrolment string) {
	kinds := []event.Type{
		event.EnrolmentTerminated, event.EnrolmentReinstated, event.FundingGranted,
		event.ContributionCredited,
	}
	e := event.Event{Type: kinds[d.rng.IntN(len(kinds))]}
	e.Data.Enrolment, e.Data.Commitment = enrolment, fmt.Sprint("c", d.rng.IntN(50))
	e.Data.From, e.Data.Until, e.Data.Reason = d.day(), d.day(), event.Layoff
	e.Data.FromMonth = e.Data.From.Month()
	e.Data.UntilMonth = e.Data.FromMonth + 1 + temporal.Month(d.rng.IntN(12))
	d.add(&e)
}

// grantedFrom is the first month of the grants, which are of a year.
const grantedFrom temporal.Month = 40 * 12

// grant opens an enrolment and grants it the year, from the one commitment that is closed.
func (d *dear) grant(enrolment string) {
	d.open(enrolment, enrolment)
	e := event.Event{Type: event.FundingGranted}
	e.Data.Enrolment, e.Data.Commitment = enrolment, "one"
	e.Data.FromMonth, e.Data.UntilMonth = grantedFrom, grantedFrom+12
	d.add(&e)
}

// shut closes the commitment from a month on, 0 to 11 of the year of its grants.
func (d *dear) shut(month int) {
	e := event.Event{Type: event.FundingClosed}
	e.Data.Commitment, e.Data.ReasonText = "one", "spent"
	e.Data.FromMonth = grantedFrom + temporal.Month(month)
	d.add(&e)
}

// takeBack retracts the event with that sequence. The log's record of a retraction has the sequence
// of its target, which the writer looks up in the index; here it is known.
func (d *dear) takeBack(target eventstore.Sequence) {
	e := event.Event{Type: event.EventRetracted}
	e.Data.RetractedSource, e.Data.RetractedID = "urn:cakupan:bench:dear", fmt.Sprint(target)
	e.Data.ReasonText = "error"
	d.add(&e)
	last := len(d.waiting) - 1
	d.waiting[last] = codec.AppendRetracts(d.waiting[last], uint64(target))
}

// follower is a projection that follows a log in memory. It belongs to one goroutine, but for what
// kept does by itself.
type follower struct {
	// It lives in memory and dies with the follower.
	log *memlog.Log
	// What the next append must name, from the last one; nobody else appends.
	tail eventstore.Tail
	kept projections.Kept
	stop context.CancelFunc
	// Gets the one result of kept.Run, and has room for it.
	done chan error
}

// follow begins a log, with what waits to be written, and has the coverage follow it. After an
// error nothing is left of it. Otherwise the caller calls end. The sequences of d begin anew:
// whoever waits is first in the new log.
func (b *benchmark) follow(ctx context.Context, d *dear) (*follower, error) {
	f := &follower{log: memlog.New(eventstore.NewIdentity(1)), done: make(chan error, 1)}
	d.next = 1 + eventstore.Sequence(len(d.waiting))
	if err := f.write(ctx, d); err != nil {
		return nil, err
	}
	kind := projections.StagedKind[*coverage.Projection, coverage.Batch](
		coverage.Name, coverage.New)
	kept, err := kind.Open(ctx, projections.NewFeed(f.log), projections.File{
		Path: filepath.Join(b.dir, "dear.db"), Scratch: true,
	})
	if err != nil {
		return nil, err
	}
	f.kept = kept
	// Before Run begins: what waited is no part of what is measured.
	if err := kept.CatchUp(ctx, f.tail.Sequence, nil); err != nil {
		return nil, errors.Join(err, kept.Remove())
	}
	ctx, f.stop = context.WithCancel(ctx)
	go func() { f.done <- kept.Run(ctx) }()
	return f, nil
}

// end stops the follower, and removes its file once nobody writes to it. What it measured stands
// whatever becomes of either.
func (f *follower) end() {
	f.stop()
	_ = errors.Join(<-f.done, f.kept.Remove())
}

// write writes what waits, in frames. The root in the frame is left empty and its time is the
// sequence in nanoseconds: the coverage looks at neither, only that times do not decrease.
func (f *follower) write(ctx context.Context, d *dear) error {
	for len(d.waiting) > 0 {
		at := f.tail.Sequence + 1
		frame := eventstore.NewFrameBuilder(at, merkle.Hash{}, temporal.Instant(at))
		for range min(len(d.waiting), batchEvents) {
			if err := frame.Append(temporal.Instant(at), d.waiting[0]); err != nil {
				return err
			}
			d.waiting = d.waiting[1:]
		}
		var err error
		if f.tail, err = f.log.Append(ctx, frame.Bytes(), f.tail); err != nil {
			return fmt.Errorf("append dear events: %w", err)
		}
	}
	d.waiting = nil
	return nil
}

// append writes what waits, and returns how long after that it was readable. The append itself is
// not counted: memory takes no time that a disk would not.
func (f *follower) append(ctx context.Context, d *dear) (time.Duration, error) {
	if err := f.write(ctx, d); err != nil {
		return 0, err
	}
	written := time.Now()
	err := f.kept.Wait(ctx, f.tail.Sequence)
	return time.Since(written), err
}
