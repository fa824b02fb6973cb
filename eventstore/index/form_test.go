package index_test

import (
	"os"
	"path/filepath"
	"testing"

	"cakupan/eventstore/index"
)

// secret is the one of the tests' short indexes.
var secret = [16]byte{15: 9}

func openShort(t testing.TB, dir string, limit int, secret [16]byte) *index.Index {
	t.Helper()
	x, err := index.OpenSmallShort(dir, ledger, limit, secret)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := x.Close(); err != nil {
			t.Error(err)
		}
	})
	return x
}

// TestShort looks up what a short index keeps, through merges and starts, at each of which another
// secret is proposed: the one of the folder stays.
func TestShort(t *testing.T) {
	dir := t.TempDir()
	for start, last := range []uint64{1, 4000, 4096, 12_000, 50_000} {
		x := openShort(t, dir, limit, [16]byte{byte(start)})
		fill(t, x, last)
		check(t, x, 3)
		x.Quiet()
		check(t, x, 7)
		if err := x.Close(); err != nil {
			t.Fatal(err)
		}
	}
	sizes, entries := int64(0), int64(0)
	for _, path := range runFiles(t, dir) {
		info, err := os.Stat(path)
		r, failed := index.Inspect(path)
		if err != nil || failed != nil {
			t.Fatal(err, failed)
		}
		sizes, entries = sizes+info.Size()-4096, entries+int64(r.Entries)
	}
	if perEntry := float64(sizes) / float64(entries); perEntry > 25 {
		t.Errorf("%.1f bytes an entry", perEntry)
	}
}

// TestShortTellsDigestsApart: what is kept of a digest is of all its bits, and of the secret.
func TestShortTellsDigestsApart(t *testing.T) {
	one, other := openShort(t, t.TempDir(), limit, secret), openShort(t, t.TempDir(), limit, [16]byte{1})
	seen := map[index.Digest]int{}
	for bit := range 8*len(index.Digest{}) + 1 {
		var d index.Digest
		if bit > 0 {
			d[(bit-1)/8] = 1 << ((bit - 1) % 8)
		}
		kept := one.Kept(d)
		if before, there := seen[kept]; there {
			t.Errorf("bits %d and %d are kept alike", before, bit)
		}
		if seen[kept] = bit; kept == other.Kept(d) {
			t.Errorf("bit %d is kept alike under two secrets", bit)
		}
	}
}

// TestOtherForm opens a folder of the other form, and one with a run of another secret in it: what
// does not belong there is dropped, and read from the log again.
func TestOtherForm(t *testing.T) {
	dir, copied := t.TempDir(), t.TempDir()
	whole := open(t, dir)
	fill(t, whole, 3*limit)
	whole.Quiet()
	if err := whole.Close(); err != nil {
		t.Fatal(err)
	}
	x := openShort(t, dir, limit, secret)
	if x.Last() != 0 {
		t.Errorf("short entries after event %d of whole ones", x.Last())
	}
	fill(t, x, 3*limit)
	x.Quiet()
	check(t, x, 5)
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}

	other := openShort(t, copied, limit, [16]byte{1})
	fill(t, other, 3*limit)
	other.Quiet()
	files := runFiles(t, dir)
	last := files[len(files)-1]
	content, err := os.ReadFile(filepath.Join(copied, filepath.Base(last)))
	if err == nil {
		err = os.WriteFile(last, content, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	x = openShort(t, dir, limit, secret)
	if x.Last() == 0 || uint64(x.Last()) > 2*limit {
		t.Errorf("it goes on after event %d, beside a run of another secret", x.Last())
	}
	fill(t, x, 3*limit)
	check(t, x, 5)
}
