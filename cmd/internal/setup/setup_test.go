package setup

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"cakupan/cmd/internal/folder"
	"cakupan/cmd/internal/problem"
	"cakupan/eventstore/durable"
	"cakupan/eventstore/durable/durabletest"
	"cakupan/eventstore/keyfile"
)

var made = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func optionsFor(dir string) Options {
	return Options{
		Dir: dir, Nodes: []string{"node-a", "10.0.0.2"}, Ledgers: []string{"ledger-a", "ledger-b"},
		Members: []Member{{Name: "board", Role: "auditor"}},
	}
}

// contents returns all files of a folder. Nobody but the owner may read any.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err == nil && info.Mode().Perm() != secretMode {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		raw, readErr := os.ReadFile(path)
		found[strings.TrimPrefix(path, dir+"/")] = string(raw)
		if err != nil {
			return err
		}
		return readErr
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// check checks that all is there, and belongs together.
func check(t *testing.T, dir string) map[string]string {
	t.Helper()
	has := contents(t, dir)
	for _, key := range keyFiles {
		a, err := keyfile.Read(filepath.Join(dir, "data/ledger-a/vault", key))
		if err != nil {
			t.Fatal(err)
		}
		b, err := keyfile.Read(filepath.Join(dir, "data/ledger-b/vault", key))
		if err != nil || !bytes.Equal(a, b) {
			t.Errorf("ledgers have different keys: %v", err)
		}
	}
	if has["data/ledger-a/access.json"] == "" ||
		has["data/ledger-a/access.json"] != has["data/ledger-b/access.json"] {
		t.Error("ledgers have different members")
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(has["operator/ca.pem"]))
	for folder, name := range map[string]string{
		"nodes/node-a": "node-a", "nodes/10.0.0.2": "10.0.0.2", "ledgers/ledger-b": "ledger-b",
	} {
		pair, err := tls.X509KeyPair([]byte(has[folder+"/cert.pem"]), []byte(has[folder+"/key.pem"]))
		if err != nil {
			t.Fatalf("%s: %v", folder, err)
		}
		for _, host := range []string{name, "localhost", "127.0.0.1"} {
			_, err = pair.Leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: host, CurrentTime: made})
			if err != nil {
				t.Errorf("%s as %s: %v", folder, host, err)
			}
		}
		_, err = pair.Leaf.Verify(x509.VerifyOptions{
			Roots: roots, CurrentTime: made, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		})
		if (err == nil) != strings.HasPrefix(folder, "nodes/") {
			t.Errorf("%s joins the nodes: %v", folder, err)
		}
	}
	return has
}

// TestOnce makes all of it, again, and again when certificates end soon: nothing but those changes.
func TestOnce(t *testing.T) {
	dir := t.TempDir()
	opts := optionsFor(dir)
	opts.Owner = &Owner{User: os.Getuid(), Group: os.Getgid()}
	if err := Make(opts, made); err != nil {
		t.Fatal(err)
	}
	first := check(t, dir)
	for name, content := range first {
		if strings.Contains(content, first["authority/restore.password"]) !=
			strings.HasPrefix(name, "authority/restore.") {
			t.Errorf("%s and the login that removes streams", name)
		}
	}
	for _, secret := range []string{"authority/ledger.password", "authority/system.password"} {
		for name, content := range first {
			if strings.HasPrefix(name, "nodes/") && strings.Contains(content, first[secret]) {
				t.Errorf("%s has %s", name, secret)
			}
		}
	}
	if !strings.Contains(first["ledgers/ledger-a/nats.url"], "tls://ledger:"+
		first["authority/ledger.password"]+"@node-a:4222,tls://ledger:") {
		t.Errorf("the ledger's login is %s", first["ledgers/ledger-a/nats.url"])
	}
	for _, c := range []struct {
		days    int
		changed bool
	}{{0, false}, {certificateDays - renewDays - 2, false}, {certificateDays - renewDays + 1, true}} {
		if err := Make(opts, made.AddDate(0, 0, c.days)); err != nil {
			t.Fatal(err)
		}
		for name, content := range contents(t, dir) {
			renewed := c.changed && (strings.HasSuffix(name, "/cert.pem") ||
				strings.HasSuffix(name, "/key.pem"))
			if (content == first[name]) == renewed {
				t.Errorf("after %d days %s is another one: %v", c.days, name, !renewed)
			}
		}
	}
}

