package ledger

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"cakupan/cmd/internal/problem"
	"cakupan/eventstore"
	"cakupan/eventstore/jetstream"
)

// Serve makes the ledger a running one: it can append, the projections follow the log, and the
// log is checked now and then, in the background. url is told to whoever finds the folder locked;
// scrub is the time between two checks. It is called once, before anybody else may ask.
//
// A damaged log does not keep it from starting: it says so wherever it is asked.
func (l *Ledger) Serve(ctx context.Context, url string, scrub time.Duration) error {
	l.serving = true
	l.shelf.Follow()
	_, tail, err := l.log.Last(ctx)
	l.atStart, l.servingSince = tail.Sequence, wallClock()
	if err == nil {
		_, err = l.openIntake(ctx)
	}
	if err == nil {
		err = l.openShelf(ctx)
	}
	if err != nil && !l.noteDamage(err) {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	l.background.Go(func() { l.scrub(ctx, scrub) })
	l.background.Go(func() { <-l.closing; stop() })
	return l.folder.announce(url)
}

// openShelf opens all projections, so that what cannot be read is found out by who starts the
// server and not by the first who asks.
func (l *Ledger) openShelf(ctx context.Context) error {
	for _, name := range l.shelf.Names() {
		if _, err := l.shelf.Open(ctx, name); err != nil {
			return derivedError(l.folder.dir, err)
		}
	}
	return nil
}

// noteDamage keeps an error that says that the log is damaged, and reports whether it does. The
// first stays: what is found later may be what the first has led to.
func (l *Ledger) noteDamage(err error) bool {
	damage := problem.From(err)
	if damage.Code != problem.LogDamaged {
		return false
	}
	l.opts.Log.Error("log is damaged", slog.Any("error", err))
	err = damage
	l.damage.CompareAndSwap(nil, &err)
	return true
}

// scrub checks the whole log, at once and then at every interval, until it finds damage. That the
// check itself fails, because the log is out of reach, says nothing about the log: it is told, and
// tried again at the next interval.
func (l *Ledger) scrub(ctx context.Context, every time.Duration) {
	for {
		report, err := l.verifyLog(ctx, nil)
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

// checkRoom returns eventstore.ErrFull when the disk has no room for another append; see
// [jetstream.FreeSpaceMin] for why that is long before its last byte.
func (l *Ledger) checkRoom() error {
	free, err := l.server.FreeSpace()
	if err == nil && free < jetstream.FreeSpaceMin {
		return eventstore.ErrFull
	}
	return err
}

// Health tells how the ledger is, at this moment: it asks each part anew and keeps nothing, so that
// it heals by itself when the cause is gone. Of several things that are wrong the first says why,
// in the order in which one leads to the next.
func (l *Ledger) Health(ctx context.Context) Health {
	h := Health{
		Status: HealthOK, Projections: map[string]ProjectionHealth{},
	}
	fail := func(err error) {
		if err != nil && h.Status == HealthOK {
			h.Status, h.Why = HealthFailing, problem.From(err).Detail
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
		fail(l.index.Err())
	}
	if l.server != nil {
		fail(l.checkRoom())
	}
	for _, state := range l.shelf.States() {
		h.Projections[state.Name] = ProjectionHealth{Sequence: state.Applied}
		switch {
		case state.Damaged != nil:
			fail(stoppedError(state.Name, state.Damaged))
		case state.Stopped != nil:
			fail(stoppedError(state.Name, state.Stopped))
		case state.Renewed != nil && state.Applied < l.atStart:
			fail(problem.New(problem.ProjectionBehind, fmt.Sprintf(
				"the file of the %s was of no use (%s) and is being built anew from the log: "+
					"it is at event %d of %d",
				state.Name, state.Renewed, state.Applied, l.atStart)))
		}
		fail(state.Unsaved)
	}
	return h
}
