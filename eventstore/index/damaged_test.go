package index_test

import (
	"errors"
	"math/rand/v2"
	"os"
	"testing"

	"cakupan/eventstore/index"
)

// TestDamages damages runs in place, by a seed: a bit, some zeros, the end, all of it; while the
// index is in use and while it is not. What a lookup finds is right, or the index says that it is
// damaged, and is right again when it is renewed.
func TestDamages(t *testing.T) {
	if testing.Short() {
		t.Skip("long in one goroutine")
	}
	const events = 6000
	damages := uint64(60)
	if os.Getenv("CAKUPAN_LONG") != "" {
		damages = 1000
	}
	found := map[bool]int{}
	for seed := range damages {
		rng := rand.New(rand.NewPCG(seed, 3))
		dir := t.TempDir()
		x := open(t, dir)
		fill(t, x, events)
		x.Quiet()
		inUse := seed%2 == 1
		if !inUse {
			if err := x.Close(); err != nil {
				t.Fatal(err)
			}
		}
		files := runFiles(t, dir)
		spoil(t, files[rng.IntN(len(files))], rng)
		if !inUse {
			x = open(t, dir)
			found[inUse] = found[inUse] + len(x.Dropped())
			fill(t, x, events)
		}
		if err := lookUp(x, 1); errors.Is(err, index.ErrDamaged) {
			found[inUse]++
			if err := x.Renew(); err != nil {
				t.Fatal(err)
			}
			fill(t, x, events)
			x.Renewed()
			x.Quiet()
		}
		if err := lookUp(x, 1); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
	if found[false] == 0 || found[true] == 0 {
		t.Errorf("%v damages were found: too few to tell", found)
	}
}

// spoil damages a file in place.
func spoil(t *testing.T, path string, rng *rand.Rand) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := rng.IntN(len(content))
	switch rng.IntN(6) {
	default:
		content[at] ^= 1 << rng.IntN(8)
	case 3:
		clear(content[at:min(at+4096, len(content))])
	case 4:
		content = content[:at]
	case 5:
		clear(content)
	}
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err == nil {
		_, failed := file.WriteAt(content, 0)
		err = errors.Join(file.Truncate(int64(len(content))), failed, file.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
}
