package vault

import (
	"errors"
	"fmt"

	"cakupan/eventstore/keyfile"
)

// Errors of Open, each one sentence for the operator.
var (
	// ErrKeyExposed is returned when others than the owner may read or write the key.
	ErrKeyExposed = keyfile.ErrExposed
	// ErrKeyInvalid is returned for a key file that is not one.
	ErrKeyInvalid = keyfile.ErrInvalid
	// ErrKeyMissing is returned when there is a vault without its key.
	ErrKeyMissing = errors.New("key is missing")
	// ErrKeyWrong is returned when a key is not the one whose check stands in the vault.
	ErrKeyWrong = errors.New("key is not the one that belongs to this ledger")
	// ErrOtherLedger is returned for a vault that was made for another ledger.
	ErrOtherLedger = errors.New("vault belongs to another ledger")
	// ErrLost is returned for a ledger that has events and no vault: to make a new one would count
	// every person a second time.
	ErrLost = errors.New("vault is missing, and the log has events")
	// ErrHalfTaken is returned when the vault's files are gone that were being brought over.
	ErrHalfTaken = errors.New("vault was being brought over from files that are gone now")
)

var (
	// ErrDamaged is returned when the vault does not hold what it should. It is wrapped with the
	// record, and never with anything of a person.
	ErrDamaged = errors.New("vault is damaged")
	// ErrNoNIK is returned by Resolve for an empty NIK.
	ErrNoNIK = errors.New("no NIK was given")
	// ErrOvertaken is returned by Persist when another ledger has given other ids to the same
	// people meanwhile: nothing may be recorded under those given out here. Resolve again.
	ErrOvertaken = errors.New("another ledger has given out worker ids meanwhile")
	// ErrUnknownWorker is returned by Erase for whom the vault does not know.
	ErrUnknownWorker = errors.New("vault knows no such worker")
)

// BehindError says that the vault has less than the log has used, or than its cache has seen: it is
// an old copy. Nothing may be taken in: people would get second ids. Its remedy is a newer copy of
// the vault, never another vault.
type BehindError struct {
	Has, Used uint64 // records
	By        string // who has used so much: "the log", "its look-up table"
}

// OldFilesError says that the files that are to be brought over have not all workers that the log
// has: they are an old copy.
type OldFilesError struct {
	Missing int    // workers
	Example string // the id of one of them
}

// Error returns one sentence that names how many are missing.
func (e *OldFilesError) Error() string {
	return fmt.Sprintf("vault lacks %d workers of the log, such as %s: it is an old copy",
		e.Missing, e.Example)
}

// Error returns one sentence that names both positions.
func (e *BehindError) Error() string {
	return fmt.Sprintf("vault has %d records, %s has used %d: it is an old copy",
		e.Has, e.By, e.Used)
}
