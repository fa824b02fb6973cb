//go:build !race

package main

// underRace says that the race detector is on, and everything many times slower.
const underRace = false
