package vault

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"cakupan/eventstore/durable"
	"cakupan/eventstore/keyfile"
	"cakupan/eventstore/vault/older"
)

// takeFiles brings over what lies in files, if that is not done yet, and removes them. A crash at
// any point leaves the files until the stream says that it has all of them; the next start passes
// over what is in the stream already. The caller holds writing. A ledger that never had files, and
// one whose files are gone and taken, does nothing here.
func (v *Vault) takeFiles(ctx context.Context) error {
	files, err := older.Files(v.opts.Dir)
	if err != nil {
		return err
	}
	if !v.state.Taken {
		// Part of their workers are in the stream, and the others nowhere: going on would give them
		// second ids.
		if len(files) == 0 {
			return ErrHalfTaken
		}
		if err := v.takeAll(ctx); err != nil {
			return err
		}
	}
	// If we crash here, the next start comes here again. Left where they are, the files would keep
	// whom Erase takes out of the vault.
	for _, name := range files {
		if err := os.Remove(filepath.Join(v.opts.Dir, name)); err != nil {
			return err
		}
	}
	if len(files) == 0 {
		return nil
	}
	return durable.SyncFolder(v.opts.Dir)
}

// checkFiles compares the files with the log before anything is brought over. It writes nothing.
// Without LogWorkers it only makes sure that the files are whole, of the ledger, and of the key.
func (v *Vault) checkFiles(ctx context.Context, key []byte) error {
	known := map[id]bool{}
	err := older.Read(v.opts.Dir, key, v.opts.Identity.Ledger, func(_ handle, worker id) error {
		known[worker] = true
		return nil
	})
	if err != nil || v.opts.LogWorkers == nil {
		return err
	}
	missing := map[id]bool{}
	err = v.opts.LogWorkers(ctx, func(worker string) {
		if one, ok := ownID(worker); ok && !known[one] {
			missing[one] = true
		}
	})
	if err != nil || len(missing) == 0 {
		return err
	}
	example := slices.Collect(maps.Keys(missing))[0]
	return &OldFilesError{Missing: len(missing), Example: text(example)}
}

// ownID returns the id of a text if the vault may have given it out: publishers may report ids of
// their own, and UUIDs without hyphens look much the same. The vault's ids are random in all bits,
// which a UUID's are not; one in eight looks like a UUID by chance, and is passed over: the others
// are witnesses enough.
func ownID(worker string) (one id, ok bool) {
	b, err := hex.DecodeString(worker)
	if err != nil || len(b) != len(one) || strings.ToLower(worker) != worker {
		return one, false
	}
	version, variant := b[6]>>4, b[8]>>6
	return id(b), variant != 2 || version == 0 || version > 8
}

// takeAll appends what the files hold, and then that it is all. One that is in the stream already
// is passed over, so that it may be begun again at any point.
func (v *Vault) takeAll(ctx context.Context) error {
	key, err := keyfile.Read(filepath.Join(v.opts.Dir, keyName))
	if err != nil {
		return v.keyError(keyName, err)
	}
	batch := newCommit(0) // compared with the table the first time
	flush := func() error {
		_, err := v.store(ctx, batch)
		clear(batch.ids)
		v.fault(FaultPackTaken)
		return err
	}
	err = older.Read(v.opts.Dir, key, v.opts.Identity.Ledger, func(h handle, worker id) error {
		there, ok, err := stored(v.lookup, h)
		switch {
		case err != nil:
			return err
		case ok && there != worker:
			return fmt.Errorf("%w: its files have two ids for one person", ErrDamaged)
		case ok:
			return nil
		}
		if batch.ids[h] = worker; len(batch.ids) < packMax {
			return nil
		}
		return flush()
	})
	if err == nil && len(batch.ids) > 0 {
		err = flush()
	}
	if err != nil {
		return err
	}
	v.fault(FaultAllTaken)
	// Not sealed: the number of workers tells nothing of anybody.
	err = v.append(ctx, nil, func(uint64) ([]byte, error) {
		return binary.BigEndian.AppendUint64([]byte{kindTaken}, v.state.Workers), nil
	})
	if err == nil {
		v.state.Taken = true
		v.fault(FaultTaken)
	}
	return err
}

// resume does what a crash has left undone: an erasure, or a change of keys. The caller holds
// writing. Keys come first: what is erased is then written under the new one.
func (v *Vault) resume(ctx context.Context) error {
	if v.keys.before != nil {
		if err := v.resealAll(ctx); err != nil {
			return err
		}
	}
	if v.state.Erasing == nil {
		return nil
	}
	err := v.finishErasing(ctx)
	if errors.Is(err, ErrUnknownWorker) {
		err = fmt.Errorf("%w: the worker of an erasure is not where it was", ErrDamaged)
	}
	return err
}
