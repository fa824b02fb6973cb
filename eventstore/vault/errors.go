package vault

import (
	"errors"

	"cakupan/eventstore/keyfile"
)

// Errors of Open, each one sentence for the operator.
var (
	// ErrKeyExposed is returned when others than the owner may read or write the key.
	ErrKeyExposed = keyfile.ErrExposed
	// ErrKeyInvalid is returned for a key file that is not one.
	ErrKeyInvalid = keyfile.ErrInvalid
	// ErrKeyWrong is returned when the key is not the one the vault was made with.
	ErrKeyWrong = errors.New("vault key does not belong to this vault")
	// ErrOtherLedger is returned for a vault that was made for another ledger.
	ErrOtherLedger = errors.New("vault belongs to another ledger")
	// ErrIncomplete is returned when there is a vault without its key.
	ErrIncomplete = errors.New("vault has lost its key; restore the key file from its backup")
	// ErrLost is returned when there is a journal of a vault without its database.
	ErrLost = errors.New("vault has lost its database; restore it from its backup")
	// ErrInUse is returned when another process has the vault open.
	ErrInUse = errors.New("vault is in use by another process")
	// ErrNewerFormat is returned for a vault that a newer version of this program made.
	ErrNewerFormat = errors.New("vault has a newer format than this program knows")
)

var (
	// ErrDamaged is returned when the vault's file does not hold what it should.
	ErrDamaged = errors.New("vault is damaged; restore it from its backup")
	// ErrNoNIK is returned by Resolve for an empty NIK.
	ErrNoNIK = errors.New("no NIK was given")
)
