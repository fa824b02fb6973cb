package witness

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"cakupan/cmd/internal/problem"
	"cakupan/eventstore"
	"cakupan/eventstore/checkpoint"
	"cakupan/eventstore/logtest"
	"cakupan/eventstore/memlog"
	"cakupan/eventstore/tiles"
)

const number = "00112233445566778899aabbccddeeff"

// shown is a ledger as a witness sees it, in memory.
type shown struct {
	log    *memlog.Log
	maker  logtest.Maker
	tiles  *tiles.Tiles
	signer *checkpoint.Signer

	proof []byte // that its key came in the place of others

	known   bool  // it knows the witness
	away    error // it does not answer
	broken  bool  // its tiles are not those of its root
	failed  error
	cosigns int
}

func newLedger(t testing.TB, seed byte, counts ...int) *shown {
	t.Helper()
	s := &shown{
		log: memlog.New(eventstore.Identity{Ledger: number, Created: 1}), known: true,
	}
	var err error
	if s.signer, err = checkpoint.NewSigner(number, bytes.Repeat([]byte{seed}, 32)); err != nil {
		t.Fatal(err)
	}
	if s.tiles, err = tiles.Open(t.TempDir(), s.log); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.tiles.Close() })
	s.grow(t, counts...)
	return s
}

func (s *shown) grow(t testing.TB, counts ...int) {
	t.Helper()
	for _, count := range counts {
		tail, err := s.log.Append(t.Context(), s.maker.Frame(count), s.maker.Before())
		if err != nil {
			t.Fatal(err)
		}
		s.maker.Appended(tail)
	}
}

func (s *shown) Checkpoint(ctx context.Context) ([]byte, error) {
	if s.away != nil {
		return nil, s.away
	}
	tree, err := s.tiles.CatchUp(ctx)
	if err != nil {
		return nil, err
	}
	return s.signer.Sign(tree)
}

func (s *shown) CheckpointKey(context.Context) (string, error) { return s.signer.Key(), s.away }

func (s *shown) Successions(context.Context) ([]byte, error) { return s.proof, s.away }

// rotate has the ledger sign with another key, and prove that or not.
func (s *shown) rotate(t testing.TB, seed byte, prove bool) {
	t.Helper()
	successor, err := checkpoint.NewSigner(number, bytes.Repeat([]byte{seed}, 32))
	if err != nil {
		t.Fatal(err)
	}
	if prove {
		signed, err := checkpoint.Succeed(s.signer, successor)
		if err != nil {
			t.Fatal(err)
		}
		s.proof = checkpoint.AppendSuccession(s.proof, signed)
	}
	s.signer = successor
}

func (s *shown) Cosign(context.Context, []byte) (bool, error) {
	if !s.known {
		return false, problem.New(problem.Forbidden, "not known")
	}
	s.cosigns++
	return true, nil
}

func (s *shown) Height() int { return 8 }

func (s *shown) ReadTiles(all []tlog.Tile) (data [][]byte, err error) {
	for _, one := range all {
		tile, err := s.tiles.Tile(context.Background(), one)
		if err == nil {
			err = s.away
		}
		if err != nil {
			s.failed = err
			return nil, err
		}
		if s.broken {
			tile[0] ^= 1
		}
		data = append(data, tile)
	}
	return data, nil
}

func (s *shown) SaveTiles([]tlog.Tile, [][]byte) {}

func (s *shown) Err() error { return s.failed }

func look(s *shown, state string) (Seen, error) {
	s.failed = nil
	return Look(context.Background(), s, s, Options{State: state, Name: "auditor.example"})
}

func isProof(err error) bool {
	return err != nil && problem.From(err).Code == problem.ProofFailed
}

func statePath(t testing.TB) string { return filepath.Join(t.TempDir(), "ledger.witness") }

// TestLook follows a ledger that grows.
func TestLook(t *testing.T) {
	path := statePath(t)
	s := newLedger(t, 1)
	seen, err := look(s, path)
	if err != nil || !seen.First || !seen.Kept || seen.Size != 0 {
		t.Fatalf("an empty ledger: %+v, %v", seen, err)
	}
	key := seen.Witness
	size := int64(0)
	for _, count := range []int{1, 0, 255, 1, 300, 2} {
		if count > 0 {
			s.grow(t, count)
		}
		before := size
		size += int64(count)
		seen, err := look(s, path)
		if err != nil || seen.First || seen.From != before || seen.Size != size ||
			seen.Witness != key {
			t.Fatalf("%d more: %+v, %v", count, seen, err)
		}
	}
	s.known = false
	if seen, err = look(s, path); err != nil || seen.Kept || seen.Why == "" {
		t.Errorf("an unknown witness: %+v, %v", seen, err)
	}
}

