package vault

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"cakupan/eventstore/durable"
	"cakupan/eventstore/index"
	"cakupan/eventstore/keyfile"
	"cakupan/eventstore/packs"
	"cakupan/eventstore/seal"
	"cakupan/eventstore/vault/older"
)

const (
	keyName  = "vault.key"
	newKey   = "vault.key.new" // while keys are changed
	keyBytes = keyfile.Size
)

// Open opens the vault of a ledger, and makes it, with a new key, for a ledger that has no events
// yet. One that lies in files is brought over to the stream first. What a crash has left undone is
// done. The caller calls Close. Errors that name a remedy are among the package's. Opening a vault
// with a sound cache takes as long as what was added since it was saved.
func Open(ctx context.Context, opts Options) (*Vault, error) {
	v := &Vault{opts: opts, stream: opts.Stream, limit: tentativeMax, next: newCommit(0)}
	v.writing.Lock()
	defer v.writing.Unlock()
	if err := v.open(ctx); err != nil {
		err = fmt.Errorf("open vault %s: %w", opts.Dir, err)
		if v.lookup != nil {
			err = errors.Join(err, v.lookup.Close())
		}
		return nil, err
	}
	return v, nil
}

// open does so; the order counts. First it must be known that the vault is the log's and not an old
// copy, then that the key is its own; only then anything is written, and what a crash left is done
// last, when all is known that there is.
func (v *Vault) open(ctx context.Context) error {
	if err := durable.MakeFolder(v.opts.Dir, dirMode); err != nil {
		return err
	}
	end, err := v.findStream(ctx)
	if err != nil {
		return err
	}
	if v.opts.Used > end.Number {
		return &BehindError{Has: end.Number, Used: v.opts.Used, By: "the log"}
	}
	if v.keys.now == nil { // not made just now
		if err := v.readKeys(); err != nil {
			return err
		}
	}
	v.prove()
	if err := v.readCache(ctx, end); err != nil {
		return err
	}
	if err := v.openLookup(); err != nil {
		return err
	}
	if err := v.readOn(ctx); err != nil {
		return err
	}
	if err := v.takeFiles(ctx); err != nil {
		return err
	}
	if err := v.resume(ctx); err != nil {
		return err
	}
	v.saved = v.state.Number
	return v.state.write(v.opts.Dir)
}

// findStream returns the end of the stream, which it makes, or begins, where the ledger has had no
// vault yet, or one in files. It refuses to make one where the log says that there was one:
// contract, section 10, never a new vault for an old log.
func (v *Vault) findStream(ctx context.Context) (end packs.End, err error) {
	if v.stream != nil {
		if v.stream.Identity() != v.opts.Identity {
			return end, fmt.Errorf("%w: stream %s is of ledger %s", ErrOtherLedger,
				StreamName, v.stream.Identity().Ledger)
		}
		if end, err = v.stream.Last(ctx); err != nil || end.Number > 0 {
			return end, readError(err)
		}
	}
	files, err := older.Files(v.opts.Dir)
	switch {
	case err != nil:
		return end, err
	case v.opts.Used > 0, v.opts.Events && len(files) == 0:
		return end, ErrLost
	}
	return v.begin(ctx, len(files) > 0)
}

// begin makes the stream with its first record: the secret, sealed. It returns the end behind that
// record. Where it fails after the stream was made, the next start finds a stream without records
// and comes here again.
func (v *Vault) begin(ctx context.Context, hasFiles bool) (end packs.End, err error) {
	// The key comes first. If we crash after it, the next start finds a key without a vault and
	// makes the vault; the other way round it would find a vault that has lost its key.
	path := filepath.Join(v.opts.Dir, keyName)
	key, err := keyfile.Read(path)
	if errors.Is(err, fs.ErrNotExist) && hasFiles {
		return end, v.keyError(keyName, err)
	}
	if errors.Is(err, fs.ErrNotExist) {
		key, err = keyfile.Create(path)
		v.fault(FaultKeyMade)
	}
	if err != nil {
		return end, err
	}
	secret, flags := make([]byte, keyBytes), byte(0)
	_, _ = rand.Read(secret) // never fails: see crypto/rand
	if hasFiles {
		// Before the first record says so, the files must be the ledger's own, and whole.
		if err := v.checkFiles(ctx, key); err != nil {
			return end, err
		}
		secret, flags = key, takeOver // by which the files' handles were made
	}
	if v.stream == nil {
		if v.stream, err = v.opts.Create(ctx); err != nil {
			return end, err
		}
	}
	if v.keys, err = v.keyringOf(key); err != nil {
		return end, err
	}
	data, err := v.keys.secretData(secret, flags, 1)
	if err != nil {
		return end, err
	}
	// Fenced: another ledger on the same cluster has made the vault just now, with its own key.
	if end, err = v.stream.Append(ctx, data, packs.End{}); err == nil {
		v.fault(FaultSecretMade)
	}
	return end, err
}

// keyringOf returns what seals with a key for this ledger. The key is not compared with anything.
func (v *Vault) keyringOf(key []byte) (k keyring, err error) {
	k.ledger = v.opts.Identity.Ledger
	k.now, err = seal.New(key)
	return k, err
}

