package vault_test

import (
	"context"
	"encoding/hex"
	"errors"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"testing"

	"cakupan/eventstore/vault"
)

func TestOneIDPerPerson(t *testing.T) {
	_, v := openNew(t, t.TempDir())
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
	_, v := openNew(t, t.TempDir())
	for range 2 {
		expect(t, v, map[int]string{1: ""})
	}
	if n := v.Tentative(); n != 0 {
		t.Errorf("%d tentative ids", n)
	}
	want := map[int]string{1: resolve(t, v, nik(1))}
	for range 2 {
		expect(t, v, want)
		persist(t, v)
	}
}

// TestPosition grows with what is made durable, and with nothing else.
func TestPosition(t *testing.T) {
	w, v := openNew(t, t.TempDir())
	before := v.Position()
	resolve(t, v, nik(1))
	if v.Position() != before {
		t.Error("a tentative id has moved it")
	}
	persist(t, v)
	if v.Position() != before+1 || v.Workers() != 1 {
		t.Errorf("after a pack it is %d, was %d; %d workers", v.Position(), before, v.Workers())
	}
	at := v.Position()
	if _, v = w.again(); v.Position() != at {
		t.Errorf("opened again it is %d, was %d", v.Position(), at)
	}
}

// TestModel compares the vault with a map, over crashes: what was persisted stays for ever, and
// between crashes a NIK has one id.
func TestModel(t *testing.T) {
	for seed := range uint64(4) {
		random := rand.New(rand.NewPCG(seed, 1))
		w, v := openNew(t, t.TempDir())
		v.SetLimit(3 + random.IntN(20))
		durable, current := map[int]string{}, map[int]string{}
		for range 120 {
			switch n := random.IntN(40); random.IntN(20) {
			case 0:
				dir := w.crash()
				w.stop()
				w, v = openNew(t, dir)
				// What was tentative may have been persisted to make room.
				current = maps.Clone(durable)
				expect(t, v, durable)
			case 1, 2, 3:
				persist(t, v)
				durable = maps.Clone(current)
			default:
				worker := resolve(t, v, nik(n))
				if want, ok := current[n]; ok && worker != want {
					t.Fatalf("seed %d, person %d: %s, was %s", seed, n, worker, want)
				}
				current[n] = worker
			}
		}
		w.stop()
	}
}

func TestConcurrentCallersShareIDsAndCommits(t *testing.T) {
	const callers, persons = 16, 500
	w, v := openNew(t, t.TempDir())
	v.SetLimit(100)
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
				if err := v.Persist(t.Context(), 0); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
	_, again := openNew(t, w.crash())
	for c := range callers {
		for n, worker := range workers[c] {
			if stored := resolve(t, again, nik(n)); stored != worker {
				t.Fatalf("caller %d, person %d: %s, stored %s", c, n, worker, stored)
			}
		}
	}
}

