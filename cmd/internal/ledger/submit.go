package ledger

import (
	"context"
	"crypto/sha256"
	"errors"
	"log/slog"
	"runtime"
	"sync/atomic"
	"time"

	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/shares"
	"cakupan/domain/event"
	"cakupan/eventstore/index"
	"cakupan/eventstore/writer"
	"cakupan/projections"
	"cakupan/projections/coverage"
)

// Batch is a number of events on their way in: read and judged, not recorded. One that is never
// committed leaves nothing behind but workers in the vault, whom nobody can tell from others.
type Batch struct {
	batch  *intake.Batch
	load   load
	dryRun bool
	gives  atomic.Bool // some change who has a right over what
}

// Submit takes in events as they were sent; see [intake.Intake.Submit]. On a cluster the ledger
// that writes does, whichever it is.
func (l *Ledger) Submit(ctx context.Context, raw [][]byte, opts intake.Options,
) ([]event.Receipt, error) {
	if l.roles != nil {
		return l.roles.submit(ctx, raw, opts)
	}
	return l.submitHere(ctx, raw, opts)
}

// submitHere takes events in itself.
func (l *Ledger) submitHere(ctx context.Context, raw [][]byte, opts intake.Options,
) ([]event.Receipt, error) {
	l.inUse.RLock()
	defer l.inUse.RUnlock()
	return l.submitParts(ctx, raw, opts)
}

// submitParts takes events in; those that are too dear all at once, half by half. What is in the
// log when a later half must wait is found there when the whole is sent again.
func (l *Ledger) submitParts(ctx context.Context, raw [][]byte, opts intake.Options,
) ([]event.Receipt, error) {
	batch, err := l.Prepare(ctx, raw, opts)
	if err != nil {
		return nil, err
	}
	receipts, err := l.Commit(ctx, batch)
	if !errors.As(err, new(together)) || len(raw) == 1 || opts.Atomic {
		return receipts, err
	}
	half := len(raw) / 2
	if receipts, err = l.submitParts(ctx, raw[:half], opts); err != nil {
		return nil, err
	}
	more, err := l.submitParts(ctx, raw[half:], opts)
	if err != nil {
		return nil, err
	}
	return append(receipts, more...), nil
}

// Prepare does the part of [Ledger.Submit] that can be done while the batch before is committed.
// Batches must be committed in the order of their events. raw is not used after it has returned.
func (l *Ledger) Prepare(ctx context.Context, raw [][]byte, opts intake.Options) (*Batch, error) {
	in, err := l.openGate(ctx)
	if err != nil {
		return nil, err
	}
	b := &Batch{dryRun: opts.DryRun}
	answering := l.answering() != nil
	if !opts.DryRun {
		opts.Weigh = func(place int, e *event.Event) {
			if gives(e.Type) {
				b.gives.Store(true)
			}
			if answering {
				b.load.weigh(place, e)
			}
		}
	}
	leave, err := l.turnToPrepare(ctx, len(raw), opts.Scope)
	if err != nil {
		return nil, err
	}
	defer leave()
	b.batch, err = in.Prepare(raw, opts)
	return b, err
}

// preparers are how many batches are read at the same time.
func preparers() int64 { return int64(max(2, runtime.GOMAXPROCS(0))) }

// preparedAtOnce is how many events are read without waiting for a turn: hardly any work.
const preparedAtOnce = 64

// The batches that are appended at the same time, and how many of them may be one publisher's: one
// that is being written, and one that is ready to be.
const (
	appendsAtOnce = 16
	appendsOfOne  = 2
)

// turnToPrepare has those who send much wait for one another, publisher by publisher: half of the
// processors at most work for one of them, whichever way and however often he sends.
func (l *Ledger) turnToPrepare(ctx context.Context, events int, scope *event.Scope,
) (leave func(), err error) {
	return turnIn(ctx, l.preparing, events, scope)
}

// turnIn waits for a turn of a publisher who sends much.
func turnIn(ctx context.Context, pool *shares.Pool, events int, scope *event.Scope,
) (leave func(), err error) {
	if events <= preparedAtOnce || scope == nil {
		return func() {}, nil
	}
	if err := pool.Take(ctx, scope.Publisher, 1); err != nil {
		return nil, err
	}
	return func() { pool.Give(scope.Publisher, 1) }, nil
}

// answering returns the coverage of a ledger whose projections follow, when it is open; else nil:
// who imports into a folder waits for nobody.
func (l *Ledger) answering() *coverage.Projection {
	if !l.serving {
		return nil
	}
	kept := l.shelf.Live(coverage.Name)
	if kept == nil {
		return nil
	}
	p, _ := projections.Answers[*coverage.Projection](kept)
	return p
}

