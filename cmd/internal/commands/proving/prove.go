package proving

import (
	"context"
	"fmt"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/tlog"

	"cakupan/cmd/internal/cli"
	"cakupan/cmd/internal/cli/words"
	"cakupan/cmd/internal/client"
	"cakupan/cmd/internal/problem"
)

// Prove proves that an event is in the log, or that a log goes on from what it was
// (contract, section 8). Sequences count from 1, so 0 is a flag that was not given. Sequence goes
// alone, To with From; From and To are sizes of the log too, as the last event's sequence is how
// many there are.
type Prove struct {
	Sequence int64 `placeholder:"SEQ" help:"Prove that this event is in the log."`
	From     int64 `placeholder:"SEQ" help:"Prove that the log up to --to begins as up to this."`
	To       int64 `placeholder:"SEQ" help:"Default: all that is recorded."`
}

// Help returns what --help shows beyond the flags.
func (*Prove) Help() string {
	return `The proof of an event is a C2SP tlog-proof: the event as the log has it, the hashes that
lead from it to the root, and the signed checkpoint. That of two sizes has the roots of both, and
the hashes that lead from the first to the second. It is checked here before it is printed.

Examples:

	cakupan prove --sequence 4711
	cakupan prove --sequence 4711 --json --server https://ledger.example
	cakupan prove --from 4711 --to 9000` + cli.ExitCodes
}

// Run runs the command. The signed head is asked for once, and every proof leads to it: what is
// appended meanwhile does not matter. The ledger's key is taken on its word here; whoever checks
// the proof compares it with the key that he was given.
func (c *Prove) Run(ctx context.Context, w *cli.Where, out *cli.Console) error {
	switch {
	case c.Sequence < 0 || c.From < 0 || c.To < 0:
		return cli.Usage("events have numbers from 1 on")
	case (c.Sequence == 0) == (c.From == 0):
		return cli.Usage("prove what? Name an event with --sequence, or two sizes with --from" +
			" and --to")
	case c.Sequence > 0 && c.To > 0:
		return cli.Usage("--to goes with --from")
	}
	return w.With(ctx, out, false, func(s *client.Client) error {
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

// proving makes proofs from the tiles of a signed tree, the way anybody else would who has only the
// tiles: no route of the ledger makes proofs, so none can make a false one that is believed here.
// It is of one goroutine, as the tiles are.
type proving struct {
	head
	tiles *client.Tiles
	json  bool
	out   *cli.Console
}

// hashes reads hashes of the tree from tiles, each checked against the signed root before it is
// used.
func (p *proving) hashes() tlog.HashReader { return tlog.TileHashReader(p.tree, p.tiles) }

// failed says why there is no proof: the ledger did not answer, or what it answers is not true. The
// two are told apart, as the second is exit code 5: somebody has to look into it.
func (p *proving) failed(err error) error {
	if err := p.tiles.Err(); err != nil {
		return err
	}
	return problem.Wrap(problem.ProofFailed, "the tiles are not those of the signed"+
		" checkpoint", err)
}

// holds refuses a number that the log does not have: exit code 4, as there is nothing to prove.
func (p *proving) holds(sequence int64) error {
	if sequence <= p.tree.N {
		return nil
	}
	return problem.New(problem.NotFound,
		fmt.Sprintf("there is no event %d: the log ends at event %d", sequence, p.tree.N))
}

// shownRecordProof is the proof of an event, for machines. Entry is the event's bytes as the log
// has them, in base64; hashes are hexadecimal. Proof goes from the leaf to the root, as RFC 6962
// has it; Size and Root are those of Checkpoint, which is signed with Key.
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

// event proves that an event is in the log. The proof is checked before it is printed, with the
// bytes of the event itself: tiles that fit each other may still be of another event.
func (p *proving) event(sequence int64) error {
	if err := p.holds(sequence); err != nil {
		return err
	}
	// Leaves of the tree count from 0, events from 1.
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
		return p.out.WriteJSON(shownRecordProof{
			sequence, entry, hexHash(leaf), p.tree.N, hexHash(p.tree.Hash),
			hexHashes(proof), p.public, string(p.note),
		})
	}
	_, err = p.out.Stdout.Write(torchwood.FormatProofWithExtraData(index, entry, proof, p.note))
	return err
}

// entry reads an event as its leaf is of, from the bundle that holds it. Entries of a bundle have
// lengths before them and no index, so those before it are skipped. What comes is not yet checked:
// see event.
func (p *proving) entry(index int64) ([]byte, error) {
	// Level -1 is the entries themselves. The last bundle is as wide as the signed tree says: a
	// fuller one may be there by now, and has another address.
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

// shownTreeProof is the proof of two sizes, for machines. Proof leads from From to To, Signed from
// To to Checkpoint, which is signed with Key: the two sizes themselves were perhaps never signed.
type shownTreeProof struct {
	From       size     `json:"from"`
	To         size     `json:"to"`
	Proof      []string `json:"proof"`
	Signed     []string `json:"signed"` // from `to` to the checkpoint
	Key        string   `json:"key"`
	Checkpoint string   `json:"checkpoint"`
}

// size is how many events a log has, and the root over them in hexadecimal.
type size struct {
	Size int64  `json:"size"`
	Root string `json:"root"`
}

// sizes proves that the log of one size begins with that of another, and the signed one with both.
// The sizes may be equal, and to may be the signed one: the proof in between is then empty. Without
// the second proof the first would say nothing: anybody can make two trees that go together.
func (p *proving) sizes(from, to int64) error {
	if to < from {
		return cli.Usage("--to is before --from")
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
		return p.out.WriteJSON(shown)
	}
	return writeTreeProof(p.out, &shown)
}

// between returns the proof that one tree begins with another, checked with the roots of both.
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

// writeTreeProof prints a proof for people, in the order in which it is checked, with the signed
// checkpoint last as it is, to the byte: its signature is over its lines.
func writeTreeProof(out *cli.Console, shown *shownTreeProof) error {
	_, err := fmt.Fprintf(out.Stdout, "The log of %s begins with that of %s. ✓\n"+
		"from %d %s\nto %d %s\n", words.Counted(shown.To.Size, "event"),
		words.Thousands(shown.From.Size), shown.From.Size, shown.From.Root, shown.To.Size,
		shown.To.Root)
	for _, part := range []struct {
		title  string
		hashes []string
	}{{"proof", shown.Proof}, {"proof of the checkpoint", shown.Signed}} {
		_, _ = fmt.Fprintln(out.Stdout, part.title)
		for _, hash := range part.hashes {
			_, _ = fmt.Fprintln(out.Stdout, hash)
		}
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out.Stdout, "\n%s", shown.Checkpoint)
	return err
}

// hexHashes writes hashes as hexHash does, in their order. None is an empty array in JSON, not
// null.
func hexHashes[H ~[]tlog.Hash](hashes H) []string {
	texts := make([]string, len(hashes))
	for i, hash := range hashes {
		texts[i] = hexHash(hash)
	}
	return texts
}
