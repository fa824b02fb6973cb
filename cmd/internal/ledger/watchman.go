package ledger

import (
	"cmp"
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"cakupan/cmd/internal/access"
	"cakupan/cmd/internal/folder"
	"cakupan/cmd/internal/natsin"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/eventstore/lookups"
	"cakupan/eventstore/vault"
	"cakupan/projections"
)

// The parts that are read again besides the projections, which have their own names.
const (
	partLog      = "log"
	partVault    = "vault"
	partRegister = "register"
	partLookups  = "lookups"
	partRefused  = "refused"
)

// RefoldDefault is how often a projection is compared with a fresh fold, unless something else is
// asked for. A ledger that was just started begins refoldAfter later: it has other things to do.
const (
	RefoldDefault = 24 * time.Hour
	refoldAfter   = 10 * time.Minute
)

// Whoever reads what is kept already works workShare of the time at most, in pieces of workMin:
// the log and the folds together, on one of the processors each, take a twentieth of one.
const (
	workShare = 40
	workMin   = 5 * time.Millisecond
	restMax   = time.Minute
)

// watchman knows what was read again: how much of it was found sound, and what was not. It is safe
// for concurrent use. It is in memory only: a ledger that is started knows nothing yet, and reads
// everything again. The zero value is ready.
type watchman struct {
	mu       sync.Mutex
	verified map[string]Verified
	troubles map[string]trouble // by part; what was found sound since is in it no more
}

// trouble is what was found of a part. It stays for as long as the part is not read again and found
// sound.
type trouble struct {
	err error
	of  projections.Kept // the projection that has drifted; another one in its place has not
}

// sound notes that a part was found sound, and reports whether it was not before. sequence is of
// events, of vault and register of records.
func (w *watchman) sound(part string, sequence uint64, at temporal.Instant) (healed bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.verified == nil {
		w.verified = map[string]Verified{}
	}
	w.verified[part] = Verified{Sequence: sequence, At: time.Unix(0, int64(at)).UTC()}
	_, healed = w.troubles[part]
	delete(w.troubles, part)
	return healed
}

// wrong notes what is wrong with a part, and reports whether that is new.
func (w *watchman) wrong(part string, found trouble) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.troubles == nil {
		w.troubles = map[string]trouble{}
	}
	was, known := w.troubles[part]
	w.troubles[part] = found
	return !known || was.of != found.of
}

// seen returns how much of each part was found sound.
func (w *watchman) seen() map[string]Verified {
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(w.verified)
}

// beside returns what is wrong with vault or register now, nil when nothing is known to be. While
// there is any, nothing is taken in: it would refer to what is lost.
func (w *watchman) beside() error { return w.first(partVault, partRegister) }

// lost returns what is wrong with anything that cannot be derived, nil when nothing is known to be.
// That reads or refusals are lost keeps no event out: none refers to them.
func (w *watchman) lost() error {
	return w.first(partVault, partRegister, partLookups, partRefused)
}

// first returns what is wrong with the first of the parts with which something is.
func (w *watchman) first(parts ...string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, part := range parts {
		if err := w.troubles[part].err; err != nil {
			return err
		}
	}
	return nil
}

// found returns what is wrong now, nil when nothing is known to be.
func (w *watchman) found(shelf *projections.Shelf) error {
	if err := w.lost(); err != nil {
		return err
	}
	for _, name := range shelf.Names() {
		if err := w.drifted(name, shelf.Live(name)); err != nil {
			return err
		}
	}
	return nil
}

// drifted returns what is wrong with a projection. It is not asked then: an answer that is known to
// be wrong is worse than none.
func (w *watchman) drifted(name string, kept projections.Kept) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if t := w.troubles[name]; t.of != nil && t.of == kept {
		return t.err
	}
	return nil
}

// pace has somebody work a share of the time. It is of one goroutine. The zero value but for ctx is
// ready.
type pace struct {
	ctx   context.Context
	most  time.Duration // of one pause; 0: restMax
	began time.Time     // the piece of work
	// Whether somebody waits for the end of it: then there is no pause. nil: nobody does.
	urgent func() bool
}

// rest is called between small pieces of work, and sleeps in proportion to what was done. It
// returns at once when ctx has ended; the caller finds that out itself. A pause is bounded, so that
// one long piece does not stop it for hours.
func (p *pace) rest() {
	if p.began.IsZero() {
		p.began = time.Now()
	}
	worked := time.Since(p.began)
	if worked < workMin {
		return
	}
	left := min(worked*(workShare-1), cmp.Or(p.most, restMax))
	for left > 0 && p.ctx.Err() == nil && (p.urgent == nil || !p.urgent()) {
		_ = pause(p.ctx, min(left, urgentEvery))
		left -= urgentEvery
	}
	p.began = time.Now()
}

// urgentEvery is how often a pause is ended where somebody waits.
const urgentEvery = 100 * time.Millisecond

// isAsked tells whether all is to be read again, as somebody has found it damaged; see suspected.
func (l *Ledger) isAsked() bool { return len(l.lookAgain) > 0 }

