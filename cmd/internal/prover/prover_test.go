package prover_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"math/bits"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"cakupan/cmd/internal/bundle"
	"cakupan/cmd/internal/folder"
	"cakupan/cmd/internal/problem"
	"cakupan/cmd/internal/prover"
	"cakupan/eventstore"
	"cakupan/eventstore/checkpoint"
	"cakupan/eventstore/logtest"
	"cakupan/eventstore/memlog"
	"cakupan/eventstore/vault"
	"cakupan/eventstore/vault/vaulttest"
)

var identity = eventstore.Identity{Ledger: "00112233445566778899aabbccddeeff", Created: 1}

// model is the tree as RFC 6962 says it, section 2.1, counted anew for each question.
type model [][]byte

// root is MTH of the first n entries.
func (m model) root(n int) [sha256.Size]byte { return mth(m[:n]) }

func mth(d [][]byte) [sha256.Size]byte {
	switch len(d) {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		return sha256.Sum256(append([]byte{0}, d[0]...))
	}
	k := split(len(d))
	left, right := mth(d[:k]), mth(d[k:])
	return sha256.Sum256(slices.Concat([]byte{1}, left[:], right[:]))
}

// split is the largest power of two below n.
func split(n int) int { return 1 << (bits.Len(uint(n-1)) - 1) }

// proof is PROOF(m, D[n]) of section 2.1.2: that the tree over n entries begins with that over m.
func (m model) proof(first, n int) (hashes []tlog.Hash) { return subproof(first, m[:n], true) }

func subproof(m int, d [][]byte, whole bool) []tlog.Hash {
	if m == len(d) {
		if whole {
			return nil
		}
		return []tlog.Hash{mth(d)}
	}
	k := split(len(d))
	if m <= k {
		return append(subproof(m, d[:k], whole), mth(d[k:]))
	}
	return append(subproof(m-k, d[k:], false), mth(d[:k]))
}

// ledger is a log in memory, its model, and what proves it.
type ledger struct {
	*memlog.Log
	*prover.Prover
	t       *testing.T
	maker   logtest.Maker
	model   model
	options prover.Options
}

