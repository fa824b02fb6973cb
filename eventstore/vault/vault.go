package vault

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"cakupan/eventstore"
	"cakupan/eventstore/index"
	"cakupan/eventstore/packs"
)

// The vault's stream.
const (
	StreamName    = "CAKUPAN_VAULT"
	streamSubject = "cakupan.vault"
)

// StreamOptions returns what the vault's stream is opened and made with. Erasable: a record may be
// overwritten, which no other stream of records allows.
func StreamOptions() packs.Options {
	return packs.Options{
		Stream: StreamName, Subject: streamSubject, Erasable: true,
		Description: "the vault of a cakupan ledger, sealed: see eventstore/vault/FORMAT.md",
	}
}

// tentativeMax bounds the ids that wait for Persist; at about 100 bytes each, 13 MB. Callers
// persist after each batch, so it is reached only when they do not: see Resolve.
const tentativeMax = 1 << 17

// Points at which Options.Fault is called. A crash at any of them is made good at the next start.
const (
	FaultKeyMade    = "vault-key-made"    // of a new vault; there is no stream
	FaultSecretMade = "vault-secret"      // the stream has its first record
	FaultPackTaken  = "vault-pack-taken"  // one more of the packs that are brought over
	FaultAllTaken   = "vault-all-taken"   // and all of them, but nothing says so
	FaultTaken      = "vault-taken"       // it is said; the files are still there
	FaultErasing    = "vault-erasing"     // an erasure is recorded, and not done
	FaultCopyErased = "vault-copy-erased" // one more of his packs is done, not the last
	FaultErased     = "vault-erased"      // it is done; the look-up table has it still
	FaultResealed   = "vault-resealed"    // one more record, under a new key
	FaultAllSealed  = "vault-all-sealed"  // and all of them; the old key has its name still

	FaultListKeyMade  = "vault-list-key-made"  // a key of lists is durable, and nobody has it
	FaultListKeyEnded = "vault-list-key-ended" // one more of those that are to go is gone
)

// Options say which vault to open.
type Options struct {
	// It must be on a disk of this machine, readable by nobody else; one process at a time has it.
	Dir      string              // of the keys and the cache
	Identity eventstore.Identity // of the ledger
	// Stream is the vault's stream; nil: there is none. Create makes it then, for a ledger without
	// events, or one whose vault lies in files.
	Stream *packs.Stream
	Create func(context.Context) (*packs.Stream, error)
	// Events tells that the log has some; Used is the position that its last frame names. Without
	// them there may be no vault yet; with them there must be one.
	Events bool
	Used   uint64

	// LogWorkers yields the worker ids of the log. It is asked when a vault is brought over from
	// files, which no frame of the log tells the length of: ids that are like the vault's own and
	// are not in it say that the files are an old copy. Optional: then they are believed.
	LogWorkers func(ctx context.Context, yield func(worker string)) error

	Fault func(point string) // for crash tests; optional
}

// Vault is an open vault. All methods may be called at the same time from several goroutines. The
// order of the locks is writing, then mu; mu is held for moments only, writing also while something
// is stored.
type Vault struct {
	opts   Options
	stream *packs.Stream
	// Set while the vault is opened, and never changed: the secret stays for ever.
	hasher *hasher
	limit  int // tentative ids
	// The keys as of their last change, for who has not writing.
	proof atomic.Pointer[keyring]

	// writing is held by whoever appends to the stream or reads on in it; then mu may be taken. It
	// guards keys, state, end and the adding to lookup.
	writing sync.Mutex
	keys    keyring
	// What the stream has taught up to end; a copy of it is written at times.
	state state
	// Behind which the next record is appended.
	end    packs.End
	unsure bool   // the outcome of the last append is not known: read on before the next
	opened uint64 // the record with the secret that the keys have opened; see checkSecret
	saved  uint64 // record up to which the state was written
	// What was wrong with the cache, for the operator; written while the vault is opened, and, with
	// writing held, where the state cannot be saved.
	dropped []error

	mu sync.Mutex
	// next collects the ids for the next commit. flying is the commit under way, nil: none. An id
	// moves from next to flying to the look-up table; who holds mu and finds it in none of them may
	// give out a new one.
	next, flying *commit
	lookup       *index.Index
	// Who has looked into the table without mu compares it, and looks again where it has grown.
	changes uint64 // of what the look-up table holds, or of the table
	// How often reading the stream has added workers to the table: ids that were given out before
	// are compared with it before they are appended.
	taught    uint64
	overtaken uint64          // see Overtaken
	gone      map[handle]bool // erased, and in the look-up table still
	position  uint64          // end.Number
}

// Close closes the vault. Tentative ids are lost, which is right: nobody may have used them. It
// must not be called while other methods run. Without it the next start reads some records again.
func (v *Vault) Close() error {
	v.writing.Lock()
	defer v.writing.Unlock()
	var err error
	if v.saved != v.state.Number {
		err = v.state.write(v.opts.Dir)
	}
	if v.lookup != nil {
		err = errors.Join(err, v.lookup.Close())
	}
	if err != nil {
		return fmt.Errorf("close vault: %w", err)
	}
	return nil
}

// Position returns how far the vault is: the number of its last record. A frame of the log names
// the one that its writer has seen, after Persist. It never decreases. Tentative ids are not in it.
func (v *Vault) Position() uint64 {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.position
}

// Workers returns how many workers have got an id. Those who were erased count: their numbers stay.
// It waits for whoever writes.
func (v *Vault) Workers() uint64 {
	v.writing.Lock()
	defer v.writing.Unlock()
	return v.state.Workers
}

// Dropped says which files of the cache were of no use when the vault was opened, or could not be
// written since, and why. It waits for whoever writes.
func (v *Vault) Dropped() []error {
	v.writing.Lock()
	defer v.writing.Unlock()
	return slices.Clone(v.dropped)
}

// Opens tells whether a record of the vault's stream can be opened, or has nothing sealed. It may
// be called at any time.
func (v *Vault) Opens(r *packs.Record) bool {
	sealed := sealedPart(r)
	if sealed == nil {
		return true // its bytes are all that there is
	}
	_, err := v.proof.Load().open(sealed, r.Data[0], r.Number)
	return err == nil
}

// prove has the stream ask other servers for what cannot be opened with the keys. The caller holds
// writing.
func (v *Vault) prove() {
	keys := v.keys
	v.proof.Store(&keys)
	v.stream.Prove(v.Opens)
}

// fault is called at the crash points. point is one of the names above.
func (v *Vault) fault(point string) {
	if v.opts.Fault != nil {
		v.opts.Fault(point)
	}
}
