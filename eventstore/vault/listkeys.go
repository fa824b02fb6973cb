package vault

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"cakupan/eventstore"
	"cakupan/eventstore/packs"
)

// ListKeySize is the length of a key of lists, in bytes.
const ListKeySize = 32

// listKeyText is what the ledger's own key of lists is the keyed hash of. It is no NIK, so that the
// key of lists and what the vault knows people by have nothing in common.
const listKeyText = "cakupan key of lists, version 1"

// ListKey returns the key under which the rows of lists get their ids and their enrolments' names
// where no member speaks for their source: always the same for a vault, and derived from its
// secret. Who has it can test whether an id or a name in the log belongs to a NIK he knows, or try
// all; it does not help with the vault itself.
func (v *Vault) ListKey() [ListKeySize]byte { return v.hasher.sum(listKeyText) }

// TrialListKey returns a key for a member who has none yet, for a try of which nothing is kept: so
// nothing is ever known by it.
func (v *Vault) TrialListKey(member, secret string) [ListKeySize]byte {
	return v.hasher.sum("cakupan key of lists, to try\x00" + member + "\x00" + secret)
}

// ListKeys are the keys of lists of one member.
type ListKeys struct {
	// Now is the one that what is made now is made with; nil: there is none yet.
	Now *[ListKeySize]byte
	// Older are those of before, the newest first: what was made with them is still known by them.
	Older [][ListKeySize]byte
}

// memberKey is a key of lists as its record holds it, sealed: random bytes that nobody can derive,
// so that a key whose record was overwritten is gone.
type memberKey struct {
	Member string `json:"member"`
	// Secret tells which secret of the member the key was made for. A key that somebody may have
	// fetched with a secret that leaked is not used any more once that is another one.
	Secret string `json:"secret"`
	Age    uint64 `json:"age"` // the member's first key has 1
	// Absent: the key is gone for ever, and the record stands in its place.
	Key []byte `json:"key,omitempty"`
}

// keptKey is where the key of a member is in the stream. The state has no key.
type keptKey struct {
	Number uint64 // of the record
	Age    uint64
	Secret string
}

// ListKeysOf returns the keys of a member with that secret, as [memberKey] has it. With create one
// is made where there is none for it. When it returns without an error, the key is durable; with
// one there may be a key that nobody has used. The error of a damaged record names it.
func (v *Vault) ListKeysOf(ctx context.Context, member, secret string, create bool,
) (ListKeys, error) {
	v.writing.Lock()
	defer v.writing.Unlock()
	for {
		// Another ledger of the cluster may have made it, or ended it.
		err := v.readOn(ctx)
		if err != nil {
			return ListKeys{}, fmt.Errorf("read keys of lists: %w", err)
		}
		keys, err := v.listKeys(ctx, member, secret)
		if err != nil || keys.Now != nil || !create {
			return keys, err
		}
		// Fenced: somebody was faster, perhaps with the same key.
		if err := v.addListKey(ctx, member, secret); err != nil &&
			!errors.Is(err, eventstore.ErrFenced) {
			return ListKeys{}, fmt.Errorf("make key of lists: %w", err)
		}
	}
}

// listKeys reads the keys of a member that the state knows. The caller holds writing.
func (v *Vault) listKeys(ctx context.Context, member, secret string) (keys ListKeys, err error) {
	for _, kept := range slices.Backward(v.state.ListKeys[member]) {
		record, err := v.stream.Get(ctx, kept.Number)
		if errors.Is(err, packs.ErrNoRecord) {
			err = fmt.Errorf("%w: record %d with a key of lists is missing", ErrDamaged,
				kept.Number)
		}
		if err != nil {
			return ListKeys{}, readError(err)
		}
		is, err := v.keys.openListKey(&record)
		if err != nil {
			return ListKeys{}, err
		}
		if is.Member != member || is.Age != kept.Age || len(is.Key) == 0 {
			return ListKeys{}, fmt.Errorf("%w: record %d has not the key of lists that it had",
				ErrDamaged, kept.Number)
		}
		key := [ListKeySize]byte(is.Key)
		if keys.Now == nil && is.Secret == secret {
			keys.Now = &key
		} else {
			keys.Older = append(keys.Older, key)
		}
	}
	return keys, nil
}

// addListKey makes another key of a member. The caller holds writing, and has read on.
func (v *Vault) addListKey(ctx context.Context, member, secret string) error {
	key := &memberKey{Member: member, Secret: secret, Age: 1, Key: make([]byte, ListKeySize)}
	if kept := v.state.ListKeys[member]; len(kept) > 0 {
		key.Age = kept[len(kept)-1].Age + 1
	}
	_, _ = rand.Read(key.Key) // never fails: see crypto/rand
	err := v.append(ctx, nil, func(number uint64) ([]byte, error) {
		return v.keys.listKeyData(key, number)
	})
	if err != nil {
		return err
	}
	v.state.keepListKey(key, v.end.Number)
	// If we crash here, the next who asks finds it.
	v.fault(FaultListKeyMade)
	return nil
}

