package projections

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"cakupan/eventstore"
)

// openOrBegin opens the file of a projection, and begins anew where it is of no use: renewed says
// why. The lock is held.
//
// A file of another log, or of more events than the log has, is not removed: that is for somebody
// to decide (contract, section 10). Where it was removed, the error is that of removing it or
// of opening the new one.
func (s *Shelf) openOrBegin(ctx context.Context, p *place) (kept Kept, renewed, err error) {
	kept, err = p.kind.Open(ctx, s.feed, File{Path: p.path})
	if !errors.Is(err, ErrOutdated) && !errors.Is(err, ErrDamaged) {
		return kept, nil, err
	}
	renewed = err
	s.opts.Logger.WarnContext(ctx, "projection is built anew",
		slog.String("projection", p.kind.Name), slog.Any("reason", renewed))
	if err := removeFile(p.path); err != nil {
		return nil, renewed, err
	}
	kept, err = p.kind.Open(ctx, s.feed, File{Path: p.path})
	return kept, renewed, err
}

// usable tells whether a volume can be asked, or will be again by itself. One that follows may be
// damaged: it is about to be built anew.
func (v *volume) usable() bool { return v != nil && (v.follows || v.kept.Damage() == nil) }

// discard removes the file of a projection that is damaged, so that whoever opens it next builds it
// anew. The lock is held. A crash behind it leaves no file, which is the same as a new one.
func (s *Shelf) discard(p *place, v *volume) {
	s.opts.Logger.Error("projection is damaged and is built anew from the log",
		slog.String("projection", p.kind.Name), slog.Any("error", v.kept.Damage()))
	_ = v.kept.Close() // nothing of it is used any more
	if err := removeFile(p.path); err != nil {
		s.opts.Logger.Error("damaged projection", slog.Any("error", err))
	}
}

// renew builds a projection anew whose file is damaged. The damaged one stays in its place and says
// so to whoever asks, until the new one has seen as much. It tries again until it succeeds or the
// shelf closes, as the disk may be full for a time.
func (s *Shelf) renew(p *place, damaged *volume) {
	seen, _ := damaged.kept.Applied()
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	s.work.Go(func() {
		select {
		case <-s.closing:
			stop()
		case <-ctx.Done():
		}
	})
	tries := time.NewTicker(reopenInterval)
	defer tries.Stop()
	for !s.renewOnce(ctx, p, damaged, seen) {
		select {
		case <-s.closing:
			return
		case <-tries.C:
		}
	}
}

// renewOnce tries it, and reports whether there is nothing more to do. The new file lies in the
// place of the damaged one from the beginning: a crash on the way leaves a part of it, which the
// next start goes on with.
func (s *Shelf) renewOnce(ctx context.Context, p *place, damaged *volume,
	seen eventstore.Sequence,
) bool {
	s.mu.Lock()
	if s.closed || p.live.Load() != damaged { // a rebuilt one has taken its place meanwhile
		s.mu.Unlock()
		return true
	}
	s.discard(p, damaged)
	kept, _, err := s.openOrBegin(ctx, p)
	s.mu.Unlock()
	if err == nil {
		err = kept.CatchUp(ctx, seen, nil)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err != nil:
		s.opts.Logger.ErrorContext(ctx, "projection cannot be built anew",
			slog.String("projection", p.kind.Name), slog.Any("error", err))
		if kept != nil {
			_ = kept.Close()
		}
		return s.closed
	case s.closed || p.live.Load() != damaged:
		_ = kept.Close()
		return true
	}
	p.live.Store(s.newVolume(p, kept))
	s.opts.Logger.InfoContext(ctx, "projection is built anew",
		slog.String("projection", p.kind.Name), slog.Uint64("events", uint64(seen)))
	return true
}
