package checked

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"

	"github.com/cespare/xxhash/v2"

	"cakupan/eventstore/inspect"
)

// The header is a value like any other, in a bucket of its own, but is not in the directory: it is
// what the directory is compared with.
const (
	headerBucket = "checked"
	headerKey    = "header"
	headerFormat = 1
)

// Header says whose a file is, and what is in it as of the transaction that wrote it. It is stored
// as JSON by these names; another format has another number and cannot be read by this one.
type Header struct {
	Format      int
	Owner       string
	Transaction uint64
	Buckets     map[string]Summary
}

// Summary says how many values a bucket has, and what their checksums add up to. Sums that are
// added up do not depend on the order of the values; which value is wrong, its own checksum tells.
//
// Keys are summed up by themselves, as the directory is made of keys and checksums alone: a wrong
// key would be noticed when its value is read, but who looks for the right one would find nothing,
// or the key before it, and read no value. It is 0 in files from before there was such a sum.
type Summary struct {
	Values int
	Sum    uint64
	Keys   uint64 `json:",omitempty"`
}

// sumSize is what a checksum adds to a value.
//
// It is eight bytes: that a wrong value has the right one by chance is not to be feared.
const sumSize = 8

// checksum returns that of a value under its key.
func checksum(owner, bucket string, key, value []byte) uint64 {
	var d xxhash.Digest
	d.Reset()
	// None of them can be taken for another one: no owner or bucket has a zero byte, and keys have
	// their length.
	_, _ = d.WriteString(owner)
	var head [10]byte
	_, _ = d.Write(head[:1])
	_, _ = d.WriteString(bucket)
	binary.LittleEndian.PutUint64(head[1:], uint64(len(key)))
	_, _ = d.Write(head[:])
	_, _ = d.Write(key)
	_, _ = d.Write(value)
	return d.Sum64()
}

// list has the keys of a bucket in ascending order, and the checksums of the values. One that
// readers have does not change; a longer one may share its memory.
type list struct {
	keys []string
	sums []uint64
	sum  uint64 // of the sums
	key  uint64 // the sum of hashes of the keys
}

// find returns the place of a key, or where it belongs.
func (l *list) find(key []byte) (int, bool) {
	n := len(l.keys)
	if n == 0 || l.keys[n-1] < string(key) { // most are put in order
		return n, false
	}
	return slices.BinarySearchFunc(l.keys, key, func(have string, want []byte) int {
		switch {
		case have < string(want):
			return -1
		case have > string(want):
			return 1
		}
		return 0
	})
}

// with returns the list with the checksum of a key. own says that nobody else has the list. Keys at
// the end are added where the list is, as readers of a shorter one do not look behind its end.
func (l list) with(key []byte, sum uint64, own bool) (list, bool) {
	at, found := l.find(key)
	if !found {
		l.key += xxhash.Sum64(key)
	}
	if at == len(l.keys) {
		return list{append(l.keys, string(key)), append(l.sums, sum), l.sum + sum, l.key}, own
	}
	if !own {
		l.keys, l.sums = slices.Clone(l.keys), slices.Clone(l.sums)
	}
	if found {
		l.sum += sum - l.sums[at]
		l.sums[at] = sum
		return l, true
	}
	l.keys = slices.Insert(l.keys, at, string(key))
	l.sums = slices.Insert(l.sums, at, sum)
	l.sum += sum
	return l, true
}

// without returns the list without the key at a place. own says that nobody else has the list. The
// place must be one that the list has.
func (l list) without(at int, own bool) list {
	if !own {
		l.keys, l.sums = slices.Clone(l.keys), slices.Clone(l.sums)
	}
	l.sum -= l.sums[at]
	l.key -= xxhash.Sum64String(l.keys[at])
	l.keys, l.sums = slices.Delete(l.keys, at, at+1), slices.Delete(l.sums, at, at+1)
	return l
}

// directory has the checksums of all values as of a transaction. It takes memory for each key,
// which is why values are pages and not records.
type directory struct {
	transaction uint64
	buckets     map[string]list
}

// header returns the header of a file with the directory. The order of the names is that of JSON,
// so that the same file makes the same header.
func (d *directory) header(owner string) ([]byte, error) {
	h := Header{headerFormat, owner, d.transaction, map[string]Summary{}}
	for name, l := range d.buckets {
		h.Buckets[name] = Summary{len(l.keys), l.sum, l.key}
	}
	return json.Marshal(&h)
}