// readKeys reads the key, and the new one when a change of keys was cut short. Whether they are the
// vault's own shows when the secret is opened.
func (v *Vault) readKeys() error {
	key, err := keyfile.Read(filepath.Join(v.opts.Dir, keyName))
	if err != nil {
		return v.keyError(keyName, err)
	}
	if v.keys, err = v.keyringOf(key); err != nil {
		return err
	}
	fresh, err := keyfile.Read(filepath.Join(v.opts.Dir, newKey))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	// What is new is sealed under the new one from here on; resume seals the rest.
	v.keys.before = v.keys.now
	v.keys.now, err = seal.New(fresh)
	return err
}

// keyError says that a key is missing; other errors it returns as they are.
func (v *Vault) keyError(name string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %s", ErrKeyMissing, filepath.Join(v.opts.Dir, name))
	}
	return err
}

// readCache reads the state, and with it the secret. Where it is of no use, the vault begins with
// nothing. A state that has seen more records than there are is no damage of the cache: the stream
// has lost some, and that is refused.
func (v *Vault) readCache(ctx context.Context, end packs.End) error {
	s, err := readState(v.opts.Dir, v.opts.Identity.Ledger)
	if errors.Is(err, errNoState) {
		if !errors.Is(err, fs.ErrNotExist) {
			v.dropped = append(v.dropped, err)
		}
		// It learns all again from the stream; the operator is told why.
		s, err = state{}, nil
	}
	if err != nil {
		return err
	}
	if s.Number > end.Number {
		return &BehindError{Has: end.Number, Used: s.Number, By: "its look-up table"}
	}
	record, flags := packs.Record{}, byte(0)
	var secret []byte
	// Only where the secret is, the state remembers, never the secret itself.
	if s.Secret > 0 {
		record, err = v.stream.Get(ctx, s.Secret)
		if err == nil && (len(record.Data) == 0 || record.Data[0] != kindSecret) {
			err = packs.ErrNoRecord
		}
	}
	if s.Secret == 0 || errors.Is(err, packs.ErrNoRecord) {
		s = state{}
		record, err = v.findSecret(ctx)
	}
	if err == nil {
		secret, flags, err = v.keys.openSecret(&record)
	}
	if err != nil {
		return readError(err)
	}
	s.Format, s.Ledger, s.Secret = stateFormat, v.opts.Identity.Ledger, record.Number
	// Without the flag the vault never was in files.
	s.Taken = s.Taken || flags&takeOver == 0
	v.state, v.hasher, v.opened = s, newHasher(secret), record.Number
	return nil
}

// findSecret returns the record with the secret: the first, or, once keys were changed, the one
// that stands in its place.
func (v *Vault) findSecret(ctx context.Context) (found packs.Record, err error) {
	for record, err := range v.stream.Read(ctx, 1) {
		if err != nil {
			return found, err
		}
		if len(record.Data) > 0 && record.Data[0] == kindSecret {
			found = record
			// No change of keys has begun, so nothing can stand in its place.
			if record.Number == 1 && v.keys.before == nil {
				break
			}
		}
	}
	if found.Number == 0 {
		return found, fmt.Errorf("%w: no record has its secret", ErrDamaged)
	}
	return found, nil
}

// openLookup opens the look-up table, and removes those of before an erasure. One of another vault
// is made anew. A damaged one is opened as far as it is sound; the rest is read again from the
// stream.
func (v *Vault) openLookup() error {
	dir := v.lookupDir()
	lookup, err := index.Open(dir, v.lookupIdentity())
	var other *index.OtherLedgerError
	if errors.As(err, &other) {
		v.dropped = append(v.dropped, err)
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
		lookup, err = index.Open(dir, v.lookupIdentity())
	}
	if err != nil {
		return err
	}
	v.dropped = append(v.dropped, lookup.Dropped()...)
	v.mu.Lock()
	v.lookup, v.gone = lookup, nil
	v.mu.Unlock()
	return v.removeLookups(filepath.Base(dir))
}

// lookupDir returns where the look-up table is, as of the state.
func (v *Vault) lookupDir() string { return filepath.Join(v.opts.Dir, v.lookupName()) }

// lookupName tells the look-up tables of before and after an erasure apart. The name alone says
// whether the table can hold somebody who was erased, also after a crash. That of an erasure that
// is not done yet has a name of its own, as it may still hold him.
func (v *Vault) lookupName() string {
	name := LookupPrefix + strconv.FormatUint(v.state.Erased, 10)
	if v.state.Erasing != nil {
		name += "-pending"
	}
	return name
}

// removeLookups removes all look-up tables but one. They hold those who were erased after they were
// made.
func (v *Vault) removeLookups(but string) error {
	entries, err := os.ReadDir(v.opts.Dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), LookupPrefix) && entry.Name() != but {
			err = errors.Join(err, os.RemoveAll(filepath.Join(v.opts.Dir, entry.Name())))
		}
	}
	return err
}
