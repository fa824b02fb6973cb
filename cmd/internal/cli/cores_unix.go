//go:build unix

package cli

import "syscall"

// NoCores has the system write no core of this process when it crashes, nor of those that it
// starts: memory holds keys and identity numbers. The hard limit goes to 0 with the soft one, so
// nobody without privileges raises it again. An error is of a system that does not let it be
// forbidden.
func NoCores() error {
	return syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{})
}
