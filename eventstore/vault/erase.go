package vault

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"

	"cakupan/eventstore"
	"cakupan/eventstore/index"
	"cakupan/eventstore/packs"
)

// Erasure is what is kept of the erasure of a person: who asked for it, on what ground, and who
// decided. Nothing in it may name the person but the worker id. It is kept for ever, sealed: an
// authority may ask for it.
type Erasure struct {
	// It stays in the log, where it names nobody any more.
	Worker string `json:"worker"`
	// Request says what was asked for, and by whom on whose behalf: a reference, no name.
	Request  string `json:"request"`
	Ground   string `json:"ground"`   // the law's
	Decision string `json:"decision"` // its reference
	By       string `json:"by"`       // the operator
	At       string `json:"at"`       // RFC 3339
	Pack     uint64 `json:"pack"`     // the record that the worker was taken out of
}

// Erase takes a person out of the vault for ever, and records why: by the worker id, or by the NIK
// when that is given. It returns what was recorded. The look-up table is made anew meanwhile, and
// no new ids are made durable.
//
// With an error the erasure may have been recorded all the same; it is then finished at the next
// call, or the next start. e.Worker is filled in where the NIK is given. The error is
// ErrUnknownWorker for whom the vault does not have, as for somebody who is erased already; then
// nothing was recorded. Backups that were made before still have him.
func (v *Vault) Erase(ctx context.Context, nik string, e Erasure) (Erasure, error) {
	v.writing.Lock()
	defer v.writing.Unlock()
	e, err := v.erase(ctx, nik, e)
	if err != nil {
		return e, fmt.Errorf("erase worker: %w", err)
	}
	return e, nil
}

// erase records the decision and then does it. In this order a crash leaves nothing undone that was
// decided, and nothing done that nobody decided. The caller holds writing.
func (v *Vault) erase(ctx context.Context, nik string, e Erasure) (Erasure, error) {
	for {
		if err := v.readOn(ctx); err != nil {
			return e, err
		}
		if v.state.Erasing != nil { // of before
			if err := v.finishErasing(ctx); err != nil {
				return e, err
			}
			continue
		}
		place, err := v.placeOf(ctx, nik, e.Worker)
		if err != nil {
			return e, err
		}
		e.Pack, e.Worker = place.record.Number, text(place.pack.pairs[place.at].id)
		err = v.append(ctx, nil, func(number uint64) ([]byte, error) {
			return v.keys.erasureData(&e, number)
		})
		if errors.Is(err, eventstore.ErrFenced) {
			continue
		}
		if err != nil {
			return e, err
		}
		v.state.Erased++
		v.state.Erasing = &erasing{Pack: e.Pack, Worker: e.Worker}
		// If we crash here, the next start goes on.
		v.fault(FaultErasing)
		return e, v.finishErasing(ctx)
	}
}

// place is where a worker is in the stream.
type place struct {
	record packs.Record
	// Opened.
	pack *pack
	at   int
}

// placeOf finds a worker in the stream, by his NIK or else by his id. By the id every pack before
// it is opened, since nothing but the packs knows ids; by the NIK the table tells the number, and
// reading begins near it.
func (v *Vault) placeOf(ctx context.Context, nik, worker string) (place, error) {
	if nik == "" {
		return v.search(ctx, 1, func(p *pack, i int) bool { return text(p.pairs[i].id) == worker })
	}
	entry, err := entryOf(v.lookup, v.hasher.handle(nik))
	if err != nil {
		return place{}, err
	}
	n := uint64(entry.Sequence)
	if n == 0 {
		return place{}, ErrUnknownWorker
	}
	return v.search(ctx, v.state.begin(n-1), func(p *pack, i int) bool {
		return p.first+uint64(i) == n
	})
}

// search reads the stream from a record on until a worker is the one. Of packs in each other's
// place the last counts.
func (v *Vault) search(ctx context.Context, from uint64, is func(p *pack, i int) bool,
) (found place, err error) {
	for record, err := range v.stream.Read(ctx, from) {
		if err != nil {
			return found, readError(err)
		}
		if len(record.Data) == 0 || record.Data[0] != kindWorkers {
			continue
		}
		p, err := readPack(&record)
		if err == nil {
			err = v.keys.openPack(p, &record)
		}
		if err != nil {
			return found, err
		}
		for i := range p.pairs {
			if is(p, i) {
				found = place{record: record, pack: p, at: i}
			}
		}
		if found.pack != nil {
			return found, nil
		}
	}
	return found, ErrUnknownWorker
}

