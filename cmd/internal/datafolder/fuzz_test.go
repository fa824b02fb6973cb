package datafolder_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"cakupan/eventstore/inspect"
)

// patched returns content with other bytes in a place, or these bytes alone where there is none.
func patched(content []byte, place int, patch []byte) []byte {
	if place < 0 || place >= len(content) {
		return patch
	}
	changed := bytes.Clone(content)
	copy(changed[place:], patch)
	return changed
}

// FuzzFile inspects files of every kind with any bytes in any place. Where checksums cover all of
// a kind, nothing else than what was written is whole; what nothing proves never is. A projection
// is a database whose pages end in bytes that nobody reads: they may be anything.
func FuzzFile(f *testing.F) {
	files := ones(f)
	for i := range files {
		f.Add(i, -1, []byte{})
		f.Add(i, 0, []byte{0xff})
		f.Add(i, len(files[i].content)/2, []byte{1, 2, 3, 4})
	}
	f.Fuzz(func(t *testing.T, which, place int, patch []byte) {
		one := files[uint(which)%uint(len(files))]
		if len(one.content) > 1<<20 {
			one.content = one.content[:1<<18] // of a database the first pages, to be quick
		}
		content := patched(one.content, place, patch)
		r := look(t, put(t, t.TempDir(), filepath.Base(one.name), content)).Files[0]
		same := bytes.Equal(content, one.content)
		whole := r.State == inspect.Whole
		switch one.kind {
		case "index", "pubsub", "frame":
			if whole != same {
				t.Errorf("unchanged %t: %+v", same, r)
			}
		case "lock", "projection":
		default:
			if whole && (!same || one.state != inspect.Whole) {
				t.Errorf("unchanged %t: %+v", same, r)
			}
		}
	})
}

// FuzzStream inspects a log with any bytes in any place of its block.
func FuzzStream(f *testing.F) {
	stream := makeLog(f, f.TempDir())
	path := filepath.Join(stream, "msgs/1.blk")
	sound, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(0, []byte{0xff, 0xff, 0xff, 0xff})
	f.Add(20, []byte{0xff, 0xff})
	f.Add(-1, []byte{})
	f.Fuzz(func(t *testing.T, place int, patch []byte) {
		content := patched(sound, place, patch)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		r := look(t, stream).Files[0]
		if whole := bytes.Equal(content, sound); (r.State == inspect.Whole) != whole {
			t.Errorf("changed %t: %+v", !whole, r)
		}
	})
}
