package jetstream_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"cakupan/eventstore"
	"cakupan/eventstore/jetstream"
	"cakupan/eventstore/logtest"
	"cakupan/eventstore/natsd"
)

// TestDiskFull fills a small disk beside the log. Appends must be refused before JetStream meets
// the end of the disk, and succeed again once there is room, without a restart.
func TestDiskFull(t *testing.T) {
	disk := t.TempDir()
	if err := unix.Mount("tmpfs", disk, "tmpfs", 0, "size=96m"); err != nil {
		t.Skipf("mounting a small disk needs rights that this test does not have: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(disk, 0); err != nil {
			t.Errorf("unmount %s: %v", disk, err)
		}
	})
	server, err := natsd.Start(natsd.Options{StoreDir: filepath.Join(disk, "nats")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Shutdown() })
	conn, err := server.Connect()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	log := create(t, conn, jetstream.Options{FreeSpace: server.FreeSpace})

	var maker logtest.Maker
	fill(t, log, &maker, 10)
	ballast := filepath.Join(disk, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 40<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = log.Append(t.Context(), maker.Frame(2), maker.Before())
	if !errors.Is(err, eventstore.ErrFull) {
		t.Fatalf("append to a full disk: %v, want ErrFull", err)
	}
	t.Log(err)
	if _, tail, err := log.Last(t.Context()); err != nil || tail != maker.Before() {
		t.Errorf("Last: %+v, %v; want %+v", tail, err, maker.Before())
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	fill(t, log, &maker, 10)
}
