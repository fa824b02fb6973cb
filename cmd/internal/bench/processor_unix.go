//go:build unix

package bench

import (
	"syscall"
	"time"
)

// processorTime returns what the program has used of the processors so far, 0 where the system does
// not tell. It counts all threads, in the kernel and outside of it, and never decreases; only
// differences mean something.
func processorTime() time.Duration {
	var used syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &used) != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
