package index_test

import (
	"os"
	"path/filepath"
	"testing"

	"cakupan/eventstore/index"
)

// Whatever bytes a run has, opening does not fail, and what is found is complete: either the run
// is what was written, or it is gone.
func FuzzOpen(f *testing.F) {
	dir := f.TempDir()
	x := open(f, dir)
	fill(f, x, limit+1)
	x.Quiet()
	path := runFiles(f, dir)[0]
	good, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(0, []byte{})
	f.Add(0, []byte("CKIX\x00\x00\x00\x02"))
	f.Add(48, []byte{0, 0, 0, 0, 0, 0, 0, 2})
	f.Add(4100, []byte{1, 2, 3})
	f.Add(len(good)-2, []byte{1, 2, 3})
	f.Fuzz(func(t *testing.T, place int, patch []byte) {
		dir := t.TempDir()
		data := append([]byte(nil), good...)
		if place >= 0 && place < len(data) {
			copy(data[place:], patch)
		} else {
			data = patch
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(path)), data, 0o600); err != nil {
			t.Fatal(err)
		}
		x, err := index.OpenSmall(dir, ledger, limit)
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := x.Close(); err != nil {
				t.Error(err)
			}
		}()
		if x.Last() != 0 {
			check(t, x, 1009)
		}
	})
}
