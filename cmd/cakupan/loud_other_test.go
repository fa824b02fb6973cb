//go:build !linux

package main

// loudMain is for Linux alone.
func loudMain() {}
