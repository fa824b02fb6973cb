package prover

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"

	"cakupan/cmd/internal/folder"
	"cakupan/cmd/internal/problem"
	"cakupan/eventstore/checkpoint"
	"cakupan/eventstore/durable"
	"cakupan/eventstore/keyfile"
	"cakupan/eventstore/vault"
)

// Points at which Options.Fault is called while the key of checkpoints is changed, in their order.
const (
	FaultKeyMade      = "checkpoint-key-made"      // the new key is there, beside the old one
	FaultKeySucceeds  = "checkpoint-key-succeeds"  // the old one has signed that
	FaultKeyNoted     = "checkpoint-key-noted"     // the vault has a check of what it signed
	FaultKeyCheck     = "checkpoint-key-check"     // and of the new key
	FaultKeyRenamed   = "checkpoint-key-renamed"   // the new key is in its place
	FaultKeyForgotten = "checkpoint-key-forgotten" // without an old key: what it signed is gone
)

// Rotate changes the key of checkpoints, also of a ledger that runs. The order is that of
// the fault points; each step is durable before the next.
func (p *Prover) Rotate(ctx context.Context, v *vault.Vault) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, err := keyfile.Create(p.newSigningKey())
	if err != nil && !errors.Is(err, fs.ErrExist) { // of a rotation that a crash ended
		return folder.Error(p.home.Dir, err)
	}
	p.fault(FaultKeyMade)
	if err := p.finishSigningKey(ctx, v); err != nil {
		return err
	}
	if p.tiles == nil {
		return nil
	}
	return p.openSigner(ctx)
}

// newSigningKey is the file of a key that has not taken its place: while it is there, a change of
// the key is under way.
func (p *Prover) newSigningKey() string {
	return p.home.Path(folder.Vault, folder.SigningKeyFile+folder.NewSuffix)
}

// finishSigningKey puts a new key of checkpoints into its place, if there is one. A crash at any
// point leaves the new key beside the old one, and the next who needs either does this again.
// mu is held.
func (p *Prover) finishSigningKey(ctx context.Context, v *vault.Vault) error {
	seed, err := keyfile.Read(p.newSigningKey())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return folder.KeyError(p.newSigningKey(), err)
	}
	successor, err := checkpoint.NewSigner(p.log.Identity().Ledger, seed)
	if err != nil {
		return err
	}
	old, err := p.oldSigner(v)
	switch {
	case err != nil:
		return err
	case old != nil:
		err = p.succeed(ctx, v, old, successor)
	case !p.hasSucceeded(successor):
		err = p.forgetSigned(ctx, v)
	}
	if err == nil {
		err = v.ReplaceKey(ctx, folder.SigningKeyFile, seed)
	}
	if err != nil {
		return folder.VaultError(p.home.Dir, err)
	}
	p.fault(FaultKeyCheck)
	// If we crash here, the old key is no more the one whose check stands in the vault.
	if err := durable.Rename(p.newSigningKey(),
		p.home.Path(folder.Vault, folder.SigningKeyFile)); err != nil {
		return folder.Error(p.home.Dir, err)
	}
	p.fault(FaultKeyRenamed)
	return nil
}

// oldSigner returns who signs with the key that is to be changed; nil where it is lost, or is not
// the ledger's own any more. What cannot be read for another reason is an error: it may be back in
// a moment, and its succession would be lost.
func (p *Prover) oldSigner(v *vault.Vault) (*checkpoint.Signer, error) {
	path := p.home.Path(folder.Vault, folder.SigningKeyFile)
	seed, err := keyfile.Read(path)
	lost := errors.Is(err, fs.ErrNotExist) || errors.Is(err, keyfile.ErrInvalid)
	switch {
	case lost || err == nil && !v.IsKey(folder.SigningKeyFile, seed):
		return nil, nil //nolint:nilnil // what is no key signs nothing
	case err != nil:
		return nil, folder.KeyError(path, err)
	}
	return checkpoint.NewSigner(p.log.Identity().Ledger, seed)
}

