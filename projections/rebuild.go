package projections

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"cakupan/eventstore/durable"
)

// Rebuild is a projection that is built again from the log, in a fresh file beside the live one.
// Either Swap or Remove ends it. Nobody but its owner reads it until it is swapped.
type Rebuild struct {
	Kept
	shelf *Shelf
	place *place
}

// Rebuild begins a rebuild, of which no event is applied yet. The file is the projection's name
// with the mark, which no other rebuild may have. What rebuilds before a crash have left over is
// swept first. The file is a scratch one: it is synced when it is swapped, and not before.
func (s *Shelf) Rebuild(ctx context.Context, name, mark string) (*Rebuild, error) {
	p, err := s.place(name)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	err = s.sweep()
	s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	path := filepath.Join(s.opts.Folder, fmt.Sprintf("%s-%s.db", name, mark))
	kept, err := p.kind.Open(ctx, s.feed, File{Path: path, Scratch: true})
	if err != nil {
		return nil, err
	}
	return &Rebuild{kept, s, p}, nil
}

// Swap puts the rebuilt projection, which has caught up, in the place of the live one. Readers of
// the old one finish in peace; new ones find the rebuilt one.
//
// If we crash before the rename, the old file stays and the new one is left over; after it, the
// next start opens the rebuilt one.
func (r *Rebuild) Swap() error {
	s, p := r.shelf, r.place
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errors.Join(fmt.Errorf("swap projection: %w", os.ErrClosed), r.Remove())
	}
	// It is made durable before it gets the name of the live one.
	if err := r.Keep(); err != nil {
		return errors.Join(err, r.Remove())
	}
	s.opts.Fault(FaultBeforeSwap)
	err := durable.Rename(r.Path(), p.path)
	if err != nil && !errors.Is(err, durable.ErrUnsynced) {
		err = fmt.Errorf("put the rebuilt projection in place: %w", err)
		return errors.Join(err, r.Remove())
	}
	s.opts.Fault(FaultAfterSwap)
	// Unsynced, a power cut may bring the old file back, which is as good: the rebuilt one answers
	// all the same. What is in the file may be older then, but is whole.
	if old := p.live.Swap(s.newVolume(p, r.Kept)); old != nil {
		old.stop()
		<-old.done
		time.AfterFunc(oldLife, func() { _ = old.kept.Close() })
	}
	return err
}
