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
	dirs := map[bool]string{false: f.TempDir(), true: f.TempDir()}
	opens := map[bool]func(dir string) (*index.Index, error){
		false: func(dir string) (*index.Index, error) { return index.OpenSmall(dir, ledger, limit) },
		true: func(dir string) (*index.Index, error) {
			return index.OpenSmallShort(dir, ledger, limit, secret)
		},
	}
	name, goods := "", map[bool][]byte{}
	for short, dir := range dirs {
		x, err := opens[short](dir)
		if err != nil {
			f.Fatal(err)
		}
		fill(f, x, limit+1)
		x.Quiet()
		path := runFiles(f, dir)[0]
		name = filepath.Base(path)
		if goods[short], err = os.ReadFile(path); err != nil {
			f.Fatal(err)
		}
		if err := x.Close(); err != nil {
			f.Fatal(err)
		}
		f.Add(short, 0, []byte{})
		f.Add(short, 0, []byte("CKIX\x00\x00\x00\x02"))
		f.Add(short, 48, []byte{0, 0, 0, 0, 0, 0, 0, 2})
		f.Add(short, 71, []byte{0, 5})
		f.Add(short, 4100, []byte{1, 2, 3})
		f.Add(short, len(goods[short])-2, []byte{1, 2, 3})
	}
	f.Fuzz(func(t *testing.T, short bool, place int, patch []byte) {
		dir := t.TempDir()
		data := append([]byte(nil), goods[short]...)
		if place >= 0 && place < len(data) {
			copy(data[place:], patch)
		} else {
			data = patch
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
		x, err := opens[short](dir)
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
