package ledgertest

import (
	"errors"
	"log/slog"

	"cakupan/cmd/internal/intake"
)

// discard is a log that nobody reads.
var discard = slog.New(slog.DiscardHandler)

// errNIK is returned for events with a NIK: a world has no vault to keep who is who.
var errNIK = errors.New("a ledger in memory knows people by their worker ids alone")

// nobody is the vault of a world. It knows nobody, so nothing of it is ever to be made durable.
type nobody struct{ intake.Vault }

// Lookup knows nobody.
func (nobody) Lookup(string) (string, bool, error) { return "", false, errNIK }

// Resolve knows nobody.
func (nobody) Resolve(string) (string, error) { return "", errNIK }

// Overtaken is never: nobody else gives out ids.
func (nobody) Overtaken() uint64 { return 0 }
