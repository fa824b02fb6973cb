package bundle

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sort"

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

// errCount is of events that no ledger has recorded so. It is the fault of whoever made the bundle,
// unlike a disk that is full.
var errCount = errors.New("events cannot be counted")

// question is which figure is counted. It is what the signed answer itself says it is about.
type question struct {
	region    region.Code
	on        temporal.Date
	indicator event.Indicator
}

// count counts the figure of events by the ledger's own rules: in a folder of its own, which is
// removed, a log of these events alone is folded as a ledger folds its own. The rules look at the
// order of events, which is kept, and not at their numbers. The folder is a temporary one of this
// machine, and the log is in memory, with the events once more. The answer has the sequences of the
// events' own log, and Known as the fold knows it, which the caller replaces. An error that wraps
// errCount is of the events; any other is of this machine or of ctx.
func count(ctx context.Context, events []eventstore.Record, q question,
) (a coverage.Answer, err error) {
	dir, err := os.MkdirTemp("", "cakupan-check-")
	if err != nil {
		return a, fmt.Errorf("make a folder to count in: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	log, err := dense(ctx, events)
	if err != nil {
		return a, fmt.Errorf("%w: %w", errCount, err)
	}
	shelf := projections.NewShelf(projections.Options{
		Folder: dir, Log: log, Kinds: []projections.Kind{
			projections.StagedKind[*coverage.Projection, coverage.Batch](
				coverage.Name, coverage.New),
		},
	})
	defer func() { err = errors.Join(err, shelf.Close()) }()
	kept, err := shelf.Open(ctx, coverage.Name)
	if err == nil {
		err = shelf.CatchUp(ctx, coverage.Name, eventstore.Sequence(len(events)))
	}
	if errors.Is(err, projections.ErrPoisoned) {
		err = fmt.Errorf("%w: %w", errCount, err)
	}
	if err != nil {
		return a, fmt.Errorf("count: %w", err)
	}
	p, ok := projections.Answers[*coverage.Projection](kept)
	if !ok {
		return a, errors.New("count: the coverage is of another kind")
	}
	a, err = p.View().Answer(coverage.Query{
		Region: q.region, On: q.on, Known: coverage.Everything, Indicator: q.indicator,
	})
	if err == nil {
		renumber(&a, events)
	}
	return a, err
}

// renumber gives an answer the numbers that the events have in their own log. Only what names an
// event has a number: workforces and targets. Those of an answer are among the events, or it could
// not have named them.
func renumber(a *coverage.Answer, events []eventstore.Record) {
	back := func(seq *eventstore.Sequence) { *seq = events[*seq-1].Sequence }
	for _, w := range []*coverage.Workforce{
		a.Workforce, a.Sectors.Formal.Workforce, a.Sectors.Informal.Workforce,
	} {
		if w != nil {
			back(&w.Sequence)
		}
	}
	for _, t := range []*coverage.Target{
		a.Target, a.Sectors.Formal.Target, a.Sectors.Informal.Target,
	} {
		if t != nil {
			back(&t.Sequence)
		}
	}
}

// dense returns a log of the events, numbered from 1. Roots of frames are left empty: nobody
// compares them, as compareLog has proved the events already. Events that shared a frame need not
// share one here.
func dense(ctx context.Context, events []eventstore.Record) (*memlog.Log, error) {
	log := memlog.New(eventstore.Identity{Ledger: "bundle", Created: 1})
	b := &eventstore.FrameBuilder{}
	var tail eventstore.Tail
	var stored []byte
	flush := func() (err error) {
		if b.Count() > 0 {
			tail, err = log.Append(ctx, b.Bytes(), tail)
		}
		return err
	}
	for i := range events {
		r := &events[i]
		var err error
		if stored, err = renamed(stored[:0], r, events[:i]); err != nil {
			return nil, err
		}
		// The first event begins the first frame below.
		if i > 0 {
			if err = b.Append(r.RecordedAt, stored); err == nil {
				continue
			}
		}
		// The frame is full, or the time is too far from its first one: another frame begins.
		if i > 0 && !errors.Is(err, eventstore.ErrFrameFull) &&
			!errors.Is(err, eventstore.ErrRecordOrder) {
			return nil, err
		}
		if err := flush(); err != nil {
			return nil, err
		}
		b.Reset(eventstore.Sequence(i+1), merkle.Hash{}, r.RecordedAt)
		if err := b.Append(r.RecordedAt, stored); err != nil {
			return nil, err
		}
	}
	return log, flush()
}

// renamed returns the stored bytes of an event, with the number of the event that a retraction
// names as it is here. earlier are the events before it. Its sequence counts from 1 among the
// events, as dense numbers them. A retraction of an event that is not in the bundle cannot be: the
// region's rule takes both or neither. One that comes before what it retracts has no number to
// name, and is as it was.
func renamed(dst []byte, r *eventstore.Record, earlier []eventstore.Record) ([]byte, error) {
	var e event.Event
	retracts, err := codec.Decode(r.Event, &e)
	if err != nil {
		return nil, fmt.Errorf("read event %d: %w", r.Sequence, err)
	}
	dst = codec.Append(dst, &e)
	if retracts == 0 {
		return dst, nil
	}
	// earlier is in the order of sequences.
	i := sort.Search(len(earlier), func(i int) bool {
		return earlier[i].Sequence >= eventstore.Sequence(retracts)
	})
	if i == len(earlier) || earlier[i].Sequence != eventstore.Sequence(retracts) {
		return nil, fmt.Errorf("event %d retracts event %d, which is not"+
			" there", r.Sequence, retracts)
	}
	return codec.AppendRetracts(dst, uint64(i+1)), nil
}