// TestRenew makes anew what it is told to, though it is good, and nothing else: what somebody has
// changed beside it stays. Logins fit: nodes have the hashes of what ledgers log in with.
func TestRenew(t *testing.T) {
	dir := t.TempDir()
	opts := optionsFor(dir)
	if err := Make(opts, made); err != nil {
		t.Fatal(err)
	}
	users := filepath.Join(dir, "nodes/10.0.0.2/users.conf")
	url := filepath.Join(dir, "ledgers/ledger-b/nats.url")
	was := check(t, dir)
	const own = "accounts { OURS { users: [ { user: watcher, password: x } ] } }\n"
	for path, text := range map[string]string{
		users: was["nodes/10.0.0.2/users.conf"] + own,
		url: strings.TrimSpace(strings.Replace(was["ledgers/ledger-b/nats.url"],
			"node-a:4222", "node-a:4333", 1)) + ",tls://mine:x@elsewhere:4222\n",
	} {
		if err := os.WriteFile(path, []byte(text), secretMode); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		renew   Renew
		renewed *regexp.Regexp
	}{
		{Renew{}, regexp.MustCompile(`^$`)},
		{Renew{Certificates: true}, regexp.MustCompile(`/(cert|key)\.pem$`)},
		{Renew{Logins: true}, regexp.MustCompile(`\.(password|url)$|/users\.conf$`)},
	} {
		before := contents(t, dir)
		opts.Renew = c.renew
		if err := Make(opts, made); err != nil {
			t.Fatal(err)
		}
		for name, content := range check(t, dir) {
			if renewed := c.renewed.MatchString(name); (content == before[name]) == renewed {
				t.Errorf("%+v: %s is another one: %v", c.renew, name, !renewed)
			}
		}
	}
	has := contents(t, dir)
	password := has["authority/ledger.password"]
	want := "tls://ledger:" + password + "@node-a:4333,tls://ledger:" + password +
		"@10.0.0.2:4222,tls://mine:x@elsewhere:4222\n"
	if has["ledgers/ledger-b/nats.url"] != want {
		t.Errorf("the ledger's login is %s", has["ledgers/ledger-b/nats.url"])
	}
	conf := has["nodes/10.0.0.2/users.conf"]
	if !strings.HasSuffix(conf, own) {
		t.Errorf("the node's users are %s", conf)
	}
	for _, user := range []string{userLedger, userSystem, userRestore} {
		hash := regexp.MustCompile(`user: "` + user + `", password: "([^"]*)"`).FindStringSubmatch(conf)
		err := bcrypt.CompareHashAndPassword([]byte(hash[1]), []byte(has["authority/"+user+".password"]))
		if err != nil {
			t.Errorf("%s: %v", user, err)
		}
	}
	if err := os.WriteFile(users, []byte(own), secretMode); err != nil {
		t.Fatal(err)
	}
	if err := Make(opts, made); err == nil || !strings.Contains(err.Error(), "no user ledger") {
		t.Errorf("a file of somebody's own: %v", err)
	}
}

