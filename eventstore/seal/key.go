package seal

import (
	"errors"
	"fmt"
	"io/fs"

	"cakupan/eventstore/keyfile"
)

// ErrNoKey is returned by ReadKey when there is no file.
var ErrNoKey = errors.New("there is no key")

// ReadKey returns the sealer of the key in a file; see [keyfile.Read] for other errors.
func ReadKey(path string) (*Sealer, error) {
	key, err := keyfile.Read(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s", ErrNoKey, path)
	}
	if err != nil {
		return nil, err
	}
	return New(key)
}

// CreateKey makes a new key in a file as [keyfile.Create] does, and returns its sealer.
func CreateKey(path string) (*Sealer, error) {
	key, err := keyfile.Create(path)
	if err != nil {
		return nil, err
	}
	return New(key)
}
