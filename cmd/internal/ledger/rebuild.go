package ledger

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"cakupan/domain/event"
	"cakupan/eventstore"
	"cakupan/eventstore/codec"
	"cakupan/eventstore/verify"
	"cakupan/projections"
	"cakupan/projections/coverage"
)

// Replay rebuilds the coverage in a fresh file beside the live one and compares the two.
func (l *Ledger) Replay(ctx context.Context, opts ReplayOptions, progress Progress,
) (result ReplayResult, err error) {
	if _, err := l.View(ctx, 0); err != nil { // the live one must be able to answer
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
	name := strings.Replace(rebuildPattern, "*", strconv.FormatInt(time.Now().UnixNano(), 10), 1)
	fresh := l.folder.path(viewsFolder, name)
	started := time.Now()
	rebuilt, err := openCoverage(ctx, l.log, projections.File{Path: fresh, Scratch: true})
	if err != nil {
		return result, err
	}
	keep := false
	defer func() {
		if !keep {
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
		Projection: coverage.Name, Events: until, Seconds: seconds,
		EventsPerSecond: float64(until) / seconds,
	}
	if result.Digest, err = rebuilt.Projection().View().Digest(until); err != nil {
		return result, err
	}
	live, err := l.View(ctx, until)
	if err != nil {
		return result, err
	}
	was, err := live.Digest(until)
	if err != nil {
		return result, err
	}
	result.Matches = was == result.Digest
	if opts.Swap {
		keep = true
		err = l.swap(rebuilt)
	}
	return result, err
}

// swap puts a rebuilt projection in the place of the live one. Readers of the old one finish in
// peace; new ones find the rebuilt one.
//
// If we crash before the rename, the old file stays and the new one is left over; after it, the
// next start opens the rebuilt one.
func (l *Ledger) swap(rebuilt *coverageRunner) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	path := l.folder.path(viewsFolder, coverageFile)
	if err := rebuilt.Keep(); err != nil {
		return errors.Join(err, rebuilt.Remove())
	}
	l.at(faultBeforeSwap)
	if err := os.Rename(rebuilt.Path(), path); err != nil {
		err = fmt.Errorf("put the rebuilt projection in place: %w", err)
		return errors.Join(err, rebuilt.Remove())
	}
	l.at(faultAfterSwap)
	// Should this fail, a power cut may bring the old file back, which is as good: the rebuilt
	// one answers all the same.
	err := syncFolder(filepath.Dir(path))
	v := &liveView{runner: rebuilt, stop: func() {}, done: make(chan struct{})}
	if l.serving {
		v.follow(l)
	} else {
		close(v.done)
	}
	if old := l.view.Swap(v); old != nil {
		old.stop()
		<-old.done
		time.AfterFunc(oldViewLife, func() { _ = old.runner.Close() })
	}
	return err
}

// The crash points of a swap, beside those of the writer.
const (
	faultBeforeSwap = "before-swap" // the rebuilt file is durable, under its own name
	faultAfterSwap  = "after-swap"  // it has the live one's name
)

// at calls the hook of crash tests.
func (l *Ledger) at(point string) {
	if l.opts.Fault != nil {
		l.opts.Fault(point)
	}
}

// witnesses tell how long the log once was.
func (l *Ledger) witnesses() (witnesses []verify.Witness) {
	seen := func(name string, seq eventstore.Sequence) {
		if seq > 0 {
			witnesses = append(witnesses, verify.Witness{Name: name, Sequence: seq})
		}
	}
	if l.index != nil {
		seen("index", l.index.Last())
	}
	if v := l.view.Load(); v != nil {
		applied, _ := v.runner.Applied()
		seen("projection coverage", applied)
		return witnesses
	}
	stored, err := projections.StoredPosition(l.folder.path(viewsFolder, coverageFile))
	if err == nil {
		seen("projection coverage", stored.Sequence)
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
