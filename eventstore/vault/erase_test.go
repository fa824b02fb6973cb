package vault_test

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"cakupan/eventstore/vault"
)

// request is what an operator gives with an erasure.
func request() vault.Erasure {
	return vault.Erasure{
		Request: "letter 17", Ground: "UU 27/2022 art. 8", Decision: "decree 4", By: "operator",
		At: "2026-11-28T00:00:00Z",
	}
}

// TestErase takes two of five out of one pack, by NIK and by id: they are nobody any more, in no
// file either, and the others who they were.
func TestErase(t *testing.T) {
	w, v := openNew(t, t.TempDir())
	workers := map[int]string{}
	for n := range 5 {
		workers[n] = resolve(t, v, nik(n))
	}
	persist(t, v)
	e, err := v.Erase(t.Context(), nik(1), request())
	if err != nil || e.Worker != workers[1] {
		t.Fatalf("erased %+v, %v", e, err)
	}
	erased := request()
	erased.Worker = workers[3]
	if _, err := v.Erase(t.Context(), "", erased); err != nil {
		t.Fatal(err)
	}
	gone := []string{workers[1], workers[3]}
	workers[1], workers[3] = "", ""
	for range 2 {
		expect(t, v, workers)
		kept, err := v.Erasures(t.Context())
		if err != nil || len(kept) != 2 || kept[0].Worker != gone[0] || kept[1].Worker != gone[1] ||
			kept[0].Ground != request().Ground {
			t.Errorf("kept is %+v, %v", kept, err)
		}
		for _, worker := range gone {
			id, err := hex.DecodeString(worker)
			if err != nil {
				t.Fatal(err)
			}
			if in := holds(t, w.dir, string(id)); in != "" {
				t.Errorf("%s has an erased worker", in)
			}
		}
		w, v = w.again()
	}
	for _, again := range []struct{ nik, worker string }{{nik(1), ""}, {"", gone[1]}, {"", "x"}} {
		e := request()
		e.Worker = again.worker
		if _, err := v.Erase(t.Context(), again.nik, e); !errors.Is(err, vault.ErrUnknownWorker) {
			t.Errorf("erased once more: %v", err)
		}
	}
	workers[1] = resolve(t, v, nik(1))
	if workers[1] == gone[0] {
		t.Error("the same NIK is the erased worker again")
	}
	persist(t, v)
	_, v = w.again()
	expect(t, v, workers)
}

// crashes calls do and takes a copy of the folder at each crash point.
func crashes(w *world, do func(fault func(point string))) (dirs map[string]string) {
	dirs = map[string]string{}
	do(func(point string) {
		name := point
		for i := 2; dirs[name] != ""; i++ {
			name = fmt.Sprintf("%s %d", point, i)
		}
		dirs[name] = w.crash()
	})
	return dirs
}

// TestEraseCutShort crashes at each point of an erasure: once it is recorded it is done at the next
// start.
func TestEraseCutShort(t *testing.T) {
	w := newWorld(t, t.TempDir())
	var at func(string)
	v := w.open(func(o *vault.Options) {
		o.Fault = func(point string) {
			if at != nil {
				at(point)
			}
		}
	})
	workers := enrol(t, v, 0, 3)
	dirs := crashes(w, func(fault func(string)) {
		at = fault
		if _, err := v.Erase(t.Context(), nik(1), request()); err != nil {
			t.Fatal(err)
		}
	})
	if len(dirs) != 2 {
		t.Errorf("%d crash points", len(dirs))
	}
	id, err := hex.DecodeString(workers[1])
	if err != nil {
		t.Fatal(err)
	}
	workers[1] = ""
	for point, dir := range dirs {
		for range 2 {
			left, v := openNew(t, dir)
			expect(t, v, workers)
			if kept, err := v.Erasures(t.Context()); err != nil || len(kept) != 1 {
				t.Errorf("%s: kept is %+v, %v", point, kept, err)
			}
			if in := holds(t, dir, string(id)); in != "" {
				t.Errorf("%s: %s has the erased worker", point, in)
			}
			left.stop()
		}
	}
}

// TestErasedAtOnce: from the moment that he is out of the stream, nobody finds him who was erased,
// though the look-up table has him still; who comes with his number is somebody new, and stays so.
func TestErasedAtOnce(t *testing.T) {
	w := newWorld(t, t.TempDir())
	var during string
	var v *vault.Vault
	v = w.open(func(o *vault.Options) {
		o.Fault = func(point string) {
			if point == vault.FaultErased {
				during = resolve(t, v, nik(1))
			}
		}
	})
	workers := enrol(t, v, 0, 3)
	if _, err := v.Erase(t.Context(), nik(1), request()); err != nil {
		t.Fatal(err)
	}
	if during == "" || during == workers[1] {
		t.Errorf("while he is erased, %s is %q", workers[1], during)
	}
	persist(t, v)
	workers[1] = during
	for range 2 {
		expect(t, v, workers)
		w, v = w.again()
	}
}

