package vault_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
	"pgregory.net/rapid"

	"cakupan/eventstore/vault"
)

// nik returns the number of an invented person: the serial number 9999 is nobody's.
// ledger is the number of the ledger that the tests' vaults belong to.
const ledger = "0123456789abcdef0123456789abcdef"

func nik(n int) string {
	return fmt.Sprintf("7503%02d%02d%02d%02d9999", n/372/100%100, 1+n%31, 1+n/31%12, n/372%100)
}

func open(t testing.TB, dir string) *vault.Vault {
	t.Helper()
	v, err := vault.Open(dir, ledger)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := v.Close(); err != nil {
			t.Error(err)
		}
	})
	return v
}

func resolve(t testing.TB, v *vault.Vault, nik string) string {
	t.Helper()
	worker, err := v.Resolve(nik)
	if err != nil {
		t.Fatal(err)
	}
	return worker
}

func persist(t testing.TB, v *vault.Vault) {
	t.Helper()
	if err := v.Persist(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// crash returns a folder with the files as they are now: what a killed process leaves. A merge may
// go on meanwhile, which no copy can stop: so journals come before the database, as one that is
// gone by then is in it.
func crash(t testing.TB, dir string) string {
	t.Helper()
	left := t.TempDir()
	names, err := filepath.Glob(filepath.Join(dir, "vault.journal.*"))
	if err != nil {
		t.Fatal(err)
	}
	others, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(names, others...) {
		content, err := os.ReadFile(name)
		isJournal := strings.HasPrefix(filepath.Base(name), "vault.journal.")
		copied := filepath.Join(left, filepath.Base(name))
		_, there := os.Lstat(copied)
		switch {
		case isJournal && (there == nil || errors.Is(err, fs.ErrNotExist)):
			continue
		case err == nil:
			err = os.WriteFile(copied, content, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(filepath.Join(left, "vault.key"), 0o600); err != nil {
		t.Fatal(err)
	}
	return left
}

func TestOneIDPerPerson(t *testing.T) {
	v := open(t, t.TempDir())
	shape := regexp.MustCompile(`^[0-9a-f]{32}$`)
	seen := map[string]bool{}
	for n := range 1000 {
		worker := resolve(t, v, nik(n))
		if !shape.MatchString(worker) || seen[worker] {
			t.Fatalf("worker %q, seen before: %v", worker, seen[worker])
		}
		seen[worker] = true
		if n%100 == 0 {
			persist(t, v)
		}
		if again := resolve(t, v, nik(n)); again != worker {
			t.Fatalf("worker %s, then %s", worker, again)
		}
	}
	if _, err := v.Resolve(""); !errors.Is(err, vault.ErrNoNIK) {
		t.Errorf("no NIK: %v", err)
	}
}

func TestLookupChangesNothing(t *testing.T) {
	v := open(t, t.TempDir())
	for range 2 {
		if worker, ok, err := v.Lookup(nik(1)); ok || worker != "" || err != nil {
			t.Errorf("found %q, %v, %v", worker, ok, err)
		}
	}
	if n := v.Tentative(); n != 0 {
		t.Errorf("%d tentative ids", n)
	}
	want := resolve(t, v, nik(1))
	for range 2 {
		if worker, ok, err := v.Lookup(nik(1)); !ok || worker != want || err != nil {
			t.Errorf("found %q, %v, %v", worker, ok, err)
		}
		persist(t, v)
	}
}

// Crash before Persist: the id is gone, and nobody used it. After: it is there.
func TestCrashBeforeAndAfterPersist(t *testing.T) {
	dir := t.TempDir()
	v := open(t, dir)
	first := resolve(t, v, nik(1))
	persist(t, v)
	second := resolve(t, v, nik(2))

	before := open(t, crash(t, dir))
	if worker := resolve(t, before, nik(1)); worker != first {
		t.Errorf("worker %s was persisted, now %s", first, worker)
	}
	if _, ok, err := before.Lookup(nik(2)); ok || err != nil {
		t.Errorf("a tentative id survived the crash: %v, %v", ok, err)
	}
	persist(t, v)
	after := open(t, crash(t, dir))
	if worker := resolve(t, after, nik(2)); worker != second {
		t.Errorf("worker %s was persisted, now %s", second, worker)
	}
}

// The vault against a model: what was persisted stays for ever; between crashes a NIK has one id.
func TestModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		dir := t.TempDir()
		v := open(t, dir)
		v.SetLimit(rapid.IntRange(2, 20).Draw(rt, "limit"))
		v.SetMergeMin(rapid.IntRange(2, 30).Draw(rt, "merge"))
		durable, current := map[int]string{}, map[int]string{}
		rt.Repeat(map[string]func(*rapid.T){
			"resolve": func(rt *rapid.T) {
				n := rapid.IntRange(0, 40).Draw(rt, "person")
				worker := resolve(t, v, nik(n))
				if want, ok := current[n]; ok && worker != want {
					rt.Fatalf("person %d: %s, was %s", n, worker, want)
				}
				current[n] = worker
			},
			"persist": func(*rapid.T) {
				persist(t, v)
				for n, worker := range current {
					durable[n] = worker
				}
			},
			"crash": func(rt *rapid.T) {
				dir = crash(t, dir)
				v = open(t, dir)
				current = map[int]string{}
				for n, want := range durable {
					if worker, ok, err := v.Lookup(nik(n)); worker != want || !ok || err != nil {
						rt.Fatalf("person %d: %s, %v, %v; was %s", n, worker, ok, err, want)
					}
					current[n] = want
				}
			},
		})
	})
}

func TestConcurrentCallersShareIDsAndCommits(t *testing.T) {
	const callers, persons = 16, 500
	dir := t.TempDir()
	v := open(t, dir)
	v.SetLimit(100)
	v.SetMergeMin(60)
	var workers [callers][persons]string
	var wait sync.WaitGroup
	for c := range callers {
		wait.Go(func() {
			for i := range persons {
				n := (i*7 + c*31) % persons
				worker, err := v.Resolve(nik(n))
				if err != nil {
					t.Error(err)
				}
				workers[c][n] = worker
				if i%50 != 49 {
					continue
				}
				if err := v.Persist(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
	again := open(t, crash(t, dir))
	for c := range callers {
		for n, worker := range workers[c] {
			if stored := resolve(t, again, nik(n)); stored != worker {
				t.Fatalf("caller %d, person %d: %s, stored %s", c, n, worker, stored)
			}
		}
	}
}

// Each caller's ids are durable when its Persist returns, whoever wrote them.
func TestPersistCoversWhatWasGivenOutBefore(t *testing.T) {
	v := open(t, t.TempDir())
	var wait sync.WaitGroup
	for c := range 8 {
		wait.Go(func() {
			for i := range 30 {
				n := c*1000 + i
				_, err := v.Resolve(nik(n))
				if err = errors.Join(err, v.Persist(t.Context())); err != nil {
					t.Error(err)
				}
				if !v.Durable(nik(n)) {
					t.Errorf("person %d is not durable", n)
				}
			}
		})
	}
	wait.Wait()
}

func TestFailedPersistKeepsIDsTentative(t *testing.T) {
	dir := t.TempDir()
	v := open(t, dir)
	resolve(t, v, nik(2))
	persist(t, v)
	worker := resolve(t, v, nik(1))
	if err := v.Break(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		err := v.Persist(t.Context())
		if !errors.Is(err, syscall.EBADF) || v.Tentative() != 1 {
			t.Errorf("error %v, %d tentative ids", err, v.Tentative())
		}
	}
	if again := resolve(t, v, nik(1)); again != worker {
		t.Errorf("worker %s, then %s", worker, again)
	}
}

func TestPersistEndsWithItsContext(t *testing.T) {
	v := open(t, t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	resolve(t, v, nik(1))
	if err := v.Persist(ctx); err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	persist(t, v)
	if !v.Durable(nik(1)) {
		t.Error("not durable")
	}
}

func TestOpenRefusesWithOneSentence(t *testing.T) {
	const key, db = "vault.key", "vault.db"
	write := func(t *testing.T, path string, data []byte, mode os.FileMode) {
		t.Helper()
		if err := errors.Join(os.WriteFile(path, data, mode), os.Chmod(path, mode)); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		name string
		do   func(t *testing.T, dir string)
		want error
	}{
		{"key readable by all", func(t *testing.T, dir string) {
			if err := os.Chmod(filepath.Join(dir, key), 0o644); err != nil {
				t.Fatal(err)
			}
		}, vault.ErrKeyExposed},
		{"key readable by group", func(t *testing.T, dir string) {
			if err := os.Chmod(filepath.Join(dir, key), 0o640); err != nil {
				t.Fatal(err)
			}
		}, vault.ErrKeyExposed},
		{"other key", func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, key), bytes.Repeat([]byte{7}, 32), 0o600)
		}, vault.ErrKeyWrong},
		{"short key", func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, key), []byte("short"), 0o600)
		}, vault.ErrKeyInvalid},
		{"no key", func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, key)); err != nil {
				t.Fatal(err)
			}
		}, vault.ErrIncomplete},
		{"newer format", func(t *testing.T, dir string) {
			put(t, filepath.Join(dir, db), "meta", "format", "3")
		}, vault.ErrNewerFormat},
		{"journal and no database", func(t *testing.T, dir string) {
			v, err := vault.Open(dir, ledger)
			if err != nil {
				t.Fatal(err)
			}
			resolve(t, v, nik(1))
			persist(t, v)
			if err := errors.Join(v.Close(), os.Remove(filepath.Join(dir, db))); err != nil {
				t.Fatal(err)
			}
		}, vault.ErrLost},
		{"damaged journal", func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "vault.journal.1"), bytes.Repeat([]byte("no"), 99), 0o600)
			write(t, filepath.Join(dir, "vault.journal.2"), nil, 0o600)
		}, vault.ErrDamaged},
		{"not a vault", func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, db), bytes.Repeat([]byte("no"), 10_000), 0o600)
		}, bolterrors.ErrInvalid},
		{"in use", func(t *testing.T, dir string) { open(t, dir) }, vault.ErrInUse},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel() // one of them waits for the lock
			dir := t.TempDir()
			v, err := vault.Open(dir, ledger)
			if err != nil {
				t.Fatal(err)
			}
			if err := v.Close(); err != nil {
				t.Fatal(err)
			}
			test.do(t, dir)
			_, err = vault.Open(dir, ledger)
			if !errors.Is(err, test.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v, want %v", err, test.want)
			}
		})
	}
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

