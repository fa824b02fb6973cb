package ledger

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"cakupan/cmd/internal/clock"
	"cakupan/cmd/internal/cluster"
	"cakupan/cmd/internal/folder"
	"cakupan/cmd/internal/lifetime"
	"cakupan/cmd/internal/problem"
	"cakupan/eventstore"
	"cakupan/eventstore/jetstream"
)

// Serve makes the ledger a running one: it can append, the projections follow the log, and the
// log is checked now and then, in the background. url is told to whoever finds the folder locked;
// scrub is the time between two checks. It is called once, before anybody else may ask.
//
// A damaged log does not keep it from starting: it says so wherever it is asked. A clock that
// cannot be right does, unless AnyClock was set: what is recorded by it cannot be taken back. ctx
// bounds the start, and its end stops the checks in the background; the rest goes on until Close.
// After an error the caller closes the ledger.
func (l *Ledger) Serve(ctx context.Context, url string, scrub time.Duration) error {
	if err := l.checkClock(ctx); err != nil {
		return err
	}
	// Before the first projection opens: who asks one of a serving ledger waits for it to follow,
	// and does not catch up by himself.
	l.serving = true
	began := l.moment()
	l.began.Store(&began)
	l.shelf.Follow()
	err := l.cluster.Patiently(ctx, func(ctx context.Context) error {
		return l.begin(ctx, url)
	})
	if err == nil {
		err = l.openShelf(ctx)
	}
	if err != nil && !l.noteDamage(err) {
		return err
	}
	if l.roles != nil {
		l.roles.Start(ctx)
	}
	l.followRegister(ctx)
	l.prover.Begin(ctx)
	ctx, stop := context.WithCancel(ctx)
	l.background.Go(func() { l.scrub(ctx, scrub) })
	l.background.Go(func() { l.refold(ctx, l.opts.Refold) })
	l.background.Go(func() { l.prover.Follow(ctx) })
	l.background.Go(func() { l.cluster.Watch(ctx, l.conn, l.noteUnsafe) })
	l.background.Go(func() { l.watchCopies(ctx) })
	l.background.Go(func() { l.watchKeys(ctx) })
	l.background.Go(func() { l.watchNames(ctx) })
	l.background.Go(func() { l.watchNumbers(ctx) })
	l.background.Go(func() { l.cluster.WatchCertificates(ctx, l.noteCertificates) })
	l.background.Go(func() { <-l.closing; stop() })
	// Last, so that nobody is sent to a ledger that could not start.
	return l.folder.Announce(url)
}

// checkClock looks for all that says that the clock is wrong, before the first event is appended.
// A log that cannot be read says nothing of a clock. Of one on a cluster nothing here says when it
// was last at work, but other machines have clocks; an embedded server has that of this machine.
func (l *Ledger) checkClock(ctx context.Context) error {
	if l.opts.AnyClock {
		return nil
	}
	_, tail, err := l.log.Last(ctx)
	if err != nil {
		return nil //nolint:nilerr // whoever reads it next says so
	}
	now := l.opts.Now()
	if l.server != nil {
		return clock.Check(now, tail.RecordedAt, l.folder.LastWritten())
	}
	if err := clock.Check(now, tail.RecordedAt, 0); err != nil {
		return err
	}
	return clock.Compare(now, l.serverClocks(ctx))
}

// moment is now, by both clocks.
func (l *Ledger) moment() clock.Moment {
	return clock.Moment{Wall: l.opts.Now(), Up: l.opts.Uptime()}
}

// begin opens what appending needs, of a ledger that is alone with its log; on a cluster, what it
// needs to find out whether it writes. atStart and servingSince are set first, also where the log
// cannot be read: they belong to the moment, and Patiently may come here again.
func (l *Ledger) begin(ctx context.Context, url string) error {
	_, tail, err := l.log.Last(ctx)
	l.atStart, l.servingSince = tail.Sequence, l.opts.Now()
	if err != nil {
		return err
	}
	if l.opts.NATS == "" {
		_, err = l.openIntake(ctx)
		return err
	}
	sealer, err := l.openSealer(ctx)
	if err != nil {
		return err
	}
	me := cluster.Self{URL: url, Lease: l.opts.Lease}
	roles, err := cluster.NewRoles(ctx, role{l}, l.cluster, sealer, me)
	if err != nil {
		return err
	}
	l.roles, l.conns = roles, append(l.conns, roles.Conn())
	return nil
}

// noteUnsafe notes why the cluster could lose events, nil when nothing is known.
func (l *Ledger) noteUnsafe(err error) {
	if err == nil {
		l.unsafe.Store(nil)
		return
	}
	l.unsafe.Store(&err)
}

// noteCertificates notes what the servers of the cluster showed last.
func (l *Ledger) noteCertificates(shown []lifetime.Certificate) {
	l.nodeCertificates.Store(&shown)
}

