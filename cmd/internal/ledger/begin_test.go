package ledger

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cakupan/cmd/internal/cluster"
	"cakupan/cmd/internal/folder"
)

// TestKeyWithoutTiles: where the tiles cannot be opened, the key of checkpoints is made all the same
// before the ledger says that it serves. Whoever copies its keys then has all of them.
func TestKeyWithoutTiles(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	l := openAt(t, dir)
	tiles := filepath.Join(dir, folder.Tiles)
	if err := os.RemoveAll(tiles); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(tiles, "tiles.0", "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := l.Serve(t.Context(), "http://127.0.0.1:9", time.Hour); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, folder.Vault, folder.SigningKeyFile)); err != nil {
		t.Error(err)
	}
}

// TestKeysOfStandby: one that stands by tells of a key that it has lost, too: it is to take over with it.
func TestKeysOfStandby(t *testing.T) {
	t.Parallel()
	url := startNATS(t)
	active := startOn(t, url, "")
	awaitRole(t, active, cluster.RoleWriter)
	standby := startOn(t, url, active.folder.Dir)
	lookAtKeys(t, standby)
	if h := standby.Health(t.Context()); h.Role != cluster.RoleStandby || h.Keys != "" {
		t.Fatalf("before: %+v", h)
	}
	path := filepath.Join(standby.folder.Dir, folder.Vault, folder.SealKeyFile)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	lookAtKeys(t, standby)
	if h := standby.Health(t.Context()); !strings.Contains(h.Keys, path+" is missing") {
		t.Errorf("without its key: %+v", h)
	}
}

// lookAtKeys waits until a ledger could look at its keys: while it finds its role, its vault is not
// open.
func lookAtKeys(t *testing.T, l *Ledger) {
	t.Helper()
	for range 6000 { // a minute
		if l.lookAtKeys(t.Context()) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("it never looks at its keys")
}
