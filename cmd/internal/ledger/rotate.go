package ledger

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"

	"cakupan/cmd/internal/folder"
	"cakupan/cmd/internal/natsin"
	"cakupan/cmd/internal/problem"
	"cakupan/eventstore/checkpoint"
	"cakupan/eventstore/durable"
	"cakupan/eventstore/keyfile"
	"cakupan/eventstore/vault"
)

// newSuffix ends the name of a key that is not in its place yet. While it is there a change of the
// key is under way.
const newSuffix = ".new"

// Points at which Options.Fault is called while the key of checkpoints is changed, in their order.
const (
	FaultKeyMade      = "checkpoint-key-made"      // the new key is there, beside the old one
	FaultKeySucceeds  = "checkpoint-key-succeeds"  // the old one has signed that
	FaultKeyNoted     = "checkpoint-key-noted"     // the vault has a check of what it signed
	FaultKeyCheck     = "checkpoint-key-check"     // and of the new key
	FaultKeyRenamed   = "checkpoint-key-renamed"   // the new key is in its place
	FaultKeyForgotten = "checkpoint-key-forgotten" // without an old key: what it signed is gone
)

// RotateKey changes a key: vault, intake or checkpoint. What the vault's key has sealed is sealed
// anew; the intake's can be changed where nothing is sealed with it, and nobody takes messages in.
// The key of checkpoints signs that another one takes its place, so that who has the old public key
// can believe the new one.
//
// A crash at any moment loses nothing that was sealed: what was begun is ended by the next attempt.
// Backups of the keys that were made before are old from then on.
func (l *Ledger) RotateKey(ctx context.Context, which string) error {
	v, err := l.openVault(ctx)
	if err != nil {
		return err
	}
	switch which {
	case "vault":
		return folder.VaultError(l.folder.Dir, v.Rotate(ctx))
	case "checkpoint":
		return l.rotateSigningKey(ctx, v)
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

// rotateSigningKey changes the key of checkpoints, also of a ledger that runs. The order is that of
// the fault points; each step is durable before the next.
func (l *Ledger) rotateSigningKey(ctx context.Context, v *vault.Vault) error {
	p := &l.proofs
	p.mu.Lock()
	defer p.mu.Unlock()
	_, err := keyfile.Create(l.newSigningKey())
	if err != nil && !errors.Is(err, fs.ErrExist) { // of a rotation that a crash ended
		return folder.Error(l.folder.Dir, err)
	}
	l.fault(FaultKeyMade)
	if err := l.finishSigningKey(ctx, v); err != nil {
		return err
	}
	if p.tiles == nil {
		return nil
	}
	return l.openSigner(ctx)
}

// newSigningKey is the file of a key that has not taken its place: while it is there, a change of
// the key is under way.
func (l *Ledger) newSigningKey() string {
	return l.folder.Path(folder.Vault, folder.SigningKeyFile+newSuffix)
}

// finishSigningKey puts a new key of checkpoints into its place, if there is one. A crash at any
// point leaves the new key beside the old one, and the next who needs either does this again.
// proofs.mu is held.
func (l *Ledger) finishSigningKey(ctx context.Context, v *vault.Vault) error {
	seed, err := keyfile.Read(l.newSigningKey())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return folder.KeyError(l.newSigningKey(), err)
	}
	successor, err := checkpoint.NewSigner(l.log.Identity().Ledger, seed)
	if err != nil {
		return err
	}
	old, err := l.oldSigner(v)
	switch {
	case err != nil:
		return err
	case old != nil:
		err = l.succeed(ctx, v, old, successor)
	case !l.hasSucceeded(successor):
		err = l.forgetSigned(ctx, v)
	}
	if err == nil {
		err = v.ReplaceKey(ctx, folder.SigningKeyFile, seed)
	}
	if err != nil {
		return folder.VaultError(l.folder.Dir, err)
	}
	l.fault(FaultKeyCheck)
	// If we crash here, the old key is no more the one whose check stands in the vault.
	if err := durable.Rename(l.newSigningKey(),
		l.folder.Path(folder.Vault, folder.SigningKeyFile)); err != nil {
		return folder.Error(l.folder.Dir, err)
	}
	l.fault(FaultKeyRenamed)
	return nil
}

// oldSigner returns who signs with the key that is to be changed; nil where it is lost, or is not
// the ledger's own any more. What cannot be read for another reason is an error: it may be back in
// a moment, and its succession would be lost.
func (l *Ledger) oldSigner(v *vault.Vault) (*checkpoint.Signer, error) {
	path := l.folder.Path(folder.Vault, folder.SigningKeyFile)
	seed, err := keyfile.Read(path)
	lost := errors.Is(err, fs.ErrNotExist) || errors.Is(err, keyfile.ErrInvalid)
	switch {
	case lost || err == nil && !v.IsKey(folder.SigningKeyFile, seed):
		return nil, nil //nolint:nilnil // what is no key signs nothing
	case err != nil:
		return nil, folder.KeyError(path, err)
	}
	return checkpoint.NewSigner(l.log.Identity().Ledger, seed)
}

// succeed writes that a key takes the place of another, unless it is written already. Where the
// successions before are lost, the one of now is the first.
func (l *Ledger) succeed(ctx context.Context, v *vault.Vault, old, successor *checkpoint.Signer,
) error {
	path := l.successionPath()
	text, err := checkpoint.ReadFile(path)
	if !l.hasSucceeded(successor) {
		if err != nil || v.HasKey(folder.SuccessionFile) && !v.IsKey(folder.SuccessionFile, text) {
			l.opts.Log.WarnContext(ctx, "what proves older keys of checkpoints is lost: who"+
				" has one must be given the new key", slog.String("file", path),
				slog.Any("error", err))
			text = nil
		}
		signed, err := checkpoint.Succeed(old, successor)
		if err != nil {
			return err
		}
		text = checkpoint.AppendSuccession(text, signed)
		if _, err := checkpoint.ParseSuccessions(text); err != nil {
			return err
		}
		if err := checkpoint.WriteFile(path, text); err != nil {
			return folder.Error(l.folder.Dir, err)
		}
	}
	l.fault(FaultKeySucceeds)
	// If we crash here, the file has more than its check says, and the new key is not in its place.
	err = v.ReplaceKey(ctx, folder.SuccessionFile, text)
	l.fault(FaultKeyNoted)
	return err
}

// hasSucceeded tells whether the last key that came in the place of another is this one. Then the
// change was begun before, and is only to be ended.
func (l *Ledger) hasSucceeded(successor *checkpoint.Signer) bool {
	text, err := checkpoint.ReadFile(l.successionPath())
	if err != nil {
		return false
	}
	all, err := checkpoint.ParseSuccessions(text)
	return err == nil && len(all) > 0 && all[len(all)-1].New == successor.Key()
}

// forgetSigned takes away what a lost key has signed: the new one proves nothing of it. The files
// go one by one; what is left after a crash is removed when the change is ended.
func (l *Ledger) forgetSigned(ctx context.Context, v *vault.Vault) error {
	for _, path := range []string{
		l.folder.Path(folder.Tiles, signedFile), l.folder.Path(folder.Tiles, witnessedFile),
		l.successionPath(),
	} {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return folder.Error(l.folder.Dir, err)
		}
	}
	l.fault(FaultKeyForgotten)
	if !v.HasKey(folder.SuccessionFile) {
		return nil
	}
	return v.ReplaceKey(ctx, folder.SuccessionFile, nil)
}

