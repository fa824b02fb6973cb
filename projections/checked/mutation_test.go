package checked

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"cakupan/eventstore/inspect"
)

// The values of the file that is damaged below: one that lies in a page with others, and one that
// flows over to pages of its own.
var (
	shortValue = bytes.Repeat([]byte("short"), 9)
	longValue  = bytes.Repeat([]byte("a longer value"), 900)
)

// filled returns the content of a file with both values, and an earlier one of the short value with
// the checksum that it had.
func filled(t *testing.T) (content, earlier []byte) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "filled.db")
	db, err := Open(path, Options{Owner: "test", Scratch: true})
	if err != nil {
		t.Fatal(err)
	}
	earlier = bytes.Repeat([]byte("brief"), 9)
	sum := checksum("test", "bucket", []byte("a"), earlier)
	earlier = binary.LittleEndian.AppendUint64(earlier, sum)
	err = db.Update(func(tx *Tx) error {
		b, err := tx.CreateBucketIfNotExists([]byte("bucket"))
		if err != nil {
			return err
		}
		return errors.Join(b.Put([]byte("a"), shortValue), b.Put([]byte("b"), longValue),
			b.Put([]byte("c"), bytes.Repeat([]byte("other"), 9)))
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	if content, err = os.ReadFile(path); err != nil {
		t.Fatal(err)
	}
	return content, earlier
}

// readers are all ways to read a value.
var readers = map[string]func(b *Bucket, key []byte) ([]byte, error){
	"Get":    (*Bucket).Get,
	"Shared": (*Bucket).Shared,
	"At":     func(b *Bucket, key []byte) ([]byte, error) { return b.At(b.Search(key)) },
	"ForEach": func(b *Bucket, key []byte) (found []byte, err error) {
		err = b.ForEach(func(k, value []byte) error {
			if bytes.Equal(k, key) {
				found = value
			}
			return nil
		})
		return found, err
	},
}

// TestNoReaderBelievesAValue damages values of a file that is open, where only the comparison of
// checksums can tell: each reader says that the file is damaged.
func TestNoReaderBelievesAValue(t *testing.T) {
	content, earlier := filled(t)
	short, long := bytes.Index(content, shortValue), bytes.Index(content, longValue)
	other := bytes.Index(content, bytes.Repeat([]byte("other"), 9))
	if short < 0 || long < 0 || other < 0 {
		t.Fatal("the file does not have the values")
	}
	flip := func(at int) func([]byte) { return func(c []byte) { c[at] ^= 4 } }
	size := len(earlier) // of a value with its checksum
	damages := map[string]struct {
		key    string
		damage func(content []byte)
	}{
		"first byte":            {"a", flip(short)},
		"last byte":             {"a", flip(short + len(shortValue) - 1)},
		"checksum":              {"a", flip(short + len(shortValue) + 3)},
		"byte of a long value":  {"b", flip(long + 5000)},
		"end of a long value":   {"b", flip(long + len(longValue) - 1)},
		"zeros in a long value": {"b", func(c []byte) { clear(c[long+4096 : long+8192]) }},
		"an earlier value":      {"a", func(c []byte) { copy(c[short:], earlier) }},
		"the value of another key": {"a", func(c []byte) {
			copy(c[short:short+size], c[other:other+size])
		}},
	}
	for what, d := range damages {
		for name, read := range readers {
			t.Run(fmt.Sprintf("%s, %s", what, name), func(t *testing.T) {
				damaged := bytes.Clone(content)
				d.damage(damaged)
				if bytes.Equal(damaged, content) {
					t.Fatal("nothing is damaged")
				}
				checkDisbelief(t, content, damaged, func(b *Bucket) ([]byte, error) {
					return read(b, []byte(d.key))
				})
			})
		}
	}
}

// checkDisbelief reads a value before and after the file is damaged.
func checkDisbelief(t *testing.T, content, damaged []byte, read func(*Bucket) ([]byte, error)) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "damaged.db")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := Open(path, Options{Owner: "test", Scratch: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if _, err := db.file.WriteAt(damaged, 0); err != nil {
		t.Fatal(err)
	}
	var got []byte
	err = db.View(func(tx *Tx) (err error) {
		got, err = read(tx.Bucket([]byte("bucket")))
		return err
	})
	if !errors.Is(err, ErrDamaged) {
		t.Errorf("it answers %.20q, %v", got, err)
	}
	if err := db.Damage(); err == nil {
		t.Error("nobody noted the damage")
	}
	err = inspect.ReadBolt(path, func(b *inspect.Bolt) error {
		return Verify(b, func(string, []byte, []byte) {})
	})
	if !errors.Is(err, ErrDamaged) {
		t.Errorf("verified: %v", err)
	}
}

// TestNoKeyIsBelieved flips each bit of each key of a file that nobody has open. The checksum of the
// value tells it, but only who reads that value: who looks for the key as it was would find none. So
// the file is refused when it is opened; and so it is by who looks from outside.
func TestNoKeyIsBelieved(t *testing.T) {
	keys := [][]byte{[]byte("key-of-first"), []byte("key-of-other"), []byte("key-of-third")}
	path := filepath.Join(t.TempDir(), "keys.db")
	db, err := Open(path, Options{Owner: "test", Scratch: true})
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *Tx) error {
		b, err := tx.CreateBucketIfNotExists([]byte("bucket"))
		for _, key := range keys {
			err = errors.Join(err, b.Put(key, shortValue))
		}
		// A key that came and went leaves nothing in the sum.
		return errors.Join(err, b.Put([]byte("gone"), shortValue), b.Delete([]byte("gone")),
			b.Put(keys[1], longValue))
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	sound, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	check := func(content []byte) error {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		db, err := Open(path, Options{Owner: "test", Scratch: true})
		if err == nil {
			err = db.Close()
		}
		return err
	}
	if err := check(sound); err != nil {
		t.Fatal(err)
	}
	for _, key := range keys {
		at := bytes.LastIndex(sound, key)
		if at < 0 || bytes.Count(sound, key) != 1 {
			t.Fatalf("the file has %q %d times", key, bytes.Count(sound, key))
		}
		for bit := range 8 * len(key) {
			damaged := bytes.Clone(sound)
			damaged[at+bit/8] ^= 1 << (bit % 8)
			if err := check(damaged); !errors.Is(err, ErrDamaged) {
				t.Fatalf("bit %d of %q: %v", bit, key, err)
			}
		}
	}
}

// TestFileWithoutSumOfKeys opens a file whose header has none, as those of earlier programs: it is
// believed as before.
func TestFileWithoutSumOfKeys(t *testing.T) {
	d := &directory{transaction: 7, buckets: map[string]list{}}
	d.buckets["bucket"], _ = list{}.with([]byte("key"), 5, true)
	for keys, want := range map[uint64]bool{0: true, d.buckets["bucket"].key: true, 1: false} {
		h := &Header{headerFormat, "test", 7, map[string]Summary{"bucket": {1, 5, keys}}}
		if err := d.agrees(h); (err == nil) != want {
			t.Errorf("with the sum %d: %v", keys, err)
		}
	}
}

// TestSharedIsOfItsTime reads a value that is in memory after it was written again: the new one.
func TestSharedIsOfItsTime(t *testing.T) {
	db := makeFile(t)
	for i := range 3 {
		want := fmt.Appendf(nil, "value %d", i)
		err := db.Update(func(tx *Tx) error {
			return tx.Bucket([]byte("bucket")).Put([]byte("key"), want)
		})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			err = db.View(func(tx *Tx) error {
				got, err := tx.Bucket([]byte("bucket")).Shared([]byte("key"))
				if !bytes.Equal(got, want) {
					t.Errorf("%q, want %q", got, want)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestDelete removes keys, also some that were put in the same transaction, and opens what is left.
func TestDelete(t *testing.T) {
	db := makeFile(t)
	err := db.Update(func(tx *Tx) error {
		b := tx.Bucket([]byte("bucket"))
		for i := range 20 {
			if err := b.Put(fmt.Appendf(nil, "k%02d", i), longValue[:100*i]); err != nil {
				return err
			}
		}
		return errors.Join(b.Delete([]byte("k07")), b.Delete([]byte("key")), b.Delete([]byte("none")))
	})
	if err == nil {
		err = db.Update(func(tx *Tx) error {
			b := tx.Bucket([]byte("bucket"))
			return errors.Join(b.Delete([]byte("k00")), b.Delete([]byte("k13")))
		})
	}
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	again, err := Open(db.path, Options{Owner: "test"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = again.Close() }()
	err = again.View(func(tx *Tx) error {
		b := tx.Bucket([]byte("bucket"))
		if b.Len() != 17 {
			t.Errorf("%d keys, want 17", b.Len())
		}
		for i := range 20 {
			value, err := b.Get(fmt.Appendf(nil, "k%02d", i))
			if err != nil {
				return err
			}
			if gone := i == 0 || i == 7 || i == 13; gone != (value == nil) ||
				!gone && !bytes.Equal(value, longValue[:100*i]) {
				t.Errorf("k%02d has %d bytes", i, len(value))
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