// EndListKeys takes the keys of members out of the vault for ever, as if there had been none:
// nobody can tell any more what was made with them. It returns how many there were. A crash or an
// error may leave some of them; the next call goes on. Backups that were made before still have
// them.
func (v *Vault) EndListKeys(ctx context.Context, ended func(member string) bool,
) (n int, err error) {
	v.writing.Lock()
	defer v.writing.Unlock()
	for {
		if err := v.readOn(ctx); err != nil {
			return n, fmt.Errorf("end keys of lists: %w", err)
		}
		number, found := v.state.listKeyOf(ended)
		if !found {
			return n, nil
		}
		err := v.endListKey(ctx, number)
		if errors.Is(err, eventstore.ErrFenced) {
			continue
		}
		if err != nil {
			return n, fmt.Errorf("end key of lists: %w", err)
		}
		n++
		v.fault(FaultListKeyEnded)
	}
}

// endListKey replaces the record of a key by one that has none. The caller holds writing.
func (v *Vault) endListKey(ctx context.Context, number uint64) error {
	record, err := v.stream.Get(ctx, number)
	if err != nil {
		return readError(err)
	}
	key, err := v.keys.openListKey(&record)
	if err != nil {
		return err
	}
	key.Key = nil
	before := v.end.Number
	err = v.append(ctx, &record, func(number uint64) ([]byte, error) {
		return v.keys.listKeyData(key, number)
	})
	if v.end.Number == before {
		return err
	}
	v.state.keepListKey(key, v.end.Number)
	if err != nil { // of the overwriting, which the next reading tries again
		v.state.Left = append(v.state.Left, record.Number)
	}
	return nil
}

// listKeyOf returns the record of some key of a member of whom ended holds. There may be none.
func (s *state) listKeyOf(ended func(member string) bool) (number uint64, found bool) {
	for member, kept := range s.ListKeys {
		if len(kept) > 0 && ended(member) {
			return kept[0].Number, true
		}
	}
	return 0, false
}

// keepListKey notes where the key of a member is, in place of the one of the same age; or that it
// is gone.
func (s *state) keepListKey(key *memberKey, number uint64) {
	kept := slices.DeleteFunc(s.ListKeys[key.Member], func(k keptKey) bool {
		return k.Age == key.Age
	})
	if len(key.Key) > 0 {
		kept = append(kept, keptKey{number, key.Age, key.Secret})
		slices.SortFunc(kept, func(a, b keptKey) int { return cmp.Compare(a.Age, b.Age) })
	}
	if s.ListKeys == nil {
		s.ListKeys = map[string][]keptKey{}
	}
	s.ListKeys[key.Member] = kept
	if len(kept) == 0 {
		delete(s.ListKeys, key.Member)
	}
}

// movedListKey notes that the record of a key has another one in its place. One of a key that is
// gone nobody knows.
func (s *state) movedListKey(from, to uint64) {
	for _, kept := range s.ListKeys {
		for i := range kept {
			if kept[i].Number == from {
				kept[i].Number = to
			}
		}
	}
}

// takeListKey notes the key of a member, or that it is gone. Of records in each other's place the
// last counts.
func (r *reading) takeListKey(record *packs.Record, isNew bool) error {
	if !isNew {
		return nil
	}
	key, err := r.vault.keys.openListKey(record)
	if err == nil {
		r.vault.state.keepListKey(key, record.Number)
	}
	return err
}

// listKeyData returns the data of the record with a key of lists.
func (k *keyring) listKeyData(key *memberKey, number uint64) ([]byte, error) {
	plain, err := json.Marshal(key)
	if err != nil {
		return nil, err
	}
	return k.seal([]byte{kindListKey}, plain, kindListKey, number)
}

// openListKey is the reverse.
func (k *keyring) openListKey(r *packs.Record) (*memberKey, error) {
	if len(r.Data) == 0 || r.Data[0] != kindListKey {
		return nil, fmt.Errorf("%w: record %d holds no key of lists", ErrDamaged, r.Number)
	}
	plain, err := k.open(r.Data[1:], kindListKey, r.Number)
	if err != nil {
		return nil, err
	}
	key := &memberKey{}
	if err := json.Unmarshal(plain, key); err != nil {
		return nil, fmt.Errorf("%w: record %d: %w", ErrDamaged, r.Number, err)
	}
	if size := len(key.Key); key.Member == "" || key.Age == 0 || size != 0 && size != ListKeySize {
		return nil, fmt.Errorf("%w: record %d holds no whole key of lists", ErrDamaged, r.Number)
	}
	return key, nil
}
