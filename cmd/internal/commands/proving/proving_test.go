package proving

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"golang.org/x/mod/sumdb/tlog"

	"cakupan/cmd/internal/cli"
	"cakupan/cmd/internal/problem"
)

// TestBundleCutOff: what did not come whole is no file, and what had the name before is as it was.
func TestBundleCutOff(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.bundle")
	if err := os.WriteFile(path, []byte("older"), 0o600); err != nil {
		t.Fatal(err)
	}
	if n, err := writeBundle(path, strings.NewReader("half a bundle")); err == nil || n != 0 {
		t.Errorf("%d bytes, %v", n, err)
	}
	reset := errors.New("connection reset")
	if n, err := writeBundle(path, iotest.ErrReader(reset)); !errors.Is(err, reset) || n != 0 {
		t.Errorf("%d bytes, %v", n, err)
	}
	if left, err := os.ReadFile(path); err != nil || string(left) != "older" {
		t.Errorf("%q, %v", left, err)
	}
	if all, err := os.ReadDir(filepath.Dir(path)); err != nil || len(all) != 1 {
		t.Errorf("%v, %v", all, err)
	}
}

// TestKeyOf: a key is given as it is, or as the file that has it.
func TestKeyOf(t *testing.T) {
	const key = "cakupan/ab+12345678+key"
	path := filepath.Join(t.TempDir(), "ledger.pub")
	if err := os.WriteFile(path, []byte(key+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, given := range []string{key, " " + key + "\n", path} {
		if got := keyOf(given); got != key {
			t.Errorf("%q is %q", given, got)
		}
	}
}

// TestTreeProofIsPrinted in the order in which it is checked, with the checkpoint to the byte.
func TestTreeProofIsPrinted(t *testing.T) {
	var stdout bytes.Buffer
	err := writeTreeProof(&cli.Console{Stdout: &stdout}, &shownTreeProof{
		size{1_234, "aa"},
		size{5_678, "bb"},
		hexHashes([]tlog.Hash{{0xAB, 31: 1}}), hexHashes[[]tlog.Hash](nil),
		"key", "cakupan/x\n9999\nroot\n\n— sig\n",
	})
	want := "The log of 5,678 events begins with that of 1,234. ✓\nfrom 1234 aa\nto 5678 bb\nproof\nab" +
		strings.Repeat("0", 60) + "01\nproof of the checkpoint\n\ncakupan/x\n9999\nroot\n\n— sig\n"
	if err != nil || stdout.String() != want {
		t.Errorf("%v\n%s, want\n%s", err, &stdout, want)
	}
	if none := hexHashes[[]tlog.Hash](nil); none == nil || len(none) != 0 {
		t.Errorf("%#v: none is null in JSON", none)
	}
}

// TestSizes refuses what lies beyond the log, or the wrong way round, before anything is asked.
func TestSizes(t *testing.T) {
	p := &proving{head: head{tree: tlog.Tree{N: 10}}}
	if err := p.sizes(7, 5); problem.From(err).Code != problem.UsageWrong {
		t.Errorf("%v", err)
	}
	if err := p.sizes(5, 11); err == nil {
		t.Error("a size beyond the log is proved")
	}
}
