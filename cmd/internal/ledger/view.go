package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cakupan/cmd/internal/folder"
	"cakupan/cmd/internal/problem"
	"cakupan/eventstore"
	"cakupan/projections"
	"cakupan/projections/coverage"
	"cakupan/projections/findings"
	"cakupan/projections/history"
	"cakupan/projections/standing"
)

// waitMax is how long a reader waits for its own write to show, or for a projection that is being
// built (contract, section 7). Then it is told to ask again, which holds no connection open.
const waitMax = 5 * time.Second

// historyPace is how often the history commits what trickles in. Nobody waits for it: what it has
// not seen yet is read from the log.
const historyPace = time.Second

// newShelf returns the ledger's projections. They are known by name from here on. Nothing is opened
// yet.
func (l *Ledger) newShelf() *projections.Shelf {
	return projections.NewShelf(projections.Options{
		Folder: l.folder.Path(folder.Views), Log: l.log, Logger: l.opts.Log, Fault: l.opts.Fault,
		Kinds: []projections.Kind{
			projections.StagedKind[*coverage.Projection, coverage.Batch](
				coverage.Name, coverage.New),
			projections.SimpleKind(history.Name, historyPace, history.New),
			projections.StagedKind[*findings.Projection, findings.Batch](
				findings.Name, findings.New),
		},
	})
}

// View returns the coverage: of a running ledger once it has applied minSeq, otherwise with all
// that is in the log.
//
// It shows no less than any view before it. When minSeq is not reached within waitMax the error is
// [problem.ProjectionBehind]; nothing is answered from a log or a projection that is known to be
// wrong.
func (l *Ledger) View(ctx context.Context, minSeq eventstore.Sequence) (*coverage.View, error) {
	p, err := coverageAs[viewer](ctx, l, minSeq)
	if err != nil {
		return nil, err
	}
	view := p.View()
	l.shown.Raise(view.Known())
	return view, nil
}

// Facts returns the facts that the coverage rests on, as much of them as View shows. What they say
// may be newer than a view that was got before.
func (l *Ledger) Facts(ctx context.Context, minSeq eventstore.Sequence) (standing.Source, error) {
	return coverageAs[standing.Source](ctx, l, minSeq)
}

// Findings returns the findings, of as many events at least. It waits as [Ledger.View] does.
func (l *Ledger) Findings(ctx context.Context, minSeq eventstore.Sequence,
) (*findings.Projection, error) {
	kept, err := l.believed(ctx, findings.Name, minSeq)
	if err != nil {
		return nil, err
	}
	p, ok := projections.Answers[*findings.Projection](kept)
	if !ok {
		return nil, fmt.Errorf("projection %s is of another kind", findings.Name)
	}
	return p, nil
}

// coverageAs returns the coverage, as who asks needs it.
func coverageAs[P any](ctx context.Context, l *Ledger, minSeq eventstore.Sequence,
) (p P, err error) {
	kept, err := l.believed(ctx, coverage.Name, minSeq)
	if err != nil {
		return p, err
	}
	p, ok := projections.Answers[P](kept)
	if !ok {
		return p, errOtherKind(coverage.Name)
	}
	return p, nil
}

// errOtherKind is of a mistake in the program, not in the data.
func errOtherKind(name string) error { return fmt.Errorf("projection %s is of another kind", name) }

// viewer is the coverage, as the ledger asks it.
type viewer interface {
	View() *coverage.View
	Workers() int
}

// believed returns a projection that has applied as much, and of which nothing is known to be
// wrong. What has drifted is not asked even by those who would wait.
func (l *Ledger) believed(ctx context.Context, name string, minSeq eventstore.Sequence,
) (projections.Kept, error) {
	kept, err := l.kept(ctx, name, minSeq)
	if err == nil {
		err = l.watchman.drifted(name, kept)
	}
	return kept, err
}

