//go:build linux || darwin || freebsd

package natsd

import (
	"testing"

	"golang.org/x/sys/unix"
)

// TestLockIsGivenBack starts a server on the folder of one that has ended while a copy of its lock
// file is open, as in a child of the process that was forked before.
func TestLockIsGivenBack(t *testing.T) {
	dir := t.TempDir()
	s, _ := start(t, Options{StoreDir: dir})
	copied, err := unix.Dup(int(s.lock.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(copied) }()
	if err := s.Shutdown(); err != nil {
		t.Fatal(err)
	}
	start(t, Options{StoreDir: dir})
}
