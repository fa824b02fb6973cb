package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cakupan/cmd/internal/access"
	"cakupan/cmd/internal/problem"
	"cakupan/eventstore"
	"cakupan/eventstore/packs"
)

// accessFile is where the register of publishers and readers was kept before it was a stream.
const accessFile = "access.json"

// registerFile says how far the register was; see package access. It is a cache: without it nothing
// is compared with what was seen.
const registerFile = "register.json"

// Register returns who may report and read. It is open as long as the ledger is.
func (l *Ledger) Register() *access.Registry { return l.register }

// openRegister reads the register, and takes it over from where it was kept before.
func (l *Ledger) openRegister(ctx context.Context) (err error) {
	l.register, err = access.Open(ctx, access.Options{
		Stream: l.registerStream, Alone: l.server != nil, Seen: l.folder.Path(registerFile),
		Ledger: l.log.Identity().Ledger, Now: time.Now, Log: l.opts.Log,
	})
	if err == nil {
		err = l.checkRegister(ctx)
	}
	if err == nil {
		err = l.register.TakeOver(ctx, l.folder.Path(accessFile), l.opts.Fault)
	}
	return err
}

// checkRegister refuses a register that is older than the log. A log whose end cannot be read is
// judged by who reads it. Each frame names how many records the register had: fewer now means that
// somebody's rights, or their end, are lost.
func (l *Ledger) checkRegister(ctx context.Context) error {
	last, tail, err := l.log.Last(ctx)
	if err != nil || tail.Sequence == 0 {
		return nil
	}
	return l.register.CheckReaches(last.Beside().Register)
}

// noteMax is how long Close waits until it is noted who has logged in: nobody needs that badly.
const noteMax = 2 * time.Second

// followRegister keeps the register as its stream has it, until the ledger is closed: also while
// requests in work come to their end.
func (l *Ledger) followRegister(ctx context.Context) {
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	l.background.Go(func() { l.register.Follow(ctx) })
	l.background.Go(func() { l.register.Watch(ctx, func() { l.tryEndListKeys(ctx) }) })
	l.background.Go(func() { <-l.closing; stop() })
}

// registerStream opens the stream of the register. A ledger without a member has none: it is made
// for the first one. Nil without an error: there is none, and create was not asked for.
func (l *Ledger) registerStream(ctx context.Context, create bool) (*packs.Stream, error) {
	opts := access.StreamOptions()
	opts.Replicas, opts.Lacking = l.opts.Replicas, l.lacking
	if l.server != nil {
		opts.FreeSpace, opts.Store = l.server.FreeSpace, l.server
	}
	stream, err := packs.Open(ctx, l.conn, opts)
	if errors.Is(err, packs.ErrNoStream) {
		if !create {
			return nil, nil
		}
		stream, err = packs.Create(ctx, l.conn, opts, l.log.Identity())
		if errors.Is(err, eventstore.ErrExists) { // another ledger of the cluster was first
			stream, err = packs.Open(ctx, l.conn, opts)
		}
	}
	if err != nil {
		return nil, err
	}
	if is := stream.Identity(); is != l.log.Identity() {
		return nil, problem.New(problem.FolderOtherLedger, fmt.Sprintf("the register of publishers"+
			" and readers belongs to ledger %s, the log to ledger %s: restore it from a backup of"+
			" this one", is.Ledger, l.log.Identity().Ledger))
	}
	return stream, nil
}
