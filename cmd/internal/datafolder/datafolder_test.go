package datafolder_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"cakupan/cmd/internal/datafolder"
	"cakupan/cmd/internal/problem"
	"cakupan/eventstore"
	"cakupan/eventstore/golden"
	"cakupan/eventstore/inspect"
	"cakupan/eventstore/jetstream"
	"cakupan/eventstore/logtest"
	"cakupan/eventstore/natsd"
)

const (
	eventstoreDir = "../../../eventstore/"
	coverageDir   = "../../../projections/coverage/testdata/"

	ledger      = "abababababababababababababababab" // of the golden files but the vault's
	vaultLedger = "0123456789abcdef0123456789abcdef"
)

// one is a file of a data folder: its place in it, and what it holds.
type one struct {
	name    string
	content []byte
	state   inspect.State
	ledger  string
	kind    string // how its kind begins
}

// ones are files of every kind, but for streams.
func ones(t testing.TB) []one {
	t.Helper()
	file := func(path string) []byte {
		content, err := golden.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return content
	}
	register, err := os.ReadFile("../access/testdata/access-v1.json")
	if err != nil {
		t.Fatal(err)
	}
	key := make([]byte, 32)
	for i := range key {
		key[i] = byte(i)
	}
	identity := `{"format":1,"identity":{"Ledger":"` + ledger + `","Created":7},"logMade":true}`
	whole, unproven := inspect.Whole, inspect.Unproven
	return []one{
		{"ledger.json", []byte(identity), unproven, ledger, "identity"},
		{"access.json", register, unproven, "", "register"},
		{
			"register.json", []byte(`{"format":1,"ledger":"` + ledger + `","number":2,"chain":"sha256:"}`),
			unproven, ledger, "note",
		},
		{"lock", []byte(`{"pid":1}`), whole, "", "lock"},
		{"vault/vault.key", key, unproven, "", "key"},
		{
			"vault/vault.db", file(eventstoreDir + "vault/older/testdata/v2/vault.db.gz"), unproven,
			vaultLedger, "vault",
		},
		{
			"vault/vault.journal.3", file(eventstoreDir + "vault/older/testdata/v2/vault.journal.3.hex"),
			whole, vaultLedger, "vault",
		},
		{
			"index/0000000001-0000000050.run",
			file(eventstoreDir + "index/testdata/v4/0000000001-0000000050.run.gz"), whole, ledger,
			"index",
		},
		{
			"projections/coverage.db", file(coverageDir + "files/coverage-v8.db.gz"), whole, ledger,
			"projection",
		},
		{
			"notices@cakupan.events.txt", file(eventstoreDir + "pubsub/testdata/position-v1.hex"), whole,
			ledger, "pubsub",
		},
		{
			"monday.backup", file(eventstoreDir + "backup/testdata/backup-v2.hex"), whole, ledger,
			"backup",
		},
		{
			"streams.json", []byte(`{"format":1,"ledger":"` + ledger + `","atRest":true,"streams":{}}`),
			unproven, ledger, "note",
		},
		{"frame", file(eventstoreDir + "testdata/frame-v1-three.hex"), whole, "", "frame"},
		{"sealed", file(eventstoreDir + "seal/testdata/sealed-v1.hex"), unproven, "", "sealed"},
	}
}

