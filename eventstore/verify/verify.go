// Package verify reads a whole log once and checks everything that can be checked: that events
// are in order and dense, that record times never decrease, that every event can be decoded, and
// that every frame carries the true root of the tree over all events before it. Damage does not
// stop it: every damaged range of sequences is named.
//
// A lost range has lost leaves, and a root cannot be turned back into a tree: from there on the
// roots that frames carry cannot be recomputed. They are not believed either. The report then
// says from which event on roots are unverified; order, density, times and decodability are
// checked to the end. The same holds once two frames in a row carry a false root.
//
// What a check cannot find is a log that was rewritten as a whole, with roots to match: against
// that helps only a root that was kept elsewhere. Compare Report.Root, or give it as a [Witness].
package verify

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/eventstore/merkle"
)

// queueFrames is how many frames may be read ahead of the hashing, and hashed ahead of the tree.
const queueFrames = 16

// findingsMax bounds the findings that are kept. A log that is not one at all has one in every
// frame, and nobody reads a million of them.
const findingsMax = 10_000

// yieldEvery is after how many events others have their turn at the processor: a check reads the
// log as fast as it can.
const yieldEvery = 128

// Options of a check.
type Options struct {
	// Decode checks the stored bytes of one event. Optional. It is called from one goroutine.
	Decode func(eventstore.Record) error
	// Witnesses say how far others have read this log: the index, each projection. When the log
	// ends before a witness, events were lost at its end. Optional.
	Witnesses []Witness
	// Progress is called after each frame with how far the check has come. Optional.
	Progress func(Progress)
}

// Witness is somebody who has seen the log up to an event.
type Witness struct {
	Name     string // as the operator knows it, "projection coverage"
	Sequence eventstore.Sequence
	// Root is the tree root over the events up to Sequence, if the witness knows it. It is
	// compared when Sequence is the last event of a frame.
	Root merkle.Hash
}

// Progress is how far a check has come.
type Progress struct {
	Sequence eventstore.Sequence // of the last event checked
	Events   uint64
	Bytes    uint64
}

// Finding is something wrong with a range of events.
type Finding struct {
	// From and To are the first and last event concerned. To is 0 when the end is not known.
	From, To eventstore.Sequence
	// What is wrong, one sentence for the operator.
	What string
}

// Report is the outcome of a check.
type Report struct {
	Frames uint64
	Events uint64
	Bytes  uint64 // of frames
	// Last is the sequence of the last event.
	Last eventstore.Sequence
	// Root is the tree root over all events. It is the zero hash when RootsUnverifiedFrom is set.
	Root merkle.Hash
	// RootsUnverifiedFrom is the first event of the first frame whose root, and all later ones,
	// could not be checked; 0 when all were.
	RootsUnverifiedFrom eventstore.Sequence
	// Findings are in the order of the log. At most 10,000 are kept; FindingsTotal counts all.
	Findings      []Finding
	FindingsTotal int
}

// OK reports whether nothing was found.
func (r Report) OK() bool { return r.FindingsTotal == 0 }

// Check reads the log from its first event to its end as of the call. The error says why the
// check could not be finished; what it found is in the report.
func Check(ctx context.Context, log eventstore.Log, opts Options) (Report, error) {
	c := &checker{opts: opts, want: 1}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	// Reading and hashing leaves on one core, the tree and decoding on another.
	for step := range hashed(ctx, log) {
		var damage *eventstore.DamageError
		switch {
		case step.err == nil:
			c.frame(step.frame, step.leaves)
		case errors.As(step.err, &damage):
			c.damage(damage)
		default:
			return c.report, fmt.Errorf("check log: %w", step.err)
		}
	}
	if err := ctx.Err(); err != nil { // the steps may have ended before the log did
		return c.report, fmt.Errorf("check log: %w", err)
	}
	c.witnesses()
	if c.report.RootsUnverifiedFrom == 0 {
		c.report.Root = c.tree.Root()
	}
	return c.report, nil
}

// step is what reading the log yields, with the leaves of the frame.
type step struct {
	frame  eventstore.Frame
	leaves []merkle.Hash
	err    error
}

// hashed reads the log in a goroutine and hashes the leaves of its frames there. The goroutine
// ends with the context, or at the end of the log.
func hashed(ctx context.Context, log eventstore.Log) <-chan step {
	steps := make(chan step, queueFrames)
	go func() {
		defer close(steps)
		for frame, err := range log.Read(ctx, 1) {
			s := step{frame: frame, err: err}
			if err == nil {
				s.leaves = leavesOf(frame)
			}
			select {
			case steps <- s:
			case <-ctx.Done():
				return
			}
		}
	}()
	return steps
}

// leavesOf hashes the events of a frame. It is most of the work of a check, and done while the
// frame before is compared.
func leavesOf(frame eventstore.Frame) []merkle.Hash {
	leaves := make([]merkle.Hash, 0, frame.Count())
	for r := range frame.Records() {
		if r.Sequence%yieldEvery == 0 {
			runtime.Gosched()
		}
		leaf := merkle.LeafHash(uint64(r.Sequence), int64(r.RecordedAt), r.Event)
		leaves = append(leaves, leaf)
	}
	return leaves
}

