package client

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/tlog"

	"cakupan/cmd/internal/bundle"
	"cakupan/cmd/internal/httpapi"
	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/ledger"
	"cakupan/cmd/internal/problem"
	"cakupan/cmd/internal/witness"
	"cakupan/eventstore/checkpoint"
	"cakupan/eventstore/merkle"
)

// shop is a ledger on a folder, and a server of it.
type shop struct {
	*Client
	ledger *ledger.Ledger
	server *httptest.Server
}

// openShop serves a folder until the shop is closed.
func openShop(t *testing.T, dir string, witnesses ...string) *shop {
	t.Helper()
	l, err := ledger.Open(t.Context(), ledger.Options{
		Dir: dir, Create: true, Witnesses: witnesses,
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(httpapi.New(l, httpapi.Config{}))
	return &shop{Client: dial(t, server.URL), ledger: l, server: server}
}

func (s *shop) close(t *testing.T) {
	t.Helper()
	s.server.Close()
	if err := s.ledger.Close(); err != nil {
		t.Fatal(err)
	}
}

// report appends events of workers from one on.
func (s *shop) report(t *testing.T, from, count int, name string) {
	t.Helper()
	raw := make([][]byte, count)
	for i := range raw {
		raw[i] = opened(fmt.Sprint(from+i), fmt.Sprint(name, from+i))
	}
	receipts, err := s.ledger.Submit(t.Context(), raw, intake.Options{})
	if err != nil || receipts[count-1].Refusal != nil {
		t.Fatalf("%+v, %v", receipts, err)
	}
}

// head returns the signed head, checked.
func (s *shop) head(t *testing.T) tlog.Tree {
	t.Helper()
	key, err := s.CheckpointKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	text, err := s.Checkpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	v, err := checkpoint.Verifier(key)
	if err != nil {
		t.Fatal(err)
	}
	tree, err := checkpoint.Open(text, v)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// TestStandard: the client of another implementation of C2SP tlog-tiles reads all entries, and
// finds each to be what the signed root is over.
func TestStandard(t *testing.T) {
	s := openShop(t, filepath.Join(t.TempDir(), "data"))
	defer s.close(t)
	for round := range 3 {
		s.report(t, 1+300*round, 300, "w")
		tree := s.head(t)
		fetcher, err := torchwood.NewTileFetcher(s.server.URL + "/")
		if err != nil {
			t.Fatal(err)
		}
		reader, err := torchwood.NewClient(fetcher)
		if err != nil {
			t.Fatal(err)
		}
		n := int64(0)
		for i, entry := range reader.AllEntries(t.Context(), tree, 0) {
			if n++; i != n-1 || len(entry) <= merkle.EntryHeaderSize ||
				!bytes.Contains(entry, []byte("urn:test")) {
				t.Fatalf("entry %d: %q", i, entry)
			}
		}
		if err := reader.Err(); err != nil || n != tree.N || n != int64(300*(round+1)) {
			t.Fatalf("%d entries of %d, %v", n, tree.N, err)
		}
		if err := checkpoint.GoesOn(tlog.Tree{}, tree, s.Tiles(t.Context())); err != nil {
			t.Error(err)
		}
	}
	for _, path := range []string{"/tile/0/001", "/tile/0/x001/000", "/tile/9/000", "/tile/x"} {
		if path == "/tile/0/001" {
			if _, err := s.Text(t.Context(), path, nil); err != nil {
				t.Errorf("%s: %v", path, err)
			}
			continue
		}
		if _, err := s.Text(t.Context(), path, nil); code(err) != problem.NotFound {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// rewrite makes a ledger in a new folder that has another one's identity and key, and no past: who
// owns a ledger can do that, and then report what he likes.
func rewrite(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(from, "ledger.json"))
	if err != nil {
		t.Fatal(err)
	}
	var meta map[string]any
	if err := json.Unmarshal(text, &meta); err != nil {
		t.Fatal(err)
	}
	meta["logMade"] = false
	if text, err = json.Marshal(meta); err != nil {
		t.Fatal(err)
	}
	key, err := os.ReadFile(filepath.Join(from, "vault", "checkpoint.key"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(to, "vault"), 0o700); err != nil {
		t.Fatal(err)
	}
	for path, content := range map[string][]byte{
		filepath.Join(to, "ledger.json"): text, filepath.Join(to, "vault", "checkpoint.key"): key,
	} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestRewrittenPast: a ledger that rewrites its past, roots and signatures and all, is caught by a
// witness, and by a bundle that was taken away before.
func TestRewrittenPast(t *testing.T) {
	dir := t.TempDir()
	data, state := filepath.Join(dir, "data"), filepath.Join(dir, "state")
	look := func(s *shop) (witness.Seen, error) {
		return witness.Look(t.Context(), s, s.Tiles(t.Context()), witness.Options{
			State: state, Name: "auditor.example",
		})
	}
	s := openShop(t, data)
	s.report(t, 1, 300, "w")
	seen, err := look(s)
	if err != nil || !seen.First || seen.Size != 300 || seen.Kept {
		t.Fatalf("first look: %+v, %v", seen, err)
	}
	s.close(t)
	s = openShop(t, data, seen.Witness) // the operator has named the witness
	s.report(t, 301, 10, "w")
	if seen, err = look(s); err != nil || seen.First || seen.From != 300 || !seen.Kept {
		t.Fatalf("second look: %+v, %v", seen, err)
	}
	text, err := s.Text(t.Context(), "/checkpoint", url.Values{"witnessed": {"true"}})
	if err != nil || !bytes.Contains(text, []byte("— auditor.example ")) {
		t.Errorf("%s, %v", text, err)
	}
	figure, err := s.Text(t.Context(), "/v1/bundle", Values("region", "75.03", "on", "2020-06-01"))
	if err != nil {
		t.Fatal(err)
	}
	keys := bundle.Keys{Ledger: seen.Key, Witnesses: []string{seen.Witness}}
	old, err := bundle.Check(t.Context(), figure, keys)
	if err != nil || old.Signed.Answer.Covered != 310 || len(old.Witnesses) != 1 {
		t.Fatalf("%+v, %v", old, err)
	}
	s.report(t, 311, 5, "w")
	if err := checkpoint.GoesOn(old.Tree(), s.head(t), s.Tiles(t.Context())); err != nil {
		t.Errorf("the same ledger, later: %v", err)
	}
	s.close(t)

	for name, events := range map[string]int{"shorter": 200, "as long": 310, "longer": 600} {
		forged := filepath.Join(dir, strings.ReplaceAll(name, " ", "-"))
		rewrite(t, data, forged)
		s := openShop(t, forged, seen.Witness)
		s.report(t, 1, events, "x")
		if _, err := look(s); code(err) != problem.ProofFailed {
			t.Errorf("%s: the witness says %v", name, err)
		}
		tiles := s.Tiles(t.Context())
		err := checkpoint.GoesOn(old.Tree(), s.head(t), tiles)
		if !errors.Is(err, checkpoint.ErrOtherPast) || tiles.Err() != nil {
			t.Errorf("%s: the bundle says %v", name, err)
		}
		s.close(t)
	}
	evidence, err := os.ReadFile(state + ".evidence")
	if err != nil || !bytes.Contains(evidence, []byte(seen.Key)) {
		t.Errorf("%s, %v", evidence, err)
	}
}

// TestAttest publishes a figure, which figures do not rest on, and whose bundle is checked; and
// another ledger takes it as history.
func TestAttest(t *testing.T) {
	s := openShop(t, filepath.Join(t.TempDir(), "data"))
	defer s.close(t)
	none := s.Post(t.Context(), "/v1/attest", "region=75.03&on=2020-06-01", &ledger.Attested{})
	if code(none) != problem.NotFound {
		t.Errorf("an empty log: %v", none)
	}
	s.report(t, 1, 20, "w")
	for round := range 2 {
		var a ledger.Attested
		err := s.Post(t.Context(), "/v1/attest", "region=75.03&on=2020-06-01", &a)
		if err != nil || int(a.Sequence) != 21+round || a.Size != int64(20+round) ||
			a.Answer.Covered != 20 || a.Events != 20 {
			t.Fatalf("%+v, %v", a, err)
		}
		tree, err := tlog.TreeHash(a.Size, tlog.TileHashReader(s.head(t), s.Tiles(t.Context())))
		if err != nil || tree.String() != a.Root {
			t.Errorf("root %s, published %s, %v", tree, a.Root, err)
		}
	}
	id, err := s.Text(t.Context(), "/v1/events", Values("from", "22", "to", "22"))
	if err != nil {
		t.Fatal(err)
	}
	var own struct{ Source, ID string }
	if err := json.Unmarshal(id, &own); err != nil {
		t.Fatal(err)
	}
	// Taken back it cannot be; who says so is heard, and nothing is the worse for it.
	receipt, err := s.Publish(t.Context(), fmt.Appendf(nil, `{"specversion":"1.0","id":"back",`+
		`"source":"urn:test","type":"id.cakupan.event.retracted.v1","data":{"source":"%s",`+
		`"id":"%s","reason":"no"}}`, own.Source, own.ID))
	if err != nil || receipt.Sequence != 23 {
		t.Fatalf("%+v, %v", receipt, err)
	}
	figure, err := s.Text(t.Context(), "/v1/bundle", Values("region", "75.03", "on", "2020-06-01"))
	if err != nil {
		t.Fatal(err)
	}
	key, err := s.CheckpointKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if r, err := bundle.Check(t.Context(), figure, bundle.Keys{Ledger: key}); err != nil ||
		r.Signed.Extent.Events != 20 || r.Signed.Size != 23 {
		t.Errorf("%+v, %v", r, err)
	}
	lines, err := s.Text(t.Context(), "/v1/events", Values("type", "figure.published.v1"))
	if err != nil || bytes.Count(lines, []byte("\n")) != 2 {
		t.Fatalf("%s, %v", lines, err)
	}
	other := folder(t)
	for line := range bytes.Lines(lines) {
		if r, err := other.Publish(t.Context(), bytes.TrimSpace(line)); err != nil ||
			r.Refusal != nil {
			t.Errorf("%+v, %v", r, err)
		}
	}
}