// put writes a file into a folder.
func put(t testing.TB, dir, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func look(t testing.TB, path string) *datafolder.Inspection {
	t.Helper()
	in, err := datafolder.Inspect(path)
	if err != nil {
		t.Fatal(err)
	}
	return in
}

// TestWhole inspects each kind of file as it is, alone and in a folder with the others.
func TestWhole(t *testing.T) {
	dir := t.TempDir()
	files := ones(t)
	for _, f := range files {
		put(t, dir, f.name, f.content)
	}
	for _, f := range files {
		in := look(t, filepath.Join(dir, f.name))
		if len(in.Files) != 1 {
			t.Fatalf("%s: %d reports", f.name, len(in.Files))
		}
		if r := in.Files[0]; r.State != f.state || r.Ledger != f.ledger ||
			!strings.HasPrefix(r.Kind, f.kind) || len(r.Findings) > 0 || in.State != f.state {
			t.Errorf("%s: %+v", f.name, r)
		}
		if bytes.Contains([]byte(fmt.Sprintf("%+v", in)), []byte("00010203")) {
			t.Errorf("%s: it shows the key: %+v", f.name, in)
		}
	}
	in := look(t, dir)
	if len(in.Files) != len(files) || in.State != inspect.Foreign {
		t.Errorf("%d reports, %s", len(in.Files), in.State)
	}
	for _, r := range in.Files { // the vault is of another ledger than the folder
		if foreign := r.Ledger == vaultLedger; (r.State == inspect.Foreign) != foreign {
			t.Errorf("%+v", r)
		}
	}
}

// TestNames knows a file by how it begins, where its name tells nothing.
func TestNames(t *testing.T) {
	for _, f := range ones(t) {
		switch f.kind {
		case "vault", "index", "projection", "frame", "sealed":
		default:
			continue
		}
		if strings.Contains(f.name, "journal") {
			continue // its head is a hash
		}
		r := look(t, put(t, t.TempDir(), "copy", f.content)).Files[0]
		if !strings.HasPrefix(r.Kind, f.kind) || r.State.Worse(inspect.Unproven) {
			t.Errorf("%s under another name: %+v", f.name, r)
		}
	}
}

// damages returns what a content can become: with one bit wrong, cut off, zeros, nothing.
func damages(content []byte) map[string][]byte {
	all := map[string][]byte{"zeros": make([]byte, len(content)), "empty": {}}
	var used []int // bytes that are not zero, for most of a database is
	for at := range content {
		if content[at] != 0 {
			used = append(used, at)
		}
	}
	count := min(200, len(used))
	if len(content) > 1<<20 {
		count = 20
	}
	for i := range count {
		at := used[i*len(used)/count]
		broken := slices.Clone(content)
		broken[at] ^= 1 << (i % 8)
		all[fmt.Sprintf("bit %d of byte %d", i%8, at)] = broken
		if i%5 == 0 {
			all[fmt.Sprintf("cut at %d", at)] = content[:at]
		}
	}
	return all
}

// TestDamaged: nothing of what a file can become is whole where a checksum covers it, and nothing
// that no checksum covers is ever said to be whole.
func TestDamaged(t *testing.T) {
	for _, f := range ones(t) {
		if f.kind == "lock" {
			continue // no byte of it counts
		}
		t.Run(f.kind, func(t *testing.T) {
			dir := t.TempDir()
			if f.kind == "vault" {
				for _, beside := range ones(t) {
					if strings.HasPrefix(beside.name, "vault/") {
						put(t, dir, beside.name, beside.content)
					}
				}
			}
			for what, content := range damages(f.content) {
				r := look(t, put(t, dir, f.name, content)).Files[0]
				ends := strings.Contains(f.name, "journal") && strings.HasPrefix(what, "cut") &&
					len(r.Findings) == 0 // between two blocks: a journal of fewer
				if r.State == inspect.Whole && !ends ||
					f.state == inspect.Whole && !ends && r.State == inspect.Unproven {
					t.Errorf("%s: %s: %+v", f.name, what, r)
				}
			}
		})
	}
}

// makeLog makes a log of six events in files, and returns the folder of its stream.
func makeLog(t testing.TB, dir string) string {
	t.Helper()
	server, err := natsd.Start(natsd.Options{StoreDir: filepath.Join(dir, "nats")})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := server.Connect()
	if err != nil {
		t.Fatal(err)
	}
	log, err := jetstream.Create(t.Context(), conn, jetstream.Options{},
		eventstore.Identity{Ledger: ledger, Created: 7})
	var maker logtest.Maker
	for range 3 {
		if err != nil {
			t.Fatal(err)
		}
		var tail eventstore.Tail
		if tail, err = log.Append(t.Context(), maker.Frame(2), maker.Before()); err == nil {
			maker.Appended(tail)
		}
	}
	conn.Close()
	if err := errors.Join(err, server.Shutdown()); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "nats/jetstream/$G/streams/CAKUPAN")
}

// TestStream inspects a log in files, by its folder and by each of its files, whole and damaged.
func TestStream(t *testing.T) {
	stream := makeLog(t, t.TempDir())
	for _, name := range []string{"", "meta.inf", "meta.sum", "msgs/1.blk", "msgs/index.db"} {
		r := look(t, filepath.Join(stream, name)).Files[0]
		if r.State != inspect.Whole || r.Ledger != ledger || r.Entries != 3 || r.First != 1 ||
			r.Last != 6 || r.Kind != "log: JetStream stream CAKUPAN" {
			t.Fatalf("%q: %+v", name, r)
		}
	}
	for _, name := range []string{"meta.inf", "meta.sum", "msgs/1.blk", "msgs/index.db"} {
		path := filepath.Join(stream, name)
		sound, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for at := range sound {
			broken := slices.Clone(sound)
			broken[at] ^= 1 << (at % 8)
			put(t, stream, name, broken)
			if r := look(t, stream).Files[0]; r.State != inspect.Damaged {
				t.Errorf("byte %d of %s is wrong: %+v", at, name, r)
			}
		}
		for what, content := range damages(sound) {
			put(t, stream, name, content)
			if r := look(t, stream).Files[0]; r.State != inspect.Damaged {
				t.Errorf("%s: %s: %+v", name, what, r)
			}
		}
		put(t, stream, name, sound)
	}
}

// TestShorter: an index that has seen more than the log holds says that the log has lost its end.
func TestShorter(t *testing.T) {
	dir := t.TempDir()
	makeLog(t, dir)
	for _, f := range ones(t) {
		if f.kind == "index" || f.kind == "identity" {
			put(t, dir, f.name, f.content)
		}
	}
	in := look(t, dir)
	i := slices.IndexFunc(in.Files, func(r inspect.Report) bool {
		return strings.HasPrefix(r.Kind, "log")
	})
	if in.State != inspect.Damaged || i < 0 || in.Files[i].State != inspect.Damaged ||
		len(in.Files[i].Findings) != 1 {
		t.Errorf("%+v", in)
	}
}

