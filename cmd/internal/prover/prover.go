// Package prover proves what the log holds to those who need not believe the ledger: by tiles of
// its tree, by signed checkpoints that witnesses cosign, and by the key that signs them.
//
// The tree is package merkle's, the texts are package checkpoint's. Here is what of them is kept in
// the folder, and what is never signed.
package prover

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"cakupan/cmd/internal/folder"
	"cakupan/cmd/internal/problem"
	"cakupan/eventstore"
	"cakupan/eventstore/checkpoint"
	"cakupan/eventstore/keyfile"
	"cakupan/eventstore/merkle"
	"cakupan/eventstore/tiles"
	"cakupan/eventstore/vault"
	"cakupan/eventstore/verify"
)

// The files of proofs.
const (
	// SignedFile has the checkpoint that was signed last, witnessedFile the last one that a
	// witness has cosigned. To lose them costs what they would have found out, and no more.
	SignedFile    = "checkpoint.signed"
	witnessedFile = "checkpoint.witnessed"
)

// tilesEvery is how often a ledger that serves adds to its tiles what came meanwhile, so that who
// asks for a checkpoint need not wait for much. A checkpoint catches up by itself in any case.
const tilesEvery = 5 * time.Second

// Options say what a prover proves, and with what.
type Options struct {
	Folder    *folder.Folder
	Log       eventstore.Log
	Witnesses []string // public keys of those whose cosignatures are kept
	Logger    *slog.Logger
	// Vault returns the vault of a ledger, where the checks of keys are. A vault that cannot be
	// opened keeps nobody from proving.
	Vault func(ctx context.Context) (*vault.Vault, error)
	// Damage returns why the log must not be told of, nil for one that nothing is known of.
	Damage func() error
	Fault  func(point string) // for crash tests; optional
}

// Prover proves what the log holds. It is opened when it is first needed. The tiles come
// from the log, key and successions from the folder of the vault; the two checkpoints are kept to
// be compared with. While tiles is nil nothing else in it counts.
type Prover struct {
	opts   Options // this and what is of it are only read
	home   *folder.Folder
	log    eventstore.Log
	logger *slog.Logger

	mu        sync.Mutex // guards what follows
	tiles     *tiles.Tiles
	signer    *checkpoint.Signer
	own       note.Verifier // of the signer's key
	witnesses []note.Verifier
	signed    signedHead
	witnessed signedHead

	// former are of the keys in whose place the signer's came; successions prove it, or
	// successionsErr says why they do not.
	former         []string
	successions    []byte
	successionsErr error
}

// New returns a prover, which opens nothing yet.
func New(opts Options) *Prover {
	return &Prover{opts: opts, home: opts.Folder, log: opts.Log, logger: opts.Logger}
}

// signedHead is a checkpoint, and what it says. The note is what was written to the file, byte by
// byte.
type signedHead struct {
	tree tlog.Tree
	note []byte // nil: there is none
}

// open opens tiles and key. mu is held. After an error nothing of it counts, and the
// next who needs it begins again.
func (p *Prover) open(ctx context.Context) error {
	if p.tiles != nil {
		return nil
	}
	p.witnesses = nil
	for _, key := range p.opts.Witnesses {
		v, err := checkpoint.WitnessVerifier(key)
		if err != nil {
			return problem.Wrap(problem.UsageWrong, "no public key of a witness", err)
		}
		p.witnesses = append(p.witnesses, v)
	}
	// The key comes first: it is made also where tiles cannot be opened now.
	if err := p.openSigner(ctx); err != nil {
		return err
	}
	opened, err := tiles.Open(p.home.Path(folder.Tiles), p.log)
	if err != nil {
		return p.proofError(err)
	}
	p.tiles = opened
	return nil
}

// read reads a checkpoint that was signed here. One that an older key has signed is signed anew, as
// what it says is the ledger's word still; the cosignatures of known witnesses stay. An error means
// that no key of this ledger has signed it. It changes no file.
func (p *Prover) read(text []byte) (signedHead, error) {
	if text == nil {
		return signedHead{}, nil
	}
	tree, by, err := checkpoint.OpenAny(text, append([]string{p.signer.Key()}, p.former...)...)
	if err == nil && by != p.signer.Key() {
		var anew []byte
		if anew, err = p.signer.Sign(tree); err == nil {
			text, _, err = checkpoint.Merge(anew, text, p.witnesses)
		}
	}
	if err != nil {
		return signedHead{}, err
	}
	return signedHead{tree, text}, nil
}

