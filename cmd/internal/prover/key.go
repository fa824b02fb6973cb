package prover

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"

	"cakupan/cmd/internal/folder"
	"cakupan/cmd/internal/problem"
	"cakupan/eventstore/checkpoint"
	"cakupan/eventstore/durable"
	"cakupan/eventstore/keyfile"
)

// Begin makes the key where there never was one, so that whoever copies the keys of a ledger that
// serves has all of them. That it fails is said when somebody asks, and tried again by Follow.
func (p *Prover) Begin(ctx context.Context) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.openSigner(ctx); err != nil && ctx.Err() == nil {
		p.logger.WarnContext(ctx, "nothing can be proven now", slog.Any("error", err))
	}
}

// openSigner reads the key, or makes one where there never was any: under another key, what was
// signed would be another ledger's. mu is held. It is called again when the key was changed.
func (p *Prover) openSigner(ctx context.Context) error {
	path := p.home.Path(folder.Vault, folder.SigningKeyFile)
	last := p.home.Path(folder.Tiles, SignedFile)
	text, err := checkpoint.ReadFile(last)
	if errors.Is(err, checkpoint.ErrDamaged) {
		p.logger.WarnContext(ctx, "the checkpoint signed last cannot be read: it is no longer "+
			"compared with", slog.Any("error", err))
		err = nil
	}
	if err != nil {
		return folder.Error(p.home.Dir, err)
	}
	seed, err := p.signingKey(ctx, path, text != nil)
	if err == nil {
		err = p.setSigner(p.log.Identity().Ledger, seed)
	}
	if err != nil {
		return err
	}
	v, _ := p.opts.Vault(ctx)
	if p.successions, p.successionsErr = p.ReadSuccessions(v); p.successionsErr != nil {
		p.logger.WarnContext(ctx, "proof of older keys", slog.Any("error", p.successionsErr))
	}
	if p.former, err = formerKeys(p.signer.Key(), p.successions); err != nil {
		return err
	}
	if p.signed, err = p.read(text); err != nil {
		return problem.New(problem.FolderKeyLost, fmt.Sprintf("%s is not the key that has signed"+
			" %s: put back the one that has. %s", path, last, newKeyRemedy))
	}
	text, _ = checkpoint.ReadFile(p.home.Path(folder.Tiles, witnessedFile)) // else there is none
	p.witnessed, _ = p.read(text)
	return nil
}

// setSigner has the prover sign with a key. The seed is secret and not kept here.
func (p *Prover) setSigner(ledger string, seed []byte) (err error) {
	if p.signer, err = checkpoint.NewSigner(ledger, seed); err == nil {
		p.own, err = checkpoint.Verifier(p.signer.Key())
	}
	return err
}

// formerKeys returns those in whose place a key came.
func formerKeys(key string, successions []byte) ([]string, error) {
	all, err := checkpoint.ParseSuccessions(successions)
	return checkpoint.Predecessors(key, all), err
}

// newKeyRemedy says what to do where the key is gone for good.
const newKeyRemedy = "To begin with a new key, which auditors and witnesses must then be given," +
	" run cakupan keys rotate --key checkpoint"

// signingKey reads the key, and compares it with its check in the vault. signed says that there is
// a checkpoint: then a key was there. A new key is durable, and its check in a vault that can be
// opened, before anything is signed with it.
func (p *Prover) signingKey(ctx context.Context, path string, signed bool) ([]byte, error) {
	// What is wrong with a vault that cannot be opened is said by who needs more of it.
	v, _ := p.opts.Vault(ctx)
	if v != nil {
		if err := p.finishSigningKey(ctx, v); err != nil {
			return nil, err
		}
	}
	seed, err := keyfile.Read(path)
	if errors.Is(err, fs.ErrNotExist) {
		if signed || v != nil && v.HasKey(folder.SigningKeyFile) {
			return nil, problem.New(problem.FolderKeyLost, fmt.Sprintf("%s is missing, and"+
				" checkpoints were signed with it: put it back from its backup. %s",
				path, newKeyRemedy))
		}
		if err = durable.MakeFolder(p.home.Path(folder.Vault), folder.FolderMode); err == nil {
			seed, err = keyfile.Create(path)
		}
	}
	if err == nil && v != nil {
		err = v.CheckKey(ctx, folder.SigningKeyFile, seed)
	}
	if err != nil {
		return nil, folder.KeyError(path, err)
	}
	return seed, nil
}