// agrees compares what is in the file with what its header says. An error wraps [ErrDamaged] and
// names the first bucket that differs.
func (d *directory) agrees(h *Header) error {
	if h.Transaction != d.transaction {
		return fmt.Errorf("%w: it is of transaction %d, its contents of %d",
			ErrDamaged, d.transaction, h.Transaction)
	}
	for name := range d.buckets {
		if _, ok := h.Buckets[name]; !ok {
			return fmt.Errorf("%w: bucket %s is too many", ErrDamaged, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(h.Buckets)) {
		l, there := d.buckets[name]
		want := h.Buckets[name]
		if !there || len(l.keys) != want.Values || l.sum != want.Sum {
			return fmt.Errorf("%w: of the %d values of bucket %s some are missing or others",
				ErrDamaged, want.Values, name)
		}
		if want.Keys != 0 && l.key != want.Keys {
			return fmt.Errorf("%w: of the %d keys of bucket %s some are others", ErrDamaged,
				want.Values, name)
		}
	}
	return nil
}

// readDirectory reads the checksums of all values of a file that nobody writes to. There is no
// header in one to which nothing was ever written. Values themselves are not read, only their ends:
// a start costs the keys, not the contents. That a value is whole is found out when it is read.
func readDirectory(file *os.File) (*directory, *Header, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, nil, err
	}
	bolt, err := inspect.OpenBolt(file, info.Size())
	if err != nil {
		return nil, nil, asDamage(err)
	}
	d := &directory{transaction: bolt.Transaction(), buckets: map[string]list{}}
	header, err := stored(bolt.Tree(), headerBucket, []byte(headerKey))
	if err == nil && header == nil {
		return d, nil, asDamage(bolt.Scan(unchecked))
	}
	if err != nil {
		return nil, nil, asDamage(err)
	}
	err = bolt.Scan(func(bucket string, key []byte, value inspect.Value) error {
		switch {
		case key == nil && bucket != headerBucket:
			d.buckets[bucket] = list{}
		case key != nil && bucket != headerBucket:
			sum, err := value.Last(sumSize)
			if err != nil {
				return err
			}
			l, _ := d.buckets[bucket].with(key, binary.LittleEndian.Uint64(sum), true)
			d.buckets[bucket] = l
		}
		return nil
	})
	if err != nil {
		return nil, nil, asDamage(err)
	}
	h, err := readHeader(header)
	if err == nil {
		err = d.agrees(h)
	}
	return d, h, err
}

// asDamage says of an error of reading the structure of a file what it means here.
func asDamage(err error) error {
	if errors.Is(err, inspect.ErrBolt) {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return err
}

// readHeader reads a stored header, which has a checksum of its own. A header of another format is
// as good as none that can be read.
func readHeader(stored []byte) (*Header, error) {
	text, err := unpack("", headerBucket, []byte(headerKey), stored)
	if err != nil {
		return nil, err
	}
	var h Header
	if err := json.Unmarshal(text, &h); err != nil || h.Format != headerFormat {
		return nil, fmt.Errorf("%w: its header cannot be read", ErrDamaged)
	}
	return &h, nil
}

// pack returns the value with its checksum. They are new bytes. They may be kept.
func pack(owner, bucket string, key, value []byte) ([]byte, uint64) {
	sum := checksum(owner, bucket, key, value)
	stored := make([]byte, len(value), len(value)+sumSize)
	copy(stored, value)
	return binary.LittleEndian.AppendUint64(stored, sum), sum
}

// unpack returns the value of what is stored, if its checksum holds. The value shares the memory of
// what is stored, cut so that appending to it copies.
func unpack(owner, bucket string, key, stored []byte) ([]byte, error) {
	n := len(stored) - sumSize
	if n < 0 || binary.LittleEndian.Uint64(stored[n:]) != checksum(owner, bucket, key, stored[:n]) {
		return nil, fmt.Errorf("%w: checksum of %x in bucket %s differs", ErrDamaged, key, bucket)
	}
	return stored[:n:n], nil
}

// Stored returns the value of a key in a file that is not open, nil if it has none. Of a file from
// before there were checksums it is what is there. It is for a look from outside, as another
// process may write to the file: then it may find damage that is none a moment later.
func Stored(path, bucket string, key []byte) (value []byte, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	bolt, err := inspect.OpenBolt(file, info.Size())
	if err != nil {
		return nil, asDamage(err)
	}
	tree := bolt.Tree()
	header, err := stored(tree, headerBucket, []byte(headerKey))
	if err == nil {
		value, err = stored(tree, bucket, key)
	}
	if err != nil || value == nil || header == nil {
		return value, asDamage(err)
	}
	h, err := readHeader(header)
	if err != nil {
		return nil, err
	}
	return unpack(h.Owner, bucket, key, value)
}

// stored returns what is under a key, with its checksum; nil: there is nothing.
func stored(tree *inspect.Tree, bucket string, key []byte) ([]byte, error) {
	value, err := tree.Find([]byte(bucket), key)
	if err != nil || !value.Found() {
		return nil, err
	}
	return value.Read()
}

// unchecked is visited with what is in a file without a header. It ends the scan at the first thing
// found: a file with contents and without header is from before there were checksums.
func unchecked(string, []byte, inspect.Value) error { return ErrUnchecked }
