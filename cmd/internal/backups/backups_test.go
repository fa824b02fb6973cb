package backups_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"cakupan/cmd/internal/backups"
	"cakupan/cmd/internal/folder"
	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/ledger"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
	"cakupan/eventstore/backup"
	"cakupan/eventstore/durable"
	"cakupan/eventstore/durable/durabletest"
	"cakupan/eventstore/keyfile"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// open opens a ledger, or a new one.
func open(t *testing.T, dir string) *ledger.Ledger {
	t.Helper()
	l, err := ledger.Open(t.Context(), ledger.Options{Dir: dir, Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// person is the enrolment of a person, by NIK.
func person(n int) []byte {
	return fmt.Appendf(nil, `{"specversion":"1.0","source":"urn:test:backups","id":"p%d",`+
		`"type":"id.cakupan.enrolment.opened.v1","data":{"enrolment":"e%d",`+
		`"nik":"750301%02d%02d%02d9999","region":"75.03","segment":"BPU","category":"OTHER",`+
		`"programmes":["JKK"],"payer":"SELF","from":"2024-01-01"}}`,
		n, n, 1+n%28, 1+n/28%12, n/336%100)
}

// report enrols persons, one frame each, and tells the sequence of each.
func report(t *testing.T, l *ledger.Ledger, from, until int, want event.Status) {
	t.Helper()
	for n := from; n < until; n++ {
		receipts, err := l.Submit(t.Context(), [][]byte{person(n)}, intake.Options{})
		if err != nil || receipts[0].Status != want || receipts[0].Sequence != uint64(n+1) {
			t.Fatalf("person %d: %+v, %v", n, receipts, err)
		}
	}
}

// keysOf returns a copy of the keys of a ledger.
func keysOf(t *testing.T, l *ledger.Ledger) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "keys")
	if _, err := l.BackupKeys(t.Context(), to); err != nil {
		t.Fatal(err)
	}
	return to
}

// copyKeys copies a folder of keys to where there is none, so that nobody else may read them.
func copyKeys(to, from string) error {
	if err := os.MkdirAll(filepath.Dir(to), folder.FolderMode); err != nil {
		return err
	}
	if err := os.Mkdir(to, folder.FolderMode); err != nil {
		return err
	}
	entries, err := os.ReadDir(from)
	for _, entry := range entries {
		if !folder.IsKept(entry.Name()) { // what a copy of keys says of itself
			continue
		}
		raw, readErr := os.ReadFile(filepath.Join(from, entry.Name()))
		err = errors.Join(err, readErr,
			os.WriteFile(filepath.Join(to, entry.Name()), raw, folder.FileMode))
	}
	return err
}

// save writes a backup into a file.
func save(t *testing.T, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "backup")
	if err := os.WriteFile(path, content, folder.FileMode); err != nil {
		t.Fatal(err)
	}
	return path
}

// since is where a backup that goes on from another one begins.
func since(end backup.End) backups.Options {
	return backups.Options{Since: &backup.Since{File: end.SHA256, Position: end.Position}}
}

// whole makes sure that a restored ledger has so many persons, each with the id that he had, and
// takes the next one.
func whole(t *testing.T, dir string, persons int) {
	t.Helper()
	l := open(t, dir)
	report(t, l, 0, persons, event.Duplicate)
	report(t, l, persons, persons+1, event.Appended)
	keys, err := l.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range keys {
		if !k.OK {
			t.Errorf("%s: %+v", dir, k)
		}
	}
}

// errFull is of a disk that takes no more.
var errFull = errors.New("no space left")

// small takes so many bytes, and then none.
type small struct {
	bytes.Buffer
	room int
}

func (s *small) Write(b []byte) (int, error) {
	if n := min(len(b), s.room-s.Len()); n < len(b) {
		_, _ = s.Buffer.Write(b[:n])
		return n, errFull
	}
	return s.Buffer.Write(b)
}