// TestUnknown: a strange file is unknown; in a folder with others it is nobody's business. A folder
// without a file of a ledger is not a whole one.
func TestUnknown(t *testing.T) {
	dir := t.TempDir()
	path := put(t, dir, "notes.txt", []byte("Call the office."))
	if in := look(t, path); in.State != inspect.Unknown || in.Files[0].State != inspect.Unknown {
		t.Errorf("%+v", in)
	}
	if in := look(t, dir); in.State != inspect.Unknown || in.Files[0].State != inspect.Unknown {
		t.Errorf("%+v", in)
	}
	put(t, dir, "lock", []byte(`{"pid":1}`))
	if in := look(t, dir); in.State != inspect.Whole || len(in.Files) != 2 {
		t.Errorf("%+v", in)
	}
	if in := look(t, t.TempDir()); len(in.Files) != 0 || in.State != inspect.Unknown {
		t.Errorf("of an empty folder: %+v", in)
	}
	var missing *problem.Error
	if _, err := datafolder.Inspect(filepath.Join(dir, "no")); !errors.As(err, &missing) ||
		missing.Code != problem.NotFound {
		t.Error(err)
	}
}

// TestLinks inspects a data folder that is a link, and whose log and whose index are on other disks.
// Links that lead around in circles, or nowhere, lead to nothing.
func TestLinks(t *testing.T) {
	dir, elsewhere := t.TempDir(), t.TempDir()
	makeLog(t, elsewhere)
	for _, f := range ones(t) {
		switch f.kind {
		case "identity":
			put(t, dir, f.name, f.content)
		case "index":
			put(t, elsewhere, f.name, f.content)
		}
	}
	link := filepath.Join(t.TempDir(), "data")
	for name, target := range map[string]string{
		link: dir, filepath.Join(dir, "nats"): filepath.Join(elsewhere, "nats"),
		filepath.Join(dir, "index"): filepath.Join(elsewhere, "index"),
		filepath.Join(dir, "up"):    filepath.Dir(dir), filepath.Join(dir, "self"): "self",
		filepath.Join(dir, "again"):              filepath.Join(elsewhere, "nats", "jetstream"),
		filepath.Join(dir, "nowhere"):            "no such file",
		filepath.Join(elsewhere, "nats", "back"): dir,
	} {
		if err := os.Symlink(target, name); err != nil {
			t.Fatal(err)
		}
	}
	in := look(t, link)
	kinds := map[string]int{}
	for _, r := range in.Files {
		kind, _, _ := strings.Cut(r.Kind, ":")
		kinds[kind]++
		if !strings.HasPrefix(r.Path, link) {
			t.Errorf("%s is not a name in %s", r.Path, link)
		}
	}
	want := map[string]int{"identity of the ledger": 1, "index": 1, "lock": 1, "log": 1}
	if !maps.Equal(kinds, want) || in.State != inspect.Damaged { // the index has seen more
		t.Errorf("%v, want %v: %s", kinds, want, in.State)
	}
}

// TestWithoutLog: a data folder whose server has no log any more is damaged, and says so. One that
// never had a server may have its log on a cluster.
func TestWithoutLog(t *testing.T) {
	dir := t.TempDir()
	path := put(t, dir, ones(t)[0].name, ones(t)[0].content)
	if r := look(t, path).Files[0]; r.State != inspect.Unproven || len(r.Notes) != 3 {
		t.Errorf("without a server: %+v", r)
	}
	stream := makeLog(t, dir)
	if r := look(t, path).Files[0]; r.State != inspect.Unproven || len(r.Notes) != 2 {
		t.Errorf("with its log: %+v", r)
	}
	for _, lost := range []string{filepath.Join(stream, "msgs"), stream} {
		if err := os.RemoveAll(lost); err != nil {
			t.Fatal(err)
		}
		if in := look(t, dir); in.State != inspect.Damaged {
			t.Errorf("without %s: %+v", lost, in)
		}
	}
}

// TestUntouched inspects a folder that cannot be written to, and finds it as it was.
func TestUntouched(t *testing.T) {
	dir := t.TempDir()
	makeLog(t, dir)
	for _, f := range ones(t) {
		put(t, dir, f.name, f.content)
	}
	t.Cleanup(func() { rights(t, dir, 0o700, 0o600) })
	rights(t, dir, 0o500, 0o400)
	before := snapshot(t, dir)
	look(t, dir)
	if after := snapshot(t, dir); !maps.Equal(before, after) {
		t.Errorf("it was\n%v\nand is\n%v", before, after)
	}
}

// rights sets the rights of all folders and files in a folder.
func rights(t testing.TB, dir string, folder, file os.FileMode) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir():
			return os.Chmod(path, folder)
		}
		return os.Chmod(path, file)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// snapshot returns names, times, rights and bytes of all in a folder.
func snapshot(t testing.TB, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		var content []byte
		if !entry.IsDir() {
			content, err = os.ReadFile(path)
		}
		all[path] = fmt.Sprintf("%s %s %x", info.ModTime(), info.Mode(), sha256.Sum256(content))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
