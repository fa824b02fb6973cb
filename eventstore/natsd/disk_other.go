//go:build !(linux || darwin || freebsd)

package natsd

import (
	"errors"
	"os"
)

// FreeSpace is not known on this system; the error says so.
func FreeSpace(string) (uint64, error) { return 0, errors.ErrUnsupported }

// checkRights leaves it to the server on this system.
func checkRights(string) error { return nil }

// unlockFile closes the file.
func unlockFile(file *os.File) error { return file.Close() }

// lockFile opens the file. This system gives no lock that ends with the process, so two servers
// on one folder are not prevented here.
func lockFile(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
}
