package writer_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"cakupan/eventstore/index"
	"cakupan/eventstore/writer"
)

// patience is how long a busy machine may take for what is made in the background.
const patience = 2 * time.Minute

// TestIndexDamagedInUse damages the files of the index while the writer uses it: whoever sends an
// event again is told that the index is damaged or that the event is there, never that it is new;
// and the writer renews the index by itself, from the log.
func TestIndexDamagedInUse(t *testing.T) {
	const events = 140_000 // more than a table of the index holds
	l := newLedger(t, newMemlog()).open()
	for from := 0; from < events; from += 10_000 {
		l.append(entries(fmt.Sprintf("e%d-", from), 10_000)...)
	}
	again := entries("e0-", 3)
	damages := map[string]func(content []byte) []byte{
		"wrong bits": func(content []byte) []byte {
			for i := range content {
				content[i] ^= 0x40
			}
			return content
		},
		"zeros":   func(content []byte) []byte { return make([]byte, len(content)) },
		"cut off": func(content []byte) []byte { return content[:64] },
	}
	for what, damage := range damages {
		l.restart() // which waits for the file that is being written, and uses it then
		wreckIndex(t, l.dir, damage)
		untilRenewed(t, what, l, again)
		fresh := l.append(entry("new after "+what, 1), again[1])
		if fresh[0].Status != "appended" || outcome(fresh[1]) != "duplicate 2" {
			t.Errorf("%s: then %s", what, outcomes(fresh))
		}
	}
	if stored, _ := check(t, l.log); len(stored) != events+len(damages) {
		t.Errorf("%d events, want %d", len(stored), events+len(damages))
	}
	l.restart()
	expect(t, "after a restart", l.append(again...), "duplicate 1", "duplicate 2", "duplicate 3")
}

// wreckIndex damages all files of an index, in place.
func wreckIndex(t *testing.T, dir string, damage func(content []byte) []byte) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.run"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("files of the index: %v, %v", paths, err)
	}
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		file, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err == nil {
			content = damage(content)
			_, failed := file.WriteAt(content, 0)
			err = errors.Join(failed, file.Truncate(int64(len(content))), file.Close())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// untilRenewed appends entries that are there until the index has been found damaged, and answers
// again.
func untilRenewed(t *testing.T, what string, l *ledger, entries []writer.Entry) {
	t.Helper()
	noticed := false
	for until := time.Now().Add(patience); ; {
		results, err := l.writer.Append(t.Context(), entries, writer.AppendOptions{})
		switch {
		case err == nil:
			expect(t, what, results, "duplicate 1", "duplicate 2", "duplicate 3")
		case !errors.Is(err, index.ErrDamaged):
			t.Fatal(err)
		}
		for _, r := range results {
			if r.Status == "appended" {
				t.Fatalf("%s: taken for new: %s", what, outcomes(results))
			}
		}
		if noticed = noticed || err != nil; noticed && err == nil || t.Failed() {
			return
		}
		if time.Now().After(until) {
			t.Fatalf("%s: noticed %v, %v", what, noticed, err)
		}
	}
}
