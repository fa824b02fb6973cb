package ledger

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"cakupan/cmd/internal/folder"
	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
	"cakupan/eventstore"
	"cakupan/eventstore/index"
	"cakupan/eventstore/merkle"
	"cakupan/eventstore/vault"
)

// folderSeed makes the events of the tests below.
const folderSeed = 7

// eventsBetween returns lines from..until-1 of the same file of people, always.
func eventsBetween(from, until int) [][]byte {
	return bytes.Split(people(folderSeed, 1_000, 300), []byte("\n"))[from:until]
}

// fillLedger appends lines of people to the ledger in a folder, and reads the coverage.
func fillLedger(t *testing.T, dir string, from, until int) {
	t.Helper()
	l, err := Open(t.Context(), Options{Dir: dir, Create: true})
	if err != nil {
		t.Fatal(err)
	}
	submit(t, l, eventsBetween(from, until))
	if _, err := l.View(t.Context(), 0); err != nil {
		t.Error(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// submit appends lines, none of which may be refused.
func submit(t *testing.T, l *Ledger, lines [][]byte) []event.Receipt {
	t.Helper()
	receipts, err := l.Submit(t.Context(), lines, intake.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range receipts {
		if r.Status == event.Refused {
			t.Fatalf("line %d: %v", i+1, r.Refusal)
		}
	}
	return receipts
}

// openWhole opens a ledger with all its parts and closes it. It returns why that went wrong.
func openWhole(t *testing.T, dir string) error {
	t.Helper()
	return openAnd(t, dir, func(l *Ledger) error {
		if _, err := l.Submit(t.Context(), nil, intake.Options{}); err != nil {
			return err
		}
		_, err := l.View(t.Context(), 0)
		return err
	})
}

// openAnd opens a ledger for a use and closes it. It returns why that went wrong.
func openAnd(t *testing.T, dir string, use func(*Ledger) error) error {
	t.Helper()
	l, err := Open(t.Context(), Options{Dir: dir})
	if err != nil {
		return err
	}
	defer func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}()
	return use(l)
}

// copyFolder puts a copy of a folder in place of what is there.
func copyFolder(t *testing.T, from, to string) {
	t.Helper()
	err := os.RemoveAll(to)
	if err == nil {
		// Files may go meanwhile, where the ledger runs on.
		err = folder.Copy(t.Context(), from, to, false)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestFolderRefused opens folders that must not be used as they are.
func TestFolderRefused(t *testing.T) {
	ours, theirs := t.TempDir(), t.TempDir()
	fillLedger(t, ours, 0, 50)
	young := t.TempDir() // as it was before the last events
	copyFolder(t, ours, young)
	fillLedger(t, ours, 50, 100)
	fillLedger(t, theirs, 200, 320)
	for _, test := range []struct {
		name  string
		spoil func(t *testing.T, dir string)
		code  problem.Code
		exit  int
		want  string // the sentence
		needs string // what it stands in the way of
	}{
		{"newer format", func(t *testing.T, dir string) {
			writeText(t, filepath.Join(dir, folder.IdentityFile), `{"format":2,"identity":"of another kind"}`)
		}, problem.FolderNewer, 1, `has format 2, this program knows up to 1: use a newer cakupan`, "view prepare"},
		{"log of another ledger", func(t *testing.T, dir string) {
			copyFolder(t, filepath.Join(theirs, folder.NATS), filepath.Join(dir, folder.NATS))
		}, problem.FolderOtherLedger, 5, `belongs to ledger [0-9a-f]{32}, the log to ledger`, "view prepare"},
		{"projection of another ledger", func(t *testing.T, dir string) {
			copyFolder(t, filepath.Join(theirs, folder.Views), filepath.Join(dir, folder.Views))
		}, problem.FolderOtherLedger, 5, `mixes two ledgers`, "view"},
		{"index of another ledger", func(t *testing.T, dir string) {
			otherIndex(t, filepath.Join(dir, folder.Index))
		}, problem.FolderOtherLedger, 5, `mixes two ledgers`, "prepare"},
		{"vault of another ledger", func(t *testing.T, dir string) {
			copyFolder(t, filepath.Join(theirs, folder.Vault), filepath.Join(dir, folder.Vault))
		}, problem.FolderKeyLost, 1, `vault\.key is not the key of this ledger: put it back`, "prepare"},
		{"identity of another ledger", func(t *testing.T, dir string) {
			text, err := os.ReadFile(filepath.Join(theirs, folder.IdentityFile))
			if err != nil {
				t.Fatal(err)
			}
			writeText(t, filepath.Join(dir, folder.IdentityFile), string(text))
		}, problem.FolderOtherLedger, 5, `belongs to ledger [0-9a-f]{32}, the log to ledger`, "view prepare"},
		{"missing log", func(t *testing.T, dir string) {
			if err := os.RemoveAll(filepath.Join(dir, folder.NATS)); err != nil {
				t.Fatal(err)
			}
		}, problem.LogDamaged, 5, `the log is not in .*\. If it is on a cluster, name that with --nats.*has lost its log: restore it from a backup`, "view prepare"},
		{"older log", func(t *testing.T, dir string) {
			copyFolder(t, filepath.Join(young, folder.NATS), filepath.Join(dir, folder.NATS))
		}, problem.LogDamaged, 5, `\bevent 45\b.*\b90\b`, "view prepare"},
		{"empty older log", func(t *testing.T, dir string) {
			fresh := t.TempDir()
			fillLedger(t, fresh, 0, 0)
			copyFolder(t, filepath.Join(fresh, folder.NATS), filepath.Join(dir, folder.NATS))
			text, err := os.ReadFile(filepath.Join(fresh, folder.IdentityFile))
			if err != nil {
				t.Fatal(err)
			}
			writeText(t, filepath.Join(dir, folder.IdentityFile), string(text))
		}, problem.FolderOtherLedger, 5, `mixes two ledgers`, "view"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "data")
			copyFolder(t, ours, dir)
			test.spoil(t, dir)
			before := contents(t, dir)
			refused := func(what string, err error) {
				t.Helper()
				t.Logf("%s: %v", what, err)
				p := problem.From(err)
				if err == nil || p.Code != test.code || p.Exit() != test.exit ||
					!regexp.MustCompile(test.want).MatchString(p.Detail) {
					t.Errorf("%s: %v, want %s, exit %d: %s", what, err, test.code, test.exit, test.want)
				}
			}
			refused("open", openWhole(t, dir))
			if strings.Contains(test.needs, "view") {
				refused("view", openAnd(t, dir, func(l *Ledger) error {
					_, err := l.View(t.Context(), 0)
					return err
				}))
			}
			if strings.Contains(test.needs, "prepare") {
				refused("prepare", openAnd(t, dir, func(l *Ledger) error {
					_, err := l.Prepare(t.Context(), eventsBetween(400, 420), intake.Options{})
					return err
				}))
			}
			for path, sum := range contents(t, dir) {
				if was, found := before[path]; found && was != sum {
					t.Errorf("%s was changed", path)
				}
			}
		})
	}
}

// contents returns the sums of the files of a folder that mean something: what the server keeps
// about itself and the lock may change.
func contents(t *testing.T, dir string) map[string][sha256.Size]byte {
	t.Helper()
	sums := map[string][sha256.Size]byte{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		name := filepath.Base(path)
		if err != nil || d.IsDir() || name == folder.LockFile || name == "index.db" {
			return err
		}
		text, err := os.ReadFile(path)
		sums[path] = sha256.Sum256(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return sums
}

func writeText(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), folder.FileMode); err != nil {
		t.Fatal(err)
	}
}

// otherIndex makes the index of a ledger that has so many events that some are in a file.
func otherIndex(t *testing.T, dir string) {
	t.Helper()
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	idx, err := index.Open(dir, eventstore.NewIdentity(1))
	if err != nil {
		t.Fatal(err)
	}
	const frame = 1_000
	var tree merkle.Tree
	for from := 0; from < 140_000; from += frame {
		entries := make([]index.Entry, frame)
		for i := range entries {
			seq := uint64(from + i + 1)
			key := event.Key{Source: "other", ID: fmt.Sprint(seq)}
			entries[i] = index.Entry{Key: index.KeyOf(key), Sequence: eventstore.Sequence(seq)}
			tree.Append(merkle.LeafHash(seq, 1, nil))
		}
		if err := idx.Reserve(frame); err != nil {
			t.Fatal(err)
		}
		if err := idx.Add(entries, &tree); err != nil {
			t.Fatal(err)
		}
	}
	if err := idx.Close(); err != nil {
		t.Fatal(err)
	}
	if runs, err := filepath.Glob(filepath.Join(dir, "*.run")); err != nil || len(runs) == 0 {
		t.Fatalf("the index has no files: %v", err)
	}
}

// TestHalfMadeFolder opens folders as a crash at the very beginning leaves them.
func TestHalfMadeFolder(t *testing.T) {
	for _, test := range []struct {
		name string
		undo func(t *testing.T, dir string)
	}{
		{"nothing but the lock", func(t *testing.T, dir string) {
			emptyFolder(t, dir)
			writeText(t, filepath.Join(dir, folder.LockFile), `{"pid":1}`)
		}},
		{"half an identity", func(t *testing.T, dir string) {
			emptyFolder(t, dir)
			writeText(t, filepath.Join(dir, folder.IdentityFile+".tmp"), `{"format":`)
		}},
		{"an identity and no log", func(t *testing.T, dir string) {
			notMade(t, dir)
			if err := os.RemoveAll(filepath.Join(dir, folder.NATS)); err != nil {
				t.Fatal(err)
			}
		}},
		{"half a log", func(t *testing.T, dir string) {
			notMade(t, dir)
			path, err := filepath.Glob(filepath.Join(dir, folder.NATS, "*", "*", "*", "CAKUPAN", "meta.sum"))
			if err != nil || len(path) != 1 || os.Remove(path[0]) != nil {
				t.Fatalf("checksum of the stream: %v, %v", path, err)
			}
		}},
		{"a log that is not noted", notMade},
		{"a log and no identity", func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, folder.IdentityFile)); err != nil {
				t.Fatal(err)
			}
		}},
		{"a key and no vault", func(t *testing.T, dir string) {
			streams := filepath.Join(dir, folder.NATS, "jetstream", "$G", "streams")
			if err := os.RemoveAll(filepath.Join(streams, vault.StreamName)); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "data")
			fillLedger(t, dir, 0, 0)
			test.undo(t, dir)
			fillLedger(t, dir, 0, 10)
			if err := openWhole(t, dir); err != nil {
				t.Error(err)
			}
		})
	}
}

