package vault

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"

	"cakupan/eventstore"
)

// checkOf returns what tells a key of a name from every other, and says nothing about it. It is
// stored openly: only who has the key can make it, and nobody finds the key by it.
func checkOf(name string, key []byte) (check [checkSize]byte) {
	mac := hmac.New(sha256.New, key)
	_, _ = mac.Write([]byte("cakupan check of " + name)) // never fails: see hash.Hash
	copy(check[:], mac.Sum(nil))
	return check
}

// HasKey tells whether the check of a key of the name stands in the vault: there is one that must
// not be made anew. It is as of what the vault has read.
func (v *Vault) HasKey(name string) bool {
	v.writing.Lock()
	defer v.writing.Unlock()
	_, there := v.state.Checks[name]
	return there
}

// IsKey tells whether a key is the one whose check stands in the vault under the name; where none
// does, any is. Of the vault's own key it tells whether the vault is sealed with it, or was until a
// change that is under way.
func (v *Vault) IsKey(name string, key []byte) bool {
	v.writing.Lock()
	defer v.writing.Unlock()
	if name == keyName {
		return v.keys.now.Of(key) || v.keys.before != nil && v.keys.before.Of(key)
	}
	check, there := v.state.Checks[name]
	return !there || check == checkOf(name, key)
}

// CheckKey compares a key with the check of its name in the vault, and puts the check there when
// there is none. The error wraps ErrKeyWrong for another key. So a ledger that is restored with
// another file of that name finds out before it uses it. When it returns without an error, the
// check is durable.
func (v *Vault) CheckKey(ctx context.Context, name string, key []byte) error {
	v.writing.Lock()
	defer v.writing.Unlock()
	for {
		want, there := v.state.Checks[name]
		switch {
		case there && want == checkOf(name, key):
			return nil
		case there:
			return fmt.Errorf("%w: %s", ErrKeyWrong, name)
		}
		err := v.putCheck(ctx, name, key)
		if errors.Is(err, eventstore.ErrFenced) {
			if err = v.readOn(ctx); err == nil {
				continue
			}
		}
		return err
	}
}

// ReplaceKey puts the check of another key of the name into the vault. From then on the old one is
// a wrong one. When it fails, which of the two is right may be open: IsKey tells after the next
// CatchUp.
func (v *Vault) ReplaceKey(ctx context.Context, name string, key []byte) error {
	v.writing.Lock()
	defer v.writing.Unlock()
	if err := v.readOn(ctx); err != nil {
		return err
	}
	return v.putCheck(ctx, name, key)
}

// putCheck appends the check of a key. The caller holds writing.
func (v *Vault) putCheck(ctx context.Context, name string, key []byte) error {
	check := checkOf(name, key)
	err := v.append(ctx, nil, func(uint64) ([]byte, error) { return checkData(name, check), nil })
	if err != nil {
		return fmt.Errorf("put check of %s into the vault: %w", name, err)
	}
	if v.state.Checks == nil {
		v.state.Checks = map[string][checkSize]byte{}
	}
	v.state.Checks[name] = check
	return nil
}