// succeed writes that a key takes the place of another, unless it is written already. Where the
// successions before are lost, the one of now is the first.
func (p *Prover) succeed(ctx context.Context, v *vault.Vault, old, successor *checkpoint.Signer,
) error {
	path := p.SuccessionPath()
	text, err := checkpoint.ReadFile(path)
	if !p.hasSucceeded(successor) {
		if err != nil || v.HasKey(folder.SuccessionFile) && !v.IsKey(folder.SuccessionFile, text) {
			p.logger.WarnContext(ctx, "what proves older keys of checkpoints is lost: who"+
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
			return folder.Error(p.home.Dir, err)
		}
	}
	p.fault(FaultKeySucceeds)
	// If we crash here, the file has more than its check says, and the new key is not in its place.
	err = v.ReplaceKey(ctx, folder.SuccessionFile, text)
	p.fault(FaultKeyNoted)
	return err
}

// hasSucceeded tells whether the last key that came in the place of another is this one. Then the
// change was begun before, and is only to be ended.
func (p *Prover) hasSucceeded(successor *checkpoint.Signer) bool {
	text, err := checkpoint.ReadFile(p.SuccessionPath())
	if err != nil {
		return false
	}
	all, err := checkpoint.ParseSuccessions(text)
	return err == nil && len(all) > 0 && all[len(all)-1].New == successor.Key()
}

// forgetSigned takes away what a lost key has signed: the new one proves nothing of it. The files
// go one by one; what is left after a crash is removed when the change is ended.
func (p *Prover) forgetSigned(ctx context.Context, v *vault.Vault) error {
	for _, path := range []string{
		p.home.Path(folder.Tiles, SignedFile), p.home.Path(folder.Tiles, witnessedFile),
		p.SuccessionPath(),
	} {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return folder.Error(p.home.Dir, err)
		}
	}
	p.fault(FaultKeyForgotten)
	if !v.HasKey(folder.SuccessionFile) {
		return nil
	}
	return v.ReplaceKey(ctx, folder.SuccessionFile, nil)
}

// SuccessionPath is beside the keys, so that who keeps those keeps it too.
func (p *Prover) SuccessionPath() string {
	return p.home.Path(folder.Vault, folder.SuccessionFile)
}

// errOlderSuccessions is of a file that is not the newest.
var errOlderSuccessions = errors.New("they are not those that were signed last")

// ReadSuccessions reads the successions, and makes sure that they are all there. Without a vault
// they are not compared. Without a file there are none, unless the vault knows better. While a new
// key is on its way they may be one ahead of their check, and are not compared.
func (p *Prover) ReadSuccessions(v *vault.Vault) ([]byte, error) {
	text, err := checkpoint.ReadFile(p.SuccessionPath())
	if err == nil {
		_, err = checkpoint.ParseSuccessions(text)
	}
	if _, making := os.Lstat(p.newSigningKey()); err == nil && v != nil && making != nil &&
		v.HasKey(folder.SuccessionFile) && !v.IsKey(folder.SuccessionFile, text) {
		err = errOlderSuccessions
	}
	if err != nil {
		return nil, p.successionsLost(err)
	}
	return text, nil
}

// successionsLost says that the proof of other keys is of no use.
func (p *Prover) successionsLost(err error) error {
	return problem.Wrap(problem.FolderKeyLost, fmt.Sprintf("%s is missing, damaged or an older"+
		" copy (%s), and without it who has an older public key of the ledger cannot believe the"+
		" one of now: put it back from the backup of the keys. Where it is lost, cakupan keys"+
		" rotate --key checkpoint begins anew with the key of now", p.SuccessionPath(),
		folder.Innermost(err)), err)
}

// Successions returns the notes in which keys of checkpoints name those that came in their place;
// empty where there was only one ever.
func (p *Prover) Successions(ctx context.Context) (text []byte, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.open(ctx); err != nil {
		return nil, err
	}
	return p.successions, p.successionsErr
}

// fault is called at the crash points; for tests.
func (p *Prover) fault(point string) {
	if p.opts.Fault != nil {
		p.opts.Fault(point)
	}
}
