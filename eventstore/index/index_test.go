package index_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"cakupan/domain/event"
	"cakupan/eventstore"
	"cakupan/eventstore/index"
	"cakupan/eventstore/merkle"
)

var ledger = eventstore.Identity{Ledger: strings.Repeat("ab", 16), Created: 7}

const (
	limit     = 4096 // entries of a table: the real 131,072 are for benchmarks
	frameSize = 50
)

// scramble is a bijection that makes consecutive numbers uniform (splitmix64).
func scramble(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// entry returns the entry of event n of the test's log.
func entry(n uint64) (e index.Entry) {
	binary.BigEndian.PutUint64(e.Key[:], scramble(n))
	binary.BigEndian.PutUint32(e.Key[8:], uint32(scramble(n+1<<40)))
	binary.BigEndian.PutUint64(e.Digest[:], n)
	e.Sequence = eventstore.Sequence(n)
	return e
}

func open(t testing.TB, dir string) *index.Index {
	t.Helper()
	x, err := index.OpenSmall(dir, ledger, limit)
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

// fill adds events until `last`, in frames; it stands for reading the log.
func fill(t testing.TB, x *index.Index, last uint64) {
	t.Helper()
	tree := x.Tree()
	entries := make([]index.Entry, 0, frameSize)
	for n := uint64(x.Last()); n < last; {
		entries = entries[:0]
		for len(entries) < frameSize && n < last {
			n++
			e := entry(n)
			e.Digest = x.Kept(e.Digest)
			entries = append(entries, e)
			tree.Append(merkle.Hash{byte(n), byte(n >> 8)})
		}
		if err := x.Reserve(len(entries)); err != nil {
			t.Fatal(err)
		}
		if err := x.Add(entries, &tree); err != nil {
			t.Fatal(err)
		}
	}
}

// lookUp looks up every `step`th event, and as many that were never added.
func lookUp(x *index.Index, step uint64) error {
	last := uint64(x.Last())
	var keys []index.Key
	var want []index.Entry
	for n := uint64(1); n <= last; n += step {
		keys = append(keys, entry(n).Key, entry(n+1<<50).Key)
		want = append(want, entry(n), index.Entry{})
	}
	found := make([]index.Entry, len(keys))
	if err := x.Lookup(keys, found); err != nil {
		return err
	}
	for i := range found {
		if want[i].Sequence != 0 {
			want[i].Digest = x.Kept(want[i].Digest)
		}
		if found[i] != want[i] {
			return fmt.Errorf("of %d events: found %v, want %v", last, found[i], want[i])
		}
	}
	return nil
}

func check(t testing.TB, x *index.Index, step uint64) {
	t.Helper()
	if err := lookUp(x, step); err != nil {
		t.Fatal(err)
	}
}

func runFiles(t testing.TB, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestKeyOfKeepsSourceAndIDApart(t *testing.T) {
	seen := map[index.Key]event.Key{}
	long := strings.Repeat("x", 600)
	for _, key := range []event.Key{
		{Source: "a", ID: "bc"},
		{Source: "ab", ID: "c"},
		{Source: "abc"},
		{ID: "abc"},
		{},
		{Source: long, ID: "1"},
		{Source: long + "1"},
		{Source: long, ID: "2"},
	} {
		k := index.KeyOf(key)
		if other, ok := seen[k]; ok {
			t.Errorf("%v and %v share a key", key, other)
		}
		seen[k] = key
	}
}

func TestLookupAcrossTablesAndRuns(t *testing.T) {
	dir := t.TempDir()
	x := open(t, dir)
	check(t, x, 1)
	for _, last := range []uint64{1, 50, 4000, 4096, 12_000, 50_000} {
		fill(t, x, last)
		check(t, x, 37)
	}
	x.Quiet()
	check(t, x, 11)
	if n := x.Runs(); n > 6 {
		t.Errorf("%d runs for 50,000 events", n)
	}
}

func TestReopenGoesOnWhereRunsEnd(t *testing.T) {
	dir := t.TempDir()
	var tree merkle.Tree
	for _, last := range []uint64{3000, 10_000, 27_777} {
		x := open(t, dir)
		if gap := last - uint64(x.Last()); x.Last()%frameSize != 0 {
			t.Fatalf("reopened at %d, %d before the end: not where a frame ends", x.Last(), gap)
		}
		fill(t, x, last)
		x.Quiet()
		tree = x.Tree()
		if err := x.Close(); err != nil {
			t.Fatal(err)
		}
	}
	x := open(t, dir)
	if behind := 27_777 - uint64(x.Last()); behind > 2*limit {
		t.Errorf("%d events must be read again", behind)
	}
	fill(t, x, 27_777)
	check(t, x, 7)
	if again := x.Tree(); again.Root() != tree.Root() {
		t.Errorf("another tree after reopening")
	}
}

func TestAddRefusesWhatDoesNotFollow(t *testing.T) {
	x := open(t, t.TempDir())
	fill(t, x, 10)
	tree := x.Tree()
	tree.Append(merkle.Hash{})
	for _, n := range []uint64{9, 10, 12} {
		if err := x.Add([]index.Entry{entry(n)}, &tree); err == nil {
			t.Errorf("event %d was added after event 10", n)
		}
	}
	old := x.Tree()
	if err := x.Add([]index.Entry{entry(11)}, &old); err == nil {
		t.Errorf("a tree that ends elsewhere was taken")
	}
	if err := x.Reserve(limit + 1); err == nil {
		t.Errorf("reserved more than a table")
	}
	check(t, x, 1)
}

func TestOtherLedgerIsRefusedAndKept(t *testing.T) {
	dir := t.TempDir()
	x := open(t, dir)
	fill(t, x, 6000)
	x.Quiet()
	before := runFiles(t, dir)
	for _, other := range []eventstore.Identity{
		{Ledger: strings.Repeat("cd", 16), Created: ledger.Created},
		{Ledger: ledger.Ledger, Created: ledger.Created + 1},
	} {
		_, err := index.Open(dir, other)
		var refused *index.OtherLedgerError
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), ledger.Ledger) {
			t.Errorf("error %v", err)
		}
	}
	if after := runFiles(t, dir); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("files were %v, are %v", before, after)
	}
}