// proofError puts an error of the tiles into words about the folder. What is not of the tiles is
// returned as it is.
func (p *Prover) proofError(err error) error {
	dir := p.home.Dir
	switch {
	case errors.Is(err, tiles.ErrNoTile):
		return problem.New(problem.NotFound, "the tree has no such tile, or not yet")
	case errors.Is(err, tiles.ErrEntryTooLong):
		return problem.Wrap(problem.NotFound, "an event of this bundle is longer than the standard"+
			" allows: read it with GET /v1/events", err)
	case errors.Is(err, tiles.ErrOtherLog):
		return problem.Wrap(problem.FolderOtherLedger, fmt.Sprintf(
			"%s mixes two ledgers: put back what belongs to its log, or delete its folder %s to"+
				" have it rebuilt", dir, folder.Tiles), err)
	case errors.Is(err, tiles.ErrLogShorter):
		return folder.OlderLog(dir, err)
	}
	return err
}

// with calls do with the prover, whose tiles have caught up with the log. Its mu is held
// during the call, so do must not ask for another proof; tree is over all events that are durable
// by then.
func (p *Prover) with(ctx context.Context, do func(tlog.Tree) error) error {
	if err := p.opts.Damage(); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.open(ctx); err != nil {
		return err
	}
	// Told once for each time that they were made anew, not at each call.
	was := p.tiles.Renewed()
	tree, err := p.tiles.CatchUp(ctx)
	if why := p.tiles.Renewed(); !errors.Is(why, was) {
		p.logger.WarnContext(ctx, "tiles were of no use: they are made anew from the log",
			slog.Any("error", why))
	}
	if err != nil {
		return p.proofError(err)
	}
	return do(tree)
}

// Key returns the public key of the ledger's checkpoints. It is in the form of signed
// notes, and auditors and witnesses know the ledger by it.
func (p *Prover) Key(ctx context.Context) (key string, err error) {
	err = p.with(ctx, func(tlog.Tree) error {
		key = p.signer.Key()
		return nil
	})
	return key, err
}

// Checkpoint returns the signed head of all that is durable, with the cosignatures that it has. It
// is a C2SP tlog-checkpoint (contract, section 8). What it says cannot be taken back: whoever has
// it can prove that a log which says otherwise is another one.
func (p *Prover) Checkpoint(ctx context.Context) (text []byte, err error) {
	err = p.with(ctx, func(tree tlog.Tree) error {
		text, err = p.sign(ctx, tree)
		return err
	})
	return text, err
}

// Witnessed returns the newest checkpoint that a witness has cosigned.
func (p *Prover) Witnessed(ctx context.Context) (text []byte, err error) {
	err = p.with(ctx, func(tlog.Tree) error {
		if text = p.witnessed.note; text == nil {
			return problem.New(problem.NotFound, "no witness has cosigned a checkpoint yet")
		}
		return nil
	})
	return text, err
}

// sign signs a head, unless it is the one that was signed last. What was signed is for ever: a log
// that says otherwise is not signed.
//
// If we crash before the file is written, nobody has seen the checkpoint. So the file is written
// before anybody gets it.
func (p *Prover) sign(ctx context.Context, tree tlog.Tree) ([]byte, error) {
	if p.signed.note != nil && p.signed.tree == tree {
		return p.signed.note, nil
	}
	if err := p.compareSigned(ctx, tree); err != nil {
		return nil, err
	}
	text, err := p.signer.Sign(tree)
	if err != nil {
		return nil, err
	}
	if err := checkpoint.WriteFile(p.home.Path(folder.Tiles, SignedFile), text); err != nil {
		return nil, fmt.Errorf("keep checkpoint: %w", err)
	}
	p.signed = signedHead{tree, text}
	return text, nil
}

// compareSigned returns an error when a tree does not go on from what was signed last.
func (p *Prover) compareSigned(ctx context.Context, tree tlog.Tree) error {
	last := p.signed.tree
	if p.signed.note == nil || last.N == 0 {
		return nil
	}
	if last.N > tree.N {
		return problem.New(problem.LogDamaged, fmt.Sprintf("the log in %s is damaged or an old"+
			" copy: it ends at event %d, and a checkpoint over %d was signed: restore its newest"+
			" copy", p.home.Dir, tree.N, last.N))
	}
	was, err := p.tiles.TreeAt(ctx, last.N)
	if err != nil {
		return p.proofError(err)
	}
	if was.Hash != last.Hash {
		return problem.New(problem.LogDamaged, fmt.Sprintf("the log in %s is not the one that was"+
			" signed: its first %d events have another root than the checkpoint in"+
			" %s", p.home.Dir,
			last.N, p.home.Path(folder.Tiles, SignedFile)))
	}
	return nil
}

