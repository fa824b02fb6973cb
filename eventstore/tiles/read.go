package tiles

import (
	"context"
	"errors"
	"fmt"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/tlog"

	"cakupan/eventstore"
	"cakupan/eventstore/merkle"
)

// EntriesLevel is the level under which [tlog.Tile] names a bundle of entries.
const EntriesLevel = -1

// hashes reads what the root of the tree confirms. t.mu is held. It is good while mu is held.
func (t *Tiles) hashes() tlog.HashReader { return tlog.TileHashReader(t.head(), files{&t.levels}) }

// files are the tiles as the files have them.
type files struct{ levels *levels }

// Height returns that of tiles.
func (files) Height() int { return height }

// ReadTiles reads tiles.
func (f files) ReadTiles(tiles []tlog.Tile) (data [][]byte, err error) {
	for _, one := range tiles {
		tile, err := f.levels.tile(one)
		if errors.Is(err, ErrNoTile) { // the tree has it: see hashes
			err = fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		if err != nil {
			return nil, err
		}
		data = append(data, tile)
	}
	return data, nil
}

// SaveTiles has nothing to do: the files have them.
func (files) SaveTiles([]tlog.Tile, [][]byte) {}

// reading does something with the tiles; where they are damaged it does it again, after they were
// made anew. do may be called twice, and must begin anew. It is called under mu for reading:
// several read at once.
func (t *Tiles) reading(ctx context.Context, do func(tlog.HashReader) error) error {
	try := func() error {
		t.mu.RLock()
		defer t.mu.RUnlock()
		err := do(t.hashes())
		if err != nil {
			err = damaged(err)
		}
		return err
	}
	err := try()
	if !errors.Is(err, ErrDamaged) {
		return err
	}
	t.mu.Lock()
	// Somebody else may have renewed them in between: then it is done twice, which costs time
	// alone.
	err = t.renew(err)
	t.mu.Unlock()
	if err == nil {
		_, err = t.CatchUp(ctx)
	}
	if err == nil {
		err = try()
	}
	return err
}

// Reader returns what reads hashes of the tree, as far as it has caught up; each is confirmed by
// its root. Proofs are made of it by package tlog. ctx is that of making tiles anew, where that is
// needed. An index beyond the tree is an error that wraps ErrNoTile or is of package tlog.
func (t *Tiles) Reader(ctx context.Context) tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) (hashes []tlog.Hash, err error) {
		err = t.reading(ctx, func(r tlog.HashReader) error {
			hashes, err = r.ReadHashes(indexes)
			return err
		})
		return hashes, err
	})
}

// Tile returns a tile, or a bundle of entries for [EntriesLevel], as C2SP tlog-tiles has them. Its
// hashes are confirmed by the root, and entries by their hashes. The error is ErrNoTile for what
// the tree does not have. The tile may be a part of a full one. Nothing is written but to heal.
func (t *Tiles) Tile(ctx context.Context, tile tlog.Tile) (data []byte, err error) {
	leaves := tile
	if tile.L == EntriesLevel {
		leaves.L = 0
	}
	var hashes []tlog.Hash
	err = t.reading(ctx, func(r tlog.HashReader) error {
		if !t.levels.holds(leaves) {
			return fmt.Errorf("%w: %s", ErrNoTile, tile.Path())
		}
		indexes := make([]int64, leaves.W)
		for i := range indexes {
			indexes[i] = tlog.StoredHashIndex(height*leaves.L, leaves.N*width+int64(i))
		}
		hashes, err = r.ReadHashes(indexes)
		return err
	})
	if err != nil {
		return nil, err
	}
	if tile.L == EntriesLevel {
		return t.entries(ctx, tile.N*width, hashes)
	}
	for i := range hashes {
		data = append(data, hashes[i][:]...)
	}
	return data, nil
}

// entries reads events of the log, the first one behind so many, and compares each with its leaf.
// It is done without mu: the log only grows, and the leaves are confirmed already.
func (t *Tiles) entries(ctx context.Context, before int64, leaves []tlog.Hash) ([]byte, error) {
	var bundle, entry []byte
	want := eventstore.Sequence(before) + 1
	for frame, err := range t.log.Read(ctx, want) {
		if err != nil {
			return nil, err
		}
		for r := range frame.Records() {
			if r.Sequence < want || len(leaves) == 0 {
				continue
			}
			if merkle.LeafHash(uint64(r.Sequence), int64(r.RecordedAt), r.Event) !=
				merkle.Hash(leaves[0]) {
				return nil, &eventstore.DamageError{
					From: r.Sequence, To: r.Sequence, Reason: "it is not what its leaf is of",
				}
			}
			entry = merkle.AppendEntry(entry[:0], uint64(r.Sequence), int64(r.RecordedAt), r.Event)
			if bundle, err = torchwood.AppendTileEntry(bundle, entry); err != nil {
				return nil, fmt.Errorf("%w: event %d", ErrEntryTooLong, r.Sequence)
			}
			want, leaves = r.Sequence+1, leaves[1:]
		}
		if len(leaves) == 0 {
			return bundle, nil
		}
	}
	return nil, &eventstore.DamageError{
		From: want, Reason: "the log has lost what the tiles have seen",
	}
}

// TreeAt returns the head of the tree as it was after so many events, which it must have. 0 events
// have the root of no events.
func (t *Tiles) TreeAt(ctx context.Context, events int64) (tlog.Tree, error) {
	hash, err := tlog.TreeHash(events, t.Reader(ctx))
	return tlog.Tree{N: events, Hash: hash}, err
}