// A crash can leave the runs before a merge, the merged one, or both; and temporary files.
func TestCrashAroundMerge(t *testing.T) {
	dir, copies := t.TempDir(), map[string][]byte{}
	x := open(t, dir)
	for last := uint64(limit); last < 8*limit; last += limit {
		fill(t, x, last) // the copies may miss runs that were merged too quickly: all the better
		for _, path := range runFiles(t, dir) {
			if data, err := os.ReadFile(path); err == nil {
				copies[path] = data
			}
		}
	}
	x.Quiet()
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	restore := func(keep func(path string) bool) {
		for path, data := range copies {
			if _, err := os.Stat(path); err == nil || !keep(path) {
				continue
			}
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 5 {
		restore(func(string) bool { return random.IntN(2) == 0 })
		tmp := filepath.Join(dir, "0000000001-0000000009.run.tmp")
		if err := os.WriteFile(tmp, []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
		x := open(t, dir)
		fill(t, x, 8*limit)
		x.Quiet()
		check(t, x, 17)
		if n := len(runFiles(t, dir)); n != x.Runs() {
			t.Errorf("%d files for %d runs", n, x.Runs())
		}
		if err := x.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestDamageIsDiscardedAndRebuilt(t *testing.T) {
	pristine := t.TempDir()
	x := open(t, pristine)
	fill(t, x, 3*limit)
	x.Quiet()
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(rt *rapid.T) {
		dir := t.TempDir()
		if err := os.CopyFS(dir, os.DirFS(pristine)); err != nil {
			t.Fatal(err)
		}
		damage(rt, t, rapid.SampledFrom(runFiles(t, dir)).Draw(rt, "file"))
		x := open(t, dir)
		fill(t, x, 3*limit)
		x.Quiet()
		check(t, x, 29)
	})
}

// damage cuts the file, appends to it, or flips one bit.
func damage(rt *rapid.T, t *testing.T, path string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	place := rapid.IntRange(0, len(data)-1).Draw(rt, "place")
	switch rapid.IntRange(0, 3).Draw(rt, "kind") {
	case 0:
		data = data[:place]
	case 1:
		data = append(data, 0)
	case 2:
		data[place%4200] ^= 1 << (place % 8) // header and first entries
	default:
		data[place] ^= 1 << (place % 8)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestOtherVersionIsRebuilt: runs of another version of the format say nothing here. Those of
// version 1 have digests that know programmes by their order.
func TestOtherVersionIsRebuilt(t *testing.T) {
	dir := t.TempDir()
	x := open(t, dir)
	fill(t, x, 6000)
	x.Quiet()
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	for _, path := range runFiles(t, dir) {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		binary.BigEndian.PutUint32(data[4:], 1)
		const headSum = 4092
		sum := crc32.Checksum(data[:headSum], crc32.MakeTable(crc32.Castagnoli))
		binary.BigEndian.PutUint32(data[headSum:], sum)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	x = open(t, dir)
	if x.Last() != 0 || len(runFiles(t, dir)) > 0 {
		t.Errorf("an index of version 1 is at event %d, in %v", x.Last(), runFiles(t, dir))
	}
	fill(t, x, 6000)
	check(t, x, 7)
}

func TestDamageInUse(t *testing.T) {
	dir := t.TempDir()
	x := open(t, dir)
	fill(t, x, 6000)
	x.Quiet()
	path := runFiles(t, dir)[0]
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteAt([]byte("damage"), 4096+40*2000); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	keys, found := make([]index.Key, 4000), make([]index.Entry, 4000)
	for n := range keys {
		keys[n] = entry(uint64(n + 1)).Key
	}
	for range 2 { // it stays so
		if err := x.Lookup(keys, found); !errors.Is(err, index.ErrDamaged) {
			t.Fatalf("error %v", err)
		}
	}
	if err := x.Reserve(1); !errors.Is(err, index.ErrDamaged) {
		t.Errorf("reserve: %v", err)
	}
	if err := x.Renew(); err != nil || x.Last() != 0 {
		t.Fatalf("renewed at %d with its first run damaged, %v", x.Last(), err)
	}
	if err := x.Lookup(keys, found); !errors.Is(err, index.ErrDamaged) {
		t.Errorf("before all is added again: %v", err)
	}
	fill(t, x, 6000)
	x.Renewed()
	check(t, x, 3)
	if err := x.Err(); err != nil {
		t.Error(err)
	}
}

// Writing a table fails, as on a full disk: Reserve says so before anything is lost, and goes on
// when there is room again.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	x := open(t, dir)
	obstacle := filepath.Join(dir, "0000000001-0000004050.run.tmp")
	if err := os.Mkdir(obstacle, 0o700); err != nil {
		t.Fatal(err)
	}
	fill(t, x, 8100) // two tables in memory
	for range 2 {
		if err := x.Reserve(frameSize); err == nil {
			t.Fatal("reserved room that is not there")
		}
		if x.Err() == nil {
			t.Error("nothing told about the failure")
		}
		check(t, x, 41)
	}
	if err := os.Remove(obstacle); err != nil {
		t.Fatal(err)
	}
	fill(t, x, 20_000)
	x.Quiet()
	check(t, x, 13)
	if err := x.Err(); err != nil {
		t.Error(err)
	}
}

func TestLookupWhileAddingAndMerging(t *testing.T) {
	x := open(t, t.TempDir())
	done := make(chan struct{})
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
					if err := lookUp(x, 1+uint64(x.Last())/100); err != nil {
						t.Error(err)
						return
					}
				}
			}
		})
	}
	fill(t, x, 20*limit)
	close(done)
	readers.Wait()
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	if err := x.Lookup(nil, nil); !errors.Is(err, index.ErrClosed) {
		t.Errorf("lookup after close: %v", err)
	}
	if err := x.Reserve(1); !errors.Is(err, index.ErrClosed) {
		t.Errorf("reserve after close: %v", err)
	}
}
