package ledger

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cakupan/cmd/internal/folder"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/projections/coverage"
)

// TestDerivedDamage damages the projections of a ledger while it is served, and has it verify
// itself, answer, and replace them: it says what is wrong, and is well again without a restart.
func TestDerivedDamage(t *testing.T) {
	if testing.Short() {
		t.Skip("long in one goroutine")
	}
	pristine := newDamageable(t)
	for seed := range uint64(4) {
		dir := filepath.Join(t.TempDir(), "data")
		copyFolder(t, pristine, dir)
		rng := rand.New(rand.NewPCG(seed, 5))
		path := filepath.Join(dir, folder.Views, coverage.Name+".db")
		if seed == 0 {
			wreck(t, path, rng) // while nobody has it open
		}
		l, err := Open(t.Context(), Options{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Serve(t.Context(), "http://127.0.0.1:9", time.Hour); err != nil {
			t.Fatal(err)
		}
		if seed > 0 {
			askUntilWell(t, l)
			wreck(t, path, rng)
		}
		if seed == 2 {
			result, err := l.Replay(t.Context(), ReplayOptions{Swap: true}, nil)
			if err != nil || result.Events != damageFrames*damageEvents {
				t.Errorf("replay: %+v, %v", result, err)
			}
		}
		if seed == 3 {
			checkCacheIsNamed(t, l)
		}
		submit(t, l, [][]byte{plainEvent(10_000)}) // something to commit
		askUntilWell(t, l)
		checkWell(t, l)
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
}

// wreck writes over most of a file, in place.
func wreck(t *testing.T, path string, rng *rand.Rand) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range content {
		content[i] ^= byte(rng.Uint32())
	}
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err == nil {
		_, err = file.WriteAt(content, 0)
		err = errors.Join(err, file.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// askUntilWell asks until there is an answer. It is the right one; until then it is told to ask
// again.
func askUntilWell(t *testing.T, l *Ledger) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		view, err := l.View(t.Context(), 0)
		var answer coverage.Answer
		if err == nil {
			answer, err = view.Answer(coverage.Query{
				Region: region.Nation, On: temporal.Date(18_500), Known: damageFrames * damageEvents,
			})
		}
		switch {
		case err == nil && answer.Covered == damageFrames*damageEvents:
			return
		case err == nil || problem.From(err).Code != problem.ProjectionBehind:
			t.Fatalf("%+v, %v", answer, err)
		case time.Now().After(end):
			t.Fatal("it does not heal")
		}
	}
}

// checkWell waits until the ledger is well, and has it verify itself.
func checkWell(t *testing.T, l *Ledger) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		if health := l.Health(t.Context()); health.Status == HealthOK {
			break
		} else if time.Now().After(end) || !strings.Contains(health.Why, "anew") {
			t.Fatalf("health: %+v", health)
		}
	}
	report, err := l.Verify(t.Context(), nil)
	if err != nil || !report.OK || len(report.Caches) != 3 {
		t.Fatalf("verify: %+v, %v", report, err)
	}
	for _, c := range report.Caches {
		if !c.Matches {
			t.Errorf("%+v", c)
		}
	}
	for _, f := range report.Files {
		if f.damaged() || f.Cache && f.State != "whole" {
			t.Errorf("%+v", f)
		}
	}
}

// checkCacheIsNamed: a damaged cache is named and not held against the ledger.
func checkCacheIsNamed(t *testing.T, l *Ledger) {
	t.Helper()
	files, err := l.verifyFiles()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if strings.HasSuffix(f.Path, coverage.Name+".db") {
			if !f.Cache || !f.damaged() || f.Remedy == "" {
				t.Errorf("%+v", f)
			}
			return
		}
	}
	t.Errorf("the coverage is not among the files: %+v", files)
}
