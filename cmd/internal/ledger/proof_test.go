package ledger

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"cakupan/cmd/internal/excerpt"
	"cakupan/cmd/internal/folder"
	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/problem"
	"cakupan/cmd/internal/prover"
	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/eventstore/checkpoint"
)

func openAt(t *testing.T, dir string, witnesses ...string) *Ledger {
	t.Helper()
	l, err := Open(t.Context(), Options{Dir: dir, Create: true, Witnesses: witnesses})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func closeNow(t *testing.T, l *Ledger) {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// signedTree returns what a checkpoint of the ledger says.
func signedTree(t *testing.T, l *Ledger, text []byte) tlog.Tree {
	t.Helper()
	key, err := l.CheckpointKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	v, err := checkpoint.Verifier(key)
	if err != nil {
		t.Fatal(err)
	}
	tree, err := checkpoint.Open(text, v)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return tree
}

func mustSign(t *testing.T, l *Ledger) (tlog.Tree, []byte) {
	t.Helper()
	text, err := l.Checkpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return signedTree(t, l, text), text
}

func reportMany(t *testing.T, l *Ledger, from, count int) {
	t.Helper()
	raw := make([][]byte, count)
	for i := range raw {
		raw[i] = plainEvent(from + i)
	}
	submit(t, l, raw)
}

// TestCheckpoint is over all that is durable, with the same key after a restart, and the root that
// verify finds.
func TestCheckpoint(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	var key string
	for round := range 3 {
		l := openAt(t, dir)
		reportMany(t, l, 1+100*round, 100)
		tree, text := mustSign(t, l)
		if tree.N != int64(100*(round+1)) {
			t.Errorf("%d events are signed", tree.N)
		}
		if again, err := l.Checkpoint(t.Context()); err != nil || !bytes.Equal(again, text) {
			t.Errorf("signed again: %s, %v", again, err)
		}
		got, err := l.CheckpointKey(t.Context())
		if err != nil || key != "" && key != got {
			t.Errorf("key %s, was %s, %v", got, key, err)
		}
		key = got
		report, err := l.Verify(t.Context(), nil)
		if err != nil || !report.OK || report.Root != hexOf(tree.Hash) {
			t.Errorf("%+v, %v", report, err)
		}
		closeNow(t, l)
	}
}

func hexOf(h tlog.Hash) string {
	const digits = "0123456789abcdef"
	var b strings.Builder
	for _, c := range h {
		b.WriteByte(digits[c>>4])
		b.WriteByte(digits[c&15])
	}
	return b.String()
}

// TestSignedFiles: a key that is lost is not replaced, nor one that is another; a checkpoint that
// is damaged is not believed, and an older log is not signed.
func TestSignedFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	l := openAt(t, dir)
	reportMany(t, l, 1, 50)
	closeNow(t, l)
	older := filepath.Join(t.TempDir(), "older")
	copyFolder(t, dir, older)
	l = openAt(t, dir)
	reportMany(t, l, 51, 50)
	mustSign(t, l)
	closeNow(t, l)

	key := filepath.Join(dir, folder.Vault, folder.SigningKeyFile)
	was, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"lost": nil, "another": bytes.Repeat([]byte{1, 2}, 16),
	} {
		if err := os.Remove(key); err != nil {
			t.Fatal(err)
		}
		if content != nil {
			if err := os.WriteFile(key, content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		l := openAt(t, dir)
		if _, err := l.Checkpoint(t.Context()); problem.From(err).Code != problem.FolderKeyLost ||
			!strings.Contains(err.Error(), key) {
			t.Errorf("%s: %v", name, err)
		}
		closeNow(t, l)
		if err := os.WriteFile(key, was, 0o600); err != nil {
			t.Fatal(err)
		}
	}

	// The log of before, under the files of now.
	for _, name := range []string{folder.Tiles, folder.Vault} {
		if err := os.RemoveAll(filepath.Join(older, name)); err != nil {
			t.Fatal(err)
		}
		copyFolder(t, filepath.Join(dir, name), filepath.Join(older, name))
	}
	l = openAt(t, older)
	if _, err := l.Checkpoint(t.Context()); problem.From(err).Code != problem.LogDamaged {
		t.Errorf("an older log: %v", err)
	}
	if report, err := l.Verify(t.Context(), nil); err != nil || report.OK {
		t.Errorf("verify of an older log: %+v, %v", report, err)
	}
	closeNow(t, l)
	for _, name := range []string{"tiles.head"} { // only the checkpoint remembers
		if err := os.Remove(filepath.Join(older, folder.Tiles, name)); err != nil {
			t.Fatal(err)
		}
	}
	l = openAt(t, older)
	if _, err := l.Checkpoint(t.Context()); problem.From(err).Code != problem.LogDamaged ||
		!strings.Contains(err.Error(), "100") {
		t.Errorf("an older log, by its checkpoint: %v", err)
	}
	closeNow(t, l)

	signed := filepath.Join(dir, folder.Tiles, prover.SignedFile)
	rng := rand.New(rand.NewPCG(1, 2))
	for range 10 {
		text, err := os.ReadFile(signed)
		if err != nil {
			t.Fatal(err)
		}
		bit := rng.IntN(8 * len(text))
		text[bit/8] ^= 1 << (bit % 8)
		if err := os.WriteFile(signed, text, 0o600); err != nil {
			t.Fatal(err)
		}
		l := openAt(t, dir)
		if tree, _ := mustSign(t, l); tree.N != 100 {
			t.Errorf("bit %d: %d events are signed", bit, tree.N)
		}
		closeNow(t, l)
	}
}

// TestCosign keeps what known witnesses have cosigned, over restarts, also of heads that others
// have followed; and refuses all else.
func TestCosign(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	w, err := checkpoint.NewWitness("auditor.example", bytes.Repeat([]byte{9}, 32))
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := checkpoint.NewWitness("stranger.example", bytes.Repeat([]byte{8}, 32))
	if err != nil {
		t.Fatal(err)
	}
	l := openAt(t, dir, w.Key())
	reportMany(t, l, 1, 20)
	if _, err := l.Witnessed(t.Context()); problem.From(err).Code != problem.NotFound {
		t.Errorf("nobody has cosigned: %v", err)
	}
	_, first := mustSign(t, l)
	key, err := l.CheckpointKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	own, err := checkpoint.Verifier(key)
	if err != nil {
		t.Fatal(err)
	}
	cosign := func(w *checkpoint.Witness, text []byte) []byte {
		cosigned, err := w.Cosign(text, own)
		if err != nil {
			t.Fatal(err)
		}
		return cosigned
	}
	if _, err := l.Cosign(t.Context(), cosign(stranger, first)); problem.From(err).Code !=
		problem.Forbidden {
		t.Errorf("a stranger: %v", err)
	}
	for _, text := range [][]byte{nil, []byte("x"), first[1:]} {
		if _, err := l.Cosign(t.Context(), text); problem.From(err).Code != problem.ProofFailed {
			t.Errorf("%q: %v", text, err)
		}
	}
	reportMany(t, l, 21, 5) // the log goes on while the witness looks
	_, second := mustSign(t, l)
	cosigned := cosign(w, first) // once: the next second's is another signature
	for _, added := range []bool{true, false} {
		if got, err := l.Cosign(t.Context(), cosigned); err != nil || got != added {
			t.Errorf("%t, %v", got, err)
		}
	}
	if _, err := l.Cosign(t.Context(), cosign(w, second)); err != nil {
		t.Error(err)
	}
	if _, err := l.Cosign(t.Context(), cosign(w, first)); problem.From(err).Code !=
		problem.ProofFailed {
		t.Errorf("an older head: %v", err)
	}
	closeNow(t, l)
	l = openAt(t, dir, w.Key())
	reportMany(t, l, 26, 5)
	text, err := l.Witnessed(t.Context())
	if err != nil || signedTree(t, l, text).N != 25 {
		t.Errorf("%s, %v", text, err)
	}
	wv, err := checkpoint.WitnessVerifier(w.Key())
	if err != nil {
		t.Fatal(err)
	}
	if got := checkpoint.Cosignatures(text, []note.Verifier{wv}); len(got) != 1 {
		t.Errorf("%+v", got)
	}
}

// TestFigureIsTheLedgers: a publisher may not publish one, whatever it may report.
func TestFigureIsTheLedgers(t *testing.T) {
	l := openAt(t, filepath.Join(t.TempDir(), "data"))
	reportMany(t, l, 1, 1)
	a, err := l.Attest(t.Context(), Figure{Region: 7503, On: 18_500, Indicator: event.Employed})
	if err != nil {
		t.Fatal(err)
	}
	var line []byte
	err = l.Events(t.Context(), excerpt.Filter{From: a.Sequence, Type: event.FigurePublished},
		func(text []byte) error {
			line = bytes.Clone(text)
			return nil
		})
	if err != nil || line == nil {
		t.Fatalf("%s, %v", line, err)
	}
	types := append(event.Types(), event.FigurePublished)
	for _, raw := range [][]byte{line, bytes.Replace(line, []byte("figure-"), []byte("f-"), 1)} {
		receipts, err := l.Submit(t.Context(), [][]byte{raw}, intake.Options{Scope: &event.Scope{
			Publisher: "dinas", Sources: []string{"urn:cakupan"}, Types: types,
			Regions: []region.Code{region.Nation},
		}})
		if err != nil || receipts[0].Refusal == nil ||
			receipts[0].Refusal.Code != event.Forbidden {
			t.Errorf("%+v, %v", receipts, err)
		}
	}
}
