//go:build !unix

package cli

// NoCores does nothing: there are no cores here. It is never an error.
func NoCores() error { return nil }
