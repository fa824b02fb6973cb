package checkpoint

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"cakupan/eventstore/durable"
)

const fileMode = 0o600

// ErrDamaged is returned for a file that does not hold what was written there.
var ErrDamaged = errors.New("signed note is damaged")

// ReadFile reads a signed note, nil when there is none. Its last line is the SHA-256 of the rest,
// so that a changed bit is not taken for the signature of another key.
func ReadFile(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	i := bytes.LastIndexByte(bytes.TrimSuffix(text, []byte("\n")), '\n') + 1
	if string(text[i:]) != fmt.Sprintf("%x\n", sha256.Sum256(text[:i])) {
		return nil, fmt.Errorf("%s: %w", path, ErrDamaged)
	}
	return text[:i], nil
}

// WriteFile writes what ReadFile reads.
func WriteFile(path string, text []byte) error {
	text = fmt.Appendf(bytes.Clone(text), "%x\n", sha256.Sum256(text))
	return durable.WriteFile(path, text, fileMode)
}
