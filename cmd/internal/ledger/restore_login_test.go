package ledger

import (
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	natsjs "github.com/nats-io/nats.go/jetstream"

	"cakupan/cmd/internal/backups"
	"cakupan/cmd/internal/problem"
	"cakupan/cmd/internal/setup"
)

// startSetUp starts a server of NATS with the users that setup makes, and returns its address with
// a login out of the file of each name.
func startSetUp(t *testing.T, files ...string) (addresses []string) {
	t.Helper()
	dir := t.TempDir()
	err := setup.Make(setup.Options{
		Dir: dir, Nodes: []string{"127.0.0.1"}, Ledgers: []string{"one"},
	}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	opts, err := server.ProcessConfigFile(unhashed(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	opts.Host, opts.Port, opts.NoSigs, opts.NoLog = "127.0.0.1", server.RANDOM_PORT, true, true
	opts.JetStream, opts.SyncAlways, opts.StoreDir = true, true, t.TempDir()
	opts.MaxPayload = 4 << 20
	running, err := server.NewServer(opts)
	if err != nil {
		t.Fatal(err)
	}
	running.Start()
	t.Cleanup(func() { running.Shutdown(); running.WaitForShutdown() })
	if !running.ReadyForConnections(time.Minute) {
		t.Fatal("server does not become ready")
	}
	for _, file := range files {
		raw, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		address, err := url.Parse(strings.TrimSpace(string(raw)))
		if err != nil {
			t.Fatal(err)
		}
		address.Scheme, address.Host = "nats", running.Addr().String()
		addresses = append(addresses, address.String())
	}
	return addresses
}

// unhashed returns a file of the users with their passwords as they are: to compare one with its
// hash takes longer than a connection waits, where the race detector is on and the machine busy.
func unhashed(t *testing.T, dir string) (path string) {
	t.Helper()
	path = filepath.Join(dir, "nodes/127.0.0.1/users.conf")
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	user := regexp.MustCompile(`user: "(\w+)", password: "[^"]+"`)
	text := user.ReplaceAllStringFunc(string(raw), func(line string) string {
		name := user.FindStringSubmatch(line)[1]
		password, err := os.ReadFile(filepath.Join(dir, "authority", name+".password"))
		if err != nil {
			t.Fatal(err)
		}
		return `user: "` + name + `", password: "` + string(password) + `"`
	})
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestRestoreLogin restores into a cluster as setup makes it: the login of a ledger cannot, is told
// so, and leaves no mark that it could not take away; that of a restore can.
func TestRestoreLogin(t *testing.T) {
	root := t.TempDir()
	submitPersons(t, filepath.Join(root, "data"), 0, 7)
	l := openToTest(t, Options{Dir: filepath.Join(root, "data")})
	path, end := takeBackup(t, l, nil)
	keys := filepath.Join(root, "keys")
	if _, err := l.BackupKeys(t.Context(), keys); err != nil {
		t.Fatal(err)
	}
	logins := startSetUp(t, "ledgers/one/nats.url", "authority/restore.url")
	opts := backups.RestoreOptions{
		Files: []string{path}, Dir: filepath.Join(root, "restored"), Keys: keys, Replicas: 1,
	}
	opts.NATS = logins[0]
	_, err := backups.Restore(t.Context(), opts)
	if problem.From(err).Code != problem.Forbidden || !strings.Contains(err.Error(), "--nats") {
		t.Errorf("by the login of a ledger: %v", err)
	}
	conn, err := nats.Connect(logins[1])
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	js, err := natsjs.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	_, err = js.Stream(t.Context(), "CAKUPAN_RESTORING")
	if !errors.Is(err, natsjs.ErrStreamNotFound) {
		t.Errorf("the cluster is marked: %v", err)
	}
	opts.NATS = logins[1]
	if _, err := backups.Restore(t.Context(), opts); err != nil {
		t.Fatal(err)
	}
	checkKilled(t, Options{Dir: opts.Dir, NATS: logins[0], Replicas: 1}, end)
}
