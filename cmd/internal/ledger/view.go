package ledger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"cakupan/cmd/internal/problem"
	"cakupan/eventstore"
	"cakupan/projections"
	"cakupan/projections/coverage"
)

// waitMax is how long a reader waits for its own write to show.
const waitMax = 5 * time.Second

// reopenInterval is how long a projection that has stopped waits before it is tried again.
const reopenInterval = 2 * time.Second

// oldViewLife is how long a projection that was swapped out stays open for its last readers.
const oldViewLife = 10 * time.Second

// coverageRunner keeps a coverage projection.
type coverageRunner = projections.Runner[*coverage.Projection, coverage.Batch]

func openCoverage(ctx context.Context, log eventstore.Log, file projections.File,
) (*coverageRunner, error) {
	return projections.Open[*coverage.Projection, coverage.Batch](ctx, log, file, coverage.New)
}

// liveView is the projection that answers, and what stops its following of the log.
type liveView struct {
	runner *coverageRunner
	stop   context.CancelFunc
	done   chan struct{}
}

// openView opens the coverage. One that another version of the program made is rebuilt.
func (l *Ledger) openView(ctx context.Context) (*liveView, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if v := l.view.Load(); v != nil {
		return v, nil
	}
	if err := os.MkdirAll(l.folder.path(viewsFolder), privateFolders); err != nil {
		return nil, folderError(l.folder.dir, err)
	}
	if err := l.removeLeftovers(); err != nil {
		return nil, err
	}
	path := l.folder.path(viewsFolder, coverageFile)
	runner, err := openCoverage(ctx, l.log, projections.File{Path: path})
	if errors.Is(err, projections.ErrOutdated) {
		if err := removeView(path); err != nil {
			return nil, err
		}
		runner, err = openCoverage(ctx, l.log, projections.File{Path: path})
	}
	if err != nil {
		return nil, derivedError(l.folder.dir, err)
	}
	v := &liveView{runner: runner, stop: func() {}, done: make(chan struct{})}
	if l.serving {
		v.follow(l)
	} else {
		close(v.done)
	}
	l.view.Store(v)
	return v, nil
}

// removeLeftovers deletes the files of rebuilds that a crash has cut off. The folder is locked, so
// nobody else is at one now.
func (l *Ledger) removeLeftovers() error {
	leftovers, err := filepath.Glob(l.folder.path(viewsFolder, rebuildPattern))
	for _, path := range leftovers {
		err = errors.Join(err, removeView(path))
	}
	return err
}

// follow makes the projection follow the log until stop.
func (v *liveView) follow(l *Ledger) {
	ctx, cancel := context.WithCancel(context.Background())
	v.stop = cancel
	go func() {
		defer close(v.done)
		err := v.runner.Run(ctx)
		if err == nil {
			return
		}
		l.opts.Log.Error("projection has stopped",
			slog.String("projection", coverage.Name), slog.Any("error", err))
		var damage *eventstore.DamageError
		if !errors.As(err, &damage) && !errors.Is(err, projections.ErrPoisoned) {
			l.background.Go(func() { l.reopenView(v) })
		}
	}()
}

// reopenView opens a projection again that stopped because something around it failed: the disk
// was full, or the log out of reach. It begins where its file says, as after a crash.
func (l *Ledger) reopenView(failed *liveView) {
	<-failed.done
	_ = failed.runner.Close() // nothing more can be lost: the file holds the last commit
	for {
		select {
		case <-l.closing:
			return
		case <-time.After(reopenInterval):
		}
		l.mu.Lock()
		if l.view.Load() != failed { // a rebuilt one has taken its place meanwhile
			l.mu.Unlock()
			return
		}
		path := l.folder.path(viewsFolder, coverageFile)
		runner, err := openCoverage(context.Background(), l.log, projections.File{Path: path})
		if err != nil {
			l.mu.Unlock()
			l.opts.Log.Error("projection cannot be opened again", slog.Any("error", err))
			continue
		}
		v := &liveView{runner: runner, done: make(chan struct{})}
		v.follow(l)
		l.view.Store(v)
		l.mu.Unlock()
		return
	}
}

// View returns the coverage: of a running ledger once it has applied minSeq, otherwise with all
// that is in the log.
func (l *Ledger) View(ctx context.Context, minSeq eventstore.Sequence) (*coverage.View, error) {
	if damage := l.damage.Load(); damage != nil {
		return nil, *damage
	}
	v, err := l.openView(ctx)
	if err != nil {
		return nil, err
	}
	if !l.serving {
		if err := l.catchUp(ctx, v); err != nil {
			return nil, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, waitMax)
	defer cancel()
	minSeq = max(minSeq, l.atStart)
	switch err := v.wait(ctx, minSeq, l.serving); {
	case errors.Is(err, context.DeadlineExceeded):
		return nil, problem.New(problem.ProjectionBehind,
			fmt.Sprintf("event %d is not applied yet: ask again", minSeq))
	case err != nil:
		return nil, err
	}
	return v.runner.Projection().View(), nil
}

// wait waits for minSeq, and reports a projection that has stopped.
func (v *liveView) wait(ctx context.Context, minSeq eventstore.Sequence, serving bool) error {
	applied, stopped := v.runner.Applied()
	switch {
	case stopped != nil:
		return stoppedError(stopped)
	case applied >= minSeq:
		return nil
	case !serving:
		return problem.New(problem.ProjectionBehind,
			fmt.Sprintf("the log ends at event %d", applied))
	}
	err := v.runner.Wait(ctx, minSeq)
	if errors.Is(err, projections.ErrStopped) {
		return stoppedError(err)
	}
	return err
}

func stoppedError(err error) error {
	var damage *eventstore.DamageError
	if errors.As(err, &damage) {
		return err
	}
	return problem.Wrap(problem.ProjectionStopped,
		"the coverage has stopped following the log: the operator's log says why", err)
}

// catchUp applies what the log holds, for commands that do not follow it.
func (l *Ledger) catchUp(ctx context.Context, v *liveView) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, tail, err := l.log.Last(ctx)
	if err != nil {
		return err
	}
	return v.runner.CatchUp(ctx, tail.Sequence, nil)
}

// removeView deletes a projection's file; what is not there is no error.
func removeView(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove old projection: %w", err)
	}
	return nil
}

// checkWitness refuses to append to a log that has lost its end: the projection has seen how long
// it was, also when the index has not.
func (l *Ledger) checkWitness(ctx context.Context) error {
	if l.view.Load() != nil {
		return nil // was checked when it was opened
	}
	seen, err := projections.StoredPosition(l.folder.path(viewsFolder, coverageFile))
	if err != nil || seen.Sequence == 0 {
		return derivedError(l.folder.dir, err)
	}
	_, tail, err := l.log.Last(ctx)
	switch {
	case err == nil && seen.Log != l.log.Identity():
		err = projections.ErrOtherLog
	case err == nil && tail.Sequence < seen.Sequence:
		err = fmt.Errorf("%w: the log ends at event %d, the projection has seen %d",
			projections.ErrLogShorter, tail.Sequence, seen.Sequence)
	}
	return derivedError(l.folder.dir, err)
}

// Workers returns how many workers the coverage knows, 0 while nobody has asked for it.
func (l *Ledger) Workers() int {
	if v := l.view.Load(); v != nil {
		return v.runner.Projection().Workers()
	}
	return 0
}
