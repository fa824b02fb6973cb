package vault_test

import (
	"context"
	"encoding/hex"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"cakupan/eventstore/golden"
	"cakupan/eventstore/vault"
	"cakupan/eventstore/vault/older"
	"cakupan/eventstore/vault/older/oldertest"
)

// oldKey is the key of the bytes 00 to 1f.
func oldKey() []byte {
	key := make([]byte, 32)
	for i := range key {
		key[i] = byte(i)
	}
	return key
}

// makeOld makes a vault in files, of so many persons in the database and in a journal, as they are
// known from then on.
func makeOld(t testing.TB, dir string, stored, journaled int) (workers map[int]string) {
	t.Helper()
	dir = filepath.Join(dir, "vault")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "vault.key"), oldKey())
	workers = map[int]string{}
	var all []oldertest.Worker
	for n := range stored + journaled {
		one := oldertest.Worker{
			Handle: oldertest.HandleOf(oldKey(), nik(n)), ID: [16]byte{byte(n), byte(n >> 8), 1},
		}
		all = append(all, one)
		workers[n] = hex.EncodeToString(one.ID[:])
	}
	err := errors.Join(
		oldertest.MakeDatabase(dir, oldKey(), identity().Ledger, all[:stored]),
		oldertest.MakeJournal(dir, 1, oldKey(), identity().Ledger, all[stored:]),
	)
	if err != nil {
		t.Fatal(err)
	}
	return workers
}

// TestTakeOver brings a vault over from files: everybody is who he was, and the files are gone.
func TestTakeOver(t *testing.T) {
	dir := t.TempDir()
	workers := makeOld(t, dir, 40, 10)
	w := newWorld(t, dir)
	v := w.open(func(o *vault.Options) { o.Events = true })
	for range 2 {
		expect(t, v, workers)
		if files, err := older.Files(filepath.Join(dir, "vault")); err != nil || len(files) > 0 {
			t.Errorf("files %v are still there, %v", files, err)
		}
		maps.Copy(workers, enrol(t, v, 100+v.Tentative(), 1))
		w, v = w.again()
	}
	if v.Workers() != 51 {
		t.Errorf("%d workers", v.Workers())
	}
	if err := v.Rotate(t.Context()); err != nil { // the key the files had is worth nothing then
		t.Fatal(err)
	}
	_, v = w.again()
	expect(t, v, workers)
}

// TestTakeOverGolden brings over what the programs of both formats wrote.
func TestTakeOverGolden(t *testing.T) {
	for version, persons := range map[string]int{"v1": 2, "v2": 5} {
		dir := t.TempDir()
		for _, file := range []string{"vault.db.gz", "vault.journal.3.hex"} {
			if version == "v1" && file != "vault.db.gz" {
				continue
			}
			name := map[string]string{"vault.db.gz": "vault.db"}[file]
			if name == "" {
				name = "vault.journal.3"
			}
			golden.Copy(t, "../older/testdata/"+version+"/"+file, filepath.Join(dir, "vault", name))
		}
		write(t, filepath.Join(dir, "vault", "vault.key"), oldKey())
		_, v := openNew(t, dir)
		for n := range persons {
			id := make([]byte, 16)
			for i := range id {
				id[i] = byte('a' + n)
			}
			expect(t, v, map[int]string{n: hex.EncodeToString(id)})
		}
	}
}

// TestTakeOverCutShort crashes at each point of bringing a vault over, and once more at each point
// after that: the next start ends with everybody who he was, once.
func TestTakeOverCutShort(t *testing.T) {
	dir := t.TempDir()
	const persons = 1<<14 + 50 // two packs
	workers := makeOld(t, dir, persons-10, 10)
	w := newWorld(t, dir)
	dirs := crashes(w, func(fault func(string)) {
		w.open(func(o *vault.Options) { o.Events, o.Fault = true, fault })
	})
	if len(dirs) != 5 {
		t.Errorf("%d crash points", len(dirs))
	}
	w.stop()
	for point, dir := range dirs {
		w := newWorld(t, dir)
		v := w.open(func(o *vault.Options) { o.Events = true })
		if v.Workers() != persons {
			t.Errorf("%s: %d workers", point, v.Workers())
		}
		expect(t, v, workers)
		if files, err := older.Files(filepath.Join(dir, "vault")); err != nil || len(files) > 0 {
			t.Errorf("%s: files %v are still there, %v", point, files, err)
		}
		w.stop()
	}
}