// TestDiskOfBackupFull: wherever a backup breaks off, whole or an increment, it fails with the
// reason, and what was written is no backup; the ledger goes on, and so does the next backup.
func TestDiskOfBackupFull(t *testing.T) {
	l := open(t, filepath.Join(t.TempDir(), "data"))
	report(t, l, 0, 3, event.Appended)
	var first bytes.Buffer
	end, err := l.Backup(t.Context(), &first, backups.Options{})
	if err != nil {
		t.Fatal(err)
	}
	base := save(t, first.Bytes())
	report(t, l, 3, 5, event.Appended)
	for _, opts := range []backups.Options{{}, since(end)} {
		var all bytes.Buffer
		if _, err := l.Backup(t.Context(), &all, opts); err != nil {
			t.Fatal(err)
		}
		for room := 0; room < all.Len(); room += max(1, all.Len()/40) {
			disk := &small{room: room}
			if _, err := l.Backup(t.Context(), disk, opts); !errors.Is(err, errFull) {
				t.Fatalf("%d of %d bytes: %v", room, all.Len(), err)
			}
			files := []string{save(t, disk.Bytes())}
			if opts.Since != nil {
				files = []string{base, files[0]}
			}
			_, err := backups.Check(t.Context(), files, nil)
			if problem.From(err).Code != problem.BackupDamaged {
				t.Fatalf("%d of %d bytes pass for a backup: %v", room, all.Len(), err)
			}
		}
		report(t, l, 0, 5, event.Duplicate)
	}
}

// TestWrongBase: an increment goes on from the ledger's own past alone. As many events of another
// ledger, one that lost events, and one that lost persons are told, and nothing is written.
func TestWrongBase(t *testing.T) {
	ours, theirs := open(t, filepath.Join(t.TempDir(), "a")), open(t, filepath.Join(t.TempDir(), "b"))
	report(t, ours, 0, 3, event.Appended)
	report(t, theirs, 0, 3, event.Appended)
	var of, own bytes.Buffer
	other, err := theirs.Backup(t.Context(), &of, backups.Options{})
	if err != nil {
		t.Fatal(err)
	}
	end, err := ours.Backup(t.Context(), &own, backups.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ahead, persons, inside := end, end, end
	ahead.Events++
	persons.Vault += 7
	inside.Events-- // a frame of another sum
	for name, base := range map[string]struct {
		end  backup.End
		code problem.Code
	}{
		"another ledger": {other, problem.FolderOtherLedger},
		"more events":    {ahead, problem.FolderOtherLedger},
		"another frame":  {inside, problem.FolderOtherLedger},
		"more persons":   {persons, problem.VaultLost},
	} {
		var to bytes.Buffer
		_, err := ours.Backup(t.Context(), &to, since(base.end))
		if p := problem.From(err); p == nil || p.Code != base.code || p.Detail == "" {
			t.Errorf("%s: %v", name, err)
		}
		if base.code == problem.FolderOtherLedger && to.Len() > 0 {
			t.Errorf("%s: %d bytes are written", name, to.Len())
		}
	}
	// Files in their wrong places are told where they are put together.
	report(t, ours, 3, 4, event.Appended)
	var more bytes.Buffer
	if _, err := ours.Backup(t.Context(), &more, since(end)); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "restored")
	for name, files := range map[string][]string{
		"without its base":    {save(t, more.Bytes())},
		"on another's":        {save(t, of.Bytes()), save(t, more.Bytes())},
		"in the wrong order":  {save(t, more.Bytes()), save(t, own.Bytes())},
		"twice":               {save(t, own.Bytes()), save(t, more.Bytes()), save(t, more.Bytes())},
		"two that are whole":  {save(t, own.Bytes()), save(t, own.Bytes())},
		"of a file not there": {filepath.Join(dir, "none")},
	} {
		_, err := backups.Restore(t.Context(), backups.RestoreOptions{Files: files, Dir: dir})
		if p := problem.From(err); p == nil || p.Code == problem.Internal || p.Detail == "" {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("%s: a folder was made: %v", name, err)
		}
	}
}

