package vault

import "crypto/sha256"

// listKeyText is what the key of lists is the keyed hash of. It is no NIK, so that the key of
// lists and what the vault knows people by have nothing in common.
const listKeyText = "cakupan key of lists, version 1"

// ListKey returns the key under which the rows of lists get their ids and their enrolments' names:
// always the same for a vault, and derived from its key. Who has it can test whether an id or a
// name in the log belongs to a NIK he knows, or try all; it does not help with the vault itself.
func (v *Vault) ListKey() [sha256.Size]byte { return v.hasher.sum(listKeyText) }