// TestTakeOverLost loses the files before all of them are brought over.
func TestTakeOverLost(t *testing.T) {
	dir := t.TempDir()
	makeOld(t, dir, 10, 2)
	w := newWorld(t, dir)
	dirs := crashes(w, func(fault func(string)) {
		w.open(func(o *vault.Options) { o.Fault = fault })
	})
	w.stop()
	for point, want := range map[string]error{
		vault.FaultSecretMade: vault.ErrHalfTaken, vault.FaultPackTaken: vault.ErrHalfTaken,
		vault.FaultTaken: nil,
	} {
		dir := dirs[point]
		err := errors.Join(os.Remove(filepath.Join(dir, "vault", "vault.db")),
			os.Remove(filepath.Join(dir, "vault", "vault.journal.1")))
		if err != nil {
			t.Fatal(err)
		}
		w := newWorld(t, dir)
		if _, err := w.tryOpen(); !errors.Is(err, want) {
			t.Errorf("%s: %v", point, err)
		}
		w.stop()
	}
}

// TestTakeOverRefused leaves alone what is not the ledger's own, or not whole.
func TestTakeOverRefused(t *testing.T) {
	for name, test := range map[string]struct {
		spoil func(dir string) error
		want  error
	}{
		"no key": {func(dir string) error { return os.Remove(dir + "/vault.key") }, vault.ErrKeyMissing},
		"no files": {func(dir string) error {
			return errors.Join(os.Remove(dir+"/vault.db"), os.Remove(dir+"/vault.journal.1"))
		}, vault.ErrLost},
		"no database": {func(dir string) error { return os.Remove(dir + "/vault.db") }, older.ErrLost},
		"zeroed key": {func(dir string) error {
			return os.WriteFile(dir+"/vault.key", make([]byte, 32), 0o600)
		}, vault.ErrKeyInvalid},
		"another key": {func(dir string) error {
			return os.WriteFile(dir+"/vault.key", append(oldKey()[1:], 0), 0o600)
		}, older.ErrKeyWrong},
		"cut database": {func(dir string) error { return os.Truncate(dir+"/vault.db", 5000) }, older.ErrDamaged},
	} {
		dir := t.TempDir()
		makeOld(t, dir, 10, 2)
		if err := test.spoil(filepath.Join(dir, "vault")); err != nil {
			t.Fatal(err)
		}
		w := newWorld(t, dir)
		for range 2 {
			_, err := w.tryOpen(func(o *vault.Options) { o.Events = true })
			if !errors.Is(err, test.want) {
				t.Errorf("%s: %v", name, err)
			}
		}
		w.stop()
	}
}

// TestTakeOverOldCopy brings over files that lack workers of the log: not before it is told that
// they are whole. Ids that the vault cannot have given out do not count.
func TestTakeOverOldCopy(t *testing.T) {
	dir := t.TempDir()
	workers := makeOld(t, dir, 10, 2)
	w := newWorld(t, dir)
	logged := []string{
		workers[3], "W-1", "0123456789ABCDEF0123456789ABCDEF", "9b2d4e6f8a1c4d3e9f00112233445566",
	}
	ask := func(o *vault.Options) {
		o.Events = true
		o.LogWorkers = func(_ context.Context, yield func(string)) error {
			for _, worker := range logged {
				yield(worker)
			}
			return nil
		}
	}
	lacking := "ffffffffffffffffffffffffffffffff"
	logged = append(logged, lacking)
	var old *vault.OldFilesError
	for range 2 {
		_, err := w.tryOpen(ask)
		if !errors.As(err, &old) || old.Missing != 1 || old.Example != lacking {
			t.Errorf("brought over: %v", err)
		}
	}
	if files, err := older.Files(filepath.Join(dir, "vault")); err != nil || len(files) != 2 {
		t.Errorf("files %v, %v", files, err)
	}
	logged = logged[:len(logged)-1]
	expect(t, w.open(ask), workers)
}
