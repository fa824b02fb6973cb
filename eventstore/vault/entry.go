package vault

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"

	"cakupan/eventstore/packs"
	"cakupan/eventstore/seal"
)

// The first byte of a record's data says what it is; FORMAT.md describes the rest.
const (
	kindSecret  = 1 // by which NIKs are hashed, sealed; the first record
	kindWorkers = 2 // handles and ids, sealed
	kindCheck   = 3 // of a key
	kindErasure = 4 // what was decided, sealed
	kindTaken   = 5 // all is there that the vault's files had
	kindListKey = 6 // of a member, or that it is gone; sealed
)

const (
	pairSize    = len(handle{}) + len(id{})
	workersHead = 1 + 8 + 4

	// packMax is how many workers a pack has at most: half a megabyte. A stream takes no larger
	// message than a few megabytes, and an erasure rewrites a whole pack.
	packMax = 1 << 14

	// checkSize is the size of a check of a key. Enough that no other key has it, and too few to be
	// worth anything.
	checkSize = 16

	takeOver = 1 // of a secret: the vault's files are being brought over
)

// pair is a worker: what his NIK is known by, and his id. It is as secret as the key: it is in
// memory only, and sealed in the stream.
type pair struct {
	handle handle
	id     id
}

// pack is a number of workers that became durable together. The worker with number first was the
// first-th to get an id; numbers are dense, and stay when a worker is erased.
type pack struct {
	// From 1.
	first uint64
	count int
	pairs []pair // nil until it is opened
}

// keyring seals with the vault's key, and opens what was sealed with it or with the one before.
type keyring struct {
	ledger string
	// Nil until keys were read.
	now    *seal.Sealer
	before *seal.Sealer // while keys are changed; else nil
}

// purpose binds what is sealed to its place. What was sealed as another record, kind or ledger does
// not open as this one.
func (k *keyring) purpose(kind byte, number uint64) string {
	return fmt.Sprintf("%s %s %d %d", StreamName, k.ledger, kind, number)
}

// seal appends what is sealed to dst.
func (k *keyring) seal(dst, plain []byte, kind byte, number uint64) ([]byte, error) {
	return k.now.Seal(dst, plain, k.purpose(kind, number))
}

// open opens what is sealed; it wraps ErrKeyWrong or ErrDamaged, and names the record alone.
func (k *keyring) open(sealed []byte, kind byte, number uint64) ([]byte, error) {
	plain, err := k.now.Open(sealed, k.purpose(kind, number))
	if errors.Is(err, seal.ErrOtherKey) && k.before != nil {
		plain, err = k.before.Open(sealed, k.purpose(kind, number))
	}
	switch {
	case errors.Is(err, seal.ErrOtherKey):
		return nil, fmt.Errorf("%w: vault.key did not seal record %d", ErrKeyWrong, number)
	case err != nil:
		return nil, fmt.Errorf("%w: record %d: %w", ErrDamaged, number, err)
	}
	return plain, nil
}

// secretData returns the data of the record with the secret.
func (k *keyring) secretData(secret []byte, flags byte, number uint64) ([]byte, error) {
	return k.seal([]byte{kindSecret, flags}, secret, kindSecret, number)
}

// openSecret is the reverse.
func (k *keyring) openSecret(r *packs.Record) (secret []byte, flags byte, err error) {
	if len(r.Data) < 2 {
		return nil, 0, shortRecord(r)
	}
	secret, err = k.open(r.Data[2:], kindSecret, r.Number)
	return secret, r.Data[1], err
}

// packData returns the data of a record of workers. First number and count are not sealed, so that
// a hole shows without the key.
func (k *keyring) packData(p *pack, number uint64) ([]byte, error) {
	data := append(make([]byte, 0, workersHead+len(p.pairs)*pairSize+seal.Overhead), kindWorkers)
	data = binary.BigEndian.AppendUint64(data, p.first)
	data = binary.BigEndian.AppendUint32(data, uint32(len(p.pairs)))
	plain := make([]byte, 0, len(p.pairs)*pairSize)
	for i := range p.pairs {
		plain = append(append(plain, p.pairs[i].handle[:]...), p.pairs[i].id[:]...)
	}
	return k.seal(data, plain, kindWorkers, number)
}

// readPack returns a pack that is not opened. Its bounds are checked before anything of that size
// is made.
func readPack(r *packs.Record) (*pack, error) {
	if len(r.Data) < workersHead {
		return nil, shortRecord(r)
	}
	p := &pack{
		first: binary.BigEndian.Uint64(r.Data[1:]), count: int(binary.BigEndian.Uint32(r.Data[9:])),
	}
	if p.first == 0 || p.count == 0 || p.count > packMax {
		return nil, fmt.Errorf("%w: record %d has %d workers from %d",
			ErrDamaged, r.Number, p.count, p.first)
	}
	return p, nil
}

// openPack opens the workers of a pack.
func (k *keyring) openPack(p *pack, r *packs.Record) error {
	plain, err := k.open(r.Data[workersHead:], kindWorkers, r.Number)
	if err != nil {
		return err
	}
	if len(plain) != p.count*pairSize {
		return fmt.Errorf("%w: record %d has not the %d workers that it names",
			ErrDamaged, r.Number, p.count)
	}
	p.pairs = make([]pair, p.count)
	for i := range p.pairs {
		p.pairs[i] = pair{handle(plain[:16]), id(plain[16:pairSize])}
		plain = plain[pairSize:]
	}
	return nil
}

// erasureData returns the data of the record of an erasure.
func (k *keyring) erasureData(e *Erasure, number uint64) ([]byte, error) {
	plain, err := json.Marshal(e)
	if err != nil {
		return nil, err
	}
	return k.seal([]byte{kindErasure}, plain, kindErasure, number)
}

// openErasure is the reverse.
func (k *keyring) openErasure(r *packs.Record) (e Erasure, err error) {
	plain, err := k.open(r.Data[1:], kindErasure, r.Number)
	if err == nil {
		err = json.Unmarshal(plain, &e)
	}
	return e, err
}

// checkData returns the data of a record with the check of a key. It is not sealed: a check tells
// nothing of its key.
func checkData(name string, check [checkSize]byte) []byte {
	return append(append([]byte{kindCheck}, check[:]...), name...)
}

// readCheck is the reverse.
func readCheck(r *packs.Record) (name string, check [checkSize]byte, err error) {
	if len(r.Data) < 1+checkSize {
		return "", check, shortRecord(r)
	}
	copy(check[:], r.Data[1:])
	return string(r.Data[1+checkSize:]), check, nil
}

// shortRecord says that a record has fewer bytes than its kind.
func shortRecord(r *packs.Record) error {
	return fmt.Errorf("%w: record %d has only %d bytes", ErrDamaged, r.Number, len(r.Data))
}