// TestPersistCoversWhatWasGivenOutBefore: each caller's ids are durable when its Persist returns,
// whoever wrote them.
func TestPersistCoversWhatWasGivenOutBefore(t *testing.T) {
	_, v := openNew(t, t.TempDir())
	var wait sync.WaitGroup
	for c := range 8 {
		wait.Go(func() {
			for i := range 30 {
				n := c*1000 + i
				_, err := v.Resolve(nik(n))
				if err = errors.Join(err, v.Persist(t.Context(), 0)); err != nil {
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
	w, v := openNew(t, t.TempDir())
	enrol(t, v, 2, 1)
	worker := resolve(t, v, nik(1))
	w.conn.Close()
	for range 2 {
		if err := v.Persist(t.Context(), 0); err == nil || v.Tentative() != 1 {
			t.Errorf("error %v, %d tentative ids", err, v.Tentative())
		}
	}
	if again := resolve(t, v, nik(1)); again != worker {
		t.Errorf("worker %s, then %s", worker, again)
	}
}

func TestPersistEndsWithItsContext(t *testing.T) {
	_, v := openNew(t, t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	resolve(t, v, nik(1))
	if err := v.Persist(ctx, 0); err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	persist(t, v)
	if !v.Durable(nik(1)) {
		t.Error("not durable")
	}
}

// TestNobodyInTheFiles looks for NIKs and worker ids in all files but those of the cache, which has
// the ids.
func TestNobodyInTheFiles(t *testing.T) {
	w, v := openNew(t, t.TempDir())
	workers := enrol(t, v, 0, 20)
	_, _ = w.again()
	for n, worker := range workers {
		id, err := hex.DecodeString(worker)
		if err != nil {
			t.Fatal(err)
		}
		for what, where := range map[string]string{
			nik(n): w.dir, nik(n)[:12]: w.dir, worker: w.dir, string(id): filepath.Join(w.dir, "nats"),
		} {
			if in := holds(t, where, what); in != "" {
				t.Errorf("%s holds %x", in, what)
			}
		}
	}
}

// TestTwoLedgersOnOneStream has two vaults, in folders of their own with the same key, give out ids
// in turns: a person gets the same from both, whoever is first; what one gave out and the other was
// faster with must not be used.
func TestTwoLedgersOnOneStream(t *testing.T) {
	w, first := openNew(t, t.TempDir())
	workers := enrol(t, first, 0, 5)
	dir := w.crash()
	second := w.open(func(o *vault.Options) { o.Dir = filepath.Join(dir, "vault") })
	expect(t, second, workers)
	maps.Copy(workers, enrol(t, second, 5, 5))
	maps.Copy(workers, enrol(t, first, 10, 3)) // after what second has added
	stale := resolve(t, first, nik(20))
	maps.Copy(workers, enrol(t, second, 20, 1))
	if err := first.Persist(t.Context(), 0); !errors.Is(err, vault.ErrOvertaken) {
		t.Errorf("persisted what another one has overtaken: %v", err)
	}
	if again := resolve(t, first, nik(20)); again == stale || again != workers[20] {
		t.Errorf("then worker %s", again)
	}
	if err := second.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	expect(t, first, workers)
	expect(t, second, workers)
	if first.ListKey() != second.ListKey() {
		t.Error("their keys of lists differ")
	}
}

// TestKeyChangedElsewhere changes the key of a vault that another ledger has open: that one adds
// nothing under the old key, and says so each time, until it has the new one.
func TestKeyChangedElsewhere(t *testing.T) {
	w, first := openNew(t, t.TempDir())
	workers := enrol(t, first, 0, 5)
	dir := filepath.Join(w.crash(), "vault")
	second := w.open(func(o *vault.Options) { o.Dir = dir })
	if err := first.Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
	expect(t, second, workers) // look-ups go on
	resolve(t, second, nik(5))
	for i := range 2 {
		if err := second.Persist(t.Context(), 0); !errors.Is(err, vault.ErrKeyWrong) {
			t.Errorf("persisted under the old key: %v", err)
		}
		if err := second.CatchUp(t.Context()); !errors.Is(err, vault.ErrKeyWrong) {
			t.Errorf("it follows with the old key: %v", err)
		}
		maps.Copy(workers, enrol(t, first, 6+i, 1))
	}
	key, err := os.ReadFile(filepath.Join(w.dir, "vault", "vault.key"))
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "vault.key"), key, 0o600); err != nil {
		t.Fatal(err)
	}
	second = w.open(func(o *vault.Options) { o.Dir = dir })
	maps.Copy(workers, enrol(t, second, 5, 1))
	if err := first.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	expect(t, first, workers)
	expect(t, second, workers)
}

// TestListKey is the same for a vault for ever, and another one for another vault.
func TestListKey(t *testing.T) {
	w, v := openNew(t, t.TempDir())
	key := v.ListKey()
	if _, v = w.again(); v.ListKey() != key {
		t.Error("another key at the next start")
	}
	if _, v = openNew(t, t.TempDir()); v.ListKey() == key {
		t.Error("two vaults have one key")
	}
}

// TestCheckKey keeps what tells a key from others.
func TestCheckKey(t *testing.T) {
	w, v := openNew(t, t.TempDir())
	if v.HasKey("intake.key") {
		t.Error("there is a check already")
	}
	key, other := make([]byte, 32), make([]byte, 32)
	other[31] = 1
	for range 2 {
		if err := v.CheckKey(t.Context(), "intake.key", key); err != nil {
			t.Error(err)
		}
		if err := v.CheckKey(t.Context(), "intake.key", other); !errors.Is(err, vault.ErrKeyWrong) {
			t.Errorf("another key: %v", err)
		}
		w, v = w.again()
	}
	if err := v.ReplaceKey(t.Context(), "intake.key", other); err != nil {
		t.Fatal(err)
	}
	if err := v.CheckKey(t.Context(), "intake.key", other); err != nil || !v.HasKey("intake.key") {
		t.Error(err)
	}
}
