package keeping

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"cakupan/cmd/internal/cli"
	"cakupan/cmd/internal/ledger"
	"cakupan/cmd/internal/problem"
	"cakupan/eventstore/backup"
	"cakupan/eventstore/jetstream/copies"
)

// outside returns a console of a test, and what is printed there.
func outside() (out *cli.Console, stdout, stderr *bytes.Buffer) {
	stdout, stderr = &bytes.Buffer{}, &bytes.Buffer{}
	return &cli.Console{Stdout: stdout, Stderr: stderr, Now: time.Now}, stdout, stderr
}

// TestKeysAreShown: keys that are all the ledger's own are well; one that is not ends with exit 5,
// and the table, or the JSON, says which and why.
func TestKeysAreShown(t *testing.T) {
	own := ledger.Key{File: "vault.key", Use: "seals the vault", Fingerprint: "ab", OK: true}
	lost := ledger.Key{File: "intake.key", Use: "seals the intake", Problem: "it is missing"}
	for _, asJSON := range []bool{false, true} {
		for _, keys := range [][]ledger.Key{{own}, {own, lost}, {lost, own}} {
			out, stdout, _ := outside()
			err := writeKeys(&cli.Where{JSON: asJSON}, out, keys)
			if sound := len(keys) == 1; sound != (err == nil) ||
				!sound && !errors.Is(err, cli.QuietExit(problem.ExitCheckFailed)) ||
				sound == strings.Contains(stdout.String(), "it is missing") {
				t.Errorf("%v: %s", err, stdout)
			}
			if asJSON && !json.Valid(stdout.Bytes()) {
				t.Errorf("%s", stdout)
			}
		}
	}
}

// TestVerdict says for people how far damage goes and what to do, and ends with exit 5 unless all
// is well.
func TestVerdict(t *testing.T) {
	for name, c := range map[string]struct {
		report ledger.VerifyReport
		want   []string
	}{
		"well": {
			ledger.VerifyReport{
				OK: true, Events: 1_234, Frames: 12, Root: "abcd",
				Files: []ledger.FileReport{{State: "sound", Path: "vault", Kind: "the vault"}},
				Caches: []ledger.CacheReport{
					{Projection: "coverage", Matches: true, Sequence: 1_234},
					{Projection: "history", Why: "it is behind"},
				},
			},
			[]string{
				"1,234 events in 12 frames: nothing is wrong\nroot abcd\n", "not derived",
				"is what a fresh fold of the log is ✓", "it is behind",
			},
		},
		"little": {
			ledger.VerifyReport{OK: true, Events: 1, Frames: 1, Root: "abcd"},
			[]string{"1 event in 1 frame: nothing is wrong\nroot abcd\n"},
		},
		"copy": {
			ledger.VerifyReport{
				OK: true, Events: 1_234, Frames: 12, Root: "abcd",
				Copies: []ledger.CopyReport{{What: "n1 lacks 3", Remedy: "copy it"}},
			},
			[]string{
				"degraded: n1 lacks 3: copy it\n",
				"1,234 events in 12 frames: nothing is lost\nroot abcd\n",
			},
		},
		"copies that differ": {
			ledger.VerifyReport{Copies: []ledger.CopyReport{{
				Lack: copies.Lack{How: copies.Disputed}, What: "n1 has another 3", Remedy: "run all",
			}}},
			[]string{"damaged: n1 has another 3: run all\n", "does not heal by itself"},
		},
		"log": {
			ledger.VerifyReport{Findings: []ledger.Finding{
				{From: 7, To: 9, What: "missing"},
				{From: 11, To: 11, What: "a bit"},
				{From: 20, What: "no end"},
			}},
			[]string{
				"damaged: events 7 to 9: missing\n", "damaged: event 11: a bit\n",
				"damaged: event 20 to the end of the log: no end\n", "restore it from a copy",
			},
		},
		"cache": {
			ledger.VerifyReport{
				Files: []ledger.FileReport{{
					State: "damaged", Cache: true, Path: "coverage.db", Findings: []string{"page 3"},
					Remedy: "it heals",
				}},
				Caches: []ledger.CacheReport{{Projection: "coverage"}},
			},
			[]string{
				"page 3\n", "it heals\n", "run cakupan replay --swap --projection coverage",
				"does not heal by itself",
			},
		},
	} {
		out, stdout, _ := outside()
		err := writeVerdict(&cli.Where{}, out, c.report)
		if c.report.OK != (err == nil) ||
			err != nil && !errors.Is(err, cli.QuietExit(problem.ExitCheckFailed)) {
			t.Errorf("%s: %v", name, err)
		}
		for _, want := range c.want {
			if !strings.Contains(stdout.String(), want) {
				t.Errorf("%s: %q is not in\n%s", name, want, stdout)
			}
		}
		if !c.report.OK && strings.Contains(stdout.String(), "nothing is wrong") {
			t.Errorf("%s:\n%s", name, stdout)
		}
	}
}

