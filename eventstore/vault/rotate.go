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
func (v *Vault) Rotate(ctx context.Context) error {
	v.writing.Lock()
	defer v.writing.Unlock()
	err := v.rotate(ctx)
	if err != nil {
		return fmt.Errorf("rotate vault key: %w", err)
	}
	return nil
}

func (v *Vault) rotate(ctx context.Context) error {
	if v.keys.before == nil {
		path := filepath.Join(v.opts.Dir, newKey)
		key, err := keyfile.Create(path)
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
	}
	return v.resealAll(ctx)
}

// resealAll seals under the new key what is sealed under the old one, and gives the new one its
// name. The caller holds writing.
func (v *Vault) resealAll(ctx context.Context) error {
	for {
		err := v.resealOnce(ctx)
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
	if err := durable.Rename(filepath.Join(v.opts.Dir, newKey), key); err != nil {
		return err
	}
	v.keys.before = nil
	v.saved = v.state.Number
	return v.state.write(v.opts.Dir)
}

// resealOnce goes once through the stream.
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

// sealedPart returns what is sealed of a record, nil when nothing is.
func sealedPart(r *packs.Record) []byte {
	if len(r.Data) == 0 {
		return nil
	}
	head := map[byte]int{kindSecret: 2, kindWorkers: workersHead, kindErasure: 1}[r.Data[0]]
	if head == 0 || len(r.Data) < head {
		return nil
	}
	return r.Data[head:]
}

// reseal replaces a record by one that is sealed under the new key.
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
	if v.end.Number == before {
		return err
	}
	if kind == kindSecret {
		v.state.Secret = v.end.Number
	}
	if err != nil {
		v.state.Left = append(v.state.Left, r.Number)
	}
	if e := v.state.Erasing; e != nil && e.Pack == r.Number {
		e.Pack = v.end.Number
	}
	return err
}
