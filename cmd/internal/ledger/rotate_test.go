package ledger

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"cakupan/cmd/internal/folder"
	"cakupan/cmd/internal/problem"
	"cakupan/cmd/internal/prover"
	"cakupan/eventstore/checkpoint"
)

// keyOf returns the public key of checkpoints.
func keyOf(t *testing.T, l *Ledger) string {
	t.Helper()
	key, err := l.CheckpointKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// checkSuccession makes sure that who knows an older key can open what is signed now, by proof of
// so many changes.
func checkSuccession(t *testing.T, l *Ledger, older string, changes int) {
	t.Helper()
	text, err := l.Successions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	all, err := checkpoint.ParseSuccessions(text)
	if err != nil || len(all) != changes {
		t.Fatalf("%d successions of %d: %v", len(all), changes, err)
	}
	_, signed := mustSign(t, l)
	if _, by, err := checkpoint.OpenAfter(signed, older, text); err != nil || by != keyOf(t, l) {
		t.Errorf("who has %s cannot open %s: %v", older, signed, err)
	}
}

// checkKeysSound makes sure that all keys are the ledger's own.
func checkKeysSound(t *testing.T, l *Ledger) {
	t.Helper()
	keys, err := l.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range keys {
		if !k.OK {
			t.Errorf("%+v", k)
		}
	}
}

// TestRotateCheckpointKey changes the key while the ledger is open, twice, and before and after a
// restart: what was signed is compared with still, cosignatures stay, and old keys lead to new ones.
func TestRotateCheckpointKey(t *testing.T) {
	witness, err := checkpoint.NewWitness("auditor", bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "data")
	l := openAt(t, dir, witness.Key())
	reportMany(t, l, 1, 20)
	first := keyOf(t, l)
	tree, signed := mustSign(t, l)
	v, err := checkpoint.Verifier(first)
	if err != nil {
		t.Fatal(err)
	}
	cosigned, err := witness.Cosign(signed, v)
	if err == nil {
		_, err = l.Cosign(t.Context(), cosigned)
	}
	if err != nil {
		t.Fatal(err)
	}
	for change := 1; change <= 3; change++ {
		before := keyOf(t, l)
		if err := l.RotateKey(t.Context(), "checkpoint"); err != nil {
			t.Fatal(err)
		}
		if keyOf(t, l) == before {
			t.Fatal("the key is the same")
		}
		checkSuccession(t, l, first, change)
		checkSuccession(t, l, before, change)
		checkKeysSound(t, l)
		if now, _ := mustSign(t, l); now != tree {
			t.Errorf("the head is %+v, was %+v", now, tree)
		}
		witnessed, err := l.Witnessed(t.Context())
		if err != nil || signedTree(t, l, witnessed) != tree || !strings.Contains(string(witnessed), "auditor") {
			t.Errorf("witnessed: %s, %v", witnessed, err)
		}
		closeNow(t, l)
		l = openAt(t, dir, witness.Key())
	}
	reportMany(t, l, 21, 5)
	checkSuccession(t, l, first, 3)
	// What the first key has signed is what the ledger is compared with, as the last one has.
	if _, err := checkpoint.Open(signed, v); err != nil {
		t.Errorf("an old checkpoint: %v", err)
	}
}

// TestRotateKilled kills a change of the key at each step, where there is an old one and where it was
// lost. Whatever the step: the next start ends it, nothing that was signed is forgotten without need,
// and no key is lost.
func TestRotateKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("long in one goroutine")
	}
	for _, point := range []string{
		prover.FaultKeyMade, prover.FaultKeySucceeds, prover.FaultKeyNoted, prover.FaultKeyCheck, prover.FaultKeyRenamed, prover.FaultKeyForgotten,
	} {
		t.Run(point, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "data")
			l := openAt(t, dir)
			reportMany(t, l, 1, 5)
			was := keyOf(t, l)
			mustSign(t, l)
			closeNow(t, l)
			lost := point == prover.FaultKeyForgotten
			if lost {
				if err := os.Remove(filepath.Join(dir, folder.Vault, folder.SigningKeyFile)); err != nil {
					t.Fatal(err)
				}
			}
			command, _, output := startChild(t, childOrders{Task: rotateTask, Dir: dir, Point: point, Hit: 1})
			err := command.Wait()
			status, _ := command.ProcessState.Sys().(syscall.WaitStatus)
			if !status.Signaled() || status.Signal() != syscall.SIGKILL {
				t.Fatalf("was not killed: %v\n%s", err, output)
			}
			l = openAt(t, dir)
			is := keyOf(t, l)
			if is == was {
				t.Error("the change was forgotten")
			}
			if _, err := os.Lstat(l.folder.Path(folder.Vault, folder.SigningKeyFile+folder.NewSuffix)); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the new key is not in its place: %v", err)
			}
			if lost {
				checkSuccession(t, l, is, 0)
			} else {
				checkSuccession(t, l, was, 1)
			}
			checkKeysSound(t, l)
			reportMany(t, l, 6, 1)
			if tree, _ := mustSign(t, l); tree.N != 6 {
				t.Errorf("%d events are signed", tree.N)
			}
		})
	}
}

// TestSuccessionFile: the proof of older keys is missed when it is gone, damaged or an older copy; it
// is kept with the keys, and comes back with them.
func TestSuccessionFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	l := openAt(t, dir)
	reportMany(t, l, 1, 3)
	first := keyOf(t, l)
	rotate := func() []byte {
		t.Helper()
		if err := l.RotateKey(t.Context(), "checkpoint"); err != nil {
			t.Fatal(err)
		}
		content, err := os.ReadFile(l.prover.SuccessionPath())
		if err != nil {
			t.Fatal(err)
		}
		return content
	}
	older := rotate()
	newest := rotate()
	keys := filepath.Join(t.TempDir(), "keys")
	if _, err := l.BackupKeys(t.Context(), keys); err != nil {
		t.Fatal(err)
	}
	path := l.prover.SuccessionPath()
	closeNow(t, l)
	bit := bytes.Clone(newest)
	bit[40] ^= 1
	for name, content := range map[string][]byte{
		"missing": nil, "older": older, "bit": bit, "twice": append(bytes.Clone(newest), newest...),
	} {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if content != nil {
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		l = openAt(t, dir)
		_, err := l.Successions(t.Context())
		if p := problem.From(err); p == nil || p.Code != problem.FolderKeyLost || !strings.Contains(p.Detail, path) {
			t.Errorf("%s: %v", name, err)
		}
		all, err := l.Keys(t.Context())
		if err != nil || all[len(all)-1].OK {
			t.Errorf("%s: %+v, %v", name, all, err)
		}
		closeNow(t, l)
		kept, err := os.ReadFile(filepath.Join(keys, folder.SuccessionFile))
		if err == nil {
			err = os.WriteFile(path, kept, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		l = openAt(t, dir)
		checkSuccession(t, l, first, 2)
		closeNow(t, l)
	}
}