// checker holds what is known of the log up to the event `want`, excluded.
type checker struct {
	opts   Options
	report Report
	want   eventstore.Sequence
	at     temporal.Instant // record time of the last event
	tree   merkle.Tree

	previous  eventstore.Frame // the last good frame, zero after a gap
	rootFalse bool             // the root in the previous frame was false
}

// find adds a finding. Beyond findingsMax they are counted only: a log on a bad disk may have
// millions.
func (c *checker) find(from, to eventstore.Sequence, format string, args ...any) {
	c.report.FindingsTotal++
	if len(c.report.Findings) < findingsMax {
		finding := Finding{From: from, To: to, What: fmt.Sprintf(format, args...)}
		c.report.Findings = append(c.report.Findings, finding)
	}
}

// damage notes a range that the log could not read.
func (c *checker) damage(d *eventstore.DamageError) {
	c.find(d.From, d.To, "damaged: %s", d.Reason)
	if d.To < c.want && d.To != 0 {
		return // events that came before, a second time: nothing is missing
	}
	next := d.To + 1
	if d.To == 0 {
		next = d.From
	}
	c.skipTo(next)
}

// skipTo goes on behind a gap, where the tree cannot follow.
func (c *checker) skipTo(next eventstore.Sequence) {
	c.want, c.previous = next, eventstore.Frame{}
	c.giveUpRoots(next)
}

// giveUpRoots notes from where on roots cannot be recomputed: a root is over all events before it,
// so one gap ends it for good.
func (c *checker) giveUpRoots(from eventstore.Sequence) {
	if c.report.RootsUnverifiedFrom == 0 {
		c.report.RootsUnverifiedFrom = from
	}
}

// frame checks the next readable frame.
func (c *checker) frame(frame eventstore.Frame, leaves []merkle.Hash) {
	first, last := frame.First(), frame.Last()
	switch {
	case first < c.want:
		c.find(first, last, "out of order: events up to %d came before", c.want-1)
		return
	case first > c.want:
		// A Log names gaps itself. This is the second pair of eyes.
		c.find(c.want, first-1, "missing: no frame holds them")
		c.skipTo(first)
	}
	c.root(frame)
	for _, leaf := range leaves {
		c.tree.Append(leaf)
	}
	c.records(frame)
	c.want, c.previous = last+1, frame
	c.report.Frames++
	c.report.Events += uint64(frame.Count())
	c.report.Bytes += uint64(len(frame.Raw()))
	c.report.Last = last
	c.witnessRoots()
	if c.opts.Progress != nil {
		c.opts.Progress(Progress{
			Sequence: last, Events: c.report.Events, Bytes: c.report.Bytes,
		})
	}
}

// root compares the root in the frame with that of the tree over all events before it.
func (c *checker) root(frame eventstore.Frame) {
	if c.report.RootsUnverifiedFrom != 0 {
		return
	}
	switch isFalse := c.tree.Root() != frame.Root(); {
	case !isFalse:
		c.rootFalse = false
	case c.rootFalse:
		// The events differ from those that the roots were made over, and so will every root.
		c.giveUpRoots(frame.First())
	default:
		// The root one frame earlier was true, which leaves the events since.
		c.rootFalse = true
		c.find(max(c.previous.First(), 1), max(frame.First()-1, 1),
			"changed: the root that the frame from event %d on carries is not that of the"+
				" events before it; either these events or that root were changed", frame.First())
	}
}

// witnessRoots compares the tree with the roots that witnesses have kept.
func (c *checker) witnessRoots() {
	for _, w := range c.opts.Witnesses {
		if w.Sequence != c.report.Last || w.Root == (merkle.Hash{}) ||
			c.report.RootsUnverifiedFrom != 0 {
			continue
		}
		if root := c.tree.Root(); root != w.Root {
			c.find(1, w.Sequence, "changed: the root over them is %s, %s has %s",
				root, w.Name, w.Root)
		}
	}
}

// records checks the events one by one.
func (c *checker) records(frame eventstore.Frame) {
	for r := range frame.Records() {
		if r.Sequence%yieldEvery == 0 {
			runtime.Gosched()
		}
		if r.RecordedAt < c.at && r.Sequence > 1 {
			c.find(r.Sequence, r.Sequence, "record time is before that of event %d", r.Sequence-1)
		}
		c.at = r.RecordedAt
		if c.opts.Decode == nil {
			continue
		}
		if err := c.opts.Decode(r); err != nil {
			c.find(r.Sequence, r.Sequence, "undecodable: %v", err)
		}
	}
}

// witnesses compares the end of the log with what others have seen of it.
func (c *checker) witnesses() {
	var furthest Witness
	for _, w := range c.opts.Witnesses {
		if w.Sequence > furthest.Sequence {
			furthest = w
		}
	}
	if end := c.want - 1; furthest.Sequence > end {
		c.find(end+1, furthest.Sequence,
			"lost: %s has seen the log up to event %d, it ends with %d",
			furthest.Name, furthest.Sequence, end)
	}
}
