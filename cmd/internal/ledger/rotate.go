package ledger

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"cakupan/cmd/internal/folder"
	"cakupan/cmd/internal/natsin"
	"cakupan/cmd/internal/problem"
	"cakupan/eventstore/keyfile"
	"cakupan/eventstore/vault"
)

// RotateKey changes a key: vault, intake or checkpoint. What the vault's key has sealed is sealed
// anew; the intake's can be changed where nothing is sealed with it, and nobody takes messages in.
// The key of checkpoints signs that another one takes its place, so that who has the old public key
// can believe the new one.
//
// A crash at any moment loses nothing that was sealed: what was begun is ended by the next attempt.
// Backups of the keys that were made before are old from then on.
//
// On a cluster the keys of the vault and of the intake are changed by the ledger that writes, or
// while none does: it would be left with the old one.
func (l *Ledger) RotateKey(ctx context.Context, which string) error {
	switch {
	case which == "checkpoint", l.opts.NATS == "":
	case l.roles == nil:
		return l.cluster.Alone(ctx, func(ctx context.Context) error {
			return l.rotateKey(ctx, which)
		})
	case which == "vault" && l.currentWriter() == nil:
		return l.roles.StandsBy()
	}
	return l.rotateKey(ctx, which)
}

func (l *Ledger) rotateKey(ctx context.Context, which string) error {
	v, err := l.openVault(ctx)
	if err != nil {
		return err
	}
	switch which {
	case "vault":
		return folder.VaultError(l.folder.Dir, v.Rotate(ctx))
	case "checkpoint":
		return l.prover.Rotate(ctx, v)
	case "intake":
		return l.rotateSealKey(ctx, v)
	}
	return problem.Query("key", "name vault, intake or checkpoint")
}

// rotateSealKey makes a new key of the intake. mu is held all the while, so that nobody opens the
// sealer meanwhile.
func (l *Ledger) rotateSealKey(ctx context.Context, v *vault.Vault) error {
	path := l.folder.Path(folder.Vault, folder.SealKeyFile)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.sealer != nil {
		return problem.New(problem.FolderInUse, "the ledger that runs on "+l.folder.Dir+" seals"+
			" with this key what comes in: stop it, run cakupan keys rotate --key intake --data "+
			l.folder.Dir+", and start it again")
	}
	waiting, err := l.sealedMessages(ctx)
	if err != nil {
		return err
	}
	if waiting > 0 {
		return problem.New(problem.FolderKeyLost, fmt.Sprintf("%d messages in %s are sealed with"+
			" %s: settle them first, with cakupan refused or by letting the ledger take them in",
			waiting, strings.Join([]string{natsin.StreamIntake, natsin.StreamRefused}, " and "),
			path))
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	// If we crash here, or before the check is stored, the key has another check or there is none:
	// the next start says so, and this can be done again.
	key, err := keyfile.Create(path)
	if err != nil {
		return err
	}
	return folder.VaultError(l.folder.Dir, v.ReplaceKey(ctx, folder.SealKeyFile, key))
}
