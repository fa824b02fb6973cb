package ledger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"

	"github.com/nats-io/nats.go"

	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
	"cakupan/eventstore"
	"cakupan/eventstore/codec"
	"cakupan/eventstore/keyfile"
	"cakupan/eventstore/packs"
	"cakupan/eventstore/vault"
	"cakupan/eventstore/vault/older"
)

// vaultKeyFile is the key of the vault, in its folder. Who has it and the stream can tell who is
// who; it is in no backup of the ledger.
const vaultKeyFile = "vault.key"

// readyVault opens the vault if it is not. A vault that has less than the log has used is not
// opened, and a new one is only made for a log without events. mu is held. It stays open until
// Close, or until the ledger stands by. The rule is of the contract, section 10.
func (l *Ledger) readyVault(ctx context.Context) error {
	if l.vault != nil {
		return nil
	}
	last, tail, err := l.log.Last(ctx)
	if err != nil {
		return err
	}
	conn, err := l.connectVault()
	if err != nil {
		return err
	}
	opts := vault.StreamOptions()
	opts.Replicas = l.opts.Replicas
	if l.server != nil {
		opts.FreeSpace, opts.Store = l.server.FreeSpace, l.server
	}
	stream, err := packs.Open(ctx, conn, opts)
	// No stream is no error yet: whether one may be made is the vault's to say, which knows what
	// the log has used.
	if errors.Is(err, packs.ErrNoStream) {
		stream, err = nil, nil
	}
	if err != nil {
		return vaultError(l.folder.dir, err)
	}
	v, err := vault.Open(ctx, vault.Options{
		Dir: l.folder.path(vaultFolder), Identity: l.log.Identity(), Stream: stream,
		Create: func(ctx context.Context) (*packs.Stream, error) {
			return packs.Create(ctx, conn, opts, l.log.Identity())
		},
		Events: tail.Sequence > 0, Used: last.Beside().Vault, Fault: l.opts.Fault,
		LogWorkers: l.logWorkers(),
	})
	if err != nil {
		return vaultError(l.folder.dir, err)
	}
	for _, dropped := range v.Dropped() {
		l.opts.Log.WarnContext(ctx, "look-up table of the vault was of no use: it was made anew",
			slog.Any("error", dropped))
	}
	l.vault = v
	l.positions.Store(v)
	return nil
}

// openedVault returns the vault, nil while it is not open. Whoever uses it makes sure that it is
// not closed meanwhile: see inUse.
func (l *Ledger) openedVault() *vault.Vault {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.vault
}

// logWorkers returns what yields the worker ids of the log; nil when an old vault is to be
// believed. It reads the whole log, and is called only where a vault of an earlier program is
// brought over. The texts are valid during the call.
func (l *Ledger) logWorkers() func(context.Context, func(string)) error {
	if l.opts.OldVault {
		return nil
	}
	return func(ctx context.Context, yield func(string)) error {
		var e event.Event
		for frame, err := range l.log.Read(ctx, 1) {
			if err != nil {
				return err
			}
			for record := range frame.Records() {
				if _, err := codec.Decode(record.Event, &e); err != nil {
					return fmt.Errorf("read event %d: %w", record.Sequence, err)
				}
				for _, worker := range [...]string{e.Data.Worker, e.Data.Into} {
					yield(worker) // an id may be known by a merge alone
				}
			}
		}
		return nil
	}
}

// connectVault returns the connection of the vault, which Close closes with the others. mu is held.
// Of the embedded server it is a login of its own.
func (l *Ledger) connectVault() (conn *nats.Conn, err error) {
	if l.vaultConn != nil {
		return l.vaultConn, nil
	}
	if l.server != nil {
		conn, err = l.server.ConnectVault()
	} else {
		conn, err = l.natsConnect().Store()
	}
	if err != nil {
		return nil, problem.Wrap(problem.LogUnavailable, "the NATS server cannot be reached", err)
	}
	l.vaultConn, l.conns = conn, append(l.conns, conn)
	return conn, nil
}