// TestOtherPasts are seen, and none is cosigned; what is only out of reach is no other past.
func TestOtherPasts(t *testing.T) {
	path := statePath(t)
	s := newLedger(t, 1, 300, 10)
	if _, err := look(s, path); err != nil {
		t.Fatal(err)
	}
	for name, other := range map[string]*shown{
		"shorter":     newLedger(t, 1, 300),
		"as long":     newLedger(t, 1, 299, 11),
		"longer":      newLedger(t, 1, 299, 11, 300),
		"another key": newLedger(t, 2, 300, 10, 5),
	} {
		if _, err := look(other, path); !isProof(err) || other.cosigns > 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	s.grow(t, 50)
	s.broken = true
	if _, err := look(s, path); !isProof(err) {
		t.Errorf("false tiles: %v", err)
	}
	s.broken, s.away = false, errors.New("out of reach")
	if _, err := look(s, path); !errors.Is(err, s.away) {
		t.Errorf("out of reach: %v", err)
	}
	s.away = nil
	if seen, err := look(s, path); err != nil || seen.From != 310 {
		t.Errorf("the right one again: %+v, %v", seen, err)
	}
	if text, err := os.ReadFile(path + ".evidence"); err != nil ||
		strings.Count(string(text), "cakupan/"+number) < 3 {
		t.Errorf("evidence %s, %v", text, err)
	}
}

// TestSuccession follows a ledger whose key is changed, by proof, and no other one.
func TestSuccession(t *testing.T) {
	path, late := statePath(t), statePath(t)
	s := newLedger(t, 1, 20)
	first := s.signer.Key()
	if _, err := look(s, path); err != nil {
		t.Fatal(err)
	}
	s.rotate(t, 2, true)
	s.grow(t, 5)
	s.rotate(t, 3, true)
	seen, err := look(s, path)
	if err != nil || seen.Key != s.signer.Key() || seen.Older != first || seen.From != 20 {
		t.Fatalf("%+v, %v", seen, err)
	}
	// The key of before may be named still, also to a witness who begins with it.
	for _, state := range []string{path, late} {
		seen, err = Look(t.Context(), s, s, Options{State: state, Name: "x", Key: first})
		if err != nil || seen.Key != s.signer.Key() || seen.Size != 25 {
			t.Errorf("by the key of before: %+v, %v", seen, err)
		}
	}
	cosigned := s.cosigns
	other := newLedger(t, 1, 19, 7)
	other.rotate(t, 2, true)
	other.rotate(t, 3, true)
	if _, err := look(other, path); !isProof(err) {
		t.Errorf("another past, under a key that is proved: %v", err)
	}
	s.rotate(t, 4, false)
	if _, err := look(s, path); !isProof(err) || s.cosigns != cosigned {
		t.Errorf("a key without proof: %v", err)
	}
	s.proof[len(s.proof)/2] ^= 1
	if _, err := look(s, path); !isProof(err) || s.cosigns != cosigned {
		t.Errorf("a false proof: %v", err)
	}
}

// TestOtherFiles: what a witness remembers is put back from yesterday, of another ledger, or twice, and
// its key is another one. A state of yesterday is one to compare with; nothing else is.
func TestOtherFiles(t *testing.T) {
	path, elsewhere := statePath(t), statePath(t)
	s := newLedger(t, 1, 20)
	if _, err := look(s, path); err != nil {
		t.Fatal(err)
	}
	read := func(path string) []byte {
		t.Helper()
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return content
	}
	put := func(path string, content []byte) {
		t.Helper()
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	older := read(path)
	s.grow(t, 10)
	if _, err := look(s, path); err != nil {
		t.Fatal(err)
	}
	if _, err := look(newLedger(t, 2, 20), elsewhere); err != nil {
		t.Fatal(err)
	}
	state, key, cosigned := read(path), read(keyPath(path)), s.cosigns
	bit := bytes.Clone(key)
	bit[5] ^= 4
	for name, files := range map[string][2][]byte{
		"another ledger's state": {read(elsewhere), key}, "another witness's key": {state, read(keyPath(elsewhere))},
		"the state twice": {append(bytes.Clone(state), state...), key}, "a bit of the key": {state, bit},
		"the state in the key's place": {state, state}, "another witness": {read(elsewhere), read(keyPath(elsewhere))},
	} {
		put(path, files[0])
		put(keyPath(path), files[1])
		if _, err := look(s, path); err == nil || problem.From(err).Code == problem.Internal || s.cosigns != cosigned {
			t.Errorf("%s: %v", name, err)
		}
	}
	put(path, older)
	put(keyPath(path), key)
	if seen, err := look(s, path); err != nil || seen.From != 20 || seen.Size != 30 {
		t.Errorf("yesterday's: %+v, %v", seen, err)
	}
}

// TestFirstFormat reads what an older program remembered, and writes it with the witness's key.
func TestFirstFormat(t *testing.T) {
	path := statePath(t)
	s := newLedger(t, 1, 20)
	if _, err := look(s, path); err != nil {
		t.Fatal(err)
	}
	was, err := readState(path)
	if err != nil || was.Own == "" {
		t.Fatalf("%+v, %v", was, err)
	}
	was.Format, was.Own = stateFormatFirst, ""
	if err := was.write(path); err != nil {
		t.Fatal(err)
	}
	if seen, err := look(s, path); err != nil || seen.First || seen.From != 20 {
		t.Errorf("%+v, %v", seen, err)
	}
	if is, err := readState(path); err != nil || is.Own == "" || is.Format != stateFormat {
		t.Errorf("%+v, %v", is, err)
	}
}

// TestLostFiles: a witness that has lost its memory, or its key, says so and begins nothing anew.
func TestLostFiles(t *testing.T) {
	path := statePath(t)
	s := newLedger(t, 1, 20)
	if _, err := look(s, path); err != nil {
		t.Fatal(err)
	}
	for _, lost := range []string{path, keyPath(path)} {
		text, err := os.ReadFile(lost)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(lost); err != nil {
			t.Fatal(err)
		}
		if _, err := look(s, path); !isProof(err) || !strings.Contains(err.Error(), lost) {
			t.Errorf("without %s: %v", lost, err)
		}
		if err := os.WriteFile(lost, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if seen, err := look(s, path); err != nil || seen.First {
		t.Errorf("put back: %+v, %v", seen, err)
	}
	other, err := checkpoint.NewSigner(strings.Repeat("0", 32), make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	_, err = Look(t.Context(), s, s, Options{State: path, Name: "x", Key: other.Key()})
	if !isProof(err) {
		t.Errorf("another ledger's state: %v", err)
	}
	for _, opts := range []Options{
		{State: statePath(t), Name: "a b"}, {State: statePath(t), Name: "x", Key: "y"},
	} {
		if _, err := Look(t.Context(), s, s, opts); problem.From(err).Code != problem.UsageWrong {
			t.Errorf("%+v: %v", opts, err)
		}
		if _, err := os.Stat(keyPath(opts.State)); err == nil {
			t.Errorf("%+v: it has left a key", opts)
		}
	}
}

// TestBits changes one bit of what a witness remembers.
func TestBits(t *testing.T) {
	tries := 200
	if os.Getenv("CAKUPAN_LONG") != "" {
		tries = 1000
	}
	path := statePath(t)
	s := newLedger(t, 1, 20)
	if _, err := look(s, path); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for range tries {
		changed := bytes.Clone(whole)
		bit := rng.IntN(8 * len(changed))
		changed[bit/8] ^= 1 << (bit % 8)
		if err := os.WriteFile(path, changed, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := look(s, path); !isProof(err) || !strings.Contains(err.Error(), path) {
			t.Fatalf("bit %d: %v", bit, err)
		}
	}
	if s.cosigns != 1 {
		t.Errorf("cosigned %d times", s.cosigns)
	}
}

// TestCrash ends a look at each point, and looks again.
func TestCrash(t *testing.T) {
	for _, point := range []string{FaultBeforeState, FaultAfterState} {
		path := statePath(t)
		s := newLedger(t, 1, 20)
		if _, err := look(s, path); err != nil {
			t.Fatal(err)
		}
		s.grow(t, 10)
		func() {
			defer func() { _ = recover() }()
			_, _ = Look(t.Context(), s, s, Options{
				State: path, Name: "auditor.example", Fault: func(at string) {
					if at == point {
						panic("the power is cut")
					}
				},
			})
			t.Errorf("%s was not passed", point)
		}()
		if s.cosigns != 1 {
			t.Errorf("%s: cosigned before it was remembered", point)
		}
		want := map[string]int64{FaultBeforeState: 20, FaultAfterState: 30}[point]
		if seen, err := look(s, path); err != nil || seen.From != want || seen.Size != 30 ||
			s.cosigns != 2 {
			t.Errorf("%s: %+v, %v", point, seen, err)
		}
	}
}

func FuzzParseState(f *testing.F) {
	path := statePath(f)
	s := newLedger(f, 1, 20)
	if _, err := look(s, path); err != nil {
		f.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	line, _, _ := bytes.Cut(whole, []byte("\n"))
	f.Add(line)
	f.Fuzz(func(t *testing.T, line []byte) {
		sum := sha256.Sum256(line)
		text := append(bytes.Clone(line), '\n')
		for _, c := range sum {
			text = append(text, "0123456789abcdef"[c>>4], "0123456789abcdef"[c&15])
		}
		got, err := parseState(append(text, '\n'))
		if err == nil && got.Key == s.signer.Key() && got.tree.N != 20 {
			t.Errorf("a head that the ledger has never signed: %+v", got.tree)
		}
	})
}
