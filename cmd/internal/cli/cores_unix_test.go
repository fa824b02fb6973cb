//go:build unix

package cli

import (
	"syscall"
	"testing"
)

// TestNoCores: the system writes no core of this process, and none can be had again.
func TestNoCores(t *testing.T) {
	if err := NoCores(); err != nil {
		t.Fatal(err)
	}
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_CORE, &limit); err != nil {
		t.Fatal(err)
	}
	if limit.Cur != 0 || limit.Max != 0 {
		t.Errorf("cores of up to %d bytes, at most %d", limit.Cur, limit.Max)
	}
}
