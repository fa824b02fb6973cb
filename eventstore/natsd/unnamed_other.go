//go:build !linux

package natsd

// Unnamed returns none: what files are open is not told on this system.
func (*Server) Unnamed() ([]string, error) { return nil, nil }
