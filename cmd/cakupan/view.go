package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"cakupan/cmd/internal/httpapi"
	"cakupan/cmd/internal/problem"
	"cakupan/eventstore"
	"cakupan/eventstore/jetstream"
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

// openView opens the coverage. One that another version of the program made is rebuilt.
func (l *ledger) openView(ctx context.Context) (*liveView, error) {
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
func (l *ledger) removeLeftovers() error {
	leftovers, err := filepath.Glob(l.folder.path(viewsFolder, rebuildPattern))
	for _, path := range leftovers {
		err = errors.Join(err, removeView(path))
	}
	return err
}

// follow makes the projection follow the log until stop.
func (v *liveView) follow(l *ledger) {
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
func (l *ledger) reopenView(failed *liveView) {
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

// serve makes the ledger a running one: it can append, the coverage follows the log, and the
// log is checked now and then, in the background.
//
// A damaged log does not keep it from starting: it says so wherever it is asked.
func (l *ledger) serve(ctx context.Context, url string, scrub time.Duration) error {
	l.serving = true
	_, tail, err := l.log.Last(ctx)
	l.atStart = tail.Sequence
	if err == nil {
		_, err = l.openIntake(ctx)
	}
	if err == nil {
		_, err = l.openView(ctx)
	}
	if err != nil && !l.noteDamage(err) {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	l.background.Go(func() { l.scrub(ctx, scrub) })
	l.background.Go(func() { <-l.closing; stop() })
	return l.folder.announce(url)
}

// noteDamage keeps an error that says that the log is damaged, and reports whether it does.
func (l *ledger) noteDamage(err error) bool {
	damage := problem.From(err)
	if damage.Code != problem.LogDamaged {
		return false
	}
	l.opts.Log.Error("log is damaged", slog.Any("error", err))
	err = damage
	l.damage.CompareAndSwap(nil, &err)
	return true
}

// scrub checks the whole log, at once and then at every interval, until it finds damage.
func (l *ledger) scrub(ctx context.Context, every time.Duration) {
	for {
		report, err := l.Verify(ctx, nil)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			l.opts.Log.ErrorContext(ctx, "check of the log failed", slog.Any("error", err))
		case !report.OK:
			first := report.Findings[0]
			l.noteDamage(problem.New(problem.LogDamaged, fmt.Sprintf(
				"the log is damaged at event %d: %s; run cakupan verify for all of it",
				first.From, first.What)))
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(every):
		}
	}
}

// View returns the coverage: of a running ledger once it has applied minSeq, otherwise with all
// that is in the log.
func (l *ledger) View(ctx context.Context, minSeq eventstore.Sequence) (*coverage.View, error) {
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
func (l *ledger) catchUp(ctx context.Context, v *liveView) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, tail, err := l.log.Last(ctx)
	if err != nil {
		return err
	}
	return v.runner.CatchUp(ctx, tail.Sequence, nil)
}

// checkRoom returns eventstore.ErrFull when the disk has no room for another append.
func (l *ledger) checkRoom() error {
	free, err := l.server.FreeSpace()
	if err == nil && free < jetstream.FreeSpaceMin {
		return eventstore.ErrFull
	}
	return err
}

// Health tells how the ledger is.
func (l *ledger) Health(ctx context.Context) httpapi.Health {
	h := httpapi.Health{
		Status: httpapi.HealthOK, Projections: map[string]httpapi.ProjectionHealth{},
	}
	fail := func(err error) {
		if err != nil && h.Status == httpapi.HealthOK {
			h.Status, h.Why = "failing", problem.From(err).Detail
		}
	}
	if damage := l.damage.Load(); damage != nil {
		fail(*damage)
	}
	_, tail, err := l.log.Last(ctx)
	h.Head = tail.Sequence
	fail(err)
	if l.writer != nil {
		fail(l.writer.Err())
	}
	if l.server != nil {
		fail(l.checkRoom())
	}
	if v := l.view.Load(); v != nil {
		applied, stopped := v.runner.Applied()
		h.Projections[coverage.Name] = httpapi.ProjectionHealth{Sequence: applied}
		if stopped != nil {
			fail(stoppedError(stopped))
		}
		fail(v.runner.Unsaved())
	}
	return h
}
