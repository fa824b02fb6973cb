package coverage_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"cakupan/eventstore"
	"cakupan/eventstore/golden"
	"cakupan/eventstore/memlog"
	"cakupan/projections"
	"cakupan/projections/checked"
	"cakupan/projections/coverage"
	"cakupan/projections/projtest"
)

// The golden files are made of this history, whose answers others have worked out.
const goldenVector = "bone-bolango"

// goldenLog returns a log of the history, in frames of three events and of version 1, as it was
// when the first files were made: a file knows the last frame by its bytes.
func goldenLog(t testing.TB, history []Recorded) eventstore.Log {
	t.Helper()
	log := memlog.New(eventstore.Identity{Ledger: strings.Repeat("ab", 16), Created: 7})
	tail := eventstore.Tail{}
	for from := 0; from < len(history); from += 3 {
		frame, err := frameOf(history, from, min(from+3, len(history)))
		if err == nil {
			tail, err = log.Append(t.Context(), projtest.OldFrame(frame.Raw()), tail)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return log
}

// fold opens a file over the log and follows the log to its end; the file is closed behind check.
func fold(t testing.TB, log eventstore.Log, path string, check func(*coverage.Projection)) error {
	t.Helper()
	r, err := projections.Open[*coverage.Projection, coverage.Batch](t.Context(), log,
		projections.File{Path: path}, coverage.New)
	if err != nil {
		return err
	}
	_, tail, err := log.Last(t.Context())
	if err != nil {
		return errors.Join(err, r.Close())
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	err = r.Wait(t.Context(), tail.Sequence)
	stop() // it commits
	err = errors.Join(err, <-ended)
	if err == nil {
		check(r.Projection())
	}
	return errors.Join(err, r.Close())
}

func goldenName(version uint32) string { return fmt.Sprintf("files/coverage-v%d.db.gz", version) }

// TestGolden folds the history into the file that programs of this version make of it, and answers
// from one that another day's program made. How bbolt lays out its pages is its own affair. With
// a new version, run it once with -update, and keep the file of the old one: see the next test.
func TestGolden(t *testing.T) {
	v := readVector(t, goldenVector)
	log := goldenLog(t, v.history)
	path := filepath.Join(t.TempDir(), "coverage.db")
	version := uint32(0)
	answers := func(p *coverage.Projection) {
		version = p.Version()
		s := (&production{p: p}).subject()
		for i, q := range v.queries {
			got, err := s.answer(q)
			if err != nil {
				t.Fatal(err)
			}
			v.check(t, i, got)
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

// TestGoldenOutdated opens files of all other versions: each is known for what it is, and rebuilt
// by whoever opens it.
func TestGoldenOutdated(t *testing.T) {
	if testing.Short() {
		t.Skip("long in one goroutine")
	}
	log := goldenLog(t, readVector(t, goldenVector).history)
	files, err := filepath.Glob("testdata/files/coverage-v*.db.gz")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d golden files, %v", len(files), err)
	}
	for _, file := range files {
		path := filepath.Join(t.TempDir(), "coverage.db")
		golden.Copy(t, "files/"+filepath.Base(file), path)
		err := fold(t, log, path, func(p *coverage.Projection) {
			if current := goldenName(p.Version()); filepath.Base(current) != filepath.Base(file) {
				t.Errorf("%s is taken for version %d", file, p.Version())
			}
		})
		if err != nil && !errors.Is(err, projections.ErrOutdated) {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// TestGoldenRuns keeps the bytes of runs of several levels, which only a long log has at its usual
// size: here pages and chunks are small.
func TestGoldenRuns(t *testing.T) {
	s, err := newProduction(t.TempDir(), coverage.NewSmall)
	if err != nil {
		t.Fatal(err)
	}
	history := Generate(17, 900)
	for from := 0; from < len(history); from += 10 {
		frame, err := frameOf(history, from, min(from+10, len(history)))
		if err == nil {
			err = apply(s.p, frame)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := s.store(); err != nil {
		t.Fatal(err)
	}
	levels := map[string]int{}
	var runs []byte
	err = s.db.View(func(tx *checked.Tx) error {
		for _, level := range []string{"1", "2", "3"} {
			b := tx.Bucket([]byte("runs")).Bucket([]byte(level))
			err := b.ForEach(func(key, value []byte) error {
				levels[level]++
				if level != "1" || key[3] == 0 { // of level 1 the first run
					runs = append(append(runs, key...), value...)
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err := errors.Join(err, s.db.Close()); err != nil {
		t.Fatal(err)
	}
	if levels["1"] == 0 || levels["2"] == 0 || levels["3"] == 0 {
		t.Fatalf("parts of runs of each level: %v", levels)
	}
	golden.Compare(t, "files/runs-v7.gz", runs)
}
