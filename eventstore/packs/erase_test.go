package packs_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"cakupan/eventstore/packs"
)

// holds tells whether any file below a folder has the bytes.
func holds(t *testing.T, dir string, want []byte) (found bool) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		found = found || bytes.Contains(content, want)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// replace replaces a record by one with other data.
func (w *world) replace(number uint64, data string) {
	w.t.Helper()
	old, err := w.stream.Get(w.t.Context(), number)
	if err != nil {
		w.t.Fatal(err)
	}
	end, err := w.stream.Last(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.stream.Replace(w.t.Context(), old, []byte(data), end); err != nil {
		w.t.Fatal(err)
	}
}

// store stores a message as it is.
func (w *world) store(raw []byte) {
	w.t.Helper()
	if _, err := w.conn.Request("cakupan.vault", raw, time.Minute); err != nil {
		w.t.Fatal(err)
	}
}

// TestReplace takes a record's place, and that of its replacement: nothing is missed, and the old
// bytes are in no file any more.
func TestReplace(t *testing.T) {
	w := newWorld(t, t.TempDir())
	w.add(5)
	if !holds(t, w.dir, []byte("record 2")) {
		t.Fatal("record 2 is in no file")
	}
	w.replace(2, "second")
	w.replace(5, "fifth")
	w.replace(6, "third")
	want := []string{"1 record 1", "3 record 3", "4 record 4", "7 fifth for [5]", "8 third for [2 6]"}
	w.expect(1, want...)
	w.expect(2, want[1:]...)
	w.expect(7, want[3:]...)
	for number, there := range map[uint64]bool{1: true, 2: false, 5: false, 6: false, 8: true, 9: false} {
		_, err := w.stream.Get(t.Context(), number)
		if there != (err == nil) || err != nil && !errors.Is(err, packs.ErrNoRecord) {
			t.Errorf("record %d: %v", number, err)
		}
	}
	if err := w.stream.Erase(t.Context(), 2); err != nil {
		t.Errorf("erased once more: %v", err)
	}
	for restarted := range 2 {
		for _, gone := range []string{"record 2", "record 5", "second"} {
			if holds(t, w.dir, []byte(gone)) {
				t.Errorf("after %d restarts a file holds %q", restarted, gone)
			}
		}
		w.stop()
		w = newWorld(t, w.dir)
		w.expect(1, want...)
	}
}

// TestReplaceCutShort leaves both, as a crash between the two parts of Replace does.
func TestReplaceCutShort(t *testing.T) {
	w := newWorld(t, t.TempDir())
	end := w.add(3)
	old, err := w.stream.Get(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	r := packs.Record{Number: end.Number + 1, Replaces: []uint64{old.Number}, Data: []byte("new")}
	w.store(packs.Encode(r, [8]byte{}))
	both := []string{"1 record 1", "2 record 2", "3 record 3", "4 new for [2]"}
	w.expect(1, both...)
	if err := w.stream.Erase(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	w.expect(1, slices.Delete(both, 1, 2)...)
}

// TestNotErasable keeps the records of a stream that says so.
func TestNotErasable(t *testing.T) {
	w := newWorld(t, t.TempDir())
	conn, err := w.server.Connect()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	opts := packs.Options{Stream: "CAKUPAN_REGISTER", Subject: "cakupan.register"}
	stream, err := packs.Create(t.Context(), conn, opts, identity())
	if err != nil {
		t.Fatal(err)
	}
	end, err := stream.Append(t.Context(), []byte("x"), packs.End{})
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Erase(t.Context(), 1); !errors.Is(err, packs.ErrErasable) {
		t.Errorf("erased: %v", err)
	}
	if _, err := stream.Replace(t.Context(), packs.Record{Number: 1}, nil, end); !errors.Is(err, packs.ErrErasable) {
		t.Errorf("replaced: %v", err)
	}
}

// TestDamage names what is missing or is no record, in the middle and at the end.
func TestDamage(t *testing.T) {
	w := newWorld(t, t.TempDir())
	w.add(6)
	for _, number := range []uint64{2, 3, 5} {
		if err := w.stream.Erase(t.Context(), number); err != nil {
			t.Fatal(err)
		}
	}
	left := []string{"1 record 1", "4 record 4", "6 record 6"}
	w.expect(1, append(left, "damage 2-3", "damage 5-5")...)
	w.expect(3, append(left[1:], "damage 3-3", "damage 5-5")...)
	w.expect(6, "6 record 6")
	w.store([]byte("no record"))
	w.expect(6, "6 record 6", "damage 7-0")
	w.expect(7, "damage 7-0")
	var damage *packs.DamageError
	if _, err := w.stream.Last(t.Context()); !errors.As(err, &damage) || damage.From != 7 {
		t.Errorf("the end is %v", err)
	}
	for _, number := range []uint64{1, 4} {
		if _, err := w.stream.Get(t.Context(), number); err != nil {
			t.Error(err)
		}
	}
	again := packs.Encode(packs.Record{Number: 6, Data: []byte("again")}, [8]byte{})
	w.store(again)
	w.expect(6, "6 record 6", "damage 6-6", "damage 7-0")
}
