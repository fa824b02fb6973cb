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

// namesPage is how many bytes a page of names has.
const namesPage = 1 << 15

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
		f.Add(binary.BigEndian.Uint64(counts), binary.BigEndian.Uint64(counts[8:]),
			records[:64])
		return nil
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(uint64(8), uint64(1), []byte{0, 0, 0, 0, 1, 'a', 0, 0})
	f.Add(uint64(1)<<63, uint64(0), []byte{})
	f.Add(^uint64(0)>>1, uint64(0), []byte{})
	f.Add(uint64(8), ^uint64(0)>>1, []byte{})
	f.Add(uint64(8), uint64(1), []byte{0, 0, 0, 0, 255})
	f.Fuzz(func(t *testing.T, bytes, count uint64, records []byte) {
		page := make([]byte, namesPage)
		copy(page, records)
		names := pages.NewNames(hasher)
		err := withBucket(t, db, func(b *checked.Bucket) error {
			nested, err := b.CreateBucketIfNotExists([]byte("records"))
			if err == nil {
				err = nested.Put([]byte{0, 0, 0, 0}, page)
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

// FuzzLoad loads any number of records from any page, as a table and as a history.
func FuzzLoad(f *testing.F) {
	db := openForFuzz(f)
	f.Add(int64(3), make([]byte, 64))
	f.Add(int64(8), make([]byte, 64))
	f.Add(int64(9), make([]byte, 64))
	f.Add(int64(-1), make([]byte, 64))
	f.Add(int64(1)<<62, make([]byte, 64))
	f.Add(int64(3), make([]byte, 63))
	f.Fuzz(func(t *testing.T, n int64, page []byte) {
		const shift, width = 3, 8
		table, history := pages.NewTable[record](shift), pages.NewHistory(width, shift)
		err := withBucket(t, db, func(b *checked.Bucket) error {
			if err := b.Put([]byte{0, 0, 0, 0}, page); err != nil {
				t.Fatal(err)
			}
			ofTable, ofHistory := table.Load(b, int(n)), history.Load(b, int(n))
			whole := n == 0 || n > 0 && n <= 1<<shift && len(page) == width<<shift
			if whole != (ofTable == nil) {
				return fmt.Errorf("the table of %d records and %d bytes: %w", n, len(page), ofTable)
			}
			if whole && ofHistory != nil {
				return fmt.Errorf("the history of %d records and %d bytes: %w", n, len(page), ofHistory)
			}
			for _, err := range []error{ofTable, ofHistory} {
				if err != nil && !errors.Is(err, pages.ErrCorrupt) {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}