// Commit does the rest. A batch is committed once. One of a publisher whose events have changed
// too much lately is not taken: [problem.EventsDear].
func (l *Ledger) Commit(ctx context.Context, b *Batch) (receipts []event.Receipt, err error) {
	ctx, end := l.trace(ctx, "commit events")
	defer func() { end(err) }()
	in, err := l.openGate(ctx) // again: damage may have been found since
	if err != nil {
		return nil, err
	}
	// Before anything is held that others may wait for.
	leave, err := turnIn(ctx, l.writing, b.batch.Size(), b.batch.Scope())
	if err != nil {
		return nil, err
	}
	defer leave()
	rights, err := l.judgeRights(ctx, in, b.batch)
	if rights.release != nil {
		defer rights.release()
	}
	if err != nil {
		return nil, err
	}
	if rights.loose {
		b.gives.Store(true) // what it says is judged when that becomes known
	}
	p := l.answering()
	expects := l.backlog.begin(p, &b.load)
	dear := l.backlog.price(p, &b.load)
	if len(dear) > 0 {
		if err := l.throttle.take(dear, time.Now()); err != nil {
			l.backlog.end(expects, nil)
			return nil, err
		}
	}
	began := time.Now()
	receipts, err = in.Commit(ctx, b.batch)
	if l.opts.Appended != nil && err == nil && !b.dryRun {
		l.opts.Appended(len(receipts), time.Since(began))
	}
	l.backlog.end(expects, receipts)
	if b.gives.Load() {
		l.noteRights(&rights, receipts)
	}
	if err == nil && len(dear) > 0 { // else nobody knows what was appended
		l.throttle.giveBack(dear, receipts, time.Now())
	}
	if l.opts.Receipts != nil && !b.dryRun {
		l.opts.Receipts(receipts)
	}
	return receipts, err
}

// openGate returns the one way in to the log, of a ledger that may go on. HTTP, NATS, lists and the
// command line all come through here, so what is checked here is checked for all of them. Nothing
// is taken in that would refer to a vault or a register that is known to be wrong.
func (l *Ledger) openGate(ctx context.Context) (*intake.Intake, error) {
	if damage := l.damage.Load(); damage != nil {
		return nil, *damage
	}
	if err := l.watchman.beside(); err != nil {
		return nil, err
	}
	return l.openIntake(ctx)
}

// openIntake opens what appending needs, in a ledger that writes: the index, the writer, the vault.
// Where one of them fails, those before it stay open and are not opened again at the next try: a
// vault that could not be read for a moment does not cost the reading of the index.
func (l *Ledger) openIntake(ctx context.Context) (*intake.Intake, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.intake == nil && l.roles != nil {
		now := l.roles.present()
		return nil, now.standsBy()
	}
	return l.openWay(ctx)
}

// openWay does that. mu is held.
func (l *Ledger) openWay(ctx context.Context) (*intake.Intake, error) {
	if l.intake != nil {
		return l.intake, nil
	}
	if l.writer == nil {
		err := l.checkWitness(ctx)
		if err == nil {
			err = l.readyIndex(ctx)
		}
		if err != nil {
			return nil, err
		}
		l.appending.Store(&appending{index: l.index})
		l.writer, err = writer.Open(ctx, l.measured(), l.index, l.writerOptions())
		if err != nil {
			return nil, derivedError(l.folder.dir, err)
		}
	}
	l.appending.Store(&appending{l.writer, l.index})
	// The writer's frames name how far it is; nobody appends before it is there.
	if err := l.readyVault(ctx); err != nil {
		return nil, err
	}
	l.intake = intake.New(l.vault, l.writer)
	return l.intake, nil
}

// appending is what others look at of the way in, without waiting for who opens it.
type appending struct {
	writer *writer.Writer // nil while the index catches up
	index  *index.Index
}

func (l *Ledger) writerOptions() writer.Options {
	return writer.Options{Now: l.opts.Now, Fault: l.opts.Fault, Beside: l.beside}
}

// readyIndex opens the index if it is not. mu is held.
func (l *Ledger) readyIndex(ctx context.Context) (err error) {
	if l.index != nil {
		return nil
	}
	l.index, err = index.OpenShort(l.folder.path(indexFolder), l.log.Identity())
	if err != nil {
		return derivedError(l.folder.dir, err)
	}
	for _, dropped := range l.index.Dropped() {
		l.opts.Log.WarnContext(ctx, "file of the index is of no use: it is made anew from the log",
			slog.Any("error", dropped))
	}
	return nil
}

// ListKey returns the key under which rows of lists get their ids. It is the vault's, so that the
// same list sent from two machines gets the same ids, and is a duplicate.
func (l *Ledger) ListKey(ctx context.Context) (key [sha256.Size]byte, err error) {
	if l.roles == nil {
		if _, err := l.openIntake(ctx); err != nil {
			return key, err
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	open := l.vault != nil
	if err := l.readyVault(ctx); err != nil {
		return key, err
	}
	key = l.vault.ListKey()
	if !open { // it stands by, and whoever writes fills the vault
		err, l.vault = l.vault.Close(), nil
	}
	return key, err
}
