package witness

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"cakupan/cmd/internal/problem"
	"cakupan/eventstore/checkpoint"
	"cakupan/eventstore/durable"
)

const (
	// stateFormat is what is written; that of before did not name the witness's key.
	stateFormat      = 2
	stateFormatFirst = 1

	stateMax = 128 << 10
	fileMode = 0o600
)

// state is what a witness remembers. Its file has it in JSON on one line, and on a second one the
// SHA-256 of the first: a witness that remembers something else is none.
type state struct {
	Format     int    `json:"format"`
	Name       string `json:"name"`          // of the witness
	Own        string `json:"own,omitempty"` // public key of the witness; "": not known yet
	Key        string `json:"key"`           // public, of the ledger
	Checkpoint string `json:"checkpoint"`    // the newest one that was cosigned

	verifier note.Verifier
	tree     tlog.Tree
}

func (s *state) marshal() ([]byte, error) {
	line, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("encode state: %w", err)
	}
	sum := sha256.Sum256(line)
	return fmt.Appendf(nil, "%s\n%x\n", line, sum), nil
}

// parseState reads the file. What it says was signed by the ledger, which is checked too.
func parseState(text []byte) (*state, error) {
	line, rest, _ := bytes.Cut(text, []byte("\n"))
	if sum := sha256.Sum256(line); string(rest) != hex.EncodeToString(sum[:])+"\n" {
		return nil, errors.New("its checksum differs")
	}
	s := &state{}
	decoder := json.NewDecoder(bytes.NewReader(line))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(s); err != nil {
		return nil, fmt.Errorf("it is no state of a witness: %w", err)
	}
	if s.Format != stateFormat && (s.Format != stateFormatFirst || s.Own != "") {
		return nil, fmt.Errorf("it has format %d, this program knows %d", s.Format, stateFormat)
	}
	var err error
	if s.verifier, err = checkpoint.Verifier(s.Key); err != nil {
		return nil, err
	}
	if s.tree, err = checkpoint.Open([]byte(s.Checkpoint), s.verifier); err != nil {
		return nil, fmt.Errorf("its checkpoint: %w", err)
	}
	return s, nil
}

// readState reads the state of a file, nil when there is none.
func readState(path string) (*state, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var text []byte
	if err == nil && info.Size() > stateMax {
		return nil, damagedState(path, fmt.Errorf("it has %d bytes", info.Size()))
	}
	if err == nil {
		text, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, problem.File(path, err)
	}
	s, err := parseState(text)
	if err != nil {
		return nil, damagedState(path, err)
	}
	return s, nil
}

func damagedState(path string, err error) error {
	return problem.Wrap(problem.ProofFailed, path+" is damaged, and a witness that does not"+
		" remember cannot compare: put it back from a copy. To begin anew, trusting what the"+
		" ledger shows now, delete it and "+keyPath(path), err)
}

func (s *state) write(path string) error {
	text, err := s.marshal()
	if err != nil {
		return err
	}
	if err := durable.WriteFile(path, text, fileMode); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
