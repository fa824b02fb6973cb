package ledger

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"cakupan/cmd/internal/cost"
	"cakupan/cmd/internal/folder"
	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/rights"
	"cakupan/cmd/internal/shares"
	"cakupan/domain/event"
	"cakupan/eventstore/index"
	"cakupan/eventstore/writer"
	"cakupan/projections"
	"cakupan/projections/coverage"
	"cakupan/projections/history"
)

// Batch is a number of events on their way in: read and judged, not recorded. One that is never
// committed leaves nothing behind but workers in the vault, whom nobody can tell from others. It is
// of one goroutine at a time. The bytes that it was made of are not kept.
type Batch struct {
	batch  *intake.Batch
	load   cost.Load
	dryRun bool
	gives  atomic.Bool   // some change who has a right over what
	lists  atomic.Uint64 // of which lists some are: see fences
}

// Submit takes in events as they were sent; see [intake.Intake.Submit]. On a cluster the ledger
// that writes does, whichever it is.
//
// There is a receipt for each event, in the order in which they were sent. After an error there are
// none, and, unless the batch was atomic, some of the events may be in the log: to send all of them
// again is safe, as those are duplicates (contract, section 1). An error of
// [problem.LogUnavailable] or [problem.EventsDear] is worth that.
func (l *Ledger) Submit(ctx context.Context, raw [][]byte, opts intake.Options,
) ([]event.Receipt, error) {
	if l.roles != nil {
		return l.roles.Submit(ctx, raw, opts)
	}
	return l.submitHere(ctx, raw, opts)
}

// submitHere takes events in itself. The vault stays open meanwhile: a worker id that was given out
// is durable before the frame that uses it.
func (l *Ledger) submitHere(ctx context.Context, raw [][]byte, opts intake.Options,
) ([]event.Receipt, error) {
	l.inUse.RLock()
	defer l.inUse.RUnlock()
	return l.submitParts(ctx, raw, opts)
}

