package durable_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"cakupan/eventstore/durable"
	"cakupan/eventstore/durable/durabletest"
)

const mode = 0o600

// The contents differ in length and in every byte, so that a mixture is none of them.
func contents() (first, second []byte) {
	return bytes.Repeat([]byte{'1'}, 10_000), bytes.Repeat([]byte{'2'}, 7_001)
}

// operations are the ways in which a file gets new content under its name.
func operations() map[string]func(path string, content []byte) error {
	return map[string]func(path string, content []byte) error{
		"WriteFile": func(path string, content []byte) error {
			return durable.WriteFile(path, content, mode)
		},
		"Create": func(path string, content []byte) error {
			return durable.Create(path, content, mode)
		},
		"Commit": func(path string, content []byte) error {
			file, err := os.OpenFile(durable.Temporary(path), os.O_RDWR|os.O_CREATE|os.O_TRUNC, mode)
			if err == nil {
				_, err = file.Write(content)
			}
			if err != nil {
				return err
			}
			return durable.Commit(file, path)
		},
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return content
}

// begin makes a file with old content, but where an operation never replaces one.
func begin(t *testing.T, operation string) (path string, old []byte) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "file")
	if operation == "Create" {
		return path, nil
	}
	old, _ = contents()
	if err := durable.WriteFile(path, old, mode); err != nil {
		t.Fatal(err)
	}
	return path, old
}

// TestStepFails fails each step of each operation: the old content or the new stands, as the error
// says; nothing is left over; and the next attempt succeeds.
func TestStepFails(t *testing.T) {
	for name, operation := range operations() {
		for _, step := range durable.Steps() {
			if name == "Commit" && step == durable.BeforeWrite {
				continue // its caller writes
			}
			t.Run(name+"/"+string(step), func(t *testing.T) {
				path, old := begin(t, name)
				_, content := contents()
				heal := durabletest.Fail(t, filepath.Dir(path), step)
				err := operation(path, content)
				if failed := heal(); failed != 1 || !errors.Is(err, durabletest.ErrInjected) {
					t.Fatalf("failed %d times with %v", failed, err)
				}
				want := old
				if errors.Is(err, durable.ErrUnsynced) {
					want = content
				}
				unsynced := step == durable.BeforeFolder || step == durable.Done
				if errors.Is(err, durable.ErrUnsynced) != unsynced || !bytes.Equal(read(t, path), want) {
					t.Errorf("%d bytes stand after %v", len(read(t, path)), err)
				}
				if _, err := os.Lstat(durable.Temporary(path)); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("left over: %v", err)
				}
				err = operation(path, content)
				if name == "Create" && unsynced {
					if !errors.Is(err, fs.ErrExist) {
						t.Errorf("a second Create replaces: %v", err)
					}
				} else if err != nil || !bytes.Equal(read(t, path), content) {
					t.Errorf("the next attempt: %v", err)
				}
			})
		}
	}
}

// TestPowerCut cuts the power at each step of each operation, with all that is not on stable
// storage kept and lost: what stands is old or new, new once the operation is done, and what the
// cut has left over is in nobody's way.
func TestPowerCut(t *testing.T) {
	for name, operation := range operations() {
		for _, cut := range durabletest.Cuts() {
			if name == "Commit" && cut.Step == durable.BeforeWrite {
				continue
			}
			t.Run(name+"/"+cut.Name, func(t *testing.T) {
				path, old := begin(t, name)
				_, content := contents()
				if !cut.Run(t, filepath.Dir(path), func() { _ = operation(path, content) }) {
					t.Fatal("was not cut")
				}
				want := old
				if cut.Step == durable.Done || cut.Step == durable.BeforeFolder && !cut.Lost {
					want = content
				}
				if got := read(t, path); !bytes.Equal(got, want) {
					t.Fatalf("%d bytes stand, want %d", len(got), len(want))
				}
				first, _ := contents()
				if err := durable.WriteFile(path, first, mode); err != nil {
					t.Fatal(err)
				}
				if got := read(t, path); !bytes.Equal(got, first) {
					t.Errorf("after the next write: %d bytes", len(got))
				}
				entries, err := os.ReadDir(filepath.Dir(path))
				if err != nil || len(entries) != 1 {
					t.Errorf("left over: %v (%v)", entries, err)
				}
			})
		}
	}
}

