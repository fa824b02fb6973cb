package vault

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/eventstore/index"
	"cakupan/eventstore/packs"
)

// reading is one run through the stream. The caller of read holds writing all the while.
type reading struct {
	vault *Vault
	// The table in use, or one that is being made.
	lookup *index.Index
	from   uint64
	known  uint64 // the last record that the state had seen before
	end    packs.End
	// waiting are packs whose workers come after some that were not met yet, as those were replaced
	// by a later record: by their first worker.
	waiting map[uint64]uint64
	seen    []uint64 // records, ascending
	left    []uint64 // records that were replaced and are there still
}

// CatchUp takes in what another ledger on the same cluster has added. It is for a ledger that
// stands by, and for one that begins to write. With an error the vault is as far as it came.
func (v *Vault) CatchUp(ctx context.Context) error {
	v.writing.Lock()
	defer v.writing.Unlock()
	return v.readOn(ctx)
}

// readOn takes in what the stream has beyond what the vault knows. The caller holds writing. It
// also erases what a crash or an error has left over, and makes the look-up table anew where
// somebody was erased.
func (v *Vault) readOn(ctx context.Context) error {
	if err := v.read(ctx, v.lookup, v.state.begin(uint64(v.lookup.Last()))); err != nil {
		return err
	}
	v.unsure = false
	return v.rebuild(ctx) // if somebody was erased
}

// read reads the stream from a record on: the state goes on to its end, and the look-up table gets
// the workers that it lacks. The caller holds writing. Records that the state knows already are
// read again where the table lacks their workers, and change nothing else.
func (v *Vault) read(ctx context.Context, lookup *index.Index, from uint64) error {
	r := &reading{
		vault: v, lookup: lookup, from: from, known: v.state.Number, end: v.end,
		waiting: map[uint64]uint64{},
	}
	had := lookup.Last()
	// Also after an error: part of them may be in the table.
	defer func() {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.changes++
		if lookup.Last() != had {
			v.taught++
		}
	}()
	for record, err := range v.stream.Read(ctx, from) {
		if err == nil {
			err = r.take(ctx, &record)
		}
		if err != nil {
			return readError(err)
		}
	}
	if len(r.waiting) > 0 {
		return fmt.Errorf("%w: no record has worker %d", ErrDamaged, lookup.Last()+1)
	}
	if err := v.checkSecret(ctx); err != nil {
		return readError(err)
	}
	v.setEnd(r.end)
	// A crash, or an error, came between the record in their place and their end.
	v.state.Left = append(v.state.Left, r.left...)
	return v.eraseLeft(ctx)
}

// checkSecret opens the secret where another record has it than when it was last opened: keys were
// changed, by another ledger on the same cluster. Who has not got the new key may add nothing: it
// would be sealed under one that nobody else has. The end stays where it was then, so that nothing
// can be appended, and it is tried again the next time. The caller holds writing.
func (v *Vault) checkSecret(ctx context.Context) error {
	if v.state.Secret == v.opened {
		return nil
	}
	record, err := v.stream.Get(ctx, v.state.Secret)
	if err == nil {
		_, _, err = v.keys.openSecret(&record)
	}
	if err == nil {
		v.opened = record.Number
	}
	return err
}

// eraseLeft erases what was replaced and is there still. The caller holds writing. What could not
// be erased stays among them.
func (v *Vault) eraseLeft(ctx context.Context) error {
	for len(v.state.Left) > 0 {
		if err := v.stream.Erase(ctx, v.state.Left[0]); err != nil {
			return err
		}
		v.state.Left = v.state.Left[1:]
	}
	return nil
}

