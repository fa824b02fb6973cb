//go:build unix

package index

import (
	"fmt"
	"os"
	"syscall"
)

// mapFile maps the file read-only into memory, so that lookups need no system calls. It never
// shrinks while mapped: runs are immutable and removed only when nobody reads them any more.
func mapFile(file *os.File, size int64) ([]byte, error) {
	data, err := syscall.Mmap(int(file.Fd()), 0, int(size), syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map run %s: %w", file.Name(), err)
	}
	return data, nil
}

func unmapFile(data []byte) error { return syscall.Munmap(data) }
