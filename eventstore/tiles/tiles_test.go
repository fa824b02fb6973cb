package tiles_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/tlog"

	"cakupan/eventstore"
	"cakupan/eventstore/logtest"
	"cakupan/eventstore/memlog"
	"cakupan/eventstore/merkle"
	"cakupan/eventstore/tiles"
)

var identity = eventstore.Identity{Ledger: "00112233445566778899aabbccddeeff", Created: 1}

// logOf is a log in memory that grows.
type logOf struct {
	*memlog.Log
	maker logtest.Maker
}

func newLog(t testing.TB, counts ...int) *logOf {
	t.Helper()
	l := &logOf{Log: memlog.New(identity)}
	l.grow(t, counts...)
	return l
}

func (l *logOf) grow(t testing.TB, counts ...int) {
	t.Helper()
	for _, count := range counts {
		tail, err := l.Append(t.Context(), l.maker.Frame(count), l.maker.Before())
		if err != nil {
			t.Fatal(err)
		}
		l.maker.Appended(tail)
	}
}

func open(t testing.TB, dir string, log eventstore.Log) *tiles.Tiles {
	t.Helper()
	tt, err := tiles.Open(dir, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tt.Close() })
	return tt
}

// client is the standard's client of the tiles.
type client struct{ *tiles.Tiles }

func (c client) ReadTiles(ctx context.Context, ts []tlog.Tile) (data [][]byte, err error) {
	for _, one := range ts {
		tile, err := c.Tile(ctx, one)
		if err != nil {
			return nil, err
		}
		data = append(data, tile)
	}
	return data, nil
}

func (client) SaveTiles([]tlog.Tile, [][]byte) {}

func (client) ReadEndpoint(context.Context, string) ([]byte, error) {
	return nil, errors.New("none")
}

