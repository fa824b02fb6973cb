package vault

// SetLimit sets how many ids may be tentative.
func (v *Vault) SetLimit(limit int) { v.limit = limit }

// Break makes writing fail, as a disk that went away.
func (v *Vault) Break() error { return v.db.Close() }

// Tentative returns how many ids wait for Persist.
func (v *Vault) Tentative() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.next.ids)
}

// Durable reports whether the file holds an id for the NIK.
func (v *Vault) Durable(nik string) bool {
	_, ok, err := v.stored(v.hasher.handle(nik))
	return ok && err == nil
}

// Handle returns what the file knows the NIK by.
func (v *Vault) Handle(nik string) string {
	h := v.hasher.handle(nik)
	return string(h[:])
}