func TestDamagedEntryIsNamedWithoutTheNIK(t *testing.T) {
	dir := t.TempDir()
	v, err := vault.Open(dir, ledger)
	if err != nil {
		t.Fatal(err)
	}
	handle := v.Handle(nik(1))
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(dir, "vault.db"), "workers", handle, "short")
	again := open(t, dir)
	_, err = again.Resolve(nik(1))
	if !errors.Is(err, vault.ErrDamaged) || strings.Contains(err.Error(), nik(1)[:6]) {
		t.Errorf("error %v", err)
	}
}

// A crash while the vault is made: the key is there, or half of it, and no vault yet.
func TestCrashWhileCreating(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "vault.key.tmp"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	v := open(t, dir)
	resolve(t, v, nik(1))
	persist(t, v)
	left := crash(t, dir)
	for _, name := range []string{"vault.db", "vault.journal.1"} {
		if err := os.Remove(filepath.Join(left, name)); err != nil {
			t.Fatal(err)
		}
	}
	open(t, left)
	info, err := os.Stat(filepath.Join(dir, "vault.key"))
	if err != nil || info.Mode().Perm() != 0o600 || info.Size() != 32 {
		t.Errorf("key file: %v, %v", info, err)
	}
}

func TestNoNIKInTheFiles(t *testing.T) {
	dir := t.TempDir()
	v := open(t, dir)
	for n := range 2000 {
		resolve(t, v, nik(n))
	}
	persist(t, v)
	for _, name := range []string{"vault.db", "vault.key", "vault.journal.1"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		for n := range 2000 {
			if bytes.Contains(data, []byte(nik(n))) {
				t.Fatalf("%s holds the digits of person %d", name, n)
			}
		}
		if bytes.Contains(data, []byte("7503")) && bytes.Contains(data, []byte("9999")) {
			t.Errorf("%s holds parts of a NIK", name)
		}
	}
}

