//go:build !amd64 && !arm64

package pages

import "unsafe"

// prefetch does nothing: on this architecture what is asked for comes when it is read.
func prefetch(*unsafe.Pointer, int, uintptr) {}
