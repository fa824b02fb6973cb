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
	"cakupan/eventstore"
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
	// The live one must be able to answer, unless it is damaged and shall be replaced.
	_, err = l.kept(ctx, name, 0)
	if err != nil && (!opts.Swap || !errors.Is(err, projections.ErrDamaged)) {
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
	digest, err := refolded(ctx, rebuilt, until, opts.Swap, func(at eventstore.Sequence) {
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
		EventsPerSecond: float64(until) / seconds, Digest: digest,
	}
	err = l.compare(ctx, &result)
	// A damaged one cannot be compared with, and is replaced for that very reason. One that differs
	// is replaced as well: Matches tells.
	replaced := opts.Swap && errors.Is(err, projections.ErrDamaged)
	if err != nil && !replaced {
		return result, err
	}
	err = nil
	if opts.Swap {
		swapped = true
		err = rebuilt.Swap()
	}
	return result, err
}

// refolded folds the log into a rebuild and returns its digest as of an event. One that is not kept
// makes no more than that.
func refolded(ctx context.Context, rebuilt *projections.Rebuild, until eventstore.Sequence,
	keep bool, progress func(eventstore.Sequence),
) (string, error) {
	if !keep {
		return rebuilt.FoldDigest(ctx, until, progress)
	}
	if err := rebuilt.CatchUp(ctx, until, progress); err != nil {
		return "", err
	}
	return rebuilt.Digest(until)
}

// compare compares the digest of a rebuilt projection with that of the live one, both as of the
// same event: the live one may have gone on since. It waits for the live one to have come as far.
// Matches is false where it cannot be asked.
func (l *Ledger) compare(ctx context.Context, result *ReplayResult) error {
	live, err := l.kept(ctx, result.Projection, result.Events)
	if err != nil {
		return err
	}
	was, err := live.Digest(result.Events)
	result.Matches = was == result.Digest
	return err
}
