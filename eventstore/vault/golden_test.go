package vault_test

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"cakupan/eventstore/golden"
	"cakupan/eventstore/inspect"
	"cakupan/eventstore/vault"
)

// The golden vaults are made with the key of the bytes 00 to 1f, for the tests' ledger. The person
// with number n has the id of the bytes of n + 1.
const (
	goldenStored    = 2 // persons in vault.db
	goldenJournaled = 3 // persons in the journal
)

func goldenKey() []byte {
	key := make([]byte, 32)
	for i := range key {
		key[i] = byte(i)
	}
	return key
}

func goldenID(n int) string { return strings.Repeat(string(rune('a'+n)), 16) }

// makeGolden makes a vault as the program writes it today.
func makeGolden(t testing.TB, dir string) {
	t.Helper()
	write(t, filepath.Join(dir, "vault.key"), goldenKey())
	v, err := vault.Open(dir, ledger)
	if err != nil {
		t.Fatal(err)
	}
	var journaled [][2]string
	for n := range goldenStored + goldenJournaled {
		handle := v.Handle(nik(n))
		if n < goldenStored {
			err = errors.Join(err, v.Store(handle, goldenID(n)))
		} else {
			journaled = append(journaled, [2]string{handle, goldenID(n)})
		}
	}
	err = errors.Join(err, v.WriteJournal(3, journaled), v.Close())
	if err != nil {
		t.Fatal(err)
	}
}

// content returns what a database holds, by keys.
func content(t testing.TB, path string) string {
	t.Helper()
	var lines []string
	err := inspect.ReadBolt(path, func(b *inspect.Bolt) error {
		lines = nil
		return b.Walk(func(bucket string, key, value []byte) error {
			lines = append(lines, fmt.Sprintf("%s %x %x", bucket, key, value))
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}

// TestGolden: what the program writes today is what it wrote. How bbolt lays out its pages is its
// own affair, so of the database it is what it holds that counts.
func TestGolden(t *testing.T) {
	dir := t.TempDir()
	makeGolden(t, dir)
	journal, err := os.ReadFile(filepath.Join(dir, "vault.journal.3"))
	if err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "v2/vault.journal.3.hex", journal)
	golden.Make(t, "v2/vault.db.gz", func() []byte {
		db, err := os.ReadFile(filepath.Join(dir, "vault.db"))
		if err != nil {
			t.Fatal(err)
		}
		return db
	})
	path := filepath.Join(t.TempDir(), "vault.db")
	golden.Copy(t, "v2/vault.db.gz", path)
	if got, want := content(t, filepath.Join(dir, "vault.db")), content(t, path); got != want {
		t.Errorf("vault.db holds\n%s\nwant\n%s", got, want)
	}
}

// TestGoldenFormat1 keeps a vault without a journal, as the first version made it.
func TestGoldenFormat1(t *testing.T) {
	golden.Make(t, "v1/vault.db.gz", func() []byte {
		dir := t.TempDir()
		makeGolden(t, dir)
		path := filepath.Join(dir, "vault.db")
		put(t, path, "meta", "format", "1")
		db, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return db
	})
	dir := copyGolden(t, "v1")
	v := open(t, dir)
	for n := range goldenStored {
		if worker := resolve(t, v, nik(n)); worker != hex.EncodeToString([]byte(goldenID(n))) {
			t.Errorf("person %d is worker %s", n, worker)
		}
	}
	if _, known, err := v.Lookup(nik(goldenStored)); known || err != nil {
		t.Errorf("a person whom it does not hold: %t, %v", known, err)
	}
}

// TestGoldenRead reads a vault of today's format as another day's program wrote it.
func TestGoldenRead(t *testing.T) {
	v := open(t, copyGolden(t, "v2"))
	for n := range goldenStored + goldenJournaled {
		if worker := resolve(t, v, nik(n)); worker != hex.EncodeToString([]byte(goldenID(n))) {
			t.Errorf("person %d is worker %s", n, worker)
		}
	}
}

// copyGolden returns a folder with the golden vault of a version.
func copyGolden(t testing.TB, version string) string {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "vault.key"), goldenKey())
	golden.Copy(t, version+"/vault.db.gz", filepath.Join(dir, "vault.db"))
	if version != "v1" {
		golden.Copy(t, version+"/vault.journal.3.hex", filepath.Join(dir, "vault.journal.3"))
	}
	return dir
}

// TestInspect inspects golden vaults, whole and with one bit of every byte wrong.
func TestInspect(t *testing.T) {
	dir := copyGolden(t, "v2")
	database, journal := filepath.Join(dir, "vault.db"), filepath.Join(dir, "vault.journal.3")
	for path, want := range map[string]inspect.Report{
		database: {State: inspect.Unproven, Format: "2", Entries: goldenStored},
		journal:  {State: inspect.Whole, Format: "VJ01", Entries: goldenJournaled},
		filepath.Join(copyGolden(t, "v1"), "vault.db"): {
			State: inspect.Unproven, Format: "1", Entries: goldenStored,
		},
	} {
		r := inspectFile(t, path)
		if r.State != want.State || r.Format != want.Format || r.Entries != want.Entries ||
			r.Ledger != ledger || len(r.Findings) > 0 {
			t.Errorf("%+v", r)
		}
	}
	sound, err := os.ReadFile(journal)
	if err != nil {
		t.Fatal(err)
	}
	for at := range sound {
		broken := slices.Clone(sound)
		broken[at] ^= 1 << (at % 8)
		write(t, journal, broken)
		if r := inspectFile(t, journal); r.State != inspect.Damaged {
			t.Errorf("byte %d of the journal is wrong: %+v", at, r)
		}
		write(t, journal, sound[:at])
		r := inspectFile(t, journal)
		ends := at == 32 || at > 32 && (at-32)%(12+32) == 0 // a journal of fewer blocks
		if want := map[bool]inspect.State{true: inspect.Whole, false: inspect.Damaged}[ends]; r.State !=
			want {
			t.Errorf("cut at byte %d: %+v", at, r)
		}
	}
	put(t, database, "meta", "format", "3")
	if r := inspectFile(t, database); r.State != inspect.Newer {
		t.Errorf("of a newer format: %+v", r)
	}
	put(t, database, "meta", "format", "2")
	write(t, filepath.Join(dir, "vault.key"), make([]byte, 32))
	for _, path := range []string{database, journal} {
		if r := inspectFile(t, path); r.State != inspect.Damaged {
			t.Errorf("beside another vault's key: %+v", r)
		}
	}
	if err := os.Remove(filepath.Join(dir, "vault.key")); err != nil {
		t.Fatal(err)
	}
	write(t, journal, sound)
	for _, path := range []string{database, journal} {
		if r := inspectFile(t, path); r.State != inspect.Unproven || len(r.Notes) == 0 {
			t.Errorf("without the key: %+v", r)
		}
	}
	if _, err := vault.Inspect(filepath.Join(dir, "nothing")); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

func inspectFile(t testing.TB, path string) inspect.Report {
	t.Helper()
	r, err := vault.Inspect(path)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestInspectWhileOpen inspects a vault that somebody has open.
func TestInspectWhileOpen(t *testing.T) {
	dir := t.TempDir()
	v := open(t, dir)
	resolve(t, v, nik(1))
	persist(t, v)
	for _, name := range []string{"vault.db", "vault.journal.1"} {
		if r := inspectFile(t, filepath.Join(dir, name)); r.State.Worse(inspect.Unproven) {
			t.Errorf("%+v", r)
		}
	}
}