// successionPath is beside the keys, so that who keeps those keeps it too.
func (l *Ledger) successionPath() string {
	return l.folder.Path(folder.Vault, folder.SuccessionFile)
}

// errOlderSuccessions is of a file that is not the newest.
var errOlderSuccessions = errors.New("they are not those that were signed last")

// readSuccessions reads the successions, and makes sure that they are all there. Without a vault
// they are not compared. Without a file there are none, unless the vault knows better. While a new
// key is on its way they may be one ahead of their check, and are not compared.
func (l *Ledger) readSuccessions(v *vault.Vault) ([]byte, error) {
	text, err := checkpoint.ReadFile(l.successionPath())
	if err == nil {
		_, err = checkpoint.ParseSuccessions(text)
	}
	if _, making := os.Lstat(l.newSigningKey()); err == nil && v != nil && making != nil &&
		v.HasKey(folder.SuccessionFile) && !v.IsKey(folder.SuccessionFile, text) {
		err = errOlderSuccessions
	}
	if err != nil {
		return nil, l.successionsLost(err)
	}
	return text, nil
}

// successionsLost says that the proof of other keys is of no use.
func (l *Ledger) successionsLost(err error) error {
	return problem.Wrap(problem.FolderKeyLost, fmt.Sprintf("%s is missing, damaged or an older"+
		" copy (%s), and without it who has an older public key of the ledger cannot believe the"+
		" one of now: put it back from the backup of the keys. Where it is lost, cakupan keys"+
		" rotate --key checkpoint begins anew with the key of now", l.successionPath(),
		folder.Innermost(err)), err)
}

// Successions returns the notes in which keys of checkpoints name those that came in their place;
// empty where there was only one ever.
func (l *Ledger) Successions(ctx context.Context) (text []byte, err error) {
	l.proofs.mu.Lock()
	defer l.proofs.mu.Unlock()
	if err := l.openProver(ctx); err != nil {
		return nil, err
	}
	return l.proofs.successions, l.proofs.successionsErr
}

// fault is called at the crash points; for tests.
func (l *Ledger) fault(point string) {
	if l.opts.Fault != nil {
		l.opts.Fault(point)
	}
}
