package httpapi

import (
	"context"
	"io"
	"net/http"
	"strconv"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/tlog"

	"cakupan/cmd/internal/problem"
	"cakupan/eventstore/tiles"
)

// Proofs are what a ledger has that can prove what its log holds. All methods may be called at the
// same time. What they return is the caller's.
type Proofs interface {
	// Checkpoint returns the signed head of all that is durable; Witnessed the newest one that a
	// witness has cosigned, or a [problem.NotFound].
	Checkpoint(ctx context.Context) ([]byte, error)
	Witnessed(ctx context.Context) ([]byte, error)
	// CheckpointKey returns the public key of checkpoints.
	CheckpointKey(ctx context.Context) (string, error)
	// Successions returns the notes in which older keys name those that came in their place.
	Successions(ctx context.Context) ([]byte, error)
	// Cosign keeps a witness's cosignature, and tells whether it was a new one.
	Cosign(ctx context.Context, cosigned []byte) (added bool, err error)
	// Tile returns a tile of the tree, or a bundle of entries.
	Tile(ctx context.Context, tile tlog.Tile) ([]byte, error)
}

// Cosigned is the answer to a cosignature.
type Cosigned struct {
	Added bool `json:"added"` // it was not there before
}

const (
	textType  = "text/plain; charset=utf-8"
	bytesType = "application/octet-stream"

	// forEver is said of what never changes, forAWhile of what is replaced by more.
	forEver   = "max-age=31536000, immutable"
	forAWhile = "max-age=3600"

	// noteBytesMax bounds a signed note.
	noteBytesMax = 64 << 10
)

// proofs returns what the ledger has of that. A ledger that has none of it is 404, so a client can
// tell that from a proof that failed.
func (a *API) proofs() (Proofs, error) {
	if kept, ok := a.ledger.(Proofs); ok {
		return kept, nil
	}
	return nil, problem.New(problem.NotFound, "this ledger proves nothing")
}

// proofsAsked is the same for a route that has no parameters, and refuses those that are given.
func (a *API) proofsAsked(r *http.Request) (Proofs, error) {
	if _, err := parseParameters(r.URL.RawQuery); err != nil {
		return nil, err
	}
	return a.proofs()
}

// getCheckpoint answers with a signed head. It is over durable events only (contract, section 8),
// so what it says cannot be lost by a crash.
func (a *API) getCheckpoint(w *reply, r *http.Request) {
	p, err := parseParameters(r.URL.RawQuery, "witnessed")
	var proofs Proofs
	if err == nil {
		proofs, err = a.proofs()
	}
	if err != nil {
		w.fail(r, err)
		return
	}
	ask := proofs.Checkpoint
	if p.flag("witnessed") {
		ask = proofs.Witnessed
	}
	var text []byte
	if err = p.err(); err == nil {
		text, err = ask(r.Context())
	}
	w.sendAs(r, textType, text, err)
}

// getCheckpointKey answers with the public key.
func (a *API) getCheckpointKey(w *reply, r *http.Request) {
	proofs, err := a.proofsAsked(r)
	var key string
	if err == nil {
		key, err = proofs.CheckpointKey(r.Context())
	}
	w.sendAs(r, textType, []byte(key+"\n"), err)
}

// getSuccessions answers with what proves the key to who has an older one.
func (a *API) getSuccessions(w *reply, r *http.Request) {
	proofs, err := a.proofsAsked(r)
	var text []byte
	if err == nil {
		text, err = proofs.Successions(r.Context())
	}
	w.sendAs(r, textType, text, err)
}

// postCheckpoint takes a cosignature. One that is there already is no error, so that a witness may
// send again what it had no answer to. One of a witness that the ledger does not know is refused by
// it.
func (a *API) postCheckpoint(w *reply, r *http.Request) {
	proofs, err := a.proofsAsked(r)
	if err != nil {
		w.fail(r, err)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, noteBytesMax))
	if err != nil {
		w.fail(r, problem.Wrap(problem.BodyTooLarge, "a cosigned checkpoint has at most "+
			strconv.Itoa(noteBytesMax)+" bytes, and comes whole", err))
		return
	}
	added, err := proofs.Cosign(r.Context(), body)
	if err != nil {
		w.fail(r, err)
		return
	}
	writeJSON(w, r, http.StatusOK, Cosigned{added})
}

// getTile answers with a tile or a bundle of entries. Neither ever changes; one that is not full
// has a successor. A full one may be kept for ever, and one that is not full for an hour: it stays
// true, and is only short.
func (a *API) getTile(w *reply, r *http.Request) {
	proofs, err := a.proofsAsked(r)
	if err != nil {
		w.fail(r, err)
		return
	}
	tile, err := torchwood.ParseTilePath("tile/" + r.PathValue("path"))
	if err != nil {
		w.fail(r, problem.New(problem.NotFound,
			"this is no tile: see C2SP tlog-tiles for how they are named"))
		return
	}
	data, err := proofs.Tile(r.Context(), tile)
	if err == nil {
		w.Header().Set("Cache-Control", forAWhile)
		if tile.W == tiles.Width {
			w.Header().Set("Cache-Control", forEver)
		}
	}
	w.sendAs(r, bytesType, data, err)
}

// sendAs answers with a whole body, or an error.
func (w *reply) sendAs(r *http.Request, media string, body []byte, err error) {
	if err != nil {
		w.fail(r, err)
		return
	}
	w.Header().Set("Content-Type", media)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusOK)
	// Whoever asked may be gone, and then there is nobody to tell.
	_, _ = w.Write(body)
}
