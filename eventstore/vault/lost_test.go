package vault_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"cakupan/eventstore/durable"
	"cakupan/eventstore/durable/durabletest"
	"cakupan/eventstore/vault"
)

// used makes a vault that has given out ids to people 0 to 4, and returns them.
func used(t *testing.T, dir string) (workers []string) {
	t.Helper()
	v, err := vault.Open(dir, ledger)
	if err != nil {
		t.Fatal(err)
	}
	for n := range 5 {
		workers = append(workers, resolve(t, v, nik(n)))
	}
	persist(t, v)
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	return workers
}

// TestLostDatabaseIsNotMadeAnew opens what a vault has lost its database from twice: the first
// attempt must leave nothing that the second one takes for a vault.
func TestLostDatabaseIsNotMadeAnew(t *testing.T) {
	for _, test := range []struct {
		name       string
		gone, left []string
		emptied    bool
	}{
		{name: "database", gone: []string{"vault.db"}, left: []string{"vault.key"}},
		{name: "database and key", gone: []string{"vault.db", "vault.key"}},
		{name: "content", left: []string{"vault.db", "vault.key"}, emptied: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			used(t, dir)
			for _, name := range test.gone {
				if err := os.Remove(filepath.Join(dir, name)); err != nil {
					t.Fatal(err)
				}
			}
			if test.emptied {
				write(t, filepath.Join(dir, "vault.db"), nil)
			}
			for attempt := range 2 {
				v, err := vault.Open(dir, ledger)
				if !errors.Is(err, vault.ErrLost) {
					t.Errorf("attempt %d: %v", attempt, err)
				}
				if err == nil {
					_ = v.Close()
				}
			}
			for _, name := range test.gone {
				if _, err := os.Lstat(filepath.Join(dir, name)); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("%s was made: %v", name, err)
				}
			}
			for _, name := range append(test.left, "vault.journal.1") {
				if _, err := os.Lstat(filepath.Join(dir, name)); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// TestJournalThatCannotBeMade leaves no file behind, whichever step fails.
func TestJournalThatCannotBeMade(t *testing.T) {
	for _, step := range durable.Steps() {
		dir := t.TempDir()
		path := filepath.Join(dir, "vault.journal.1")
		heal := durabletest.Fail(t, dir, step)
		err := vault.AppendJournal(path)
		if heal() == 0 {
			continue // making a journal does not come by
		}
		if !errors.Is(err, durabletest.ErrInjected) {
			t.Errorf("%v: error %v", step, err)
		}
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%v: the file is still there: %v", step, err)
		}
	}
}

// TestJournalsWithoutHeads stand before one that has ids: nothing is lost.
func TestJournalsWithoutHeads(t *testing.T) {
	dir := t.TempDir()
	workers := used(t, dir)
	journal := filepath.Join(dir, "vault.journal.")
	head, err := os.ReadFile(journal + "1")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(journal+"1", journal+"3"); err != nil {
		t.Fatal(err)
	}
	write(t, journal+"1", nil)
	write(t, journal+"2", head[:31])
	v := open(t, dir)
	for n, worker := range workers {
		if got := resolve(t, v, nik(n)); got != worker {
			t.Errorf("person %d: %s, was %s", n, got, worker)
		}
	}
	resolve(t, v, nik(5))
	persist(t, v)
	left := open(t, crash(t, dir))
	for n := range 6 {
		if resolve(t, left, nik(n)) != resolve(t, v, nik(n)) {
			t.Errorf("person %d has another id after the crash", n)
		}
	}
}

// TestFailedSealIsTriedAgain lets the journal fail when it is about to be merged: the next Persist
// merges it and makes another one.
func TestFailedSealIsTriedAgain(t *testing.T) {
	dir := t.TempDir()
	v := open(t, dir)
	v.SetMergeMin(10)
	var workers []string
	for n := range 12 {
		if n == 10 {
			persist(t, v)
		}
		workers = append(workers, resolve(t, v, nik(n)))
	}
	if err := v.Break(); err != nil {
		t.Fatal(err)
	}
	if err := v.Persist(t.Context()); err == nil || v.Tentative() != 2 {
		t.Errorf("error %v, %d tentative ids", err, v.Tentative())
	}
	failed := open(t, crash(t, dir))
	for n := range 10 {
		if got := resolve(t, failed, nik(n)); got != workers[n] {
			t.Errorf("person %d after a crash: %s, was %s", n, got, workers[n])
		}
	}
	persist(t, v)
	v.WaitMerge()
	names, err := filepath.Glob(filepath.Join(dir, "vault.journal.*"))
	if err != nil || len(names) != 1 || filepath.Base(names[0]) != "vault.journal.2" {
		t.Errorf("journals %v, %v", names, err)
	}
	left := open(t, crash(t, dir))
	for n, worker := range workers {
		if got := resolve(t, left, nik(n)); got != worker {
			t.Errorf("person %d: %s, was %s", n, got, worker)
		}
	}
}
