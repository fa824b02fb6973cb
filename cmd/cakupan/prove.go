package main

import (
	"context"
	"fmt"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/tlog"

	"cakupan/cmd/internal/client"
	"cakupan/cmd/internal/problem"
)

// proveCommand proves that an event is in the log, or that a log goes on from what it was.
type proveCommand struct {
	Sequence int64 `placeholder:"SEQ" help:"Prove that this event is in the log."`
	From     int64 `placeholder:"SEQ" help:"Prove that the log up to --to begins as up to this."`
	To       int64 `placeholder:"SEQ" help:"Default: all that is recorded."`
}

// Help returns what --help shows beyond the flags.
func (*proveCommand) Help() string {
	return `The proof of an event is a C2SP tlog-proof: the event as the log has it, the hashes that
lead from it to the root, and the signed checkpoint. That of two sizes has the roots of both, and
the hashes that lead from the first to the second. It is checked here before it is printed.

Examples:

	cakupan prove --sequence 4711
	cakupan prove --sequence 4711 --json --server https://ledger.example
	cakupan prove --from 4711 --to 9000` + exitCodes
}

// Run runs the command.
func (c *proveCommand) Run(ctx context.Context, w *where, out *console) error {
	switch {
	case c.Sequence < 0 || c.From < 0 || c.To < 0:
		return usage("events have numbers from 1 on")
	case (c.Sequence == 0) == (c.From == 0):
		return usage("prove what? Name an event with --sequence, or two sizes with --from and --to")
	case c.Sequence > 0 && c.To > 0:
		return usage("--to goes with --from")
	}
	return w.with(ctx, out, false, func(s *client.Client) error {
		key, err := s.CheckpointKey(ctx)
		if err != nil {
			return err
		}
		h, err := headOf(ctx, s, key, nil)
		if err != nil {
			return err
		}
		p := &proving{head: h, tiles: s.Tiles(ctx), json: w.JSON, out: out}
		if c.Sequence > 0 {
			return p.event(c.Sequence)
		}
		if c.To == 0 {
			c.To = h.tree.N
		}
		return p.sizes(c.From, c.To)
	})
}

// proving makes proofs from the tiles of a signed tree.
type proving struct {
	head
	tiles *client.Tiles
	json  bool
	out   *console
}

func (p *proving) hashes() tlog.HashReader { return tlog.TileHashReader(p.tree, p.tiles) }

// failed says why there is no proof: the ledger did not answer, or what it answers is not true.
func (p *proving) failed(err error) error {
	if err := p.tiles.Err(); err != nil {
		return err
	}
	return problem.Wrap(problem.ProofFailed, "the tiles are not those of the signed"+
		" checkpoint", err)
}

// holds refuses a number that the log does not have.
func (p *proving) holds(sequence int64) error {
	if sequence <= p.tree.N {
		return nil
	}
	return problem.New(problem.NotFound,
		fmt.Sprintf("there is no event %d: the log ends at event %d", sequence, p.tree.N))
}

// shownRecordProof is the proof of an event, for machines.
type shownRecordProof struct {
	Sequence   int64    `json:"sequence"`
	Entry      []byte   `json:"entry"`
	Leaf       string   `json:"leaf"`
	Size       int64    `json:"size"`
	Root       string   `json:"root"`
	Proof      []string `json:"proof"`
	Key        string   `json:"key"`
	Checkpoint string   `json:"checkpoint"`
}

// event proves that an event is in the log.
func (p *proving) event(sequence int64) error {
	if err := p.holds(sequence); err != nil {
		return err
	}
	index := sequence - 1
	proof, err := tlog.ProveRecord(p.tree.N, index, p.hashes())
	if err != nil {
		return p.failed(err)
	}
	entry, err := p.entry(index)
	if err != nil {
		return err
	}
	leaf := tlog.RecordHash(entry)
	if err := tlog.CheckRecord(proof, p.tree.N, p.tree.Hash, index, leaf); err != nil {
		return p.failed(err)
	}
	if p.json {
		return p.out.writeJSON(shownRecordProof{
			sequence, entry, hexHash(leaf), p.tree.N, hexHash(p.tree.Hash),
			hexHashes(proof), p.public, string(p.note),
		})
	}
	_, err = p.out.stdout.Write(torchwood.FormatProofWithExtraData(index, entry, proof, p.note))
	return err
}

