package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/nats-io/nats.go"

	"cakupan/cmd/internal/httpapi"
	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/natsin"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
	"cakupan/eventstore"
	"cakupan/eventstore/index"
	"cakupan/eventstore/jetstream"
	"cakupan/eventstore/natsd"
	"cakupan/eventstore/seal"
	"cakupan/eventstore/vault"
	"cakupan/eventstore/writer"
	"cakupan/projections"
)

// ledgerOptions say which ledger to open, and how.
type ledgerOptions struct {
	Dir      string
	Create   bool   // make the ledger when there is none
	NATS     string // URL of a cluster that holds the log; empty: the embedded server
	Replicas int    // of a log made on a cluster
	Log      *slog.Logger

	// Receipts is told of all receipts of events that were sent to be kept; nil: nobody is.
	Receipts func([]event.Receipt)

	// Messages says who may connect by NATS; see takeMessages.
	Messages natsOptions

	// fault is called at the crash points; tests set it.
	fault func(point string)
}

// ledger is one data folder, opened: the log, and all that is derived from it. Its parts are
// opened when they are first needed, so that a command pays for no more than it uses.
type ledger struct {
	opts   ledgerOptions
	folder *folder
	server *natsd.Server // nil with opts.NATS
	conns  []*nats.Conn
	log    eventstore.Log

	mu     sync.Mutex // guards the opening of parts
	vault  *vault.Vault
	index  *index.Index
	writer *writer.Writer
	intake *intake.Intake
	sealer *seal.Sealer

	refused  *natsin.Refusals
	messages *natsin.Server // nil until takeMessages

	view    atomic.Pointer[liveView] // nil until the coverage is opened
	serving bool                     // the coverage follows the log by itself
	// atStart is the end of the log when serving began: answers show at least that much.
	atStart eventstore.Sequence

	closed     sync.Once
	closing    chan struct{}         // closed by Close
	background sync.WaitGroup        // what Close waits for
	damage     atomic.Pointer[error] // found by the scrub; nil: none
}

// liveView is the projection that answers, and what stops its following of the log.
type liveView struct {
	runner *coverageRunner
	stop   context.CancelFunc
	done   chan struct{}
}

var _ httpapi.Ledger = (*ledger)(nil)