// readError puts what is wrong with the stream into the vault's words. Others it returns as they
// are.
func readError(err error) error {
	var damage *packs.DamageError
	if errors.As(err, &damage) {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return err
}

// take takes in a record. What it says of workers goes into the table, all else into the state,
// once: only where the record is new.
func (r *reading) take(ctx context.Context, record *packs.Record) error {
	s := &r.vault.state
	isNew := record.Number > s.Number
	if len(record.Data) == 0 {
		return shortRecord(record)
	}
	for _, number := range record.Replaces {
		// The reader meets the old record, so it was not erased; or it lies before where it began,
		// and then it is tried, which does no harm.
		if r.has(number) || number < r.from {
			r.left = append(r.left, number)
		}
		// The pack was rewritten: the erasure is done.
		if s.Erasing != nil && isNew && s.Erasing.Pack == number {
			s.Erasing = nil
		}
	}
	r.seen = append(r.seen, record.Number)
	err := error(nil)
	switch record.Data[0] {
	case kindSecret:
		if isNew {
			s.Secret = record.Number
		}
	case kindWorkers:
		err = r.takePack(ctx, record)
	case kindCheck:
		err = s.takeCheck(record, isNew)
	case kindErasure:
		err = r.takeErasure(record, isNew)
	case kindListKey:
		err = r.takeListKey(record, isNew)
	case kindTaken:
		s.Taken = s.Taken || isNew
	default:
		err = fmt.Errorf("%w: record %d is of kind %d", eventstore.ErrNewerFormat, record.Number,
			record.Data[0])
	}
	if err == nil && isNew {
		s.Number = record.Number
		s.Workers = max(s.Workers, uint64(r.lookup.Last()))
		if len(r.waiting) == 0 {
			s.noted()
		}
	}
	r.end = record.End()
	return err
}

// has tells whether a record was met on this run.
func (r *reading) has(number uint64) bool {
	_, seen := slices.BinarySearch(r.seen, number)
	return seen
}

// takePack adds the workers of a pack to the look-up table, and of those that have waited for them.
// A pack that was replaced has its successor far behind it, so packs do not come in the order of
// their workers; only the number of the record is kept of one that waits.
func (r *reading) takePack(ctx context.Context, record *packs.Record) error {
	p, err := readPack(record)
	if err != nil {
		return err
	}
	if last := uint64(r.lookup.Last()); p.first > last+1 {
		r.waiting[p.first] = record.Number
		return nil
	} else if p.first+uint64(p.count)-1 <= last {
		return nil
	}
	if err := r.add(p, record); err != nil {
		return err
	}
	for {
		first := uint64(r.lookup.Last()) + 1
		number, waits := r.waiting[first]
		if !waits {
			return nil
		}
		delete(r.waiting, first)
		record, err := r.vault.stream.Get(ctx, number)
		if err != nil {
			return err
		}
		if p, err = readPack(&record); err == nil {
			err = r.add(p, &record)
		}
		if err != nil {
			return err
		}
	}
}

// add opens a pack and adds its workers to the table.
func (r *reading) add(p *pack, record *packs.Record) error {
	if err := r.vault.keys.openPack(p, record); err != nil {
		return err
	}
	return r.vault.addWorkers(r.lookup, p)
}

// takeCheck notes the check of a key; the newest of a name counts.
func (s *state) takeCheck(record *packs.Record, isNew bool) error {
	name, check, err := readCheck(record)
	if err == nil && isNew {
		if s.Checks == nil {
			s.Checks = map[string][checkSize]byte{}
		}
		s.Checks[name] = check
	}
	return err
}

// takeErasure notes that an erasure was decided, which is then to be done.
func (r *reading) takeErasure(record *packs.Record, isNew bool) error {
	isKnown := func(number uint64) bool { return number <= r.known || r.has(number) }
	if !isNew || slices.ContainsFunc(record.Replaces, isKnown) { // it is one that was sealed anew
		return nil
	}
	e, err := r.vault.keys.openErasure(record)
	if err != nil {
		return err
	}
	r.vault.state.Erased++
	r.vault.state.Erasing = &erasing{Pack: e.Pack, Worker: e.Worker}
	return nil
}

// renew makes a damaged look-up table usable again, unless somebody else has done so. damaged is
// the table that the caller found so: another one in its place is not touched. While it is made
// anew, look-ups in it fail and come here.
func (v *Vault) renew(ctx context.Context, damaged *index.Index) error {
	v.writing.Lock()
	defer v.writing.Unlock()
	if v.isOther(damaged) {
		return nil
	}
	if _, err := entryOf(damaged, handle{}); !errors.Is(err, index.ErrDamaged) {
		return err
	}
	return v.renewHeld(ctx, damaged)
}

// renewHeld makes a damaged look-up table usable again. The caller holds writing.
func (v *Vault) renewHeld(ctx context.Context, damaged *index.Index) error {
	if err := damaged.Renew(); err != nil {
		return err
	}
	if err := v.readOn(ctx); err != nil {
		return err
	}
	damaged.Renewed()
	return nil
}

// lookupIdentity is whose the look-up table is: of this vault after so many erasures. The one of
// before an erasure is another's, so that it is made anew, without whom was erased. It is of the
// secret, too, so that a table of a vault that was made anew for the same ledger is never taken for
// its own.
func (v *Vault) lookupIdentity() eventstore.Identity {
	sum := v.hasher.sum(fmt.Sprintf("cakupan look-up table %s %s",
		v.opts.Identity.Ledger, v.lookupName()))
	return eventstore.Identity{
		Ledger: v.opts.Identity.Ledger, Created: temporal.Instant(binary.BigEndian.Uint64(sum[:])),
	}
}
