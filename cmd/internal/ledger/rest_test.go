package ledger

import (
	"os"
	"path/filepath"
	"testing"

	"cakupan/cmd/internal/folder"
	"cakupan/cmd/internal/problem"
)

// TestOlderProgram: what streams hold was noted, and then a program was at work that knows nothing of
// that note: what waited was taken in, more was looked up and refused. The log has gone on, which says
// so, and the note is written anew. Where the log has not, it is the stream that is another one.
func TestOlderProgram(t *testing.T) {
	if testing.Short() {
		t.Skip("long in one goroutine")
	}
	w := &world{dir: filepath.Join(t.TempDir(), "data")}
	note := filepath.Join(w.dir, folder.RestFile)
	read := func() []byte {
		t.Helper()
		content, err := os.ReadFile(note)
		if err != nil {
			t.Fatal(err)
		}
		return content
	}
	w.fill(t, 0)
	stale, waiting := read(), filepath.Join(t.TempDir(), "older")
	copyFolder(t, w.dir, waiting)
	w.fill(t, 1)
	newest := read()
	if err := os.WriteFile(note, stale, folder.FileMode); err != nil {
		t.Fatal(err)
	}
	closeNow(t, openAt(t, w.dir))
	if is := read(); string(is) != string(newest) {
		t.Errorf("noted is %s, was %s", is, newest)
	}
	// The streams of before, under the note and the log of now.
	for _, name := range []string{"CAKUPAN_INTAKE", "CAKUPAN_REFUSED", "CAKUPAN_LOOKUPS"} {
		damaged := filepath.Join(t.TempDir(), "damaged")
		copyFolder(t, w.dir, damaged)
		path := filepath.Join("jetstream", "$G", "streams", name)
		copyFolder(t, filepath.Join(waiting, folder.NATS, path), filepath.Join(damaged, folder.NATS, path))
		if _, err := Open(t.Context(), Options{Dir: damaged}); problem.From(err).Code != problem.StreamLost {
			t.Errorf("%s of before: %v", name, err)
		}
	}
}