func emptyFolder(t *testing.T, dir string) {
	t.Helper()
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(dir, folder.FolderMode); err != nil {
		t.Fatal(err)
	}
}

// notMade makes the identity say that the log is yet to be made.
func notMade(t *testing.T, dir string) {
	t.Helper()
	path := filepath.Join(dir, folder.IdentityFile)
	var meta folder.Meta
	readJSONFile(t, path, &meta)
	meta.LogMade = false
	text, err := json.Marshal(meta)
	if err != nil {
		t.Fatal(err)
	}
	writeText(t, path, string(text))
}

// TestFolderInUse opens a folder that another process has open.
func TestFolderInUse(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	fillLedger(t, dir, 0, 10)
	const url = "http://127.0.0.1:7171"
	for _, test := range []struct{ url, want string }{
		{"", `is open in process %d: wait until it has ended`},
		{url, `is open in process %d, a cakupan serve: use --server ` + url + ` instead of --data`},
	} {
		holder, answers, output := startChild(t, childOrders{Task: holdTask, Dir: dir, URL: test.url})
		var result opened
		if err := json.NewDecoder(answers).Decode(&result); err != nil || result.Code != "" {
			t.Fatalf("child: %+v, %v\n%s", result, err, output)
		}
		err := openWhole(t, dir)
		want := fmt.Sprintf(test.want, holder.Process.Pid)
		if p := problem.From(err); err == nil || p.Code != problem.FolderInUse ||
			!strings.Contains(p.Detail, want) {
			t.Errorf("open: %v, want %s: %s", err, problem.FolderInUse, want)
		}
		if err := holder.Process.Kill(); err != nil {
			t.Error(err)
		}
		_ = holder.Wait() // it says that it was killed
		if err := openWhole(t, dir); err != nil {
			t.Errorf("open after the other process has died: %v", err)
		}
	}
}