// submitParts takes events in; those that are too dear all at once, half by half. What is in the
// log when a later half must wait is found there when the whole is sent again. An atomic batch is
// never cut: it waits as a whole.
func (l *Ledger) submitParts(ctx context.Context, raw [][]byte, opts intake.Options,
) ([]event.Receipt, error) {
	batch, err := l.Prepare(ctx, raw, opts)
	if err != nil {
		return nil, err
	}
	receipts, err := l.Commit(ctx, batch)
	if !errors.As(err, new(cost.Together)) || len(raw) == 1 || opts.Atomic {
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
// Batches must be committed in the order of their events. raw is not used after it has returned. It
// reads and checks the events and gives NIKs their worker ids; nothing is in the log after it. It
// may wait for a turn, for as long as ctx lasts. An error is of the batch as a whole: what is wrong
// with one event is in its receipt, later.
func (l *Ledger) Prepare(ctx context.Context, raw [][]byte, opts intake.Options) (*Batch, error) {
	in, err := l.openGate(ctx)
	if err != nil {
		return nil, err
	}
	b := &Batch{dryRun: opts.DryRun}
	answering := l.answering() != nil
	if !opts.DryRun {
		// Called by several goroutines, as a batch is read by several.
		opts.Weigh = func(place int, e *event.Event) {
			if list := history.ListOf(e); list != "" {
				b.lists.Or(fenceOf(list))
			}
			if rights.Gives(e.Type) {
				b.gives.Store(true)
			}
			if answering {
				b.load.Weigh(place, e)
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

// preparers are how many batches are read at the same time: one a processor, and two at least, so
// that half of them, which is what one publisher gets, is one.
func preparers() int64 { return int64(max(2, shares.Processors())) }

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

// turnIn waits for a turn of a publisher who sends much. leave gives it back, and is called once,
// also when nothing was waited for. Who sends little and whoever runs the ledger, who has no scope,
// wait for nobody.
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
// who imports into a folder waits for nobody. It opens nothing: until the projection is open,
// events cost nothing.
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
//
// What it does has an order: a turn among those that write, then the lists, then the rights, whose
// subjects are held from here to the end, then the price, then the frame. An error before the frame
// leaves nothing in the log; where the frame itself fails the price stays paid, as nobody knows
// what was appended. If we crash after the frame and before the answer, the publisher sends again
// and gets duplicates.
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
	release, err := l.fence(ctx, in, b)
	if err != nil {
		return nil, err
	}
	defer release()
	verdict, err := l.rights.Judge(ctx, in, b.batch)
	defer verdict.Release()
	if err != nil {
		return nil, err
	}
	if verdict.Loose() {
		b.gives.Store(true) // what it says is judged when that becomes known
	}
	p := l.answering()
	// Counted before it is priced: of two batches that come together at least one sees the other.
	expects := l.backlog.Begin(p, &b.load)
	dear := l.backlog.Price(p, &b.load, &verdict)
	if len(dear) > 0 {
		if err := l.throttle.Take(dear, time.Now()); err != nil {
			l.backlog.End(expects, nil)
			return nil, err
		}
	}
	began := time.Now()
	receipts, err = in.Commit(ctx, b.batch)
	if l.opts.Appended != nil && err == nil && !b.dryRun {
		l.opts.Appended(len(receipts), time.Since(began))
	}
	l.backlog.End(expects, receipts)
	if b.gives.Load() {
		// Before the subjects are free: the next batch about them waits for what this one has
		// given.
		l.rights.Note(&verdict, receipts)
		if err != nil {
			l.rights.Unsure() // it may be in the log all the same
		}
	}
	if err == nil && len(dear) > 0 { // else nobody knows what was appended
		l.throttle.GiveBack(dear, receipts, time.Now())
	}
	if l.opts.Receipts != nil && !b.dryRun {
		l.opts.Receipts(receipts)
	}
	return receipts, err
}

// openGate returns the one way in to the log, of a ledger that may go on. HTTP, NATS, lists and the
// command line all come through here, so what is checked here is checked for all of them. Nothing
// is taken in that would refer to a vault or a register that is known to be wrong. It is asked
// before each step and keeps nobody out longer than the fault lasts.
func (l *Ledger) openGate(ctx context.Context) (*intake.Intake, error) {
	if damage := l.damage.Load(); damage != nil {
		return nil, *damage
	}
	if err := l.lostName(); err != nil {
		return nil, err
	}
	if err := l.watchman.beside(); err != nil {
		return nil, err
	}
	return l.openIntake(ctx)
}

// openIntake opens what appending needs, in a ledger that writes: the index, the writer, the vault.
// Where one of them fails, those before it stay open and are not opened again at the next try: a
// vault that could not be read for a moment does not cost the reading of the index. On a cluster
// the roles open it when this ledger begins to write; until then the error says who does.
func (l *Ledger) openIntake(ctx context.Context) (*intake.Intake, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.intake == nil && l.roles != nil {
		return nil, l.roles.StandsBy()
	}
	return l.openWay(ctx)
}

// openWay does that. mu is held.
func (l *Ledger) openWay(ctx context.Context) (*intake.Intake, error) {
	if l.intake != nil {
		return l.intake, nil
	}
	if l.writer == nil {
		// First, before anything could be appended to a log that has lost its end, or by a clock
		// that cannot be right. Serve has looked at the clock before; one that goes wrong later is
		// shown and stops nothing.
		err := l.checkWitness(ctx)
		if err == nil && !l.serving {
			err = l.checkClock(ctx)
		}
		if err == nil {
			err = l.readyIndex(ctx)
		}
		if err != nil {
			return nil, err
		}
		l.appending.Store(&appending{index: l.index})
		l.writer, err = writer.Open(ctx, l.measured(), l.index, l.writerOptions())
		if err != nil {
			return nil, folder.DerivedError(l.folder.Dir, err)
		}
	}
	l.appending.Store(&appending{l.writer, l.index})
	// The writer's frames name how far it is; nobody appends before it is there.
	if err := l.readyVault(ctx); err != nil {
		return nil, err
	}
	// What a crash after a revocation has left. It keeps nobody out: nobody is given those keys.
	if err := l.endListKeysIn(ctx, l.vault); err != nil {
		l.opts.Log.WarnContext(ctx, "keys of lists of those who were revoked are still there",
			slog.Any("error", err))
	}
	l.intake = intake.New(l.vault, l.writer)
	return l.intake, nil
}

// appending is what others look at of the way in, without waiting for who opens it. It is replaced
// as a whole and never changed.
type appending struct {
	writer *writer.Writer // nil while the index catches up
	index  *index.Index
}

func (l *Ledger) writerOptions() writer.Options {
	return writer.Options{Now: l.opts.Now, Fault: l.opts.Fault, Beside: l.beside}
}

// readyIndex opens the index if it is not. mu is held. It catches up when a writer opens or a
// stand-by follows, not here.
func (l *Ledger) readyIndex(ctx context.Context) (err error) {
	if l.index != nil {
		return nil
	}
	l.index, err = index.OpenShort(l.folder.Path(folder.Index), l.log.Identity())
	if err != nil {
		return folder.DerivedError(l.folder.Dir, err)
	}
	for _, dropped := range l.index.Dropped() {
		l.opts.Log.WarnContext(ctx, "file of the index is of no use: it is made anew from the log",
			slog.Any("error", dropped))
	}
	return nil
}