// TestSinceQuery names the backup that an increment goes on from; look-ups, which older servers do
// not know, only where there are any.
func TestSinceQuery(t *testing.T) {
	end := backup.End{
		Position: backup.Position{Events: 7, Frame: "cd", Vault: 3, Register: 2}, SHA256: "ab",
	}
	if got := sinceQuery(&end).Encode(); got != "events=7&file=ab&frame=cd&register=2&vault=3" {
		t.Error(got)
	}
	end.Lookups = 5
	if got := sinceQuery(&end).Get("lookups"); got != "5" {
		t.Error(got)
	}
	end.Sums.Vault = "ef"
	if got := sinceQuery(&end); got.Get("vaultSum") != "ef" || got.Has("lookupsSum") {
		t.Error(got)
	}
}

// TestBackupCutOff: what does not come to its end leaves no file, and a disk that is full here is
// not taken for a server that broke off.
func TestBackupCutOff(t *testing.T) {
	dir := t.TempDir()
	for name, body := range map[string]io.Reader{
		"empty":  strings.NewReader(""),
		"other":  strings.NewReader(strings.Repeat("no backup ", 1_000)),
		"broken": iotest.ErrReader(errors.New("connection reset")),
	} {
		c := Backup{Output: filepath.Join(dir, name)}
		out, _, _ := outside()
		if _, err := c.write(body, out); problem.From(err).Code != problem.ServerUnreachable {
			t.Errorf("%s: %v", name, err)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%v is left, %v", left, err)
	}
	file, err := os.Open(os.DevNull) // it cannot be written
	if err != nil {
		t.Fatal(err)
	}
	to := &remembering{file: file}
	if _, err := to.Write([]byte("x")); err == nil || !errors.Is(to.err, err) {
		t.Errorf("%v, %v", err, to.err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestUsage: flags that contradict each other are refused before anything is opened or read.
func TestUsage(t *testing.T) {
	there := filepath.Join(t.TempDir(), "there")
	if err := os.WriteFile(there, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	server := &cli.Where{Server: "http://127.0.0.1:1"}
	folder := &cli.Where{Data: t.TempDir() + "/none"}
	const nik = "7503011501900001"
	whole := Erase{Worker: "w", Request: "1", Ground: "2", Decision: "3", By: "4"}
	named := func(change func(*Erase)) *Erase {
		c := whole
		c.Yes = true
		change(&c)
		return &c
	}
	out, stdout, _ := outside()
	for i, err := range []error{
		(&Backup{Output: there}).Run(t.Context(), folder, out),
		(&Restore{Files: []string{there}}).Run(t.Context(), server, out),
		(&Restore{Files: []string{there}, Replicas: 2}).Run(t.Context(), folder, out),
		(&Verify{Files: []string{there}}).Run(t.Context(), server, out),
		(&Verify{Files: []string{there}, NATS: "x"}).Run(t.Context(), folder, out),
		(&Verify{NATS: "x"}).Run(t.Context(), server, out),
		(&keysShowCommand{}).Run(t.Context(), server, out),
		(&keysTakeOverCommand{}).Run(t.Context(), server, out),
		(&Erasures{}).Run(t.Context(), server, out),
		whole.Run(t.Context(), folder, out),
		named(func(c *Erase) { c.Worker = "" }).Run(t.Context(), folder, out),
		named(func(c *Erase) { c.NIK = nik }).Run(t.Context(), folder, out),
		named(func(c *Erase) { c.Request = "of " + nik }).Run(t.Context(), folder, out),
		named(func(c *Erase) { c.By = nik }).Run(t.Context(), folder, out),
	} {
		if problem.From(err).Code != problem.UsageWrong || strings.Contains(err.Error(), nik) {
			t.Errorf("%d: %v", i, err)
		}
	}
	if _, err := os.Stat(folder.Data); !os.IsNotExist(err) || stdout.Len() > 0 {
		t.Errorf("%v: %s", err, stdout)
	}
}

// TestDisclosureIsWhole writes all parts of it, in one piece.
func TestDisclosureIsWhole(t *testing.T) {
	out, stdout, _ := outside()
	err := writeDisclosure(out, &ledger.Disclosure{
		Workers: []string{"w1", "w2"}, Events: []json.RawMessage{json.RawMessage(`{"id":"a"}`)},
	})
	want := "worker id w1\nworker id w2\nevents: 1\n{\"id\":\"a\"}\nrefused messages: 0\n"
	if err != nil || stdout.String() != want {
		t.Errorf("%v: %q", err, stdout)
	}
}