// TestFolderDenied opens folders without the rights to.
func TestFolderDenied(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only the superuser can start a process of another user")
	}
	const stranger = 65534
	for _, denied := range []string{
		".", folder.IdentityFile, folder.LockFile, folder.NATS, filepath.Join(folder.NATS, "jetstream"),
		folder.Index, folder.Vault, filepath.Join(folder.Vault, "vault.key"),
		filepath.Join(folder.Vault, "lookup.state"), folder.Views, filepath.Join(folder.Views, coverageFile),
	} {
		t.Run(denied, func(t *testing.T) {
			t.Parallel()
			parent := t.TempDir()
			dir := filepath.Join(parent, "data")
			fillLedger(t, dir, 0, 10)
			for _, open := range []string{filepath.Dir(parent), parent} {
				if err := os.Chmod(open, 0o755); err != nil {
					t.Fatal(err)
				}
			}
			giveAway(t, dir, stranger)
			if err := os.Lchown(filepath.Join(dir, denied), 0, 0); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(filepath.Join(dir, denied), 0); err != nil {
				t.Fatal(err)
			}
			checkDenied(t, dir, stranger)
		})
	}
}

// copyKeys gives a ledger's keys to another folder, as whoever runs two of one cluster does.
func copyKeys(t *testing.T, from, to string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(to, folder.Vault), folder.FolderMode); err != nil {
		t.Fatal(err)
	}
	keys, err := filepath.Glob(filepath.Join(from, folder.Vault, "*.key"))
	if err != nil || len(keys) == 0 {
		t.Fatalf("keys %v, %v", keys, err)
	}
	for _, key := range keys {
		text, err := os.ReadFile(key)
		if err == nil {
			err = os.WriteFile(filepath.Join(to, folder.Vault, filepath.Base(key)), text, folder.FileMode)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func giveAway(t *testing.T, dir string, uid int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err == nil {
			err = os.Lchown(path, uid, uid)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func checkDenied(t *testing.T, dir string, uid int) {
	t.Helper()
	process, answers, output := startChild(t, childOrders{Task: openTask, Dir: dir, UID: uid})
	var result opened
	err := json.NewDecoder(answers).Decode(&result)
	if waited := process.Wait(); err != nil || waited != nil {
		t.Fatalf("child: %v, %v\n%s", err, waited, output)
	}
	t.Logf("%s: %s", result.Code, result.Detail)
	if result.Code != problem.FolderDenied || !strings.Contains(result.Detail, dir) {
		t.Errorf("open: %+v, want %s", result, problem.FolderDenied)
	}
}