// BenchmarkNewWorkers makes ids for new workers in batches of 5,000, each made durable.
func BenchmarkNewWorkers(b *testing.B) {
	const batch = 5000
	v := open(b, b.TempDir())
	for n := 0; n < b.N; {
		for range min(batch, b.N-n) {
			n++
			if _, err := v.Resolve(fmt.Sprintf("%016d", n)); err != nil {
				b.Fatal(err)
			}
		}
		if err := v.Persist(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "workers/s")
}

func BenchmarkKnownWorkers(b *testing.B) {
	v := open(b, b.TempDir())
	numbers := make([]string, 100_000)
	for n := range numbers {
		numbers[n] = fmt.Sprintf("%016d", n)
		resolve(b, v, numbers[n])
	}
	persist(b, v)
	n := 0
	for b.Loop() {
		n = (n + 7919) % len(numbers)
		if _, err := v.Resolve(numbers[n]); err != nil {
			b.Fatal(err)
		}
	}
}

// TestVaultOfAnotherLedger is refused: the same people would get second ids.
func TestVaultOfAnotherLedger(t *testing.T) {
	dir := t.TempDir()
	v, err := vault.Open(dir, ledger)
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := vault.Open(dir, "another"); !errors.Is(err, vault.ErrOtherLedger) {
		t.Errorf("open as another ledger: %v", err)
	}
}