// entry reads an event as its leaf is of, from the bundle that holds it.
func (p *proving) entry(index int64) ([]byte, error) {
	tile := tlog.Tile{H: torchwood.TileHeight, L: -1, N: index / torchwood.TileWidth}
	tile.W = int(min(torchwood.TileWidth, p.tree.N-tile.N*torchwood.TileWidth))
	data, err := p.tiles.ReadTiles([]tlog.Tile{tile})
	if err != nil {
		return nil, p.failed(err)
	}
	rest := data[0]
	for skip := index % torchwood.TileWidth; ; skip-- {
		entry, after, err := torchwood.ReadTileEntry(rest)
		if err != nil {
			return nil, p.failed(err)
		}
		if rest = after; skip == 0 {
			return entry, nil
		}
	}
}

// shownTreeProof is the proof of two sizes, for machines.
type shownTreeProof struct {
	From       size     `json:"from"`
	To         size     `json:"to"`
	Proof      []string `json:"proof"`
	Signed     []string `json:"signed"` // from `to` to the checkpoint
	Key        string   `json:"key"`
	Checkpoint string   `json:"checkpoint"`
}

type size struct {
	Size int64  `json:"size"`
	Root string `json:"root"`
}

// sizes proves that the log of one size begins with that of another, and the signed one with both.
func (p *proving) sizes(from, to int64) error {
	if to < from {
		return usage("--to is before --from")
	}
	if err := p.holds(to); err != nil {
		return err
	}
	trees := [2]tlog.Tree{{N: from}, {N: to}}
	for i := range trees {
		var err error
		if trees[i].Hash, err = tlog.TreeHash(trees[i].N, p.hashes()); err != nil {
			return p.failed(err)
		}
	}
	proof, err := p.between(trees[0], trees[1])
	if err != nil {
		return err
	}
	signed, err := p.between(trees[1], p.tree)
	if err != nil {
		return err
	}
	shown := shownTreeProof{
		size{from, hexHash(trees[0].Hash)},
		size{to, hexHash(trees[1].Hash)},
		hexHashes(proof), hexHashes(signed), p.public, string(p.note),
	}
	if p.json {
		return p.out.writeJSON(shown)
	}
	return writeTreeProof(p.out, &shown)
}

func (p *proving) between(older, newer tlog.Tree) (tlog.TreeProof, error) {
	proof, err := tlog.ProveTree(newer.N, older.N, p.hashes())
	if err == nil {
		err = tlog.CheckTree(proof, newer.N, newer.Hash, older.N, older.Hash)
	}
	if err != nil {
		return nil, p.failed(err)
	}
	return proof, nil
}

func writeTreeProof(out *console, shown *shownTreeProof) error {
	_, err := fmt.Fprintf(out.stdout, "The log of %s events begins with that of %s. ✓\n"+
		"from %d %s\nto %d %s\n", thousands(shown.To.Size), thousands(shown.From.Size),
		shown.From.Size, shown.From.Root, shown.To.Size, shown.To.Root)
	for _, part := range []struct {
		title  string
		hashes []string
	}{{"proof", shown.Proof}, {"proof of the checkpoint", shown.Signed}} {
		_, _ = fmt.Fprintln(out.stdout, part.title)
		for _, hash := range part.hashes {
			_, _ = fmt.Fprintln(out.stdout, hash)
		}
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out.stdout, "\n%s", shown.Checkpoint)
	return err
}

func hexHashes[H ~[]tlog.Hash](hashes H) []string {
	texts := make([]string, len(hashes))
	for i, hash := range hashes {
		texts[i] = hexHash(hash)
	}
	return texts
}
