package client

import (
	"bytes"
	"context"
	"encoding/json"
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

// textMax bounds what is held in memory of an answer that is a note or a tile.
const textMax = 32 << 20

// Text asks a GET route for a text, or for bytes, that it returns whole.
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

// Checkpoint asks for the newest signed head.
func (s *Client) Checkpoint(ctx context.Context) ([]byte, error) {
	return s.Text(ctx, "/checkpoint", nil)
}

// CheckpointKey asks for the public key that heads are signed with.
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

// Cosign sends a checkpoint with a witness's cosignature.
func (s *Client) Cosign(ctx context.Context, cosigned []byte) (added bool, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.base+"/checkpoint",
		bytes.NewReader(cosigned))
	if err != nil {
		return false, fmt.Errorf("make request: %w", err)
	}
	request.Header.Set("Content-Type", "text/plain; charset=utf-8")
	response, err := s.Ask(ctx, request)
	if err != nil {
		return false, err
	}
	var answer httpapi.Cosigned
	err = json.NewDecoder(response.Body).Decode(&answer)
	return answer.Added, errors.Join(err, response.Body.Close())
}

// Tiles are the tiles of the ledger's tree, as package tlog reads them. It is for one goroutine.
type Tiles struct {
	ctx    context.Context
	client *Client
	failed error // the ledger did not answer
}

// Tiles returns the tiles of the ledger's tree.
func (s *Client) Tiles(ctx context.Context) *Tiles { return &Tiles{ctx: ctx, client: s} }

// Err returns why the ledger did not answer, nil when it did: what was wrong then was the answer.
func (t *Tiles) Err() error { return t.failed }

// Height returns that of tiles.
func (*Tiles) Height() int { return torchwood.TileHeight }

// ReadTiles asks for tiles.
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

// SaveTiles keeps nothing.
func (*Tiles) SaveTiles([]tlog.Tile, [][]byte) {}