// kept returns a projection that has applied as much. A command, which nobody follows the log for,
// first catches up with all of it: it answers from the log as it is now, or not at all.
func (l *Ledger) kept(ctx context.Context, name string, minSeq eventstore.Sequence,
) (projections.Kept, error) {
	if damage := l.damage.Load(); damage != nil {
		return nil, *damage
	}
	kept, err := l.shelf.Open(ctx, name)
	if err != nil {
		return nil, folder.DerivedError(l.folder.Dir, err)
	}
	if !l.serving {
		if err := l.catchUp(ctx, name); err != nil {
			return nil, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, waitMax)
	defer cancel()
	minSeq = max(minSeq, l.least(name))
	switch err := l.wait(ctx, name, kept, minSeq); {
	case errors.Is(err, context.DeadlineExceeded):
		return nil, l.notThere(ctx, name, kept, minSeq)
	case err != nil:
		return nil, err
	}
	return kept, nil
}

// lastMax bounds how long the end of the log is asked for by who has waited already.
const lastMax = time.Second

// notThere says why a projection has not applied as much in time. Who has seen more than the log
// holds is told both positions: it is no projection that is late then (contract, section 10).
func (l *Ledger) notThere(ctx context.Context, name string, kept projections.Kept,
	minSeq eventstore.Sequence,
) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastMax)
	defer cancel()
	if _, tail, err := l.log.Last(ctx); err == nil && tail.Sequence < minSeq {
		return problem.New(problem.ProjectionBehind, fmt.Sprintf("event %d was asked for, and the"+
			" log ends with event %d: if event %d was acknowledged, the log has lost its end or is"+
			" an older copy; if the older log is meant, ask without it", minSeq, tail.Sequence,
			minSeq))
	}
	applied, _ := kept.Applied()
	return problem.New(problem.ProjectionBehind, beingBuilt(name, applied, minSeq)+"; ask again")
}

// wait waits for minSeq, and reports a projection that has stopped. One that has stopped answers
// nothing, not even about what it had applied: an old answer must not pass for a new one.
func (l *Ledger) wait(ctx context.Context, name string, kept projections.Kept,
	minSeq eventstore.Sequence,
) error {
	applied, stopped := kept.Applied()
	switch damage := kept.Damage(); {
	case damage != nil:
		return stoppedError(name, damage)
	case stopped != nil:
		return stoppedError(name, stopped)
	case applied >= minSeq:
		return nil
	case !l.serving:
		return problem.New(problem.ProjectionBehind,
			fmt.Sprintf("the log ends at event %d", applied))
	}
	err := kept.Wait(ctx, minSeq)
	if errors.Is(err, projections.ErrStopped) {
		return stoppedError(name, err)
	}
	return err
}

// stoppedError has words for a projection that does not answer: what to do about damage of the log
// is another thing than waiting until a file was made anew.
func stoppedError(name string, err error) error {
	var damage *eventstore.DamageError
	switch {
	case errors.As(err, &damage):
		return err
	case errors.Is(err, projections.ErrDamaged):
		return problem.Wrap(problem.ProjectionBehind, fmt.Sprintf("the file of the %s is damaged "+
			"and is being built anew from the log: ask again", name), err)
	}
	return problem.Wrap(problem.ProjectionStopped, fmt.Sprintf(
		"the %s has stopped following the log: the operator's log says why", name), err)
}

// catchUp applies what the log holds, for commands that do not follow it. What is appended while it
// does so is not waited for, or a busy ledger could keep a command busy for ever.
func (l *Ledger) catchUp(ctx context.Context, name string) error {
	_, tail, err := l.log.Last(ctx)
	if err != nil {
		return err
	}
	return l.shelf.CatchUp(ctx, name, tail.Sequence)
}

// checkWitness refuses to append to a log that has lost its end: a projection has seen how long it
// was, also when the index has not. One that is open was checked when it was opened.
//
// To append would give out sequences a second time, and every receipt, bookmark and published
// figure that names one would then speak of another event. No later check could find that out. Only
// files of projections that nobody has opened yet are looked at; a damaged one is no witness.
func (l *Ledger) checkWitness(ctx context.Context) error {
	seen, err := l.shelf.Stored()
	if err != nil || len(seen) == 0 {
		return folder.DerivedError(l.folder.Dir, err)
	}
	_, tail, err := l.log.Last(ctx)
	if err != nil {
		return folder.DerivedError(l.folder.Dir, err)
	}
	for _, name := range l.shelf.Names() {
		switch at := seen[name]; {
		case at.Sequence > 0 && at.Log != l.log.Identity():
			err = projections.ErrOtherLog
		case tail.Sequence < at.Sequence:
			err = fmt.Errorf("%w: the log ends at event %d, the projection has seen %d",
				projections.ErrLogShorter, tail.Sequence, at.Sequence)
		}
	}
	return folder.DerivedError(l.folder.Dir, err)
}

// Workers returns how many workers the coverage knows, 0 while nobody has asked for it. It is for
// those who measure, and opens nothing.
func (l *Ledger) Workers() int {
	kept := l.shelf.Live(coverage.Name)
	if kept == nil {
		return 0
	}
	p, ok := projections.Answers[viewer](kept)
	if !ok {
		return 0
	}
	return p.Workers()
}
