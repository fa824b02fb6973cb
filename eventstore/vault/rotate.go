package vault

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"

	"cakupan/eventstore"
	"cakupan/eventstore/durable"
	"cakupan/eventstore/keyfile"
	"cakupan/eventstore/packs"
	"cakupan/eventstore/seal"
)

// Rotate makes a new key and seals the whole vault anew under it; what was sealed under the old one
// is overwritten. Nothing is added meanwhile. A crash leaves both keys, and the next start goes on.
//
// The secret by which NIKs are hashed stays, as nobody has the NIKs: the new key protects it.
// Persist, Erase and all else that writes waits until it is over, which is the time to read and
// write every record; look-ups go on. With an error it may be half done: both keys are there, and
// the next call or start goes on.
func (v *Vault) Rotate(ctx context.Context) error {
	v.writing.Lock()
	defer v.writing.Unlock()
	err := v.rotate(ctx)
	if err != nil {
		return fmt.Errorf("rotate vault key: %w", err)
	}
	return nil
}

// rotate makes the new key, unless a call before has, and seals the rest anew. The new key's file
// is durable before anything is sealed under it.
func (v *Vault) rotate(ctx context.Context) error {
	// Else a change of keys is under way already, and this call goes on with it.
	if v.keys.before == nil {
		path := filepath.Join(v.opts.Dir, newKey)
		key, err := keyfile.Create(path)
		// A call before has made it and sealed nothing yet.
		if errors.Is(err, fs.ErrExist) {
			key, err = keyfile.Read(path)
		}
		if err != nil {
			return err
		}
		sealer, err := seal.New(key)
		if err != nil {
			return err
		}
		v.keys.now, v.keys.before = sealer, v.keys.now
		v.prove()
	}
	return v.resealAll(ctx)
}

// resealAll seals under the new key what is sealed under the old one, and gives the new one its
// name. The caller holds writing. The order is: every record under the new key, then the name. A
// crash before leaves both files, and records under either; after it nothing that the old key opens
// is left.
func (v *Vault) resealAll(ctx context.Context) error {
	for {
		err := v.resealOnce(ctx)
		// Another ledger has added something meanwhile, perhaps under the old key: from the
		// beginning, once that is known.
		if errors.Is(err, eventstore.ErrFenced) {
			if err = v.readOn(ctx); err == nil {
				continue
			}
		}
		if err != nil {
			return err
		}
		break
	}
	v.fault(FaultAllSealed)
	key := filepath.Join(v.opts.Dir, keyName)
	// It takes the old key's file away at the same time.
	if err := durable.Rename(filepath.Join(v.opts.Dir, newKey), key); err != nil {
		return err
	}
	v.keys.before = nil
	v.prove()
	v.saved = v.state.Number
	return v.state.write(v.opts.Dir)
}

// resealOnce goes once through the stream. A record that is under the new key, or was replaced, is
// not sealed again, so a second time through it costs reading alone.
func (v *Vault) resealOnce(ctx context.Context) error {
	if err := v.readOn(ctx); err != nil { // and erase what a crash has left
		return err
	}
	replaced := map[uint64]bool{}
	var old []uint64 // sealed under the old key
	for record, err := range v.stream.Read(ctx, 1) {
		if err != nil {
			return readError(err)
		}
		for _, number := range record.Replaces {
			replaced[number] = true
		}
		if sealed := sealedPart(&record); sealed != nil && v.keys.before.Sealed(sealed) {
			old = append(old, record.Number)
		}
	}
	for _, number := range old {
		if replaced[number] {
			if err := v.stream.Erase(ctx, number); err != nil {
				return err
			}
			continue
		}
		record, err := v.stream.Get(ctx, number)
		if err == nil {
			err = v.reseal(ctx, &record)
		}
		if err != nil {
			return err
		}
		v.fault(FaultResealed)
	}
	return nil
}

// sealedPart returns what is sealed of a record, nil when nothing is. It aliases the record. What
// comes before it, the kind and what the kind has beside it, is not sealed.
func sealedPart(r *packs.Record) []byte {
	if len(r.Data) == 0 {
		return nil
	}
	head := map[byte]int{
		kindSecret: 2, kindWorkers: workersHead, kindErasure: 1, kindListKey: 1,
	}[r.Data[0]]
	if head == 0 || len(r.Data) < head {
		return nil
	}
	return r.Data[head:]
}

// reseal replaces a record by one that is sealed under the new key. The number of the new one is
// part of what it is sealed for, so that no record can be put in another's place.
func (v *Vault) reseal(ctx context.Context, r *packs.Record) error {
	sealed := sealedPart(r)
	kind, head := r.Data[0], r.Data[:len(r.Data)-len(sealed)]
	plain, err := v.keys.open(sealed, kind, r.Number)
	if err != nil {
		return err
	}
	before := v.end.Number
	err = v.append(ctx, r, func(number uint64) ([]byte, error) {
		return v.keys.seal(slices.Clone(head), plain, kind, number)
	})
	// Nothing was added. Otherwise it was, and an error is one of erasing the old one, which is
	// tried again.
	if v.end.Number == before {
		return err
	}
	switch kind {
	case kindSecret:
		v.state.Secret, v.opened = v.end.Number, v.end.Number
	case kindListKey:
		v.state.movedListKey(r.Number, v.end.Number)
	}
	if err != nil {
		v.state.Left = append(v.state.Left, r.Number)
	}
	if e := v.state.Erasing; e != nil && e.Pack == r.Number {
		e.Pack = v.end.Number
	}
	return err
}