func newLedger(t *testing.T, dir string, change ...func(*prover.Options)) *ledger {
	t.Helper()
	l := &ledger{Log: memlog.New(identity), t: t}
	l.options = prover.Options{
		Folder: &folder.Folder{Dir: dir}, Log: l.Log, Logger: slog.New(slog.DiscardHandler),
		Vault:  func(context.Context) (*vault.Vault, error) { return nil, nil },
		Damage: func() error { return nil },
	}
	for _, c := range change {
		c(&l.options)
	}
	l.open()
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// open has another prover on the same folder, as after a start.
func (l *ledger) open() {
	l.t.Helper()
	if l.Prover != nil {
		if err := l.Close(); err != nil {
			l.t.Fatal(err)
		}
	}
	l.Prover = prover.New(l.options)
}

// grow appends frames of so many events. Their entries are those of FORMAT.md: sequence and record
// time, eight bytes each, and the event.
func (l *ledger) grow(counts ...int) {
	l.t.Helper()
	for _, count := range counts {
		raw := l.maker.Frame(count)
		tail, err := l.Append(l.t.Context(), raw, l.maker.Before())
		if err != nil {
			l.t.Fatal(err)
		}
		l.maker.Appended(tail)
		frame, err := eventstore.ParseFrame(raw)
		if err != nil {
			l.t.Fatal(err)
		}
		for r := range frame.Records() {
			entry := binary.BigEndian.AppendUint64(nil, uint64(r.Sequence))
			entry = binary.BigEndian.AppendUint64(entry, uint64(r.RecordedAt))
			l.model = append(l.model, append(entry, r.Event...))
		}
	}
}

// head returns what the newest checkpoint says.
func (l *ledger) head() tlog.Tree {
	l.t.Helper()
	text, err := l.Checkpoint(l.t.Context())
	if err != nil {
		l.t.Fatal(err)
	}
	return l.read(text)
}

func (l *ledger) read(text []byte) tlog.Tree {
	l.t.Helper()
	key, err := l.Key(l.t.Context())
	if err != nil {
		l.t.Fatal(err)
	}
	v, err := checkpoint.Verifier(key)
	if err != nil {
		l.t.Fatal(err)
	}
	tree, err := checkpoint.Open(text, v)
	if err != nil {
		l.t.Fatal(err)
	}
	return tree
}

// prove has the tree over the first events proved.
func (l *ledger) prove(known int) (b bundle.Ledger) {
	l.t.Helper()
	b.Answer.Known.Sequence = eventstore.Sequence(known)
	if err := l.Prove(l.t.Context(), &b); err != nil {
		l.t.Fatalf("%d of %d: %v", known, len(l.model), err)
	}
	return b
}

// TestModel grows a log by frames of many sizes. Each checkpoint, each tree that was known, each
// proof that one goes on from the other, and each tile is what the model says.
func TestModel(t *testing.T) {
	t.Parallel()
	l := newLedger(t, t.TempDir())
	const seed = 6962
	rng := rand.New(rand.NewPCG(seed, 0))
	for _, count := range []int{1, 1, 2, 3, 1, 56, 64, 1, 127, 1, 70} {
		l.grow(count)
		n := len(l.model)
		head := l.head()
		if head.N != int64(n) || head.Hash != tlog.Hash(l.model.root(n)) {
			t.Fatalf("the checkpoint is over %d events, root %v", head.N, head.Hash)
		}
		for _, k := range []int{1, n, split(n + 1), 1 + rng.IntN(n), 1 + rng.IntN(n)} {
			want := tlog.Tree{N: int64(k), Hash: l.model.root(k)}
			if tree, err := l.TreeAt(t.Context(), int64(k)); err != nil || tree != want {
				t.Errorf("tree of %d of %d events: %+v, %v", k, n, tree, err)
			}
			b := l.prove(k)
			if b.Tree != want || l.read(b.Checkpoint) != head {
				t.Errorf("%d of %d events: proved of %+v", k, n, b.Tree)
			}
			if !slices.Equal(b.Proof, tlog.TreeProof(l.model.proof(k, n))) {
				t.Errorf("%d of %d events: %d hashes prove it, want %d", k, n, len(b.Proof),
					len(l.model.proof(k, n)))
			}
		}
		l.checkTiles()
		if n%2 == 0 {
			l.open() // as after a start
		}
	}
	for _, beyond := range []int{len(l.model) + 1, 2 * len(l.model)} {
		if _, err := l.TreeAt(t.Context(), int64(beyond)); err == nil {
			t.Errorf("there is a tree of %d events of %d", beyond, len(l.model))
		}
	}
}

// checkTiles compares all tiles of hashes that the tree has now.
func (l *ledger) checkTiles() {
	l.t.Helper()
	const height = 8
	for level, each := 0, 1; each <= len(l.model); level, each = level+1, each<<height {
		for first := 0; first*each < len(l.model); {
			width := min(1<<height, (len(l.model)-first*each)/each)
			if width == 0 {
				break
			}
			var want []byte
			for i := range width {
				from := (first + i) * each
				hash := mth(l.model[from : from+each])
				want = append(want, hash[:]...)
			}
			tile := tlog.Tile{H: height, L: level, N: int64(first >> height), W: width}
			if got, err := l.Tile(l.t.Context(), tile); err != nil || !bytes.Equal(got, want) {
				l.t.Errorf("tile %+v: %d bytes, %v", tile, len(got), err)
			}
			first += width
		}
	}
}

// TestOtherPast: what was signed is never contradicted. A log that is shorter than it, or has other
// events, is not signed, and the checkpoint that was signed stays.
func TestOtherPast(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		counts []int
		size   int // of the events that differ
	}{
		"shorter": {counts: []int{4}}, "empty": {}, "other": {counts: []int{5, 3}, size: 7},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			l := newLedger(t, dir)
			l.grow(5, 1)
			signed := l.head()
			signedFile := filepath.Join(dir, folder.Tiles, prover.SignedFile)
			was, err := checkpoint.ReadFile(signedFile)
			if err != nil {
				t.Fatal(err)
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			// Tiles are a cache: here they are gone, and what was signed has to speak.
			other := newLedger(t, t.TempDir(), func(o *prover.Options) {
				keep := o.Folder.Path(folder.Tiles, prover.SignedFile)
				key := filepath.Join(dir, folder.Vault, folder.SigningKeyFile)
				copyFile(t, o.Folder.Path(folder.Vault, folder.SigningKeyFile), key)
				copyFile(t, keep, signedFile)
			})
			if c.size > 0 { // another first event
				raw := other.maker.FrameOf(c.size)
				tail, err := other.Append(t.Context(), raw, other.maker.Before())
				if err != nil {
					t.Fatal(err)
				}
				other.maker.Appended(tail)
			}
			other.grow(c.counts...)
			text, err := other.Checkpoint(t.Context())
			if problem.From(err).Code != problem.LogDamaged {
				t.Errorf("signed %d events, then %q: %v", signed.N, text, err)
			}
			now, err := checkpoint.ReadFile(other.options.Folder.Path(
				folder.Tiles, prover.SignedFile))
			if err != nil || !bytes.Equal(now, was) {
				t.Errorf("the signed checkpoint has changed: %v", err)
			}
			if w := other.SignedWitness(); len(w) != 1 || w[0].Sequence != 6 ||
				tlog.Hash(w[0].Root) != signed.Hash {
				t.Errorf("what bears witness: %+v", w)
			}
		})
	}
}

