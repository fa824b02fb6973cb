//go:build !linux

package pages

// adviseHuge does nothing where memory cannot be advised.
func adviseHuge([]byte) {}