// TestTwoBackups are made at once while events come in: each of them is a whole ledger.
func TestTwoBackups(t *testing.T) {
	l := open(t, filepath.Join(t.TempDir(), "data"))
	const before, after = 20, 40
	report(t, l, 0, before, event.Appended)
	var made [2]bytes.Buffer
	var ends [2]backup.End
	var working sync.WaitGroup
	for i := range made {
		working.Go(func() {
			var err error
			if ends[i], err = l.Backup(t.Context(), &made[i], backups.Options{}); err != nil {
				t.Error(err)
			}
		})
	}
	report(t, l, before, after, event.Appended)
	working.Wait()
	keys := keysOf(t, l)
	for i := range made {
		dir := filepath.Join(t.TempDir(), "restored")
		chain, err := backups.Restore(t.Context(), backups.RestoreOptions{
			Files: []string{save(t, made[i].Bytes())}, Dir: dir, Keys: keys,
		})
		if err != nil || chain.End.SHA256 != ends[i].SHA256 || chain.End.Events < before {
			t.Fatalf("%+v, was %+v: %v", chain, ends[i], err)
		}
		whole(t, dir, int(chain.End.Events))
	}
}

// TestKeysOfRestore: a folder may have the keys already: those of another ledger, one less, or
// anything beside them are left as they are, and refused.
func TestKeysOfRestore(t *testing.T) {
	l := open(t, filepath.Join(t.TempDir(), "data"))
	other := open(t, filepath.Join(t.TempDir(), "other"))
	for _, one := range []*ledger.Ledger{l, other} {
		report(t, one, 0, 2, event.Appended)
	}
	var made bytes.Buffer
	if _, err := l.Backup(t.Context(), &made, backups.Options{}); err != nil {
		t.Fatal(err)
	}
	file, keys := save(t, made.Bytes()), keysOf(t, l)
	for name, prepare := range map[string]func(vault string) error{
		"the same": nil,
		"another ledger's": func(vault string) error {
			return errors.Join(os.RemoveAll(vault), copyKeys(vault, keysOf(t, other)))
		},
		"a folder of it": func(vault string) error {
			return copyKeys(filepath.Join(vault, "x.key"), keys)
		},
		"one less":     func(vault string) error { return os.Remove(filepath.Join(vault, folder.VaultKeyFile)) },
		"a file of it": func(vault string) error { return os.WriteFile(filepath.Join(vault, "letter"), nil, 0o600) },
		"none":         func(vault string) error { return errors.Join(os.RemoveAll(vault), os.Mkdir(vault, 0o700)) },
	} {
		dir := filepath.Join(t.TempDir(), "restored")
		vault := filepath.Join(dir, folder.Vault)
		if err := copyKeys(vault, keys); err != nil {
			t.Fatal(err)
		}
		if prepare != nil {
			if err := prepare(vault); err != nil {
				t.Fatal(err)
			}
		}
		before := contents(t, dir)
		_, err := backups.Restore(t.Context(), backups.RestoreOptions{
			Files: []string{file}, Dir: dir, Keys: keys,
		})
		if prepare == nil {
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			whole(t, dir, 2)
			continue
		}
		if p := problem.From(err); p == nil || p.Code != problem.FolderNotEmpty {
			t.Errorf("%s: %v", name, err)
		}
		if now := contents(t, dir); now != before {
			t.Errorf("%s: the folder has %s, had %s", name, now, before)
		}
	}
	// A key that the ledger has not is no other's: it is made by the setup of a cluster.
	more := filepath.Join(t.TempDir(), "more")
	if err := copyKeys(filepath.Join(more, folder.Vault), keys); err != nil {
		t.Fatal(err)
	}
	_, err := keyfile.Create(filepath.Join(more, folder.Vault, folder.SealKeyFile))
	if err != nil {
		t.Fatal(err)
	}
	_, err = backups.Restore(t.Context(), backups.RestoreOptions{
		Files: []string{file}, Dir: more, Keys: keys,
	})
	if err != nil {
		t.Fatal(err)
	}
	whole(t, more, 2)
	// The keys of the folder itself, by name: they are the only ones, and stay.
	dir := filepath.Join(t.TempDir(), "own")
	own := filepath.Join(dir, folder.Vault)
	if err := copyKeys(own, keys); err != nil {
		t.Fatal(err)
	}
	_, err = backups.Restore(t.Context(), backups.RestoreOptions{
		Files: []string{file}, Dir: dir, Keys: own,
		Fault: func(string) {
			if _, err := folder.ReadKeys(own); err != nil {
				t.Errorf("the keys are gone meanwhile: %v", err)
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	whole(t, dir, 2)
}

// contents returns names and content of all files of a folder, but for its lock.
func contents(t *testing.T, dir string) (all string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || entry.Name() == folder.LockFile {
			return err
		}
		raw, err := os.ReadFile(path)
		all += fmt.Sprintf("%s: %x\n", path, raw)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestWrongKeys: with the keys of another ledger it is restored, says so of each, and takes nobody
// in by NIK; with its own it is as it was.
func TestWrongKeys(t *testing.T) {
	l := open(t, filepath.Join(t.TempDir(), "data"))
	other := open(t, filepath.Join(t.TempDir(), "other"))
	for _, one := range []*ledger.Ledger{l, other} {
		report(t, one, 0, 2, event.Appended)
	}
	var made bytes.Buffer
	if _, err := l.Backup(t.Context(), &made, backups.Options{}); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "restored")
	_, err := backups.Restore(t.Context(), backups.RestoreOptions{
		Files: []string{save(t, made.Bytes())}, Dir: dir, Keys: keysOf(t, other),
	})
	if err != nil {
		t.Fatal(err)
	}
	wrong, err := ledger.Open(t.Context(), ledger.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	keys, err := wrong.Keys(t.Context())
	if err != nil || len(keys) == 0 {
		t.Fatalf("%+v, %v", keys, err)
	}
	for _, k := range keys {
		if k.OK || k.Problem == "" {
			t.Errorf("%s passes for the ledger's own: %+v", k.File, k)
		}
	}
	receipts, err := wrong.Submit(t.Context(), [][]byte{person(0)}, intake.Options{})
	if err == nil {
		t.Errorf("it takes people in: %+v", receipts)
	}
	if err := wrong.Close(); err != nil {
		t.Fatal(err)
	}
	vault := filepath.Join(dir, folder.Vault)
	for _, err := range []error{os.RemoveAll(vault), copyKeys(vault, keysOf(t, l))} {
		if err != nil {
			t.Fatal(err)
		}
	}
	whole(t, dir, 2)
}

// TestRestoreFails has each step of each file of a restored folder fail in turn. Until it came to its
// end the folder is opened by nobody, and the same restore again makes the ledger.
func TestRestoreFails(t *testing.T) {
	if testing.Short() {
		t.Skip("long in one goroutine")
	}
	l := open(t, filepath.Join(t.TempDir(), "data"))
	report(t, l, 0, 2, event.Appended)
	var made bytes.Buffer
	if _, err := l.Backup(t.Context(), &made, backups.Options{}); err != nil {
		t.Fatal(err)
	}
	file, keys := save(t, made.Bytes()), keysOf(t, l)
	for _, step := range durable.Steps() {
		t.Run(string(step), func(t *testing.T) {
			failed := 0
			for n := 1; ; n++ {
				if n > 100 {
					t.Fatal("does not come to an end")
				}
				dir, seen := filepath.Join(t.TempDir(), "restored"), 0
				opts := backups.RestoreOptions{Files: []string{file}, Dir: dir, Keys: keys}
				remove := durable.Inject(filepath.Dir(dir), func(at durable.Step, _ string) error {
					if at != step {
						return nil
					}
					if seen++; seen == n {
						return durabletest.ErrInjected
					}
					return nil
				})
				_, err := backups.Restore(t.Context(), opts)
				remove()
				if err == nil {
					whole(t, dir, 2)
					break
				}
				failed++
				if _, err := os.Lstat(filepath.Join(dir, folder.RestoringFile)); err == nil {
					_, err := ledger.Open(t.Context(), ledger.Options{Dir: dir, Create: true})
					if problem.From(err).Code != problem.FolderRestoring {
						t.Fatalf("step %d: opened half restored: %v", n, err)
					}
				}
				if _, err := backups.Restore(t.Context(), opts); err != nil {
					t.Fatalf("step %d: again: %v", n, err)
				}
				whole(t, dir, 2)
			}
			if failed == 0 {
				t.Error("nothing failed")
			}
		})
	}
}