// TestNodesAdded: a node that is added later is in the addresses of each ledger, behind those that
// are there, which stay as somebody may have changed them; nothing else changes.
func TestNodesAdded(t *testing.T) {
	dir := t.TempDir()
	opts := optionsFor(dir)
	if err := Make(opts, made); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "ledgers/ledger-b/nats.url")
	first := check(t, dir)
	own := strings.Replace(first["ledgers/ledger-b/nats.url"], "node-a:4222", "node-a:4333", 1)
	if err := os.WriteFile(path, []byte(own), secretMode); err != nil {
		t.Fatal(err)
	}
	opts.Nodes = append(opts.Nodes, "node-c")
	for range 2 {
		if err := Make(opts, made); err != nil {
			t.Fatal(err)
		}
	}
	again := check(t, dir)
	for name, of := range map[string]string{"nats.url": userLedger, "system.url": userSystem} {
		for _, ledger := range []string{"ledger-a", "ledger-b"} {
			file := "ledgers/" + ledger + "/" + name
			want := strings.TrimSpace(first[file]) + ",tls://" + of + ":" +
				first["authority/"+of+".password"] + "@node-c:4222\n"
			if file == "ledgers/ledger-b/nats.url" {
				want = strings.Replace(want, "node-a:4222", "node-a:4333", 1)
			}
			if again[file] != want {
				t.Errorf("%s is %s, want %s", file, again[file], want)
			}
		}
	}
	for name, content := range first {
		if !strings.HasSuffix(name, ".url") && again[name] != content {
			t.Errorf("%s is another one", name)
		}
	}
}