// openLedger locks the folder and opens the log.
func openLedger(ctx context.Context, opts ledgerOptions) (*ledger, error) {
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	f, err := openFolder(opts.Dir, opts.Create)
	if err != nil {
		return nil, err
	}
	l := &ledger{opts: opts, folder: f, closing: make(chan struct{})}
	if err := l.openLog(ctx); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// openLog starts the embedded server, or connects to the cluster, and opens the log there.
func (l *ledger) openLog(ctx context.Context) error {
	connect := func() (*nats.Conn, error) { return nats.Connect(l.opts.NATS, nats.Name("cakupan")) }
	opts := jetstream.Options{Replicas: l.opts.Replicas}
	if l.opts.NATS == "" {
		server, err := natsd.Start(l.natsServer())
		if err != nil {
			return folderError(l.folder.dir, err)
		}
		l.server, connect, opts.FreeSpace = server, server.Connect, server.FreeSpace
	}
	for range 2 { // the second one is for bulk reads alone
		conn, err := connect()
		if err != nil {
			return problem.Wrap(problem.LogUnavailable, "the NATS server cannot be reached", err)
		}
		l.conns = append(l.conns, conn)
	}
	opts.Reader = l.conns[1]
	log, err := jetstream.Open(ctx, l.conns[0], opts)
	switch {
	case errors.Is(err, eventstore.ErrNoLog):
		return l.makeLog(ctx, opts)
	case err != nil:
		return err
	}
	l.log = log
	return l.adopt()
}

// makeLog makes the log of a new folder. A folder that once had one has lost it.
//
// If we crash before the log is made, the next start comes here again with the same identity; if
// we crash after, it finds the log and adopts it.
func (l *ledger) makeLog(ctx context.Context, opts jetstream.Options) error {
	if l.folder.meta.LogMade {
		return problem.New(problem.LogDamaged,
			fmt.Sprintf("%s has lost its log: restore it from a backup", l.folder.dir))
	}
	if l.folder.meta.Format == 0 {
		if err := l.folder.makeIdentity(wallClock()); err != nil {
			return err
		}
	}
	log, err := jetstream.Create(ctx, l.conns[0], opts, l.folder.meta.Identity)
	if err != nil {
		return err
	}
	l.log = log
	return l.folder.logMade()
}

// adopt checks that the log is the folder's own. A new folder on a cluster takes the identity of
// the log it finds there.
func (l *ledger) adopt() error {
	meta := &l.folder.meta
	if meta.Format == 0 {
		*meta = folderMeta{Format: folderFormat, Identity: l.log.Identity()}
	}
	if meta.Identity != l.log.Identity() {
		return problem.New(problem.FolderOtherLedger,
			fmt.Sprintf("%s belongs to ledger %s, the log to ledger %s: give each its own folder",
				l.folder.dir, meta.Identity.Ledger, l.log.Identity().Ledger))
	}
	if meta.LogMade {
		return nil
	}
	return l.folder.logMade()
}

// openIntake opens what appending needs: the index, the writer, the vault.
func (l *ledger) openIntake(ctx context.Context) (*intake.Intake, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.intake != nil {
		return l.intake, nil
	}
	err := l.checkWitness(ctx)
	if err != nil {
		return nil, err
	}
	if l.index == nil {
		l.index, err = index.Open(l.folder.path(indexFolder), l.log.Identity())
		if err != nil {
			return nil, derivedError(l.folder.dir, err)
		}
	}
	if l.writer == nil {
		opts := writer.Options{Now: wallClock, Fault: l.opts.fault}
		l.writer, err = writer.Open(ctx, l.log, l.index, opts)
		if err != nil {
			return nil, derivedError(l.folder.dir, err)
		}
	}
	if l.vault == nil {
		owner := l.log.Identity().Ledger
		if l.vault, err = vault.Open(l.folder.path(vaultFolder), owner); err != nil {
			return nil, derivedError(l.folder.dir, err)
		}
	}
	l.intake = intake.New(l.vault, l.writer)
	return l.intake, nil
}

// checkWitness refuses to append to a log that has lost its end: the projection has seen how long
// it was, also when the index has not.
func (l *ledger) checkWitness(ctx context.Context) error {
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

// derivedError puts an error about what is derived from the log into words about the folder.
func derivedError(dir string, err error) error {
	var otherIndex *index.OtherLedgerError
	var ahead *index.AheadError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, vault.ErrOtherLedger):
		return problem.Wrap(problem.FolderOtherLedger, fmt.Sprintf(
			"the vault in %s belongs to another ledger: put back the one that belongs to its log",
			dir), err)
	case errors.As(err, &otherIndex), errors.Is(err, projections.ErrOtherLog):
		return problem.Wrap(problem.FolderOtherLedger, fmt.Sprintf(
			"%s mixes two ledgers: put back what belongs to its log, or delete its folders "+
				"%s and %s to have them rebuilt", dir, indexFolder, viewsFolder), err)
	case errors.As(err, &ahead), errors.Is(err, projections.ErrLogShorter):
		return problem.Wrap(problem.LogDamaged, fmt.Sprintf(
			"the log in %s is damaged or an old copy (%s): restore its newest copy",
			dir, innermost(err)), err)
	}
	return folderError(dir, err)
}

// innermost returns the text of what an error says last, behind what was being done.
func innermost(err error) string {
	text := err.Error()
	if i := strings.LastIndex(text, ": "); i >= 0 {
		return text[i+2:]
	}
	return text
}

// Submit takes in events as they were sent.
func (l *ledger) Submit(ctx context.Context, raw [][]byte, opts httpapi.SubmitOptions,
) ([]event.Receipt, error) {
	in, err := l.openIntake(ctx)
	if err != nil {
		return nil, err
	}
	if damage := l.damage.Load(); damage != nil {
		return nil, *damage
	}
	receipts, err := in.Submit(ctx, raw, intake.Options(opts))
	if l.opts.Receipts != nil && !opts.DryRun {
		l.opts.Receipts(receipts)
	}
	return receipts, err
}

// Close stops what runs and closes what is open, in the reverse of the order of opening. A second
// Close does nothing.
func (l *ledger) Close() error {
	err := error(nil)
	l.closed.Do(func() { err = l.close() })
	return err
}

func (l *ledger) close() error {
	var errs []error
	if l.messages != nil {
		errs = append(errs, l.messages.Close())
	}
	close(l.closing)
	l.background.Wait()
	if v := l.view.Swap(nil); v != nil {
		v.stop()
		<-v.done
		errs = append(errs, v.runner.Close())
	}
	if l.writer != nil {
		errs = append(errs, l.writer.Close())
	}
	if l.index != nil {
		errs = append(errs, l.index.Close())
	}
	if l.vault != nil {
		errs = append(errs, l.vault.Close())
	}
	for _, conn := range l.conns {
		conn.Close()
	}
	if l.server != nil {
		errs = append(errs, l.server.Shutdown())
	}
	return errors.Join(append(errs, l.folder.close())...)
}

// removeView deletes a projection's file; what is not there is no error.
func removeView(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove old projection: %w", err)
	}
	return nil
}
