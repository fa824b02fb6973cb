package vault

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"

	"cakupan/eventstore/durable"
)

const (
	stateFile   = "lookup.state"
	stateFormat = 1

	// LookupPrefix begins the names of the folders of look-up tables; the number of erasures
	// follows.
	LookupPrefix = "lookup-"

	// checkpointEvery is how many workers lie between two checkpoints, and how many records are
	// appended until the state is written. More of them make the state larger, fewer a table that
	// was lost in part slower to make again.
	checkpointEvery = 1 << 16
	saveEvery       = 1 << 12
)

// state is what the vault has learnt from its stream up to a record, but for the workers. It is a
// cache: written at times, and learnt again from the stream where the file is of no use. It is
// guarded by writing, and persisted as JSON behind a checksum. Nothing in it is secret.
type state struct {
	Format  int
	Ledger  string
	Number  uint64 // of the last record that it has seen
	Secret  uint64 // number of the record with the secret
	Taken   bool   // see kindTaken
	Workers uint64 // that have got an id
	// It is part of the look-up table's name and identity.
	Erased uint64 // erasures
	// Nil: none is under way.
	Erasing *erasing
	// To be overwritten as soon as that can be done.
	Left   []uint64                   // records that were replaced and are there still
	Checks map[string][checkSize]byte // of keys, by name
	// ListKeys are where the keys of lists are, by member, the oldest first.
	ListKeys map[string][]keptKey `json:",omitempty"`
	// Checkpoints ascend: who knows so many workers reads on after the record.
	Checkpoints []checkpoint
}

// checkpoint is a record, and how many workers there were up to it.
type checkpoint struct{ Workers, Number uint64 }

// erasing is an erasure that was recorded and not done yet.
type erasing struct {
	// The number of the record that holds the worker, as it is now.
	Pack   uint64 // record
	Worker string
}

// begin returns the record to read on from, for a look-up table of so many workers. It may be an
// earlier one than necessary, never a later.
func (s *state) begin(workers uint64) uint64 {
	if workers >= s.Workers {
		return s.Number + 1
	}
	from := uint64(1)
	for _, c := range s.Checkpoints {
		if c.Workers <= workers {
			from = c.Number + 1
		}
	}
	return min(from, s.Number+1)
}

// noted adds a checkpoint where it is time. Only where all workers up to the record are known: of
// those that wait for others the checkpoint would say too much.
func (s *state) noted() {
	last := uint64(0)
	if n := len(s.Checkpoints); n > 0 {
		last = s.Checkpoints[n-1].Workers
	}
	if s.Workers >= last+checkpointEvery {
		s.Checkpoints = append(s.Checkpoints, checkpoint{s.Workers, s.Number})
	}
}

// errNoState is returned for a file that is of no use. It costs time, and nothing else.
var errNoState = errors.New("the state of the vault's look-up table is of no use")

// readState reads the state of a ledger's vault. The error wraps errNoState when there is none that
// can be used. Any other error is one of the disk.
func readState(dir, ledger string) (s state, err error) {
	text, err := os.ReadFile(filepath.Join(dir, stateFile))
	if errors.Is(err, fs.ErrNotExist) {
		return s, fmt.Errorf("%w: %w", errNoState, err)
	}
	if err != nil {
		return s, err
	}
	sum, text, found := bytes.Cut(text, []byte("\n"))
	if !found || string(sum) != stateSum(text) {
		return s, fmt.Errorf("%w: its checksum differs", errNoState)
	}
	if err := json.Unmarshal(text, &s); err != nil {
		return state{}, fmt.Errorf("%w: %w", errNoState, err)
	}
	switch {
	case s.Format != stateFormat:
		return state{}, fmt.Errorf("%w: it has format %d", errNoState, s.Format)
	case s.Ledger != ledger:
		return state{}, fmt.Errorf("%w: it is another ledger's", errNoState)
	}
	return s, nil
}

// write makes the state durable. It is a cache: the file may be older than the stream. The file is
// replaced as a whole; a crash leaves it or the one before.
func (s *state) write(dir string) error {
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	content := append([]byte(stateSum(text)+"\n"), text...)
	return durable.WriteFile(filepath.Join(dir, stateFile), content, fileMode)
}

// stateSum returns the first line of the file: what a disk does to the rest is found by it, not
// what somebody does on purpose.
func stateSum(text []byte) string {
	return fmt.Sprintf("%08x", crc32.Checksum(text, crc32.MakeTable(crc32.Castagnoli)))
}
