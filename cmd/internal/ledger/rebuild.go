package ledger

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
	"cakupan/eventstore"
	"cakupan/eventstore/codec"
	"cakupan/eventstore/verify"
	"cakupan/projections"
	"cakupan/projections/coverage"
)

// Replay rebuilds a projection in a fresh file beside the live one and compares the two. The live
// one answers meanwhile. Only a fresh start proves anything: to go on from a stored state would
// compare that state with itself.
//
// If we crash before the swap, the fresh file is swept away at the next start; after it, the live
// file is the rebuilt one. Its name has the time in it so that two replays do not share a file.
func (l *Ledger) Replay(ctx context.Context, opts ReplayOptions, progress Progress,
) (result ReplayResult, err error) {
	name := cmp.Or(opts.Projection, coverage.Name)
	if !slices.Contains(l.shelf.Names(), name) {
		return result, problem.Query("projection", "there is no such projection; there are "+
			strings.Join(l.shelf.Names(), ", "))
	}
	if _, err := l.kept(ctx, name, 0); err != nil { // the live one must be able to answer
		return result, err
	}
	_, tail, err := l.log.Last(ctx)
	if err != nil {
		return result, err
	}
	until := tail.Sequence
	if opts.To != 0 {
		until = min(until, opts.To)
	}
	started := time.Now()
	rebuilt, err := l.shelf.Rebuild(ctx, name, strconv.FormatInt(started.UnixNano(), 10))
	if err != nil {
		return result, err
	}
	swapped := false
	defer func() {
		if !swapped {
			err = errors.Join(err, rebuilt.Remove())
		}
	}()
	fold := rebuilt.Fold
	if opts.Swap {
		fold = rebuilt.CatchUp
	}
	err = fold(ctx, until, func(at eventstore.Sequence) {
		if progress != nil {
			progress(min(at, until), until)
		}
	})
	if err != nil {
		return result, err
	}
	seconds := time.Since(started).Seconds()
	result = ReplayResult{
		Projection: name, Events: until, Seconds: seconds,
		EventsPerSecond: float64(until) / seconds,
	}
	if err := l.compare(ctx, rebuilt, &result); err != nil {
		return result, err
	}
	if opts.Swap {
		swapped = true
		err = rebuilt.Swap()
	}
	return result, err
}

// compare compares the digest of a rebuilt projection with that of the live one, both as of the
// same event: the live one may have gone on since.
func (l *Ledger) compare(ctx context.Context, rebuilt *projections.Rebuild, result *ReplayResult,
) (err error) {
	if result.Digest, err = rebuilt.Digest(result.Events); err != nil {
		return err
	}
	live, err := l.kept(ctx, result.Projection, result.Events)
	if err != nil {
		return err
	}
	was, err := live.Digest(result.Events)
	result.Matches = was == result.Digest
	return err
}

// witnesses tell how long the log once was. A log that ends before one of them has lost events, and
// nothing inside of it could tell: its frames are whole up to where it ends.
func (l *Ledger) witnesses() (witnesses []verify.Witness) {
	seen := func(name string, seq eventstore.Sequence) {
		if seq > 0 {
			witnesses = append(witnesses, verify.Witness{Name: name, Sequence: seq})
		}
	}
	if l.index != nil {
		seen("index", l.index.Last())
	}
	for _, state := range l.shelf.States() {
		seen("projection "+state.Name, state.Applied)
	}
	stored, _ := l.shelf.Stored() // a file that cannot be read is no witness
	for _, name := range l.shelf.Names() {
		seen("projection "+name, stored[name].Sequence)
	}
	return witnesses
}

// Verify reads and checks the whole log.
func (l *Ledger) Verify(ctx context.Context, progress Progress,
) (VerifyReport, error) {
	_, tail, err := l.log.Last(ctx)
	var damage *eventstore.DamageError
	if err != nil && !errors.As(err, &damage) {
		return VerifyReport{}, err
	}
	var decoded event.Event
	report, err := verify.Check(ctx, l.log, verify.Options{
		Decode: func(r eventstore.Record) error {
			_, err := codec.Decode(r.Event, &decoded)
			return err
		},
		Witnesses: l.witnesses(),
		Progress: func(p verify.Progress) {
			if progress != nil {
				progress(p.Sequence, max(tail.Sequence, p.Sequence))
			}
		},
	})
	if err != nil {
		return VerifyReport{}, err
	}
	result := VerifyReport{
		OK: report.OK(), Events: report.Last, Frames: report.Frames,
		Root: report.Root.String(), Findings: []Finding{},
	}
	for _, f := range report.Findings {
		result.Findings = append(result.Findings,
			Finding{From: f.From, To: f.To, What: f.What})
	}
	return result, nil
}
