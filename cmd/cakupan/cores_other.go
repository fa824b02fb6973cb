//go:build !unix

package main

// noCores does nothing: there are no cores here.
func noCores() error { return nil }
