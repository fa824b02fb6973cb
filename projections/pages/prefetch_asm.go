//go:build amd64 || arm64

package pages

import "unsafe"

// prefetch asks the processor for the lines of the cache in which the byte at each of n addresses
// lies, and the byte last behind it. It waits for none of them.
//
//go:noescape
func prefetch(addresses *unsafe.Pointer, n int, last uintptr)
