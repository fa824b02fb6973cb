package older_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"

	"cakupan/eventstore/vault/older"
	"cakupan/eventstore/vault/older/oldertest"
)

// TestJournalCutAnywhere cuts a journal off after each byte: the whole blocks before are read, and
// when it is not the last journal, or something whole comes after what is not, that is damage. One
// without a whole head is empty.
func TestJournalCutAnywhere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "vault.journal.1")
	if err := appendJournal(path, 1, 3, 2); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	ends := []int{32, 32 + 12 + 32, 32 + 2*12 + 4*32, 32 + 3*12 + 6*32}
	ids := []int{0, 1, 4, 6}
	for cut := range len(content) + 1 {
		write(t, path, content[:cut])
		wantIDs, wantEnd := 0, 0
		for i, end := range ends {
			if cut >= end {
				wantIDs, wantEnd = ids[i], end
			}
		}
		n, whole, err := older.ReadJournal(path, true)
		if n != wantIDs || whole != int64(wantEnd) || err != nil {
			t.Fatalf("cut at %d: %d ids, whole to %d, %v; want %d, %d", cut, n, whole, err,
				wantIDs, wantEnd)
		}
		n, _, err = older.ReadJournal(path, false)
		if damaged := cut > 32 && cut != wantEnd; errors.Is(err, older.ErrDamaged) != damaged ||
			n != wantIDs || !damaged && err != nil {
			t.Fatalf("cut at %d, not the last one: %d ids, %v", cut, n, err)
		}
	}
	for at := range content {
		broken := append([]byte(nil), content...)
		broken[at] ^= 0x10
		write(t, path, broken)
		_, _, err := older.ReadJournal(path, true)
		if inLast := at >= ends[2]; (err == nil) != inLast {
			t.Fatalf("byte %d turned: %v", at, err)
		}
	}
}

func write(t testing.TB, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func FuzzReadJournal(f *testing.F) {
	path := filepath.Join(f.TempDir(), "vault.journal.1")
	if err := appendJournal(path, 2, 1); err != nil {
		f.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(content)
	f.Add(content[:50])
	f.Fuzz(func(t *testing.T, content []byte) {
		path := filepath.Join(t.TempDir(), "vault.journal.1")
		write(t, path, content)
		ids, whole, err := older.ReadJournal(path, true)
		if err == nil && (whole > int64(len(content)) || int64(ids)*32 > whole) {
			t.Errorf("%d ids, whole to %d of %d bytes", ids, whole, len(content))
		}
	})
}

// appendJournal makes a journal of blocks of so many workers.
func appendJournal(path string, blocks ...int) error {
	n := 0
	var all [][]oldertest.Worker
	for _, count := range blocks {
		var block []oldertest.Worker
		for range count {
			n++
			block = append(block, oldertest.Worker{Handle: [16]byte{byte(n), byte(n >> 8)}})
		}
		all = append(all, block)
	}
	return oldertest.MakeJournal(filepath.Dir(path), 1, goldenKey(), ledger, all...)
}

func put(t testing.TB, path, bucket, key, value string) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte(bucket)).Put([]byte(key), []byte(value))
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}