// TestCreateKeepsWhatIsThere also where a crash has left the file a second name: to write through
// that one would destroy it.
func TestCreateKeepsWhatIsThere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	first, second := contents()
	if err := durable.Create(path, first, mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(path, durable.Temporary(path)); err != nil {
		t.Fatal(err)
	}
	if err := durable.Create(path, second, mode); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a second Create: %v", err)
	}
	if !bytes.Equal(read(t, path), first) {
		t.Error("the first content is gone")
	}
}

// TestLeftoverOfAnother shows that what lies under the temporary name lends the file nothing: not
// its mode, and not the place that it links to.
func TestLeftoverOfAnother(t *testing.T) {
	dir := t.TempDir()
	path, elsewhere := filepath.Join(dir, "file"), filepath.Join(dir, "elsewhere")
	if err := os.WriteFile(elsewhere, []byte("precious"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(elsewhere, durable.Temporary(path)); err != nil {
		t.Fatal(err)
	}
	if err := durable.WriteFile(path, []byte("secret"), mode); err != nil {
		t.Fatal(err)
	}
	info, err := os.Lstat(path)
	if err != nil || info.Mode() != mode {
		t.Errorf("mode %v, want %v (%v)", info.Mode(), fs.FileMode(mode), err)
	}
	if got := read(t, elsewhere); string(got) != "precious" {
		t.Errorf("what the leftover linked to is now %q", got)
	}
}

// TestSync fails before the sync and after it: what was written is there for who reads now, and
// the caller is told that it may not last.
func TestSync(t *testing.T) {
	for _, step := range []durable.Step{durable.BeforeSync, durable.Done} {
		dir := t.TempDir()
		file, err := os.Create(filepath.Join(dir, "file"))
		if err != nil {
			t.Fatal(err)
		}
		heal := durabletest.Fail(t, dir, step)
		if err := durable.Sync(file); !errors.Is(err, durabletest.ErrInjected) {
			t.Errorf("%s: %v", step, err)
		}
		heal()
		if err := errors.Join(durable.Sync(file), file.Close()); err != nil {
			t.Errorf("healed: %v", err)
		}
	}
}

// TestInjectKeepsToItsFolder: a test beside this one, in another folder, meets no fault of ours.
func TestInjectKeepsToItsFolder(t *testing.T) {
	dir := t.TempDir()
	mine, other := filepath.Join(dir, "a"), filepath.Join(dir, "ab")
	for _, folder := range []string{mine, other} {
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	var seen []durable.Step
	remove := durable.Inject(mine, func(step durable.Step, _ string) error {
		seen = append(seen, step)
		return nil
	})
	for _, folder := range []string{mine, other} {
		if err := durable.WriteFile(filepath.Join(folder, "file"), nil, mode); err != nil {
			t.Fatal(err)
		}
	}
	remove()
	if err := durable.WriteFile(filepath.Join(mine, "file"), nil, mode); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(seen, durable.Steps()) {
		t.Errorf("steps seen: %v", seen)
	}
}

// TestMakeFolder cuts the power while two folders are made: each is there or not, and the next call
// makes what is missing.
func TestMakeFolder(t *testing.T) {
	for _, cut := range durabletest.Cuts() {
		if cut.Step == durable.BeforeSync || cut.Step == durable.BeforeRename {
			continue // a folder has no content
		}
		t.Run(cut.Name, func(t *testing.T) {
			above := filepath.Join(t.TempDir(), "above")
			inner := filepath.Join(above, "inner")
			again := func() error { return durable.MakeFolder(inner, 0o700) }
			if !cut.Run(t, filepath.Dir(above), func() { _ = again() }) {
				t.Fatal("was not cut")
			}
			there := cut.Step == durable.Done || cut.Step == durable.BeforeFolder && !cut.Lost
			if _, err := os.Stat(above); errors.Is(err, fs.ErrNotExist) == there {
				t.Errorf("the folder above: %v", err)
			}
			if err := again(); err != nil {
				t.Fatal(err)
			}
			if info, err := os.Stat(inner); err != nil || !info.IsDir() {
				t.Errorf("the inner folder: %v", err)
			}
			if err := again(); err != nil {
				t.Errorf("a folder that is there: %v", err)
			}
		})
	}
}

// TestMakeFolderOverAFile refuses, and leaves the file.
func TestMakeFolderOverAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := durable.WriteFile(path, []byte("precious"), mode); err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{path, filepath.Join(path, "inner")} {
		if err := durable.MakeFolder(folder, 0o700); err == nil {
			t.Errorf("made %s", folder)
		}
	}
	if got := read(t, path); string(got) != "precious" {
		t.Errorf("the file holds %q", got)
	}
}
