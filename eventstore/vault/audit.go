package vault

import (
	"context"
	"fmt"

	"cakupan/eventstore/index"
	"cakupan/eventstore/packs"
)

// Audit reads the whole vault again: every record is there or replaced, every pack can be opened,
// workers are numbered without a hole, and the look-up table says the same. The error wraps
// ErrDamaged or ErrKeyWrong. It changes nothing but to take in what was added, and holds everybody
// up who writes, for as long as reading takes.
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
		count, err := v.auditRecord(&record)
		if err != nil {
			return err
		}
		workers += count
	}
	return countError(workers, v.state.Workers)
}

// Watch reads the vault again as Audit does and returns the number of the last record that it has
// read, but holds nobody up: it calls rest after each record, when nothing is locked. What it finds
// may have come meanwhile, such as an erasure: only Audit can tell. It is for the watchman, who
// reads everything again while the ledger runs.
func (v *Vault) Watch(ctx context.Context, rest func()) (number uint64, err error) {
	v.writing.Lock()
	err = v.readOn(ctx)
	number, of := v.state.Number, v.state.Workers
	v.writing.Unlock()
	if err != nil {
		return 0, err
	}
	workers := uint64(0)
	for record, err := range v.stream.Read(ctx, 1) {
		if err != nil {
			return 0, readError(err)
		}
		// Its workers are not among those counted before.
		if record.Number > number {
			break
		}
		v.writing.Lock()
		count, err := v.auditRecord(&record)
		v.writing.Unlock()
		if err != nil {
			return 0, err
		}
		workers += count
		rest()
	}
	return number, countError(workers, of)
}

// countError compares the workers that packs have with those that there must be.
func countError(workers, of uint64) error {
	if workers == of {
		return nil
	}
	return fmt.Errorf("%w: its packs have %d workers of %d", ErrDamaged, workers, of)
}

// auditRecord opens a record and returns how many workers are in it. The caller holds writing.
// Kinds without anything sealed need not be opened: the stream has checked their bytes.
func (v *Vault) auditRecord(record *packs.Record) (workers uint64, err error) {
	if len(record.Data) == 0 {
		return 0, shortRecord(record)
	}
	switch record.Data[0] {
	case kindSecret:
		_, _, err = v.keys.openSecret(record)
	case kindListKey:
		_, err = v.keys.openListKey(record)
	case kindErasure:
		_, err = v.keys.openErasure(record)
	case kindWorkers:
		var p *pack
		if p, err = readPack(record); err == nil {
			workers, err = uint64(p.count), v.auditPack(p, record)
		}
	}
	return workers, err
}

// auditPack compares a pack with the look-up table. It opens it. A difference is the table's fault,
// as the pack is sealed. A worker may be there twice, in packs of older programs that stored one
// again whose storing had no answer: the table has one of the two then.
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
		if found[i].Sequence == 0 || id(found[i].Digest) != p.pairs[i].id {
			return fmt.Errorf("%w: worker %d is another one in its look-up table: delete %s, and"+
				" it is made anew", ErrDamaged, p.first+uint64(i), v.lookup.Dir())
		}
	}
	return nil
}
