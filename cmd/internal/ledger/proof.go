package ledger

import (
	"context"

	"golang.org/x/mod/sumdb/tlog"

	"cakupan/cmd/internal/prover"
)

// newProver returns what proves what the log holds. Nothing of it is opened yet.
func (l *Ledger) newProver() *prover.Prover {
	return prover.New(prover.Options{
		Folder: l.folder, Log: l.log, Witnesses: l.opts.Witnesses, Logger: l.opts.Log,
		Vault: l.openVault, Damage: l.damaged, Fault: l.opts.Fault,
	})
}

// damaged returns what the log is known to be damaged by; nil: by nothing.
func (l *Ledger) damaged() error {
	if damage := l.damage.Load(); damage != nil {
		return *damage
	}
	return nil
}

// CheckpointKey returns the public key of the ledger's checkpoints; see [prover.Prover.Key].
func (l *Ledger) CheckpointKey(ctx context.Context) (string, error) { return l.prover.Key(ctx) }

// Checkpoint returns the signed head of all that is durable; see [prover.Prover.Checkpoint].
func (l *Ledger) Checkpoint(ctx context.Context) ([]byte, error) { return l.prover.Checkpoint(ctx) }

// Witnessed returns the newest checkpoint that a witness has cosigned.
func (l *Ledger) Witnessed(ctx context.Context) ([]byte, error) { return l.prover.Witnessed(ctx) }

// Cosign adds a witness's cosignature; see [prover.Prover.Cosign].
func (l *Ledger) Cosign(ctx context.Context, cosigned []byte) (added bool, err error) {
	return l.prover.Cosign(ctx, cosigned)
}

// Tile returns a tile of the tree, or a bundle of its entries; see [prover.Prover.Tile].
func (l *Ledger) Tile(ctx context.Context, tile tlog.Tile) ([]byte, error) {
	return l.prover.Tile(ctx, tile)
}

// Successions returns what proves the older keys; see [prover.Prover.Successions].
func (l *Ledger) Successions(ctx context.Context) ([]byte, error) {
	return l.prover.Successions(ctx)
}