// TestWitnesses: a known witness's cosignature is kept over a start, and the head that it stands
// under is preferred for a figure that it has; nobody else's is kept.
func TestWitnesses(t *testing.T) {
	t.Parallel()
	known, stranger := newWitness(t, "known.example", 1), newWitness(t, "stranger.example", 2)
	l := newLedger(t, t.TempDir(), func(o *prover.Options) { o.Witnesses = []string{known.Key()} })
	l.grow(3)
	if _, err := l.Witnessed(t.Context()); problem.From(err).Code != problem.NotFound {
		t.Errorf("nobody has cosigned: %v", err)
	}
	l.cosign(stranger, problem.Forbidden)
	first := l.cosign(known, "")
	l.grow(2)
	l.head()
	if added, err := l.Cosign(t.Context(), first); added || err != nil {
		t.Errorf("the same again: %v, %v", added, err)
	}
	for _, again := range []bool{false, true} {
		if again {
			l.open()
		}
		text, err := l.Witnessed(t.Context())
		if err != nil || l.read(text).N != 3 {
			t.Errorf("after a start %v: %q, %v", again, text, err)
		}
		for known, head := range map[int]int64{1: 3, 3: 3, 4: 5, 5: 5} {
			if b := l.prove(known); l.read(b.Checkpoint).N != head {
				t.Errorf("%d events are proved of a head over %d, want %d", known,
					l.read(b.Checkpoint).N, head)
			}
		}
	}
	l.cosign(known, "")
	if _, err := l.Cosign(t.Context(), first); problem.From(err).Code != problem.ProofFailed {
		t.Errorf("an older one after a newer: %v", err)
	}
}

func newWitness(t *testing.T, name string, seed byte) *checkpoint.Witness {
	t.Helper()
	w, err := checkpoint.NewWitness(name, bytes.Repeat([]byte{seed}, ed25519.SeedSize))
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// cosign has a witness cosign the newest checkpoint, and wants it kept or refused.
func (l *ledger) cosign(w *checkpoint.Witness, refused problem.Code) (cosigned []byte) {
	l.t.Helper()
	text, err := l.Checkpoint(l.t.Context())
	if err != nil {
		l.t.Fatal(err)
	}
	key, err := l.Key(l.t.Context())
	if err != nil {
		l.t.Fatal(err)
	}
	v, err := checkpoint.Verifier(key)
	if err == nil {
		cosigned, err = w.Cosign(text, v)
	}
	if err != nil {
		l.t.Fatal(err)
	}
	added, err := l.Cosign(l.t.Context(), cosigned)
	if refused != "" {
		if added || problem.From(err).Code != refused {
			l.t.Errorf("cosigned: %v, %v, want %s", added, err, refused)
		}
	} else if !added || err != nil {
		l.t.Errorf("cosigned: %v, %v", added, err)
	}
	return cosigned
}

// errCrash is what a crash at a point panics with.
var errCrash = errors.New("crash")

// TestRotate changes the key, and crashes at each point of it. After the next start whoever has the
// first key believes the newest checkpoint still, and what was signed before is gone on from.
func TestRotate(t *testing.T) {
	t.Parallel()
	points := []string{
		"", prover.FaultKeyMade, prover.FaultKeySucceeds, prover.FaultKeyNoted, prover.FaultKeyCheck,
		prover.FaultKeyRenamed,
	}
	v, crash := vaulttest.Open(t, identity), ""
	l := newLedger(t, t.TempDir(), func(o *prover.Options) {
		o.Vault = func(context.Context) (*vault.Vault, error) { return v, nil }
		o.Fault = func(point string) {
			if point == crash {
				panic(errCrash)
			}
		}
	})
	l.grow(3)
	first, err := l.Key(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	l.head()
	keys := []string{first}
	for _, point := range points {
		l.grow(1)
		crash = point
		crashed := l.rotate(v)
		if crash = ""; crashed != (point != "") {
			t.Fatalf("at %q: crashed %v", point, crashed)
		}
		l.open()
		text, err := l.Checkpoint(t.Context())
		if err != nil {
			t.Fatalf("at %q: %v", point, err)
		}
		key, err := l.Key(t.Context())
		if err != nil || slices.Contains(keys, key) {
			t.Errorf("at %q: the key is not a new one: %v", point, err)
		}
		keys = append(keys, key)
		successions, err := l.Successions(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, older := range keys {
			tree, by, err := checkpoint.OpenAfter(text, older, successions)
			if err != nil || by != key || tree.Hash != tlog.Hash(l.model.root(len(l.model))) {
				t.Errorf("at %q: who has %s: %v", point, older, err)
			}
		}
	}
}

// rotate changes the key, and tells whether it crashed.
func (l *ledger) rotate(v *vault.Vault) (crashed bool) {
	l.t.Helper()
	defer func() {
		switch is := recover(); is {
		case nil:
		case errCrash:
			crashed = true
		default:
			panic(fmt.Sprint(is))
		}
	}()
	if err := l.Rotate(l.t.Context(), v); err != nil {
		l.t.Fatal(err)
	}
	return false
}

// copyFile copies a file, and makes its folder.
func copyFile(t *testing.T, to, from string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(to), folder.FolderMode)
	}
	if err == nil {
		err = os.WriteFile(to, text, folder.FileMode)
	}
	if err != nil {
		t.Fatal(err)
	}
}