// check lets another implementation of the standard read all entries, and proves some of them.
func check(t *testing.T, l *logOf, tt *tiles.Tiles) {
	t.Helper()
	tree, err := tt.CatchUp(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if merkle.Hash(tree.Hash) != l.maker.Root() {
		t.Fatalf("the tree of %d events has another root", tree.N)
	}
	c, err := torchwood.NewClient(client{tt})
	if err != nil {
		t.Fatal(err)
	}
	var got []byte
	n := int64(0)
	for i, entry := range c.AllEntries(t.Context(), tree, 0) {
		if i != n {
			t.Fatalf("entry %d comes after %d", i, n)
		}
		n++
		got = append(got, entry...)
	}
	if err := c.Err(); err != nil || n != tree.N {
		t.Fatalf("%d entries of %d, %v", n, tree.N, err)
	}
	var want []byte
	for frame, err := range l.Read(t.Context(), 1) {
		if err != nil {
			t.Fatal(err)
		}
		for r := range frame.Records() {
			want = merkle.AppendEntry(want, uint64(r.Sequence), int64(r.RecordedAt), r.Event)
		}
	}
	if !bytes.Equal(got, want) {
		t.Error("the entries are not those of the log")
	}
	prove(t, tt, tree)
}

func prove(t *testing.T, tt *tiles.Tiles, tree tlog.Tree) {
	t.Helper()
	reader := tt.Reader(t.Context())
	for _, n := range []int64{0, tree.N / 3, tree.N - 1} {
		proof, err := tlog.ProveRecord(tree.N, n, reader)
		if err != nil {
			t.Fatal(err)
		}
		leaf, err := reader.ReadHashes([]int64{tlog.StoredHashIndex(0, n)})
		if err == nil {
			err = tlog.CheckRecord(proof, tree.N, tree.Hash, n, leaf[0])
		}
		if err != nil {
			t.Errorf("event %d: %v", n+1, err)
		}
		older, err := tt.TreeAt(t.Context(), n+1)
		if err != nil {
			t.Fatal(err)
		}
		consistency, err := tlog.ProveTree(tree.N, n+1, reader)
		if err == nil {
			err = tlog.CheckTree(consistency, tree.N, tree.Hash, n+1, older.Hash)
		}
		if err != nil {
			t.Errorf("tree of %d: %v", n+1, err)
		}
	}
}

// TestTiles reads them as the log grows, over restarts.
func TestTiles(t *testing.T) {
	dir := t.TempDir()
	l := newLog(t)
	if tree, err := open(t, t.TempDir(), l).CatchUp(t.Context()); err != nil || tree.N != 0 {
		t.Fatalf("an empty log: %+v, %v", tree, err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	tt := open(t, dir, l)
	for range 12 {
		l.grow(t, 1+rng.IntN(300), 1, 2)
		check(t, l, tt)
		if rng.IntN(2) == 0 {
			if err := tt.Close(); err != nil {
				t.Fatal(err)
			}
			tt = open(t, dir, l)
		}
	}
	if err := tt.Renewed(); err != nil {
		t.Errorf("renewed: %v", err)
	}
	for _, one := range []tlog.Tile{
		{H: 8, L: 0, N: 99, W: 256},
		{H: 8, L: 1, N: 0, W: 256},
		{H: 8, L: 9, N: 0, W: 1},
		{H: 8, L: tiles.EntriesLevel, N: 1 << 50, W: 1},
		{H: 8, L: -2, N: 0, W: 1},
		{H: 7, L: 0, N: 0, W: 1},
	} {
		if _, err := tt.Tile(t.Context(), one); !errors.Is(err, tiles.ErrNoTile) {
			t.Errorf("%+v: %v", one, err)
		}
	}
}

// TestThreeLevels has a tree that needs them.
func TestThreeLevels(t *testing.T) {
	counts := make([]int, 70)
	for i := range counts {
		counts[i] = 1000
	}
	l := newLog(t, counts...)
	tt := open(t, t.TempDir(), l)
	tree, err := tt.CatchUp(t.Context())
	if err != nil || merkle.Hash(tree.Hash) != l.maker.Root() {
		t.Fatalf("%+v, %v", tree, err)
	}
	prove(t, tt, tree)
	if data, err := tt.Tile(t.Context(), tlog.Tile{H: 8, L: 2, N: 0, W: 1}); err != nil ||
		len(data) != 32 {
		t.Errorf("level 2: %d bytes, %v", len(data), err)
	}
}

// TestOtherLogs are told apart: another ledger's, and one that has lost its end. One that says
// something else of the past than the tiles do is read anew.
func TestOtherLogs(t *testing.T) {
	dir := t.TempDir()
	l := newLog(t, 300, 300, 10)
	tt := open(t, dir, l)
	check(t, l, tt)
	if err := tt.Close(); err != nil {
		t.Fatal(err)
	}
	other := l.Clone(eventstore.Identity{Ledger: "ff", Created: 1})
	if _, err := tiles.Open(dir, other); !errors.Is(err, tiles.ErrOtherLog) {
		t.Errorf("another log: %v", err)
	}
	short := l.Clone(identity)
	short.Truncate(2)
	if _, err := open(t, dir, short).CatchUp(t.Context()); !errors.Is(err, tiles.ErrLogShorter) {
		t.Errorf("a shorter log: %v", err)
	}
	for _, counts := range [][]int{{300, 299, 11}, {300, 299, 12, 1}} {
		rewritten := newLog(t, counts...)
		copied := filepath.Join(t.TempDir(), "tiles")
		if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
		again := open(t, copied, rewritten)
		if tree, err := again.CatchUp(t.Context()); err != nil ||
			merkle.Hash(tree.Hash) != rewritten.maker.Root() {
			t.Errorf("a rewritten log: %v", err)
		}
		if !errors.Is(again.Renewed(), tiles.ErrDamaged) {
			t.Errorf("a rewritten log, %v: renewed: %v", counts, again.Renewed())
		}
	}
}

// TestDamagedLog is not believed: what it says of its roots must be true.
func TestDamagedLog(t *testing.T) {
	l := newLog(t, 300, 300)
	var tree merkle.Tree
	b := eventstore.NewFrameBuilder(601, tree.Root(), 1<<61)
	if err := b.Append(1<<61, []byte("event")); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Append(t.Context(), b.Bytes(), l.maker.Before()); err != nil {
		t.Fatal(err)
	}
	var damage *eventstore.DamageError
	if _, err := open(t, t.TempDir(), l).CatchUp(t.Context()); !errors.As(err, &damage) {
		t.Errorf("a false root: %v", err)
	}
}

// TestBits changes one bit of a file, while the tiles are open or before. What is answered is
// right, whatever it was.
func TestBits(t *testing.T) {
	if testing.Short() {
		t.Skip("long in one goroutine")
	}
	l := newLog(t, 256, 300, 1, 44)
	tries := 16
	if os.Getenv("CAKUPAN_LONG") != "" {
		tries = 1000
	}
	rng := rand.New(rand.NewPCG(3, 4))
	clean := t.TempDir()
	tt := open(t, clean, l)
	check(t, l, tt)
	if err := tt.Close(); err != nil {
		t.Fatal(err)
	}
	renewed := 0
	for range tries {
		dir := filepath.Join(t.TempDir(), "tiles")
		if err := os.CopyFS(dir, os.DirFS(clean)); err != nil {
			t.Fatal(err)
		}
		name := []string{"tiles.head", "tiles.0", "tiles.1"}[rng.IntN(3)]
		var early *tiles.Tiles
		if rng.IntN(2) == 0 {
			early = open(t, dir, l)
		}
		flip(t, filepath.Join(dir, name), rng)
		if early == nil {
			early = open(t, dir, l)
		}
		for range 2 { // a head that is changed while it is open is seen by the next one
			check(t, l, early)
			if early.Renewed() != nil {
				renewed++
			}
			if err := early.Close(); err != nil {
				t.Fatal(err)
			}
			early = open(t, dir, l)
		}
		if found, err := tiles.Check(dir); err != nil || found != "" {
			t.Fatalf("healed, and still %q, %v", found, err)
		}
	}
	if renewed < tries/2 {
		t.Errorf("of %d changed bits, %d were seen", tries, renewed)
	}
}

func flip(t *testing.T, path string, rng *rand.Rand) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	bit := rng.IntN(8 * len(data))
	data[bit/8] ^= 1 << (bit % 8)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestCheck names each bit that is changed in a folder that nobody reads.
func TestCheck(t *testing.T) {
	l := newLog(t, 256, 300, 1, 44)
	dir := t.TempDir()
	tt := open(t, dir, l)
	check(t, l, tt)
	if err := tt.Close(); err != nil {
		t.Fatal(err)
	}
	if found, err := tiles.Check(dir); err != nil || found != "" {
		t.Fatalf("whole: %q, %v", found, err)
	}
	rng := rand.New(rand.NewPCG(5, 6))
	for _, name := range []string{"tiles.head", "tiles.0", "tiles.1"} {
		path := filepath.Join(dir, name)
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for range 20 {
			flip(t, path, rng)
			if found, err := tiles.Check(dir); err != nil || found == "" {
				t.Errorf("%s: %q, %v", name, found, err)
			}
			if err := os.WriteFile(path, whole, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestAhead adds so many events that their leaves are hashed ahead, and begins anew or goes on from
// where it was when reading ends on the way.
func TestAhead(t *testing.T) {
	l := newLog(t, 700, 1, 900, 1000, 2, 3, 4)
	for _, reads := range []int{0, 1, 3, 6} {
		tt := open(t, t.TempDir(), &cutLog{logOf: l, reads: reads})
		tree, err := tt.CatchUp(t.Context())
		if !errors.Is(err, errCut) || merkle.Hash(tree.Hash) == l.maker.Root() {
			t.Fatalf("after %d frames: %d events, %v", reads, tree.N, err)
		}
		check(t, l, tt)
	}
}

var errCut = errors.New("reading ended")

// cutLog fails once after so many frames.
type cutLog struct {
	*logOf
	reads int
	cut   bool
}

func (l *cutLog) Read(ctx context.Context, from eventstore.Sequence,
) iter.Seq2[eventstore.Frame, error] {
	return func(yield func(eventstore.Frame, error) bool) {
		n := 0
		for frame, err := range l.logOf.Read(ctx, from) {
			if n == l.reads && !l.cut {
				l.cut = true
				yield(eventstore.Frame{}, errCut)
				return
			}
			if n++; !yield(frame, err) {
				return
			}
		}
	}
}

// BenchmarkCatchUp shows what an event costs.
func BenchmarkCatchUp(b *testing.B) {
	counts := make([]int, 200)
	for i := range counts {
		counts[i] = 1000
	}
	l := newLog(b, counts...)
	for b.Loop() {
		if _, err := open(b, b.TempDir(), l).CatchUp(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/200_000, "ns/event")
}

// BenchmarkHashes shows what its two hashes alone cost, with the standard library: that of an event
// and that of a node.
func BenchmarkHashes(b *testing.B) {
	l := newLog(b, 1000)
	var events [][]byte
	for frame, err := range l.Read(b.Context(), 1) {
		if err != nil {
			b.Fatal(err)
		}
		for r := range frame.Records() {
			events = append(events,
				merkle.AppendEntry([]byte{0}, uint64(r.Sequence), int64(r.RecordedAt), r.Event))
		}
	}
	var node [65]byte
	for b.Loop() {
		for _, event := range events {
			leaf := sha256.Sum256(event)
			copy(node[1:], leaf[:])
			_ = sha256.Sum256(node[:])
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/event")
}
