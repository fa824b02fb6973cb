//go:build unix

package main

import "syscall"

// noCores has the system write no core of this process when it crashes.
func noCores() error {
	return syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{})
}