// finishErasing replaces the pack of a worker whose erasure is recorded by one with random bytes in
// his place, and makes the look-up table anew. The caller holds writing. Once he is out of the
// stream nobody finds him, though the table in use has him still.
func (v *Vault) finishErasing(ctx context.Context) error {
	if err := v.eraseCopies(ctx); err != nil {
		return err
	}
	for v.state.Erasing != nil {
		record, err := v.stream.Get(ctx, v.state.Erasing.Pack)
		if errors.Is(err, packs.ErrNoRecord) {
			break // it is done
		}
		if err == nil {
			var some []handle
			some, err = v.rewrite(ctx, &record, v.state.Erasing.Worker)
			if v.state.Erasing == nil {
				v.forget(some)
			}
		}
		if errors.Is(err, eventstore.ErrFenced) {
			err = v.readOn(ctx)
		}
		if err != nil {
			return err
		}
	}
	v.state.Erasing = nil
	v.fault(FaultErased)
	return v.rebuild(ctx)
}

// eraseCopies takes a worker whose erasure is recorded out of packs other than the one that the
// record names: older programs may have stored him twice. That one is the last to go: as long as it
// is there, whoever reads the stream knows that the erasure is not done. The caller holds writing.
func (v *Vault) eraseCopies(ctx context.Context) error {
	for v.state.Erasing != nil {
		of := *v.state.Erasing
		named, err := v.stream.Get(ctx, of.Pack)
		if errors.Is(err, packs.ErrNoRecord) {
			return nil // all of it is done
		}
		var first *pack
		if err == nil {
			first, err = readPack(&named)
		}
		if err != nil {
			return err
		}
		other, err := v.search(ctx, 1, func(p *pack, i int) bool {
			return p.first != first.first && text(p.pairs[i].id) == of.Worker
		})
		if errors.Is(err, ErrUnknownWorker) {
			return nil
		}
		if err == nil {
			_, err = v.rewrite(ctx, &other.record, of.Worker)
			v.state.Erasing = &of // it is not done
		}
		if err == nil {
			v.fault(FaultCopyErased)
		}
		if errors.Is(err, eventstore.ErrFenced) {
			err = v.readOn(ctx)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// forget has handles lead to nobody, until the table that knows them was made anew, and be it only
// at a later attempt. Who comes with the same number meanwhile is somebody new, who is kept in
// memory: nothing goes to the table before that. The caller holds writing.
func (v *Vault) forget(handles []handle) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.gone == nil {
		v.gone = map[handle]bool{}
	}
	for _, h := range handles {
		v.gone[h] = true
	}
}

// rewrite replaces a pack by one without the worker, and returns the handles that led to him.
// Others keep their places and numbers, and nobody can tell the random bytes from a worker. The
// caller holds writing.
func (v *Vault) rewrite(ctx context.Context, record *packs.Record, worker string,
) (gone []handle, err error) {
	p, err := readPack(record)
	if err == nil {
		err = v.keys.openPack(p, record)
	}
	if err != nil {
		return nil, err
	}
	for i := range p.pairs {
		if one := &p.pairs[i]; text(one.id) == worker {
			gone = append(gone, one.handle)
			_, _ = rand.Read(one.handle[:]) // never fails: see crypto/rand
			_, _ = rand.Read(one.id[:])
		}
	}
	before := v.end.Number
	err = v.append(ctx, record, func(number uint64) ([]byte, error) {
		return v.keys.packData(p, number)
	})
	if v.end.Number == before {
		return gone, err
	}
	v.state.Erasing = nil
	if err != nil {
		v.state.Left = append(v.state.Left, record.Number)
	}
	return gone, err
}

// rebuild makes the look-up table anew from the stream, beside the one there is, which answers
// meanwhile. The caller holds writing. A crash before it is over leaves a folder of another name,
// which the next start goes on with or removes.
func (v *Vault) rebuild(ctx context.Context) error {
	before := v.lookup
	dir := v.lookupDir()
	// Nobody was erased since it was made.
	if dir == before.Dir() {
		return nil
	}
	lookup, err := index.Open(dir, v.lookupIdentity())
	if err != nil {
		return err
	}
	if err := v.read(ctx, lookup, v.state.begin(uint64(lookup.Last()))); err != nil {
		return errors.Join(err, lookup.Close())
	}
	v.mu.Lock()
	v.lookup, v.gone = lookup, nil
	v.changes++
	v.taught++
	v.mu.Unlock()
	err = errors.Join(before.Close(), os.RemoveAll(before.Dir()), v.state.write(v.opts.Dir))
	v.saved = v.state.Number
	return err
}

// Erasures returns what is kept of erasures, in their order. It reads the whole stream. They name
// worker ids and references, no person.
func (v *Vault) Erasures(ctx context.Context) (all []Erasure, err error) {
	v.writing.Lock()
	keys := v.keys
	v.writing.Unlock()
	for record, err := range v.stream.Read(ctx, 1) {
		if err != nil {
			return nil, readError(err)
		}
		if len(record.Data) == 0 || record.Data[0] != kindErasure {
			continue
		}
		e, err := keys.openErasure(&record)
		if err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	return all, nil
}
