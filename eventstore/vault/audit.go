package vault

import (
	"context"
	"fmt"

	"cakupan/eventstore/index"
	"cakupan/eventstore/packs"
)

// Audit reads the whole vault again: every record is there or replaced, every pack can be opened,
// workers are numbered without a hole, and the look-up table says the same. The error wraps
// ErrDamaged or ErrKeyWrong.
func (v *Vault) Audit(ctx context.Context) error {
	v.writing.Lock()
	defer v.writing.Unlock()
	if err := v.readOn(ctx); err != nil {
		return err
	}
	workers := uint64(0)
	for record, err := range v.stream.Read(ctx, 1) {
		if err != nil {
			return readError(err)
		}
		if len(record.Data) == 0 {
			return shortRecord(&record)
		}
		switch record.Data[0] {
		case kindSecret:
			_, _, err = v.keys.openSecret(&record)
		case kindErasure:
			_, err = v.keys.openErasure(&record)
		case kindWorkers:
			var p *pack
			if p, err = readPack(&record); err == nil {
				err = v.auditPack(p, &record)
			}
			if err == nil {
				workers += uint64(p.count)
			}
		}
		if err != nil {
			return err
		}
	}
	if workers != v.state.Workers {
		return fmt.Errorf("%w: its packs have %d workers of %d", ErrDamaged, workers,
			v.state.Workers)
	}
	return nil
}

// auditPack compares a pack with the look-up table.
func (v *Vault) auditPack(p *pack, r *packs.Record) error {
	if err := v.keys.openPack(p, r); err != nil {
		return err
	}
	keys, found := make([]index.Key, p.count), make([]index.Entry, p.count)
	for i := range p.pairs {
		keys[i] = index.Key(p.pairs[i].handle)
	}
	if err := v.lookup.Lookup(keys, found); err != nil {
		return fmt.Errorf("its look-up table, which is made anew at the next start: %w", err)
	}
	for i := range found {
		if uint64(found[i].Sequence) != p.first+uint64(i) || id(found[i].Digest) != p.pairs[i].id {
			return fmt.Errorf("%w: worker %d is another one in its look-up table: delete %s, and"+
				" it is made anew", ErrDamaged, p.first+uint64(i), v.lookup.Dir())
		}
	}
	return nil
}
