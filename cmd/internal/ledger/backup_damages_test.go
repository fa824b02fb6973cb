package ledger

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"cakupan/cmd/internal/backups"
	"cakupan/cmd/internal/folder"
	"cakupan/cmd/internal/problem"
)

// TestBackupDamages damages the files of a backup, a whole one and an increment, takes one away, puts
// another ledger's or yesterday's in its place, and names one twice. Whatever it is: it is refused with
// what to do and no folder is made, or what is restored says of itself how far it goes, and is whole.
func TestBackupDamages(t *testing.T) {
	if testing.Short() {
		t.Skip("long in one goroutine")
	}
	tries := 60
	if os.Getenv("CAKUPAN_LONG") != "" {
		tries = 1000
	}
	ours, theirs := backedUp(t, 12), backedUp(t, 12)
	restored := 0
	for seed := range tries {
		random := rand.New(rand.NewPCG(uint64(seed), 12))
		files := slices.Clone(ours[:2])
		which := random.IntN(len(files))
		how := []string{
			harmBit, harmBit, harmZeros, harmCut, harmLonger, harmEmpty, harmSwapped, harmMissing,
			harmForeign, harmTwice, harmOlder,
		}[random.IntN(11)]
		switch how {
		case harmForeign:
			files[which] = theirs[which]
		case harmTwice:
			files = slices.Insert(files, which, files[which])
		case harmOlder: // the increment of before; of the whole one there is none
			files[1] = ours[2]
		default:
			files[which] = spoiled(t, mishap{how: how, seed: uint64(seed)}, files[which])
		}
		dir := filepath.Join(t.TempDir(), "restored")
		chain, err := backups.Restore(t.Context(), backups.RestoreOptions{Files: files, Dir: dir})
		name := fmt.Sprintf("%s of file %d, seed %d", how, which, seed)
		if err == nil {
			restored++
			if how != harmOlder || chain.End.Events != 8 {
				t.Errorf("SILENT: %s: up to event %d", name, chain.End.Events)
			}
			continue
		}
		if p := problem.From(err); p.Code == problem.Internal || p.Detail == "" {
			t.Errorf("%s: says not what it is: %v", name, err)
		}
		if _, err := os.Lstat(dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: a folder was made: %v", name, err)
		}
	}
	if restored == 0 || restored == tries {
		t.Errorf("%d of %d were restored", restored, tries)
	}
}

// backedUp returns a whole backup of a ledger with half of so many persons, an increment with the
// others, and an older one with a third of these.
func backedUp(t *testing.T, persons int) []string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	take := func(until int) {
		submitPersons(t, dir, 0, until)
	}
	take(persons / 2)
	l := openToTest(t, Options{Dir: dir})
	whole, end := takeBackup(t, l, nil)
	closeNow(t, l)
	take(persons * 2 / 3)
	l = openToTest(t, Options{Dir: dir})
	older, _ := takeBackup(t, l, &end)
	closeNow(t, l)
	take(persons)
	l = openToTest(t, Options{Dir: dir})
	newest, _ := takeBackup(t, l, &end)
	return []string{whole, newest, older}
}

// spoiled returns a damaged copy of a file, or where there is none.
func spoiled(t *testing.T, h mishap, path string) string {
	t.Helper()
	copied := filepath.Join(t.TempDir(), "backup")
	if h.how == harmMissing {
		return copied
	}
	was, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	is := h.change(slices.Clone(was))
	if slices.Equal(is, was) { // zeros over zeros
		is = is[:len(is)-1]
	}
	if err := os.WriteFile(copied, is, folder.FileMode); err != nil {
		t.Fatal(err)
	}
	return copied
}
