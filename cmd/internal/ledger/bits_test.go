package ledger

import (
	"bytes"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cakupan/cmd/internal/folder"
	"cakupan/cmd/internal/problem"
)

// Of each file so many bits are flipped in the short form, and in the long one, which comes to a
// thousand of the eight files.
const (
	bitsOfFile     = 2
	bitsOfFileLong = 125
)

// TestBits flips one bit after the other of every file of the embedded server and serves the folder:
// either nothing is lost, or it is said that something is, and what to do. Nothing panics.
func TestBits(t *testing.T) {
	if testing.Short() {
		t.Skip("long in one goroutine")
	}
	pristine := newDamageable(t)
	each := bitsOfFile
	if os.Getenv("CAKUPAN_LONG") != "" {
		each = bitsOfFileLong
	}
	random := rand.New(rand.NewPCG(1, 2))
	root := filepath.Join(pristine, folder.NATS)
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(pristine, path)
		if err != nil {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for range each {
			if len(content) == 0 {
				return nil
			}
			bit := random.IntN(8 * len(content))
			t.Run(name, func(t *testing.T) { testBit(t, pristine, name, bit) })
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// testBit flips one bit of a file of a copy.
func testBit(t *testing.T, pristine, name string, bit int) {
	dir := filepath.Join(t.TempDir(), "data")
	copyFolder(t, pristine, dir)
	path := filepath.Join(dir, name)
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	content[bit/8] ^= 1 << (bit % 8)
	if err := os.WriteFile(path, content, folder.FileMode); err != nil {
		t.Fatal(err)
	}
	l, err := Open(t.Context(), Options{Dir: dir})
	if err != nil {
		text := err.Error()
		if problem.From(err).Code != problem.LogDamaged || strings.Contains(text, "has lost its log") {
			t.Errorf("bit %d: refused with %v", bit, err)
		}
		return
	}
	defer func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}()
	report, err := l.Verify(t.Context(), nil)
	switch {
	case err != nil:
		t.Errorf("bit %d: verify: %v", bit, err)
	case !report.OK: // it is said
	case report.Events != damageFrames*damageEvents:
		t.Errorf("bit %d: silent: %d events", bit, report.Events)
	}
	if report.OK && strings.Contains(name, "meta.") {
		healed, err := os.ReadFile(path)
		whole, other := os.ReadFile(filepath.Join(pristine, name))
		if err != nil || other != nil || !bytes.Equal(healed, whole) {
			t.Errorf("bit %d: %s is not what it was: %v %v", bit, name, err, other)
		}
	}
}
