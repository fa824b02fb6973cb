package older_test

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"cakupan/eventstore/golden"
	"cakupan/eventstore/inspect"
	"cakupan/eventstore/vault/older"
	"cakupan/eventstore/vault/older/oldertest"
)

// The golden vaults are made with the key of the bytes 00 to 1f, for the tests' ledger. The person
// with number n has the id of the bytes of n + 1.
const (
	goldenStored    = 2 // persons in vault.db
	goldenJournaled = 3 // persons in the journal
)

// ledger is the number of the ledger that the tests' vaults belong to.
const ledger = "0123456789abcdef0123456789abcdef"

func goldenKey() []byte {
	key := make([]byte, 32)
	for i := range key {
		key[i] = byte(i)
	}
	return key
}

func goldenID(n int) string { return strings.Repeat(string(rune('a'+n)), 16) }

func nik(n int) string {
	return fmt.Sprintf("7503%02d%02d%02d%02d9999", n/372/100%100, 1+n%31, 1+n/31%12, n/372%100)
}

// read returns what older.Read yields: ids by handles.
func read(t testing.TB, dir string) map[older.Handle]older.ID {
	t.Helper()
	found := map[older.Handle]older.ID{}
	err := older.Read(dir, goldenKey(), ledger, func(h older.Handle, id older.ID) error {
		found[h] = id
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestGoldenRead reads vaults as the programs of both formats made them.
func TestGoldenRead(t *testing.T) {
	for version, persons := range map[string]int{
		"v1": goldenStored, "v2": goldenStored + goldenJournaled,
	} {
		found := read(t, copyGolden(t, version))
		if len(found) != persons {
			t.Errorf("%s has %d workers", version, len(found))
		}
		for n := range persons {
			if id := found[oldertest.HandleOf(goldenKey(), nik(n))]; string(id[:]) != goldenID(n) {
				t.Errorf("%s: person %d is worker %x", version, n, id)
			}
		}
	}
}

// TestGoldenMade: what oldertest makes is what those programs made.
func TestGoldenMade(t *testing.T) {
	worker := func(n int) oldertest.Worker {
		return oldertest.Worker{
			Handle: oldertest.HandleOf(goldenKey(), nik(n)), ID: [16]byte([]byte(goldenID(n))),
		}
	}
	dir := t.TempDir()
	err := errors.Join(
		oldertest.MakeDatabase(dir, goldenKey(), ledger, []oldertest.Worker{worker(0), worker(1)}),
		oldertest.MakeJournal(dir, 3, goldenKey(), ledger,
			[]oldertest.Worker{worker(2)}, []oldertest.Worker{worker(3)}, []oldertest.Worker{worker(4)}),
	)
	if err != nil {
		t.Fatal(err)
	}
	journal, err := os.ReadFile(filepath.Join(dir, "vault.journal.3"))
	if err != nil {
		t.Fatal(err)
	}
	golden.Compare(t, "v2/vault.journal.3.hex", journal)
	if got, want := read(t, dir), read(t, copyGolden(t, "v2")); !maps.Equal(got, want) {
		t.Errorf("it has %v, want %v", got, want)
	}
}

// TestRefused reads what is not the ledger's, lacks a part, or was cut within.
func TestRefused(t *testing.T) {
	none := func(older.Handle, older.ID) error { return nil }
	for name, test := range map[string]struct {
		spoil func(dir string) error
		want  error
	}{
		"no database": {func(dir string) error { return os.Remove(dir + "/vault.db") }, older.ErrLost},
		"empty database": {func(dir string) error {
			return os.Truncate(dir+"/vault.db", 0)
		}, older.ErrDamaged},
		"newer": {func(dir string) error {
			put(t, dir+"/vault.db", "meta", "format", "3")
			return nil
		}, older.ErrNewerFormat},
		"odd": {func(dir string) error {
			put(t, dir+"/vault.db", "workers", "x", "y")
			return nil
		}, older.ErrDamaged},
		"journal before the last one cut": {func(dir string) error {
			if err := oldertest.MakeJournal(dir, 4, goldenKey(), ledger); err != nil {
				return err
			}
			return os.Truncate(dir+"/vault.journal.3", 100)
		}, older.ErrDamaged},
	} {
		dir := copyGolden(t, "v2")
		if err := test.spoil(dir); err != nil {
			t.Fatal(err)
		}
		if err := older.Read(dir, goldenKey(), ledger, none); !errors.Is(err, test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	dir := copyGolden(t, "v2")
	if err := older.Read(dir, append(goldenKey()[1:], 0), ledger, none); !errors.Is(err, older.ErrKeyWrong) {
		t.Errorf("another key: %v", err)
	}
	other := strings.Repeat("b", 32)
	if err := older.Read(dir, goldenKey(), other, none); !errors.Is(err, older.ErrOtherLedger) {
		t.Errorf("another ledger: %v", err)
	}
	if files, err := older.Files(dir); err != nil || len(files) != 2 {
		t.Errorf("files %v, %v", files, err)
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
	write(t, filepath.Join(dir, "vault.key"), append(goldenKey()[1:], 0))
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
	if _, err := older.Inspect(filepath.Join(dir, "nothing")); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

func inspectFile(t testing.TB, path string) inspect.Report {
	t.Helper()
	r, err := older.Inspect(path)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
