package prover

import (
	"context"

	"golang.org/x/mod/sumdb/tlog"

	"cakupan/cmd/internal/bundle"
)

// Prove adds to the bundle of a figure the tree that was known, and a signed head: one that a
// witness has cosigned, where there is one that has it all.
func (p *Prover) Prove(ctx context.Context, b *bundle.Ledger) error {
	return p.with(ctx, func(tree tlog.Tree) error {
		b.Sign, b.Successions = p.signer.SignText, p.successions
		return p.prove(ctx, tree, b)
	})
}

// prove does that with mu held.
func (p *Prover) prove(ctx context.Context, tree tlog.Tree, b *bundle.Ledger) (err error) {
	k := int64(b.Answer.Known.Sequence)
	if b.Tree, err = p.tiles.TreeAt(ctx, k); err != nil {
		return p.proofError(err)
	}
	// A witness says more than the ledger alone, so an older head that has the figure's events is
	// better than the newest.
	head := p.witnessed
	if head.note == nil || head.tree.N < k {
		if head.note, err = p.sign(ctx, tree); err != nil {
			return err
		}
		head.tree = tree
	}
	b.Checkpoint = head.note
	b.Proof, err = tlog.ProveTree(head.tree.N, k, p.tiles.Reader(ctx))
	return p.proofError(err)
}

// TreeAt returns the tree over the first events, though the log may have gone on.
func (p *Prover) TreeAt(ctx context.Context, events int64) (tree tlog.Tree, err error) {
	err = p.with(ctx, func(tlog.Tree) error {
		tree, err = p.tiles.TreeAt(ctx, events)
		return p.proofError(err)
	})
	return tree, err
}