// paced returns what keeps a reader of the log slow, nil for one that need not be.
func (l *Ledger) paced(ctx context.Context, slowly bool) Progress {
	if !slowly {
		return nil
	}
	p := &pace{ctx: ctx, urgent: l.isAsked}
	return func(_, _ eventstore.Sequence) { p.rest() }
}

// readBeside does watchBeside, and again with growing pauses while something cannot be read: it may
// be what somebody has found damaged just now. It ends where he asks for all, or it is time to
// begin with the log again.
func (l *Ledger) readBeside(ctx context.Context, rest func(), until time.Time) {
	wait := rescrub
	for l.watchBeside(ctx, rest) && !l.isAsked() && time.Now().Before(until) && pause(ctx, wait) {
		wait = min(2*wait, unreadMax)
	}
}

// unreadMax bounds the pause until what cannot be read is tried again.
const unreadMax = time.Minute

// watchBeside reads again what is kept beside the log and cannot be derived from it. That it cannot
// be read says nothing about it: it is logged, and unread is true. What looks wrong is read once
// more before it is told. rest is called between pieces of the work.
func (l *Ledger) watchBeside(ctx context.Context, rest func()) (unread bool) {
	for _, part := range []struct {
		name, stream string
		watch        func(context.Context, func()) (uint64, error)
	}{
		{partVault, vault.StreamName, l.watchVault},
		{partRegister, access.StreamName, l.watchRegister},
		{partLookups, lookups.StreamName, l.watchLookups},
		{partRefused, natsin.StreamRefused, l.watchRefused},
	} {
		number, err := part.watch(ctx, rest)
		if err != nil && isLoss(err) {
			number, err = l.rereadStream(ctx, part.stream, err, part.watch)
		}
		if err == nil {
			l.rereads.Delete(part.stream)
		}
		l.noteBeside(ctx, part.name, number, err)
		unread = unread || err != nil && !isLoss(err)
	}
	return unread
}

// watchRegister reads the register. What is found is looked at twice.
func (l *Ledger) watchRegister(ctx context.Context, rest func()) (number uint64, err error) {
	number, err = l.register.Audit(ctx, rest)
	if err != nil && ctx.Err() == nil {
		number, err = l.register.Audit(ctx, func() {})
	}
	return number, err
}

// watchVault reads the vault of a ledger that writes; one that stands by has none. What is found is
// looked at twice, the second time with the vault held still.
func (l *Ledger) watchVault(ctx context.Context, rest func()) (number uint64, err error) {
	v := l.openedVault()
	if v == nil {
		return 0, nil
	}
	number, err = v.Watch(ctx, rest)
	if err == nil || ctx.Err() != nil {
		return number, err
	}
	l.inUse.RLock()
	defer l.inUse.RUnlock()
	if v != l.openedVault() { // closed meanwhile
		return 0, nil
	}
	number = v.Position()
	return number, folder.VaultError(l.folder.Dir, v.Audit(ctx))
}

// rereadEvery is how often the server reads the files of a stream again that stays wrong.
const rereadEvery = time.Minute

// rereadStream tells what is wrong with a stream from what a disk did not give: where the files are
// as they were written, the server reads them again, and watch what it has then. On a cluster the
// finding stands: its files are not here.
func (l *Ledger) rereadStream(
	ctx context.Context, stream string, found error,
	watch func(context.Context, func()) (uint64, error),
) (number uint64, err error) {
	if l.server == nil {
		return 0, found
	}
	sound, err := l.filesAreSound(stream)
	switch {
	case err != nil:
		return 0, err
	case !sound:
		return 0, found
	}
	// The server may have it from these very files: then nothing is found by opening them again
	// and again, which holds up all who write.
	last, was := l.rereads.Swap(stream, time.Now())
	if was && time.Since(last.(time.Time)) < rereadEvery { //nolint:forcetypeassert // no other
		l.rereads.Store(stream, last)
		return 0, found
	}
	if err := l.server.Reopen(ctx); err != nil {
		return 0, err
	}
	return watch(ctx, func() {})
}

// noteBeside notes what was found. An error that says nothing about the part itself is only logged.
func (l *Ledger) noteBeside(ctx context.Context, part string, number uint64, err error) {
	switch {
	case ctx.Err() != nil || err == nil && number == 0:
	case err == nil:
		if l.watchman.sound(part, number, l.opts.Now()) {
			l.opts.Log.InfoContext(ctx, "read again, and nothing is wrong",
				slog.String("part", part))
		}
	case isLoss(err):
		if l.watchman.wrong(part, trouble{err: err}) {
			l.opts.Log.ErrorContext(ctx, "damaged", slog.String("part", part),
				slog.Any("error", err))
		}
	default:
		l.opts.Log.WarnContext(ctx, "could not be read again", slog.String("part", part),
			slog.Any("error", err))
	}
}

// isLoss tells whether an error says that what cannot be derived is damaged or gone. Only such an
// error keeps events out, and one of the parts that events refer to.
func isLoss(err error) bool {
	return slices.Contains([]problem.Code{
		problem.VaultLost, problem.RegisterLost, problem.StreamLost, problem.FolderKeyLost,
		problem.FolderOtherLedger,
	}, problem.From(err).Code)
}