// TestErasedTableFails: nobody finds him either where the table cannot be made anew at that moment;
// it is, before somebody new with his number is stored.
func TestErasedTableFails(t *testing.T) {
	w := newWorld(t, t.TempDir())
	var blocked string
	v := w.open(func(o *vault.Options) {
		o.Fault = func(point string) {
			if point == vault.FaultErased && blocked == "" {
				blocked = filepath.Join(o.Dir, vault.LookupPrefix+"1")
				if err := os.WriteFile(blocked, nil, 0o600); err != nil {
					t.Error(err)
				}
			}
		}
	})
	workers := enrol(t, v, 0, 3)
	if _, err := v.Erase(t.Context(), nik(1), request()); err == nil {
		t.Fatal("the table was made anew")
	}
	is := resolve(t, v, nik(1))
	if is == "" || is == workers[1] {
		t.Fatalf("%s was erased, and is %q", workers[1], is)
	}
	if err := v.Persist(t.Context(), v.Overtaken()); err == nil {
		t.Error("somebody new is stored where there is no table for him")
	}
	if err := os.Remove(blocked); err != nil {
		t.Fatal(err)
	}
	workers[1] = is
	persist(t, v)
	for range 2 {
		expect(t, v, workers)
		w, v = w.again()
	}
}

// TestEraseHeardElsewhere: another ledger on the same stream forgets who was erased.
func TestEraseHeardElsewhere(t *testing.T) {
	w, first := openNew(t, t.TempDir())
	workers := enrol(t, first, 0, 4)
	dir := w.crash()
	second := w.open(func(o *vault.Options) { o.Dir = filepath.Join(dir, "vault") })
	if _, err := first.Erase(t.Context(), nik(2), request()); err != nil {
		t.Fatal(err)
	}
	if err := second.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	workers[2] = ""
	expect(t, second, workers)
}

// TestRotate seals the vault under a new key: who is who stays, and the old key opens nothing.
func TestRotate(t *testing.T) {
	w, v := openNew(t, t.TempDir())
	workers := enrol(t, v, 0, 5)
	if _, err := v.Erase(t.Context(), nik(4), request()); err != nil {
		t.Fatal(err)
	}
	workers[4] = ""
	key := filepath.Join(w.dir, "vault", "vault.key")
	lists := v.ListKey()
	for range 2 {
		old, err := os.ReadFile(key)
		if err != nil {
			t.Fatal(err)
		}
		if err := v.Rotate(t.Context()); err != nil {
			t.Fatal(err)
		}
		fresh, err := os.ReadFile(key)
		if err != nil || string(fresh) == string(old) {
			t.Errorf("the key is the same, %v", err)
		}
		expect(t, v, workers)
		w.stop()
		write(t, key, old)
		w = newWorld(t, w.dir)
		if _, err := w.tryOpen(); !errors.Is(err, vault.ErrKeyWrong) {
			t.Errorf("with the old key: %v", err)
		}
		write(t, key, fresh)
		if err := os.RemoveAll(filepath.Join(w.dir, "vault", "lookup.state")); err != nil {
			t.Fatal(err)
		}
		v = w.open()
		expect(t, v, workers)
		if v.ListKey() != lists {
			t.Error("the key of lists has changed")
		}
		if kept, err := v.Erasures(t.Context()); err != nil || len(kept) != 1 {
			t.Errorf("kept is %+v, %v", kept, err)
		}
	}
	_, v = w.again()
	expect(t, v, workers)
	enrol(t, v, 10, 1)
}

// TestRotateCutShort crashes at each point of a change of keys: the next start goes on, and ends
// with the new one.
func TestRotateCutShort(t *testing.T) {
	w := newWorld(t, t.TempDir())
	var at func(string)
	v := w.open(func(o *vault.Options) {
		o.Fault = func(point string) {
			if at != nil {
				at(point)
			}
		}
	})
	workers := enrol(t, v, 0, 4)
	dirs := crashes(w, func(fault func(string)) {
		at = fault
		if err := v.Rotate(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
	if len(dirs) != 6 { // the secret, four packs, and the end
		t.Errorf("%d crash points", len(dirs))
	}
	for point, dir := range dirs {
		left, v := openNew(t, dir)
		expect(t, v, workers)
		if _, err := os.Lstat(filepath.Join(dir, "vault", "vault.key.new")); err == nil {
			t.Errorf("%s: the new key has not its name", point)
		}
		left.stop()
	}
}
