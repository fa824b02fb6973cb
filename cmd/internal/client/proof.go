package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/tlog"

	"cakupan/cmd/internal/httpapi"
	"cakupan/cmd/internal/problem"
)

// textMax bounds what is held in memory of an answer that is a note or a tile. The largest is a
// bundle of 256 entries, each an event of 64 KiB at the most with what the ledger adds.
const textMax = 32 << 20

// Text asks a GET route for a text, or for bytes, that it returns whole. More than textMax is an
// error, and not cut off: of a proof a part is worth nothing.
func (s *Client) Text(ctx context.Context, path string, query url.Values) ([]byte, error) {
	response, err := s.Get(ctx, path, query)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, textMax+1))
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	if len(text) > textMax {
		return nil, problem.New(problem.ServerUnreachable, s.base+" answers with more than is"+
			" asked")
	}
	return text, nil
}

// Checkpoint asks for the newest signed head, as it was signed: who relies on it checks the
// signature.
func (s *Client) Checkpoint(ctx context.Context) ([]byte, error) {
	return s.Text(ctx, "/checkpoint", nil)
}

// CheckpointKey asks for the public key that heads are signed with. It is the ledger's own word: of
// use where a key that was handed over is compared with it, or where the ledger is trusted.
func (s *Client) CheckpointKey(ctx context.Context) (string, error) {
	text, err := s.Text(ctx, "/checkpoint/key", nil)
	return strings.TrimSpace(string(text)), err
}

// Successions asks for what proves that key to who has an older one. A server that does not know
// the question has none.
func (s *Client) Successions(ctx context.Context) ([]byte, error) {
	text, err := s.Text(ctx, "/checkpoint/successions", nil)
	if problem.Exit(err) == problem.ExitNotFound {
		return nil, nil
	}
	return text, err
}

// Cosign sends a checkpoint with a witness's cosignature. To send it again is safe. A ledger that
// does not keep cosignatures of this witness refuses it: [problem.Forbidden].
func (s *Client) Cosign(ctx context.Context, cosigned []byte) (added bool, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.base+"/checkpoint",
		bytes.NewReader(cosigned))
	if err != nil {
		return false, fmt.Errorf("make request: %w", err)
	}
	request.Header.Set("Content-Type", "text/plain; charset=utf-8")
	var answer httpapi.Cosigned
	err = s.answered(ctx, request, &answer)
	return answer.Added, err
}

// Tiles are the tiles of the ledger's tree, as package tlog reads them. It is for one goroutine.
// The context is kept, as tlog hands none on; it ends the questions, so Tiles are for one proof, or
// a few that are made together.
type Tiles struct {
	ctx    context.Context
	client *Client
	failed error // the ledger did not answer
}

// Tiles returns the tiles of the ledger's tree. Nothing is asked yet.
func (s *Client) Tiles(ctx context.Context) *Tiles { return &Tiles{ctx: ctx, client: s} }

// Err returns why the ledger did not answer, nil when it did: what was wrong then was the answer.
// It stays once it is set.
func (t *Tiles) Err() error { return t.failed }

// Height returns that of tiles.
func (*Tiles) Height() int { return torchwood.TileHeight }

// ReadTiles asks for tiles, one after the other. What comes is not checked here: tlog does, against
// the signed root, and calls SaveTiles with what it has checked.
func (t *Tiles) ReadTiles(tiles []tlog.Tile) (data [][]byte, err error) {
	for _, one := range tiles {
		tile, err := t.client.Text(t.ctx, "/"+torchwood.TilePath(one), nil)
		if err != nil {
			t.failed = err
			return nil, err
		}
		data = append(data, tile)
	}
	return data, nil
}

// SaveTiles keeps nothing: a command asks for few, and a folder of them would have to be looked
// after.
func (*Tiles) SaveTiles([]tlog.Tile, [][]byte) {}