// Cosign adds a witness's cosignature to the checkpoint that was signed last, and tells whether it
// was a new one. The witness must be known, and have cosigned what this ledger has signed; one that
// comes when the log has grown is kept with its checkpoint. Whoever sends it need not be known:
// what counts is the signature. It is durable when this returns; [problem.ProofFailed] and
// [problem.Forbidden] change nothing.
func (p *Prover) Cosign(ctx context.Context, cosigned []byte) (added bool, err error) {
	err = p.with(ctx, func(tree tlog.Tree) error {
		head, err := checkpoint.Open(cosigned, p.own)
		if err != nil {
			return problem.Wrap(problem.ProofFailed, "this is no checkpoint of this ledger", err)
		}
		base := p.signed
		switch {
		case head == p.signed.tree:
		case head == p.witnessed.tree:
			base = p.witnessed
		case head.N > tree.N || head.N < p.witnessed.tree.N:
			return problem.New(problem.ProofFailed, "a later checkpoint is witnessed already")
		default: // it was signed here, and others since
			if base.note, err = p.signer.Sign(head); err != nil {
				return err
			}
			base.tree = head
		}
		merged, n, err := checkpoint.Merge(base.note, cosigned, p.witnesses)
		if err != nil {
			return problem.Wrap(problem.ProofFailed, "this is no checkpoint of this ledger", err)
		}
		if len(checkpoint.Cosignatures(merged, p.witnesses)) == 0 {
			return problem.New(problem.Forbidden, "this ledger does not know the witness: have"+
				" whoever runs it start `cakupan serve --witness KEY`")
		}
		added = n > 0
		return p.keepCosigned(signedHead{head, merged})
	})
	return added, err
}

// keepCosigned makes durable what a witness has cosigned. If we crash between the two files, the
// witnessed one is newer, and the signed one lacks a cosignature that the witness can give again.
func (p *Prover) keepCosigned(cosigned signedHead) error {
	err := checkpoint.WriteFile(p.home.Path(folder.Tiles, witnessedFile), cosigned.note)
	if err != nil {
		return fmt.Errorf("keep cosignature: %w", err)
	}
	p.witnessed = cosigned
	if cosigned.tree != p.signed.tree {
		return nil
	}
	// The same head with more signatures: it takes the place of the one without.
	err = checkpoint.WriteFile(p.home.Path(folder.Tiles, SignedFile), cosigned.note)
	if err != nil {
		return fmt.Errorf("keep cosignature: %w", err)
	}
	p.signed = cosigned
	return nil
}

// Tile returns a tile of the tree, or a bundle of its entries. The bytes are those of C2SP
// tlog-tiles. A tile that is not full is another one than the full one of the same place.
func (p *Prover) Tile(ctx context.Context, tile tlog.Tile) (data []byte, err error) {
	if err := p.opts.Damage(); err != nil {
		return nil, err
	}
	opened, err := p.openTiles(ctx)
	if err != nil {
		return nil, err
	}
	data, err = opened.Tile(ctx, tile)
	if errors.Is(err, tiles.ErrNoTile) { // it may be there once they have caught up
		if _, err = opened.CatchUp(ctx); err == nil {
			data, err = opened.Tile(ctx, tile)
		}
	}
	return data, p.proofError(err)
}

// openTiles returns the tiles, which may be read while others sign. They lock for themselves.
func (p *Prover) openTiles(ctx context.Context) (*tiles.Tiles, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.open(ctx); err != nil {
		return nil, err
	}
	return p.tiles, nil
}

// Follow adds to the tiles what comes, until ctx is done. That it fails is said when somebody
// asks.
func (p *Prover) Follow(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(tilesEvery):
		}
		opened, err := p.openTiles(ctx)
		if err == nil {
			_, err = opened.CatchUp(ctx)
		}
		if err != nil && ctx.Err() == nil {
			p.logger.WarnContext(ctx, "tiles do not follow the log", slog.Any("error", err))
		}
	}
}

// SignedWitness is the checkpoint that was signed last, as a witness of how long the log was and
// what it said. One that cannot be read is none.
func (p *Prover) SignedWitness() []verify.Witness {
	p.mu.Lock()
	defer p.mu.Unlock()
	head := p.signed
	if p.tiles == nil {
		text, err := checkpoint.ReadFile(p.home.Path(folder.Tiles, SignedFile))
		seed, err2 := keyfile.Read(p.home.Path(folder.Vault, folder.SigningKeyFile))
		if errors.Join(err, err2) != nil {
			return nil
		}
		var reader Prover
		err = reader.setSigner(p.log.Identity().Ledger, seed)
		successions, _ := p.ReadSuccessions(nil) // else it is compared with no older key
		if err == nil {
			reader.former, err = formerKeys(reader.signer.Key(), successions)
		}
		if err == nil {
			head, err = reader.read(text)
		}
		if err != nil {
			return nil
		}
	}
	if head.note == nil || head.tree.N == 0 {
		return nil
	}
	return []verify.Witness{{
		Name: "the signed checkpoint", Sequence: eventstore.Sequence(head.tree.N),
		Root: merkle.Hash(head.tree.Hash),
	}}
}

// Close closes the tiles. A prover that was never opened has nothing to close.
func (p *Prover) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.tiles == nil {
		return nil
	}
	return p.tiles.Close()
}
