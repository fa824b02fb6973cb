package inspect_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"
	"pgregory.net/rapid"

	"cakupan/eventstore/inspect"
)

// pageSize is small, so that few keys make pages of branches.
const pageSize = 1024

// makeBolt writes a file with bbolt.
func makeBolt(t testing.TB, path string, fill func(*bbolt.Tx) error) []byte {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{PageSize: pageSize, NoFreelistSync: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Update(fill), db.Close()); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// sample fills buckets of all kinds: empty, inline, of many pages, with large values, nested.
func sample(tx *bbolt.Tx) error {
	for name, keys := range map[string]int{"empty": 0, "inline": 2, "many": 300} {
		b, err := tx.CreateBucket([]byte(name))
		if err != nil {
			return err
		}
		for i := range keys {
			if err := b.Put(fmt.Appendf(nil, "%05d", i), []byte("value")); err != nil {
				return err
			}
		}
	}
	many := tx.Bucket([]byte("many"))
	nested, err := many.CreateBucket([]byte("nested"))
	if err != nil {
		return err
	}
	return nested.Put([]byte("large"), bytes.Repeat([]byte("x"), 5*pageSize))
}

// walk returns all that a file holds as a text.
func walk(path string) (text string, err error) {
	err = inspect.ReadBolt(path, func(b *inspect.Bolt) error {
		text = ""
		return b.Walk(func(bucket string, key, value []byte) error {
			text += fmt.Sprintf("%q %q %q\n", bucket, key, value)
			return nil
		})
	})
	return text, err
}

// walkBolt is the same by bbolt.
func walkBolt(b *bbolt.Bucket, name string) (text string) {
	text = fmt.Sprintf("%q %q %q\n", name, "", "")
	_ = b.ForEach(func(key, value []byte) error { // which is what it visits
		if value == nil {
			text += walkBolt(b.Bucket(key), name+"/"+string(key))
		} else {
			text += fmt.Sprintf("%q %q %q\n", name, key, value)
		}
		return nil
	})
	return text
}

// TestBoltReadsWhatBboltWrote compares with bbolt over random transactions.
func TestBoltReadsWhatBboltWrote(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		path := filepath.Join(dir, fmt.Sprint(rapid.Uint64().Draw(t, "file")))
		db, err := bbolt.Open(path, 0o600, &bbolt.Options{PageSize: pageSize, NoSync: true})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = db.Close() }()
		for range rapid.IntRange(1, 8).Draw(t, "transactions") {
			if err := db.Update(func(tx *bbolt.Tx) error { return change(t, tx) }); err != nil {
				t.Fatal(err)
			}
			want := ""
			_ = db.View(func(tx *bbolt.Tx) error {
				return tx.ForEach(func(name []byte, b *bbolt.Bucket) error {
					want += walkBolt(b, string(name))
					return nil
				})
			})
			// The file is open, and locked, all the time.
			if got, err := walk(path); got != want || err != nil {
				t.Fatalf("%v: got\n%s\nwant\n%s", err, got, want)
			}
		}
	})
}

// change is a random transaction.
func change(t *rapid.T, tx *bbolt.Tx) error {
	b, err := tx.CreateBucketIfNotExists([]byte(rapid.SampledFrom([]string{"a", "b"}).Draw(t, "b")))
	if err == nil && rapid.Bool().Draw(t, "nested") {
		b, err = b.CreateBucketIfNotExists([]byte("/nested"))
	}
	for range rapid.IntRange(0, 60).Draw(t, "puts") {
		key := fmt.Appendf(nil, "%d", rapid.IntRange(0, 200).Draw(t, "key"))
		if rapid.IntRange(0, 3).Draw(t, "op") == 0 {
			err = errors.Join(err, b.Delete(key))
			continue
		}
		size := rapid.SampledFrom([]int{0, 5, 60, 3 * pageSize}).Draw(t, "size")
		err = errors.Join(err, b.Put(key, bytes.Repeat([]byte("v"), size)))
	}
	return err
}

// TestBoltTruncated cuts a file at every page and around.
func TestBoltTruncated(t *testing.T) {
	dir := t.TempDir()
	content := makeBolt(t, filepath.Join(dir, "whole"), sample)
	whole, err := walk(filepath.Join(dir, "whole"))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "cut")
	for at := 0; at < len(content); at += pageSize / 4 {
		if err := os.WriteFile(path, content[:at], 0o600); err != nil {
			t.Fatal(err)
		}
		// What lies behind all pages in use may be missing: nobody would miss it.
		if got, err := walk(path); err == nil && got != whole {
			t.Errorf("cut at %d of %d bytes, it is read as\n%s", at, len(content), got)
		} else if err != nil && !errors.Is(err, inspect.ErrBolt) {
			t.Errorf("cut at %d: %v", at, err)
		}
	}
}

// FuzzBolt reads anything: to the end or to an error that says that the file is damaged, without
// reading a page twice.
func FuzzBolt(f *testing.F) {
	content := makeBolt(f, filepath.Join(f.TempDir(), "whole"), sample)
	f.Add(0, []byte{})
	f.Add(16, []byte{1, 2, 3})
	for page := 2 * pageSize; page < len(content); page += pageSize {
		f.Add(page+8, []byte{1})        // another kind
		f.Add(page+10, []byte{0xff, 1}) // more elements
		f.Add(page+12, []byte{0xff, 0xff, 0xff, 0x7f})
		f.Add(page+16, []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
		f.Add(page+24, []byte{2, 0, 0, 0, 0, 0, 0, 0})
	}
	f.Fuzz(func(t *testing.T, place int, patch []byte) {
		data := bytes.Clone(content)
		if place >= 0 && place < len(data) {
			copy(data[place:], patch)
		} else {
			data = patch
		}
		b, err := inspect.OpenBolt(bytes.NewReader(data), int64(len(data)))
		visited := 0
		if err == nil {
			err = b.Walk(func(_ string, key, value []byte) error {
				visited += 1 + len(key) + len(value)
				return nil
			})
		}
		if err != nil && !errors.Is(err, inspect.ErrBolt) {
			t.Error(err)
		}
		// No byte is visited twice, but as part of the value that an inline bucket is.
		if visited > 10*len(data) {
			t.Errorf("visited %d bytes of %d", visited, len(data))
		}
	})
}