// certificates returns those by which the ledger answers, and those of the servers of its cluster
// as they were last seen.
func (l *Ledger) certificates() (all []lifetime.Certificate) {
	if l.opts.Certificate != nil {
		if own, ok := l.opts.Certificate(); ok {
			all = append(all, own)
		}
	}
	if others := l.nodeCertificates.Load(); others != nil {
		all = append(all, *others...)
	}
	return all
}

// openShelf opens all projections, so that what cannot be read is found out by who starts the
// server and not by the first who asks. Those that are open stay so after an error.
func (l *Ledger) openShelf(ctx context.Context) error {
	for _, name := range l.shelf.Names() {
		if _, err := l.shelf.Open(ctx, name); err != nil {
			return folder.DerivedError(l.folder.Dir, err)
		}
	}
	return nil
}

// checkRoom returns eventstore.ErrFull when the disk has no room for another append; see
// [jetstream.FreeSpaceMin] for why that is long before its last byte. It is asked of an embedded
// server only: a cluster's disks are its own.
func (l *Ledger) checkRoom() error {
	free, err := l.server.FreeSpace()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return problem.Wrap(problem.LogUnavailable, l.folder.Path(folder.NATS)+" is not there"+
			" any more", err)
	case err == nil && free < jetstream.FreeSpaceMin:
		return eventstore.ErrFull
	}
	return err
}

// healthMax is how long a cluster may take to say where its log ends until the health does not wait
// for that: whoever asks it gives up soon after, and would not learn why.
const healthMax = 5 * time.Second

// Health tells how the ledger is, at this moment: it asks each part anew and keeps nothing, so that
// it heals by itself when the cause is gone. Of several things that are wrong the first says why,
// in the order in which one leads to the next. It returns no error: what cannot be told is itself a
// reason not to be well. It changes nothing.
func (l *Ledger) Health(ctx context.Context) Health {
	h := Health{
		Status: HealthOK, Projections: map[string]ProjectionHealth{}, Role: cluster.RoleWriter,
	}
	fail := func(err error) {
		if err != nil && h.Status == HealthOK {
			h.Status, h.Why = HealthFailing, problem.From(err).Detail
		}
	}
	if damage := l.damage.Load(); damage != nil {
		fail(*damage)
	}
	fail(l.lostName())
	if unread := l.unread.Load(); unread != nil {
		fail(*unread)
	}
	if unsafe := l.unsafe.Load(); unsafe != nil {
		// It is said before anything else that is wrong: what is acknowledged now may be lost.
		h.Status, h.Why = HealthFailing, (*unsafe).Error()
	}
	ctx, stop := context.WithTimeout(ctx, healthMax)
	defer stop()
	_, tail, unknown := l.log.Last(ctx)
	h.Head = tail.Sequence
	h.Clock = clock.Wrong(l.moment(), tail.RecordedAt, l.began.Load())
	fail(notReadNow(unknown))
	if open := l.appending.Load(); open != nil {
		// A ledger that stands by has an index and no writer.
		if open.writer != nil {
			fail(open.writer.Err())
		}
		fail(open.index.Err())
	}
	if l.server != nil {
		fail(l.checkRoom())
	}
	if untaken := l.untaken.Load(); untaken != nil {
		fail(*untaken)
	}
	if l.roles != nil {
		role, err := l.roles.Health()
		h.Role = role
		fail(err)
	}
	for _, state := range l.shelf.States() {
		h.Projections[state.Name] = ProjectionHealth{Sequence: state.Applied}
		if unknown != nil {
			h.Head = max(h.Head, state.Applied) // the log has that at least
		}
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
	fail(l.watchman.found(l.shelf))
	h.Verified, h.Degraded = l.watchman.seen(), l.degraded()
	h.Keys = strings.Join(l.lostKeys(), "; ")
	h.Certificates = lifetime.Warning(time.Unix(0, int64(l.opts.Now())), l.certificates())
	return h
}

// notReadNow has words for an end of the log that could not be read now. What the connection says
// of it is for the operator's log.
func notReadNow(err error) error {
	if err == nil || problem.From(err).Code != problem.Internal {
		return err
	}
	return problem.Wrap(problem.LogUnavailable, "the end of the log could not be read now: the"+
		" server that keeps it does not answer", err)
}

// endOfLog returns where the log ends, 0 where that cannot be told now. It is bounded: Close does
// not wait for a server that hangs.
func (l *Ledger) endOfLog() eventstore.Sequence {
	if l.log == nil {
		return 0
	}
	ctx, stop := context.WithTimeout(context.Background(), noteMax)
	defer stop()
	_, tail, err := l.log.Last(ctx)
	if err != nil {
		return 0
	}
	return tail.Sequence
}
