package ledger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"time"

	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/eventstore/jetstream"
	"cakupan/eventstore/natsd"
	"cakupan/projections"
	"cakupan/projections/coverage"
)

// refold compares each projection with a fresh fold of the log, again and again; 0: never. It is
// done sooner where one was found to differ. Checksums tell whether a file has what was stored;
// this tells whether that was right.
func (l *Ledger) refold(ctx context.Context, every time.Duration) {
	if every <= 0 {
		return
	}
	pause := min(every, refoldAfter)
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		began := time.Now()
		pause = every
		for _, name := range l.shelf.Names() {
			err := l.compareFold(ctx, name)
			switch {
			case ctx.Err() != nil:
				return
			case errors.Is(err, errDrift):
				// Four parts of rest to one of work: it should not be all that goes on.
				pause = min(every, max(rescrub, 4*time.Since(began)))
			case err != nil:
				l.opts.Log.WarnContext(ctx, "projection could not be compared with a fresh fold",
					slog.String("projection", name), slog.Any("error", err))
			}
		}
	}
}

// errDrift is returned for a projection that is not what the log says.
var errDrift = errors.New("projection differs from a fresh fold of the log")

// compareFold compares a projection with a fresh fold, as both were known at the same event; twice
// when they differ. One that cannot answer now is left for the next time: its own part says why.
// The fresh one is removed whatever happens.
func (l *Ledger) compareFold(ctx context.Context, name string) error {
	kept := l.shelf.Live(name)
	if kept == nil || l.damage.Load() != nil || kept.Damage() != nil || !hasRoomFor(kept) {
		return nil
	}
	at, stopped := kept.Applied()
	if stopped != nil || at == 0 {
		return nil
	}
	// Twice, so that what was wrong for a moment only is not taken for drift.
	for range 2 {
		same, err := l.isFold(ctx, name, kept, at)
		switch {
		case l.shelf.Live(name) != kept || errors.Is(err, projections.ErrDamaged):
			return nil // another one is in its place, or is about to be
		case err != nil:
			return err
		case same:
			if l.watchman.sound(name, uint64(at), l.opts.Now()) {
				l.opts.Log.InfoContext(ctx, "projection is what the log says",
					slog.String("projection", name))
			}
			return nil
		}
	}
	drift := problem.Wrap(problem.ProjectionDrift, fmt.Sprintf("the %s differs from a fresh fold"+
		" of the log up to event %d and is not asked any more: run cakupan replay"+
		" --projection %s --swap to put a fresh one in its place", name, at, name), errDrift)
	if l.watchman.wrong(name, trouble{drift, kept}) {
		l.opts.Log.ErrorContext(ctx, "projection has drifted", slog.Any("error", drift))
	}
	return drift
}

// isFold tells whether a projection says what a fresh fold of the log says: the same digest and the
// same answers to questions of all kinds, since tables that are added up may be wrong where what
// they were made of is not. It is paced, and takes about workShare times as long as a fold at full
// speed.
func (l *Ledger) isFold(ctx context.Context, name string, kept projections.Kept,
	at eventstore.Sequence,
) (same bool, err error) {
	rest := &pace{ctx: ctx}
	err = l.withFresh(ctx, name, func(fresh projections.Kept) error {
		err := fresh.Fold(ctx, at, func(eventstore.Sequence) { rest.rest() })
		if err != nil {
			return err
		}
		want, err := fresh.Digest(at)
		if err != nil {
			return err
		}
		rest.rest()
		digest, err := kept.Digest(at)
		if same = digest == want; err != nil || !same {
			return err
		}
		rest.rest()
		same, err = sameAnswers(kept, fresh, at, rest.rest)
		return err
	})
	return same, err
}

// askedOf is how many questions are asked of both, of which others are asked the next time. They
// are random: they only find faults, and nothing derives from them.
const askedOf = 200

// sameAnswers asks two coverages the same questions; other projections have no such tables. Half of
// the questions are as of now, half as of an earlier event.
func sameAnswers(kept, fresh projections.Kept, at eventstore.Sequence, rest func(),
) (bool, error) {
	a, ok := projections.Answers[viewer](kept)
	b, too := projections.Answers[viewer](fresh)
	if !ok || !too {
		return true, nil
	}
	one, other := a.View(), b.View()
	regions := other.Regions(at)
	first, _ := temporal.NewDate(2014, 1, 1)
	last := temporal.Instant(time.Now().UnixNano()).Date()
	for range askedOf {
		q := coverage.Query{
			Region:    regions[rand.IntN(len(regions))],
			On:        first.AddDays(rand.IntN(int(last-first) + 60)),
			Known:     at,
			Indicator: event.Employed,
			By:        []coverage.Dimension{coverage.BySegment},
		}
		if rand.IntN(2) == 0 {
			q.Known = 1 + rand.N(at)
		}
		was, err := one.Answer(q)
		if err != nil {
			return false, err
		}
		is, err := other.Answer(q)
		if err != nil || !reflect.DeepEqual(was, is) {
			return false, err
		}
		rest()
	}
	return true, nil
}

// hasRoomFor tells whether the disk has room for a second file of a projection. What looks after
// the ledger must not be what fills its disk. Twice its size is asked for, beside what the log
// needs.
func hasRoomFor(kept projections.Kept) bool {
	file, err := os.Stat(kept.Path())
	if err != nil {
		return false
	}
	free, err := natsd.FreeSpace(filepath.Dir(kept.Path()))
	return err == nil && free >= jetstream.FreeSpaceMin+2*uint64(file.Size())
}
