package ledger

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"time"

	"cakupan/cmd/internal/problem"
)

// How often a ledger looks for files of its own server that have lost their names, and how long one
// must have, as the server replaces some itself.
const (
	unnamedEvery  = 10 * time.Second
	unnamedLasted = time.Second
)

// watchNames looks for files that were removed or replaced under the server of this ledger, until
// ctx ends. It reads and writes them on as if nothing was, so that nothing else finds out, and all
// of it is gone when the ledger stops. Of a cluster's servers there are other copies.
func (l *Ledger) watchNames(ctx context.Context) {
	for l.server != nil {
		l.lookAtNames(ctx)
		if !pause(ctx, unnamedEvery) {
			return
		}
	}
}

// lookAtNames does so once. What it finds stays until the ledger is started again: closing the file
// is what loses it. Nothing is taken in from then on, and all that is there can be backed up.
func (l *Ledger) lookAtNames(ctx context.Context) {
	if l.unnamed.Load() != nil {
		return
	}
	before, err := l.server.Unnamed()
	if err != nil || len(before) == 0 || !pause(ctx, unnamedLasted) {
		return // without descriptors it is not known, and others say so
	}
	after, err := l.server.Unnamed()
	i := slices.IndexFunc(after, func(path string) bool { return slices.Contains(before, path) })
	if err != nil || i < 0 {
		return
	}
	path, err := filepath.Rel(l.folder.Dir, after[i])
	if err != nil {
		path = after[i]
	}
	lost := error(problem.New(problem.StreamLost, fmt.Sprintf("%s was removed or replaced while"+
		" the ledger runs. What it held is there until the ledger stops, and nothing is taken in:"+
		" make a backup now (cakupan backup), then stop it, and restore that", path)))
	l.unnamed.Store(&lost)
	l.opts.Log.ErrorContext(ctx, "a file has lost its name", slog.Any("error", lost))
}

// lostName returns which file has lost its name, nil where none is known to.
func (l *Ledger) lostName() error {
	if lost := l.unnamed.Load(); lost != nil {
		return *lost
	}
	return nil
}

// pause waits, and tells whether ctx goes on.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