// TestKeyLost: a key of a certificate that is lost, or of another one, is made anew with it; one
// that cannot be read is said, and left.
func TestKeyLost(t *testing.T) {
	dir := t.TempDir()
	opts := optionsFor(dir)
	if err := Make(opts, made); err != nil {
		t.Fatal(err)
	}
	first := check(t, dir)
	lost := filepath.Join(dir, "nodes/node-a/key.pem")
	if err := os.Remove(lost); err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(dir, "ledgers/ledger-b/key.pem")
	err := os.WriteFile(other, []byte(first["ledgers/ledger-a/key.pem"]), secretMode)
	if err != nil {
		t.Fatal(err)
	}
	if err := Make(opts, made); err != nil {
		t.Fatal(err)
	}
	again := check(t, dir) // each key is of its certificate
	for name, content := range first {
		renewed := strings.HasPrefix(name, "nodes/node-a/") ||
			strings.HasPrefix(name, "ledgers/ledger-b/")
		renewed = renewed && (strings.HasSuffix(name, "/cert.pem") ||
			strings.HasSuffix(name, "/key.pem"))
		if (again[name] == content) == renewed {
			t.Errorf("%s is another one: %v", name, !renewed)
		}
	}
	if err := os.Remove(lost); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(lost, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := Make(opts, made); err == nil || !strings.Contains(err.Error(), "key.pem") {
		t.Errorf("a key that cannot be read: %v", err)
	}
}

// TestStarted: what a started ledger lacks is lost, and not made anew; a new one beside it gets
// its keys.
func TestStarted(t *testing.T) {
	dir := t.TempDir()
	opts := optionsFor(dir)
	if err := Make(opts, made); err != nil {
		t.Fatal(err)
	}
	first := contents(t, dir)
	for _, err := range []error{
		os.WriteFile(filepath.Join(dir, "data/ledger-a", folder.IdentityFile), nil, 0o600),
		os.Remove(filepath.Join(dir, "data/ledger-a/access.json")), // was taken over
		os.RemoveAll(filepath.Join(dir, "data/ledger-b")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := Make(opts, made); err != nil {
		t.Fatal(err)
	}
	now := contents(t, dir)
	for _, key := range keyFiles {
		if name := "data/ledger-b/vault/" + key; now[name] != first[name] {
			t.Errorf("%s is another one", name)
		}
	}
	if _, found := now["data/ledger-a/access.json"]; found {
		t.Error("members are made anew")
	}
	if err := os.RemoveAll(filepath.Join(dir, "data/ledger-a/vault")); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(dir, "data/ledger-b/vault")); err != nil {
		t.Fatal(err)
	}
	if err := Make(opts, made); err == nil || !strings.Contains(err.Error(), "key") {
		t.Errorf("a lost key is made anew: %v", err)
	}
}

// TestGivenKeys: the ledgers of a cluster into which a backup is restored get its keys, and no
// members, as often as setup is run: before the restore, while it is cut short, and after it. A key
// that is there and another one is never replaced.
func TestGivenKeys(t *testing.T) {
	old, dir := t.TempDir(), t.TempDir()
	if err := Make(optionsFor(old), made); err != nil {
		t.Fatal(err)
	}
	kept := filepath.Join(old, "data/ledger-a/vault")
	err := os.WriteFile(filepath.Join(kept, folder.SuccessionFile), []byte("proof"), secretMode)
	if err != nil {
		t.Fatal(err)
	}
	opts := optionsFor(dir)
	keys, err := folder.ReadKeys(kept)
	if err != nil {
		t.Fatal(err)
	}
	delete(keys, "intake.key") // one that the ledger never had
	opts.Members, opts.Keys = nil, keys
	plain := optionsFor(dir)
	for _, begun := range []string{"", folder.RestoringFile, folder.IdentityFile} {
		if begun != "" {
			path := filepath.Join(dir, "data/ledger-a", begun)
			if err := os.WriteFile(path, nil, secretMode); err != nil {
				t.Fatal(err)
			}
			if err := Make(plain, made); err != nil {
				t.Fatalf("%s: %v", begun, err)
			}
		}
		if err := Make(opts, made); err != nil {
			t.Fatalf("%s: %v", begun, err)
		}
		has := contents(t, dir)
		if key := has["data/ledger-a/vault/intake.key"]; len(key) != keyfile.Size ||
			key != has["data/ledger-b/vault/intake.key"] {
			t.Errorf("%s: a key that the ledger never had is %x", begun, key)
		}
		for file, content := range keys {
			for _, ledger := range opts.Ledgers {
				if has["data/"+ledger+"/vault/"+file] != string(content) {
					t.Errorf("%s: %s of %s is another one", begun, file, ledger)
				}
			}
		}
		for name := range has {
			if strings.HasSuffix(name, "access.json") || strings.HasSuffix(name, ".secret") {
				t.Errorf("%s: %s is made", begun, name)
			}
		}
	}
	other := optionsFor(t.TempDir())
	if err := Make(other, made); err != nil {
		t.Fatal(err)
	}
	before := contents(t, other.Dir)
	other.Keys = keys
	if err := Make(other, made); problem.From(err).Code != problem.FolderNotEmpty {
		t.Errorf("other keys are there: %v", err)
	}
	for name, content := range contents(t, other.Dir) {
		if key := strings.HasSuffix(name, ".key"); key && before[name] != content {
			t.Errorf("%s is replaced", name)
		}
	}
}

// TestCutShort has each durable step fail in turn, and goes on after each.
func TestCutShort(t *testing.T) {
	for _, step := range durable.Steps() {
		t.Run(string(step), func(t *testing.T) {
			dir, failed := t.TempDir(), 0
			for n := 1; ; n++ {
				if n > 500 {
					t.Fatal("does not come to an end")
				}
				seen := 0
				remove := durable.Inject(dir, func(at durable.Step, _ string) error {
					if at != step {
						return nil
					}
					if seen++; seen == n {
						return durabletest.ErrInjected
					}
					return nil
				})
				err := Make(optionsFor(dir), made)
				remove()
				if err == nil {
					break
				}
				failed++
			}
			check(t, dir)
			if failed == 0 {
				t.Error("nothing failed")
			}
		})
	}
}

// TestDamagedAuthority: another authority is never made for an old cluster.
func TestDamagedAuthority(t *testing.T) {
	dir := t.TempDir()
	if err := Make(optionsFor(dir), made); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "authority/authority.pem")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(whole)
	for _, spoilt := range [][]byte{nil, whole[:10], pem.EncodeToMemory(block)} {
		if err := os.WriteFile(path, spoilt, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := Make(optionsFor(dir), made); err == nil {
			t.Errorf("%d bytes are an authority", len(spoilt))
		}
	}
}
