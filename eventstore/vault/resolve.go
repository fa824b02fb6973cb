package vault

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"cakupan/eventstore/index"
)

// text returns a worker id as events have it. It is one form of several that would say the same:
// compare ids in it, or as bytes.
func text(worker id) string { return hex.EncodeToString(worker[:]) }

// Lookup returns the worker id of the person with this NIK, in 32 lower-case hexadecimal digits; ok
// is false when the vault has none. It changes nothing. Tentative ids count. An empty or malformed
// NIK is one that the vault does not have.
func (v *Vault) Lookup(nik string) (worker string, ok bool, err error) {
	found, ok, _, err := v.find(v.hasher.handle(nik))
	if !ok || err != nil {
		return "", false, err
	}
	return text(found), true, nil
}

// Resolve returns the worker id of the person with this NIK, in 32 lower-case hexadecimal digits.
// At first sight it is a new random one, and tentative: nothing may be recorded under it before
// Persist has returned. Everybody who asks meanwhile gets the same one.
//
// When too many ids wait for Persist, Resolve persists them itself first. It does not look at
// whether the NIK is a valid one: two ways of writing a number would be two people, so that callers
// pass on its sixteen digits alone. The error names nothing of it.
func (v *Vault) Resolve(nik string) (worker string, err error) {
	if nik == "" {
		return "", ErrNoNIK
	}
	h := v.hasher.handle(nik)
	// Without mu in between: make looks again where it has to.
	found, ok, changes, err := v.find(h)
	if err != nil {
		return "", err
	}
	if ok {
		return text(found), nil
	}
	made, full, err := v.make(h, changes)
	if err != nil {
		return "", err
	}
	if full {
		// Not under the caller's context: this is work for everybody, and bounded.
		if err := v.persist(context.Background()); err != nil {
			return "", err
		}
	}
	return text(made), nil
}

// find looks an id up. changes tells make whether the look-up table has changed since. It waits for
// no commit under way; only a damaged look-up table holds it up until that is made anew.
func (v *Vault) find(h handle) (found id, ok bool, changes uint64, err error) {
	for {
		// First what may move to the look-up table meanwhile, then the table.
		v.mu.Lock()
		found, ok = v.held(h)
		lookup, gone := v.lookup, v.gone[h]
		changes = v.changes
		v.mu.Unlock()
		if ok || gone {
			return found, ok, changes, nil
		}
		found, ok, err = stored(lookup, h)
		switch {
		case errors.Is(err, index.ErrClosed) && v.isOther(lookup):
			continue // it was replaced meanwhile
		case errors.Is(err, index.ErrDamaged):
			if err = v.renew(context.Background(), lookup); err == nil {
				continue
			}
		}
		if err != nil {
			return id{}, false, 0, fmt.Errorf("read vault: %w", err)
		}
		return found, ok, changes, nil
	}
}

// isOther tells whether the look-up table has been replaced.
func (v *Vault) isOther(lookup *index.Index) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.lookup != lookup
}

// held looks an id up among those that are not in the look-up table yet. The caller holds mu.
func (v *Vault) held(h handle) (found id, ok bool) {
	if found, ok = v.next.ids[h]; ok || v.flying == nil {
		return found, ok
	}
	found, ok = v.flying.ids[h]
	return found, ok
}

// stored looks an id up in a look-up table. Workers count from 1 there, so a sequence of 0 is
// nobody. The table keeps a worker's id where an index has an event's digest.
func stored(lookup *index.Index, h handle) (found id, ok bool, err error) {
	entry, err := entryOf(lookup, h)
	return id(entry.Digest), entry.Sequence != 0, err
}

// entryOf looks one handle up in a look-up table; the zero entry says that it is not there.
func entryOf(lookup *index.Index, h handle) (index.Entry, error) {
	entries := make([]index.Entry, 1)
	err := lookup.Lookup([]index.Key{index.Key(h)}, entries)
	return entries[0], err
}

// make gives out a new id, unless somebody else did so since find was called, as of so many
// changes. full reports that no more should be tentative.
func (v *Vault) make(h handle, changes uint64) (made id, full bool, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	made, ok := v.held(h)
	if !ok && changes != v.changes && !v.gone[h] { // it may have moved to the look-up table
		made, ok, err = stored(v.lookup, h)
	}
	if ok || err != nil {
		return made, false, err
	}
	made = newID(rand.Reader)
	v.next.ids[h] = made
	return made, len(v.next.ids) >= v.limit, nil
}

// newID returns a new id from a source of random bytes that never fails. Sixteen digits in a row
// may be taken for a NIK, and the log could then not be imported elsewhere (contract, section 1):
// of such an id, one in a few hundred, another one is drawn.
func newID(random io.Reader) (made id) {
	for {
		_, _ = io.ReadFull(random, made[:])
		if longestNumber(text(made)) < nikDigits {
			return made
		}
	}
}

const nikDigits = 16

// longestNumber returns how many decimal digits stand in a row.
func longestNumber(text string) (longest int) {
	run := 0
	for i := range len(text) {
		if run++; text[i] < '0' || text[i] > '9' {
			run = 0
		}
		longest = max(longest, run)
	}
	return longest
}
