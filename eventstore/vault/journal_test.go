package vault_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"

	"cakupan/eventstore/vault"
)

// TestJournalCutAnywhere cuts a journal off after each byte: the whole blocks before are read, and
// when it is not the last journal, or something whole comes after what is not, that is damage. One
// without a whole head is empty.
func TestJournalCutAnywhere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	if err := vault.AppendJournal(path, 1, 3, 2); err != nil {
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
		n, whole, err := vault.ReadJournal(path, true)
		if n != wantIDs || whole != int64(wantEnd) || err != nil {
			t.Fatalf("cut at %d: %d ids, whole to %d, %v; want %d, %d", cut, n, whole, err,
				wantIDs, wantEnd)
		}
		n, _, err = vault.ReadJournal(path, false)
		if damaged := cut > 32 && cut != wantEnd; errors.Is(err, vault.ErrDamaged) != damaged ||
			n != wantIDs || !damaged && err != nil {
			t.Fatalf("cut at %d, not the last one: %d ids, %v", cut, n, err)
		}
	}
	for at := range content {
		broken := append([]byte(nil), content...)
		broken[at] ^= 0x10
		write(t, path, broken)
		_, _, err := vault.ReadJournal(path, true)
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

// TestMergesLoseNothing moves ids to the database again and again, crashing in between.
func TestMergesLoseNothing(t *testing.T) {
	dir := t.TempDir()
	v := open(t, dir)
	v.SetMergeMin(50)
	want := map[int]string{}
	persisted := 0
	for n := range 400 {
		want[n] = resolve(t, v, nik(n))
		if n%9 == 8 {
			persist(t, v)
			persisted = n + 1
		}
		if n%100 == 98 { // between two merges, and in the middle of one
			left := open(t, crash(t, dir))
			for m := range persisted {
				if worker := resolve(t, left, nik(m)); worker != want[m] {
					t.Fatalf("person %d after the crash at %d: %s, was %s", m, n, worker, want[m])
				}
			}
		}
	}
	persist(t, v)
	v.WaitMerge()
	names, err := filepath.Glob(filepath.Join(dir, "vault.journal.*"))
	if err != nil || len(names) != 1 {
		t.Errorf("journals %v, %v: those that were merged should be gone", names, err)
	}
	for n := range 400 {
		if worker := resolve(t, v, nik(n)); worker != want[n] {
			t.Errorf("person %d: %s, was %s", n, worker, want[n])
		}
	}
}

// TestFailedMergeLosesNothing lets the database take nothing: ids stay in their journals, until
// there are too many.
func TestFailedMergeLosesNothing(t *testing.T) {
	dir := t.TempDir()
	v, err := vault.Open(dir, ledger)
	if err != nil {
		t.Fatal(err)
	}
	v.SetMergeMin(10)
	worker := resolve(t, v, nik(0))
	for n := 1; n < 15; n++ {
		resolve(t, v, nik(n))
	}
	persist(t, v)
	v.WaitMerge()
	if err := v.FailMerges(); err != nil {
		t.Fatal(err)
	}
	var refused error
	persisted := 15
	for n := 15; refused == nil && n < 500; n++ {
		resolve(t, v, nik(n))
		refused = v.Persist(t.Context())
		v.WaitMerge()
		if refused == nil {
			persisted++
		}
	}
	if refused == nil || persisted < 40 {
		t.Errorf("%d ids taken, then %v", persisted, refused)
	}
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	again := open(t, dir)
	if got := resolve(t, again, nik(0)); got != worker {
		t.Errorf("worker %s, was %s", got, worker)
	}
	for n := range persisted {
		if !again.Durable(nik(n)) {
			t.Fatalf("person %d is lost", n)
		}
	}
}

// TestVaultOfFormat1 opens a vault of an earlier program, which then refuses to open it.
func TestVaultOfFormat1(t *testing.T) {
	dir := t.TempDir()
	v, err := vault.Open(dir, ledger)
	if err != nil {
		t.Fatal(err)
	}
	handle := v.Handle(nik(1))
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "vault.db")
	put(t, path, "workers", handle, "0123456789abcdef")
	put(t, path, "meta", "format", "1")
	again, err := vault.Open(dir, ledger)
	if err != nil {
		t.Fatal(err)
	}
	if worker := resolve(t, again, nik(1)); worker != fmt.Sprintf("%x", "0123456789abcdef") {
		t.Errorf("worker %s", worker)
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.View(func(tx *bbolt.Tx) error {
		if format := tx.Bucket([]byte("meta")).Get([]byte("format")); string(format) != "2" {
			t.Errorf("format %s", format)
		}
		return nil
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

// TestListKey is the same for a vault for ever, and another one for another vault.
func TestListKey(t *testing.T) {
	dir := t.TempDir()
	v, err := vault.Open(dir, ledger)
	if err != nil {
		t.Fatal(err)
	}
	key := v.ListKey()
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	if again := open(t, dir).ListKey(); again != key {
		t.Error("the key of lists has changed")
	}
	if other := open(t, t.TempDir()).ListKey(); other == key || other == [32]byte{} {
		t.Error("two vaults have one key of lists")
	}
}

func FuzzReadJournal(f *testing.F) {
	path := filepath.Join(f.TempDir(), "journal")
	if err := vault.AppendJournal(path, 2, 1); err != nil {
		f.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(content)
	f.Add(content[:50])
	f.Fuzz(func(t *testing.T, content []byte) {
		path := filepath.Join(t.TempDir(), "journal")
		write(t, path, content)
		ids, whole, err := vault.ReadJournal(path, true)
		if err == nil && (whole > int64(len(content)) || int64(ids)*32 > whole) {
			t.Errorf("%d ids, whole to %d of %d bytes", ids, whole, len(content))
		}
	})
}
