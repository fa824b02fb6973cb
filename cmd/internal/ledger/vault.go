package ledger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/nats-io/nats.go"

	"cakupan/cmd/internal/folder"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
	"cakupan/eventstore"
	"cakupan/eventstore/codec"
	"cakupan/eventstore/packs"
	"cakupan/eventstore/vault"
)

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
	opts.Replicas, opts.Lacking = l.opts.Replicas, l.lacking
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
		return folder.VaultError(l.folder.Dir, err)
	}
	v, err := vault.Open(ctx, vault.Options{
		Dir: l.folder.Path(folder.Vault), Identity: l.log.Identity(), Stream: stream,
		Create: func(ctx context.Context) (*packs.Stream, error) {
			return packs.Create(ctx, conn, opts, l.log.Identity())
		},
		Events: tail.Sequence > 0, Used: last.Beside().Vault, Fault: l.opts.Fault,
		LogWorkers: l.logWorkers(),
	})
	if err != nil {
		return folder.VaultError(l.folder.Dir, err)
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
