package projtest

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cakupan/eventstore/golden"
	"cakupan/eventstore/inspect"
)

// Golden compares what the closed file of a projection holds with what the golden file of that name
// does, and returns a copy of this, as a program of another day has left it. With -update the
// golden file is made of the file. How bbolt lays out its pages is its own affair.
//
// The copy is for the test to open: an older one must be read, or rebuilt without a question. It
// lies in a folder of the test's own, under the name of the file, because a projection is found by
// its name. Path must not be open by anybody.
func Golden(t *testing.T, path, name string) (kept string) {
	t.Helper()
	golden.Make(t, name, func() []byte {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return content
	})
	kept = filepath.Join(t.TempDir(), filepath.Base(path))
	golden.Copy(t, name, kept)
	if got, want := holds(t, path), holds(t, kept); got != want {
		t.Errorf("the file holds\n%s\nwant\n%s", got, want)
	}
	return kept
}

// holds returns what a file holds: of each key the beginning of the value's SHA-256.
//
// Values are compared by their sums, so that a difference is a line that can be read: which bucket
// and key it is in, and how long the value was.
func holds(t *testing.T, path string) string {
	t.Helper()
	var text strings.Builder
	err := inspect.ReadBolt(path, func(b *inspect.Bolt) error {
		text.Reset() // it may be read again
		return b.Walk(func(bucket string, key, value []byte) error {
			if bucket == "checked" {
				return nil // says how many transactions there were, which depends on the pace
			}
			sum := sha256.Sum256(value)
			_, err := fmt.Fprintf(&text, "%s %q %d %.8x\n", bucket, key, len(value), sum)
			return err
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return text.String()
}
