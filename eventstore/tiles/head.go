package tiles

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"cakupan/eventstore"
	"cakupan/eventstore/durable"
	"cakupan/eventstore/merkle"
)

// format is that of the folder. One of another format is made anew.
const format = 1

// headMax bounds the file, which is a frontier of at most 64 hashes and some words.
const headMax = 16 << 10

// head is what the folder is. Its file has it in JSON on one line, and on a second one the SHA-256
// of the first.
type head struct {
	Format   int                 `json:"format"`
	Identity eventstore.Identity `json:"identity"`
	Tree     string              `json:"tree"` // merkle.Tree, hexadecimal
	// It must be the tree's own size.
	Events uint64 `json:"events"`
}

// marshal returns what the file holds.
func (h *head) marshal() ([]byte, error) {
	line, err := json.Marshal(h)
	if err != nil {
		return nil, fmt.Errorf("encode head: %w", err)
	}
	sum := sha256.Sum256(line)
	return fmt.Appendf(nil, "%s\n%x\n", line, sum), nil
}

// parseHead reads the file. The error wraps ErrDamaged. It wraps errOutdated for another format, of
// which nothing else is read.
func parseHead(text []byte) (h head, tree merkle.Tree, err error) {
	line, rest, _ := bytes.Cut(text, []byte("\n"))
	if sum := sha256.Sum256(line); string(rest) != hex.EncodeToString(sum[:])+"\n" {
		return h, tree, fmt.Errorf("%w: the checksum of its head differs", ErrDamaged)
	}
	if err := json.Unmarshal(line, &h); err != nil {
		return h, tree, fmt.Errorf("%w: its head is not JSON", ErrDamaged)
	}
	if h.Format != format {
		return h, tree, fmt.Errorf("%w: format %d", errOutdated, h.Format)
	}
	frontier, err := hex.DecodeString(h.Tree)
	if err == nil {
		err = tree.UnmarshalBinary(frontier)
	}
	if err != nil || tree.Size() != h.Events {
		return h, tree, fmt.Errorf("%w: its head has no tree", ErrDamaged)
	}
	return h, tree, nil
}

// readHead reads the head of a folder. The error is fs.ErrNotExist, or wraps ErrDamaged. A file of
// another size than a head can have is not read.
func readHead(path string) (h head, tree merkle.Tree, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return h, tree, err
	}
	if info.Size() > headMax {
		return h, tree, fmt.Errorf("%w: its head has %d bytes", ErrDamaged, info.Size())
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return h, tree, err
	}
	return parseHead(text)
}

// writeHead makes durable how far the levels are. The file is replaced as a whole: after a crash it
// is this one or the one before.
func writeHead(path string, id eventstore.Identity, tree *merkle.Tree) error {
	frontier, err := tree.MarshalBinary()
	if err != nil {
		return err
	}
	h := head{
		Format: format, Identity: id, Tree: hex.EncodeToString(frontier), Events: tree.Size(),
	}
	text, err := h.marshal()
	if err != nil {
		return err
	}
	return durable.WriteFile(path, text, fileMode)
}

// errOutdated is of a folder that another version of the program made.
var errOutdated = errors.New("tiles were made by another version of the program")
