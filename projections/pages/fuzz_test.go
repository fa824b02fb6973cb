package pages_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"cakupan/projections/checked"
	"cakupan/projections/pages"
)

// withBucket calls do with an empty bucket, in a transaction that is not committed.
func withBucket(t testing.TB, db *checked.DB, do func(*checked.Bucket) error) error {
	t.Helper()
	rollback := errors.New("rolled back")
	var failed error
	err := db.Update(func(tx *checked.Tx) error {
		b, err := tx.CreateBucketIfNotExists([]byte("b"))
		if err != nil {
			t.Fatal(err)
		}
		failed = do(b)
		return rollback
	})
	if !errors.Is(err, rollback) {
		t.Fatal(err)
	}
	return failed
}

func openForFuzz(f *testing.F) *checked.DB {
	db, err := checked.Open(filepath.Join(f.TempDir(), "db"), checked.Options{Scratch: true})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = db.Close() })
	return db
}

// FuzzNames loads any bytes as names: what can be loaded numbers its names as they stand there.
func FuzzNames(f *testing.F) {
	db := openForFuzz(f)
	hasher := pages.NewHasher()
	err := withBucket(f, db, func(b *checked.Bucket) error {
		names := pages.NewNames(hasher)
		texts := []string{"a", "b-2", "0123456789abcdef0123456789abcdef"}
		names.NumberAll(texts, make([]uint32, len(texts)))
		if err := names.Store(b); err != nil {
			return err
		}
		counts, err := b.Get([]byte("n"))
		if err != nil {
			return err
		}
		records, err := b.Bucket([]byte("records")).Get([]byte{0, 0, 0, 0})
		if err != nil {
			return err
		}
		f.Add(binary.BigEndian.Uint64(counts), binary.BigEndian.Uint64(counts[8:]), records)
		return nil
	})
	if err != nil {
		f.Fatal(err)
	}
	// One name, a; two, of which the second has a character in common with the first, or three.
	pad := make([]byte, 8)
	f.Add(uint64(8), uint64(1), append([]byte{0, 0, 0, 0, 1, 0, 0, 'a', 1<<1 | 1, 0, 0}, pad...))
	f.Add(uint64(16), uint64(2),
		append([]byte{0, 0, 0, 0, 2, 0, 2, 'a', 'b', 'c', 2<<1 | 1, 0, 1 << 3 & 1, 41, 16}, pad...))
	f.Add(uint64(16), uint64(2),
		append([]byte{0, 0, 0, 0, 2, 0, 2, 'a', 'b', 'c', 2<<1 | 1, 0, 1 << 3 & 1, 41, 48}, pad...))
	f.Add(uint64(1)<<63, uint64(0), []byte{})
	f.Add(^uint64(0)>>1, uint64(0), []byte{})
	f.Add(uint64(8), ^uint64(0)>>1, []byte{})
	f.Add(uint64(8), uint64(1), append([]byte{0, 0, 0, 0, 1, 0, 0, 'a', 255, 1, 0}, pad...))
	f.Fuzz(func(t *testing.T, bytes, count uint64, records []byte) {
		names := pages.NewNames(hasher)
		err := withBucket(t, db, func(b *checked.Bucket) error {
			nested, err := b.CreateBucketIfNotExists([]byte("records"))
			if err == nil {
				err = nested.Put([]byte{0, 0, 0, 0}, records)
			}
			counts := binary.BigEndian.AppendUint64(nil, bytes)
			if err == nil {
				err = b.Put([]byte("n"), binary.BigEndian.AppendUint64(counts, count))
			}
			if err != nil {
				t.Fatal(err)
			}
			return names.Load(b)
		})
		switch {
		case err != nil && !errors.Is(err, pages.ErrCorrupt):
			t.Error(err)
		case err == nil && uint64(names.Len()) != count:
			t.Errorf("%d names, not %d", names.Len(), count)
		case err == nil:
			fresh := []string{"never seen before in this page of names"}
			numbers := make([]uint32, 1)
			names.NumberAll(fresh, numbers)
			if again := numbers[0]; uint64(again) > count {
				t.Errorf("a name has number %d of %d", again, count)
			}
		}
	})
}

// FuzzLoad loads any number of records from any page, as a table and as a history: both are the same,
// and what they store again loads as the same.
func FuzzLoad(f *testing.F) {
	db := openForFuzz(f)
	const shift, width = 3, 8
	full := make([]byte, width<<shift)
	for i := range full {
		full[i] = byte(i * i)
	}
	for n := range 3 {
		page := pages.AppendWords(nil, full, width/4, 1<<shift>>n, n)
		f.Add(int64(3), page)
		f.Add(int64(1<<shift), page)
		f.Add(int64(1<<shift+1), page)
		f.Add(int64(3), page[:len(page)-1])
	}
	f.Add(int64(-1), pages.AppendWords(nil, full, width/4, 1<<shift, 1))
	f.Add(int64(1)<<62, pages.AppendWords(nil, full, width/4, 1<<shift, 1))
	f.Fuzz(func(t *testing.T, n int64, page []byte) {
		err := withBucket(t, db, func(b *checked.Bucket) error {
			if err := b.Put([]byte{0, 0, 0, 0}, page); err != nil {
				t.Fatal(err)
			}
			table, history := pages.NewTable[record](shift), pages.NewHistory(width, shift)
			ofTable, ofHistory := table.Load(b, int(n)), history.Load(b, int(n))
			for _, err := range []error{ofTable, ofHistory} {
				if err != nil && !errors.Is(err, pages.ErrCorrupt) {
					return err
				}
			}
			if ofTable != nil || n == 0 {
				return nil
			}
			if n&(1<<shift-1) != 0 && ofHistory != nil { // a full page is read when it is asked for
				return fmt.Errorf("the table is loaded, the history is not: %w", ofHistory)
			}
			view := history.View()
			bytes, err := history.Page(&view, b, 0)
			if err != nil {
				return err
			}
			return sameAgain(b, table, bytes)
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// sameAgain compares the records of a table with the bytes of a page, and with what the table stores.
func sameAgain(b *checked.Bucket, table *pages.Table[record], page []byte) error {
	for i := range table.Len() {
		*table.Edit(i) = *table.At(i)
	}
	again := pages.NewTable[record](3)
	if err := errors.Join(table.Store(b), again.Load(b, table.Len())); err != nil {
		return err
	}
	for i := range table.Len() {
		r := record{binary.LittleEndian.Uint32(page[8*i:]), binary.LittleEndian.Uint32(page[8*i+4:])}
		if *table.At(i) != r || *again.At(i) != r {
			return fmt.Errorf("record %d is %v, in a history %v, stored again %v",
				i, *table.At(i), r, *again.At(i))
		}
	}
	return nil
}
