package history_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"cakupan/eventstore"
	"cakupan/eventstore/golden"
	"cakupan/eventstore/memlog"
	"cakupan/projections"
	"cakupan/projections/history"
	"cakupan/projections/projtest"
)

// goldenEvents is how many events the golden files are of: runs of all kinds at their small size.
const goldenEvents = 150

func goldenName(version uint32) string { return fmt.Sprintf("history-v%d.db.gz", version) }

// goldenLog returns the log that golden files are made of.
func goldenLog(t *testing.T, events []projections.Event) *memlog.Log {
	t.Helper()
	log := memlog.New(eventstore.Identity{Ledger: strings.Repeat("ab", 16), Created: 7})
	if err := projtest.AppendOld(log, events, 21, 7); err != nil {
		t.Fatal(err)
	}
	return log
}

// fold opens a file over the log, with all of it, and closes it behind check.
func fold(t *testing.T, log eventstore.Log, path string, check func(*history.Projection)) error {
	t.Helper()
	r, err := projections.OpenSimple(t.Context(), projections.NewFeed(log),
		projections.File{Path: path}, time.Second, history.NewSmall)
	if err != nil {
		return err
	}
	if err = r.CatchUp(t.Context(), goldenEvents, nil); err == nil {
		check(r.Projection())
	}
	return errors.Join(err, r.Close())
}

// TestGolden makes the file that programs of this version make of a log, and answers from one that
// another day's program made. How bbolt lays out its pages is its own affair. With a new version,
// run it once with -update, and keep the file of the old one: see the next test.
func TestGolden(t *testing.T) {
	events := listed(21, goldenEvents)
	log := goldenLog(t, events)
	path := filepath.Join(t.TempDir(), "history.db")
	version := uint32(0)
	answers := func(p *history.Projection) {
		version = p.Version()
		for _, s := range subjects(events) {
			var want []eventstore.Sequence
			for i := range events {
				if names(s, &events[i]) {
					want = append(want, events[i].Sequence)
				}
			}
			if got := inParts(t, p, s, 1, goldenEvents); !slices.Equal(got, want) {
				t.Errorf("%v: %v, want %v", s, got, want)
			}
		}
	}
	if err := fold(t, log, path, answers); err != nil {
		t.Fatal(err)
	}
	kept := projtest.Golden(t, path, goldenName(version))
	if err := fold(t, log, kept, answers); err != nil {
		t.Errorf("a file as it was written before: %v", err)
	}
}

// TestGoldenOutdated opens files of all versions: those of others are known for what they are, and
// rebuilt by whoever opens them.
func TestGoldenOutdated(t *testing.T) {
	log := goldenLog(t, listed(21, goldenEvents))
	files, err := filepath.Glob("testdata/history-v*.db.gz")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d golden files, %v", len(files), err)
	}
	for _, file := range files {
		path := filepath.Join(t.TempDir(), "history.db")
		golden.Copy(t, filepath.Base(file), path)
		err := fold(t, log, path, func(p *history.Projection) {
			if current := goldenName(p.Version()); current != filepath.Base(file) {
				t.Errorf("%s is taken for version %d", file, p.Version())
			}
		})
		if err != nil && !errors.Is(err, projections.ErrOutdated) {
			t.Errorf("%s: %v", file, err)
		}
	}
}
