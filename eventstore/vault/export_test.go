package vault

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
