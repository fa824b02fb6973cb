package control

import (
	"context"
	"time"

	"cakupan/cmd/internal/ledger"
	"cakupan/domain/temporal"
	"cakupan/eventstore/vault"
)

// Custody is what only the owner of a ledger does: with its keys, and with what it holds about a
// person. A ledger that this program has open is one; so is one that runs.
type Custody interface {
	// Keys says how each key is.
	Keys(ctx context.Context) ([]ledger.Key, error)
	// BackupKeys copies the keys into a folder that is not there yet. The path is a whole one.
	BackupKeys(ctx context.Context, to string) ([]ledger.Key, error)
	// RotateKey changes a key: vault, intake or checkpoint.
	RotateKey(ctx context.Context, which string) error
	// Erase takes a person out of the vault, by the NIK or else by the worker id in e.
	Erase(ctx context.Context, nik string, e vault.Erasure) (vault.Erasure, error)
	// Erasures returns what is recorded of erasures.
	Erasures(ctx context.Context) ([]vault.Erasure, error)
	// Disclose returns all that the ledger holds about a person, and records first that it was
	// asked for.
	Disclose(ctx context.Context, nik string, at temporal.Instant) (ledger.Disclosure, error)
}

var (
	_ Custody = (*ledger.Ledger)(nil)
	_ Custody = (*Client)(nil)
)

// longTimeMax is how long a command waits for what goes through the whole vault, or the log: at
// 150 million workers a rotation takes minutes.
const longTimeMax = time.Hour

// custodyAsked is what a command asks for of custody; what it has no use for is zero.
type custodyAsked struct {
	// NIK goes over the owner's socket, and nowhere else.
	NIK     string           `json:"nik,omitempty"`
	Erasure *vault.Erasure   `json:"erasure,omitempty"`
	At      temporal.Instant `json:"at,omitempty"`
}

// custodyTold is what it gets.
type custodyTold struct {
	Keys       []ledger.Key       `json:"keys,omitempty"`
	Erased     *vault.Erasure     `json:"erased,omitempty"`
	Erasures   []vault.Erasure    `json:"erasures,omitempty"`
	Disclosure *ledger.Disclosure `json:"disclosure,omitempty"`
}

// Keys says how each key is.
func (c *Client) Keys(ctx context.Context) ([]ledger.Key, error) {
	a, err := c.ask(ctx, request{Do: "keys"})
	return a.Keys, err
}

// BackupKeys copies the keys, once the running ledger has said that they are its own. It does not
// copy them itself: where it runs, in a container or by a unit of systemd, it may write to its
// folder alone.
func (c *Client) BackupKeys(ctx context.Context, to string) ([]ledger.Key, error) {
	keys, err := c.Keys(ctx)
	if err != nil {
		return nil, err
	}
	return keys, ledger.CopyKeys(keys, c.dir, to)
}

// RotateKey changes a key of the running ledger.
func (c *Client) RotateKey(ctx context.Context, which string) error {
	_, err := c.ask(ctx, request{Do: "keys rotate", Name: which})
	return err
}

// Erase takes a person out of the vault of the running ledger.
func (c *Client) Erase(ctx context.Context, nik string, e vault.Erasure) (vault.Erasure, error) {
	a, err := c.ask(ctx, request{Do: "erase", Custody: custodyAsked{NIK: nik, Erasure: &e}})
	if a.Erased != nil {
		e = *a.Erased
	}
	return e, err
}

// Erasures returns what is recorded of erasures.
func (c *Client) Erasures(ctx context.Context) ([]vault.Erasure, error) {
	a, err := c.ask(ctx, request{Do: "erasures"})
	if a.Erasures == nil {
		a.Erasures = []vault.Erasure{}
	}
	return a.Erasures, err
}

// Disclose returns all that the running ledger holds about a person.
func (c *Client) Disclose(ctx context.Context, nik string, at temporal.Instant,
) (d ledger.Disclosure, err error) {
	a, err := c.ask(ctx, request{Do: "disclose", Custody: custodyAsked{NIK: nik, At: at}})
	if a.Disclosure != nil {
		d = *a.Disclosure
	}
	return d, err
}

// custody does what is asked for of keys and persons, and reports whether it was that.
func (h handler) custodial(ctx context.Context, q *request) (a answer, is bool, err error) {
	asked := &q.Custody
	switch q.Do {
	case "keys":
		a.Keys, err = h.custody.Keys(ctx)
	case "keys rotate":
		err = h.custody.RotateKey(ctx, q.Name)
	case "erase":
		if asked.Erasure == nil {
			return a, true, errNobody
		}
		var e vault.Erasure
		e, err = h.custody.Erase(ctx, asked.NIK, *asked.Erasure)
		a.Erased = &e
	case "erasures":
		a.Erasures, err = h.custody.Erasures(ctx)
	case "disclose":
		var d ledger.Disclosure
		d, err = h.custody.Disclose(ctx, asked.NIK, asked.At)
		a.Disclosure = &d
	default:
		return a, false, nil
	}
	return a, true, err
}
