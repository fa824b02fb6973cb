package vault

import "context"

// SetLimit sets how many ids may be tentative.
func (v *Vault) SetLimit(limit int) { v.limit = limit }

// Tentative returns how many ids wait for Persist.
func (v *Vault) Tentative() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.next.ids)
}

// Durable reports whether the look-up table, which has what the stream has, knows the NIK.
func (v *Vault) Durable(nik string) bool {
	v.mu.Lock()
	lookup := v.lookup
	v.mu.Unlock()
	_, ok, err := stored(lookup, v.hasher.handle(nik))
	return ok && err == nil
}

// StoreAgain stores a worker once more, as programs did whose storing had no answer.
func (v *Vault) StoreAgain(ctx context.Context, nik string) error {
	v.writing.Lock()
	defer v.writing.Unlock()
	h := v.hasher.handle(nik)
	worker, _, err := stored(v.lookup, h)
	if err != nil {
		return err
	}
	c := newCommit(v.taught) // compared with nothing
	c.ids[h] = worker
	_, err = v.store(ctx, c)
	return err
}
