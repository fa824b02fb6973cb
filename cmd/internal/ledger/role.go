package ledger

import (
	"context"
	"errors"
	"log/slog"

	"cakupan/cmd/internal/folder"
	"cakupan/cmd/internal/intake"
	"cakupan/domain/event"
	"cakupan/eventstore/index"
	"cakupan/eventstore/vault"
	"cakupan/eventstore/writer"
)

// role is a ledger as it has a role on a cluster; see [cluster.Ledger].
type role struct{ *Ledger }

// SubmitHere takes events in, in a ledger that writes.
func (l role) SubmitHere(ctx context.Context, raw [][]byte, opts intake.Options,
) ([]event.Receipt, error) {
	return l.submitHere(ctx, raw, opts)
}

// TakeUp opens what appending needs, in a ledger that has stood by until now, and returns the
// writer. Everything is read again to the end of the log: while we stood by, others wrote. Only the
// goroutine of the roles calls it, and without mu: the log may be out of reach, and health is
// asked. After an error the writer may be open: LayDown, which the roles call in any case, closes
// it.
func (l role) TakeUp(ctx context.Context) (*writer.Writer, error) {
	if err := l.checkWitness(ctx); err != nil {
		return nil, err
	}
	idx, err := l.openIndex(ctx)
	if err == nil {
		err = l.FollowVault(ctx)
	}
	if err != nil {
		return nil, err
	}
	w, err := writer.Open(ctx, l.measured(), idx, l.writerOptions())
	if err != nil {
		return nil, folder.DerivedError(l.folder.Dir, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.writer = w               // and LayDown closes it
	l.rights.ToAll(idx.Last()) // what others have appended may have given rights
	_, err = l.openWay(ctx)
	return w, err
}

// LayDown closes it again, all but the index, which only follows the log. Nothing new begins; what
// has begun comes to its end, or is refused because somebody else writes. The order: first the
// pointers, so that nobody new gets a part; then the writer, whose end answers those who wait; then
// the vault, once nobody is between the two. It may be called when nothing is open, and again.
func (l role) LayDown() {
	l.mu.Lock()
	w, v := l.writer, l.vault
	l.writer, l.vault, l.intake = nil, nil, nil
	if w != nil {
		l.appending.Store(&appending{index: l.index})
	}
	l.mu.Unlock()
	if w != nil {
		_ = w.Close() // why it has ended was told
	}
	if v == nil {
		return
	}
	l.inUse.Lock() // until nobody is on his way from one to the other
	defer l.inUse.Unlock()
	if err := v.Close(); err != nil {
		l.opts.Log.Warn("vault was not closed well", slog.Any("error", err))
	}
}

// openIndex returns the index, which is open until Close. It is opened once and kept in both roles.
// mu is held meanwhile.
func (l *Ledger) openIndex(ctx context.Context) (*index.Index, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	err := l.readyIndex(ctx)
	if err == nil {
		l.appending.CompareAndSwap(nil, &appending{index: l.index})
	}
	return l.index, err
}

// FollowVault opens the vault, or has it know what others have added to it: so a ledger whose key
// is not the vault's any more, as another one has changed it, says so while it stands by, and does
// not take over. Only the goroutine of the roles calls it.
func (l role) FollowVault(ctx context.Context) error {
	v, err := l.openVault(ctx)
	if err != nil {
		return err
	}
	err = l.catchUpVault(ctx, v)
	if err != nil && isLoss(err) {
		// Its key may be another one in the folder by now. That is read when it is opened again.
		l.LayDown()
	}
	return err
}

// catchUpVault has an open vault know what others have added, on a cluster.
func (l *Ledger) catchUpVault(ctx context.Context, v *vault.Vault) error {
	if l.server != nil {
		return nil
	}
	l.inUse.RLock() // it is not closed meanwhile
	defer l.inUse.RUnlock()
	return folder.VaultError(l.folder.Dir, v.CatchUp(ctx))
}

// FollowIndex adds to the index what the log holds beyond it. One that is damaged is renewed. It is
// all that a ledger which stands by does with the index. A renewed one is read from the first event
// on, which takes as long as the log is.
func (l role) FollowIndex(ctx context.Context) error {
	idx, err := l.openIndex(ctx)
	if err != nil {
		return err
	}
	err = writer.Follow(ctx, l.log, idx)
	if errors.Is(err, index.ErrDamaged) {
		if err = idx.Renew(); err == nil {
			err = writer.Follow(ctx, l.log, idx)
		}
		if err == nil {
			idx.Renewed()
		}
	}
	return folder.DerivedError(l.folder.Dir, err)
}

// currentWriter returns the writer, nil while this ledger stands by.
func (l *Ledger) currentWriter() *writer.Writer {
	if open := l.appending.Load(); open != nil {
		return open.writer
	}
	return nil
}