// beside returns how far what is kept beside the log is, for the writer's frames. The writer asks,
// which may be at its end while this ledger has begun to stand by. The frame says with it what the
// log rests on, so that an older copy of vault or register is found out at the next start. It takes
// no lock.
func (l *Ledger) beside() eventstore.Beside {
	v := l.positions.Load()
	if v == nil { // must not happen: nobody appends before the vault is open
		return eventstore.Beside{}
	}
	return eventstore.Beside{Vault: v.Position(), Register: l.register.Number()}
}

// vaultError puts an error about the vault into words about the folder: what is missing, and what
// to do. Nil stays nil. Errors of the key are keyError's. Nothing in a text tells a NIK.
func vaultError(dir string, err error) error {
	var behind *vault.BehindError
	var oldFiles *vault.OldFilesError
	var damage *packs.DamageError
	files := filepath.Join(dir, vaultFolder)
	stream := "the stream " + vault.StreamName + " (of an embedded server: " +
		filepath.Join(dir, natsFolder) + ")"
	lost := func(format string, args ...any) error {
		return problem.Wrap(problem.VaultLost, fmt.Sprintf(format, args...), err)
	}
	is := func(any ...error) bool {
		for _, one := range any {
			if errors.Is(err, one) {
				return true
			}
		}
		return false
	}
	switch {
	case err == nil:
		return nil
	case is(vault.ErrOtherLedger, older.ErrOtherLedger):
		return problem.Wrap(problem.FolderOtherLedger, fmt.Sprintf(
			"the vault in %s belongs to another ledger: put back the one that belongs to its log",
			dir), err)
	// Each kind of loss has a text of its own, as what is to be put back differs.
	case errors.As(err, &behind):
		return lost("the vault is an old copy: it has %d records, and %s has used %d; people would"+
			" be counted twice: restore the newest copy of %s", behind.Has, behind.By, behind.Used,
			stream)
	case is(vault.ErrLost, older.ErrLost):
		return lost("the log has events, and its vault is missing; with a new one people would be"+
			" counted twice: restore %s, or %s as they were in %s, from the newest backup",
			stream, "vault.db and vault.journal.*", files)
	case errors.As(err, &oldFiles):
		return lost("vault.db and vault.journal.* in %s are an old copy: they lack %d workers of"+
			" the log, such as %s, who would be counted twice: put back their newest copy; where"+
			" these ids were reported by publishers as they are, run cakupan keys take-over",
			files, oldFiles.Missing, oldFiles.Example)
	case is(vault.ErrHalfTaken):
		return lost("the vault was being brought over from vault.db and vault.journal.* in %s,"+
			" which are gone: put them back from the backup, and start again", files)
	case is(vault.ErrDamaged, older.ErrDamaged) || errors.As(err, &damage):
		return lost("the vault is damaged (%s): restore the newest copy of %s",
			innermost(err), stream)
	}
	return keyError(filepath.Join(files, vaultKeyFile), err)
}

// keyError puts an error about a key into words: what is wrong with it, and what to do. path is
// that of the key; what is none of these is an error of the folder.
func keyError(path string, err error) error {
	const remedy = "put it back from its backup (cakupan keys backup makes one), or copy it from" +
		" another ledger on the same cluster"
	what := ""
	switch {
	case errors.Is(err, keyfile.ErrExposed):
		return problem.Wrap(problem.FolderDenied, fmt.Sprintf(
			"%s can be read by others: run chmod 600 %s", path, path), err)
	case errors.Is(err, vault.ErrKeyMissing):
		what = "is missing"
	case errors.Is(err, keyfile.ErrInvalid):
		what = "is damaged"
	case errors.Is(err, vault.ErrKeyWrong), errors.Is(err, older.ErrKeyWrong):
		what = "is not the key of this ledger"
	default:
		return folderError(filepath.Dir(filepath.Dir(path)), err)
	}
	return problem.Wrap(problem.FolderKeyLost,
		fmt.Sprintf("%s %s: %s", path, what, remedy), err)
}
