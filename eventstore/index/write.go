package index

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

const (
	runSuffix     = ".run"
	tmpSuffix     = ".tmp"
	damagedSuffix = ".damaged"

	// syncBytes bounds what is written between two syncs: a merge of gigabytes must not make
	// the log beside it wait for one enormous flush.
	syncBytes = 32 << 20

	dirMode  = 0o700
	fileMode = 0o600
)

// runWriter writes a run to a temporary file. Entries are added in order.
type runWriter struct {
	header
	dir      string
	file     *os.File
	block    []byte
	sums     []byte
	unsynced int
}

// createRun begins a run. The header must be complete but for the checksum.
func createRun(dir string, h header) (*runWriter, error) {
	file, err := os.OpenFile(filepath.Join(dir, runName(&h)+tmpSuffix),
		os.O_WRONLY|os.O_CREATE|os.O_TRUNC, fileMode)
	if err != nil {
		return nil, fmt.Errorf("create run: %w", err)
	}
	w := &runWriter{header: h, dir: dir, file: file, block: make([]byte, 0, blockSize)}
	if _, err := file.Write(make([]byte, headerSize)); err != nil {
		return nil, errors.Join(fmt.Errorf("write run: %w", err), w.abort())
	}
	return w, nil
}

// runName returns the name of the run: sequences in ten digits, or more when needed.
func runName(h *header) string {
	return fmt.Sprintf("%010d-%010d%s", h.first, h.last, runSuffix)
}

// add appends the bytes of one entry.
func (w *runWriter) add(entry []byte) error {
	w.block = append(w.block, entry...)
	if len(w.block) < blockSize {
		return nil
	}
	return w.flush()
}

func (w *runWriter) flush() error {
	if len(w.block) == 0 {
		return nil
	}
	if _, err := w.file.Write(w.block); err != nil {
		return fmt.Errorf("write run: %w", err)
	}
	w.sums = binary.BigEndian.AppendUint32(w.sums, checksum(w.block))
	w.unsynced += len(w.block)
	w.block = w.block[:0]
	if w.unsynced < syncBytes {
		return nil
	}
	w.unsynced = 0
	return w.file.Sync()
}

// finish makes the run durable under its name and opens it.
func (w *runWriter) finish() (*run, error) {
	if err := w.complete(); err != nil {
		return nil, errors.Join(fmt.Errorf("write run: %w", err), w.abort())
	}
	// If we crash here, the temporary file is complete but has no name: Open removes it, and
	// what it holds is read from the log, or merged, again.
	path := filepath.Join(w.dir, runName(&w.header))
	if err := os.Rename(w.file.Name(), path); err != nil {
		return nil, errors.Join(fmt.Errorf("name run: %w", err), os.Remove(w.file.Name()))
	}
	if err := syncDir(w.dir); err != nil {
		return nil, err
	}
	// From here on Open prefers this run to those that it covers.
	return openRun(path)
}

// complete writes what follows and what precedes the entries, and waits for stable storage.
func (w *runWriter) complete() error {
	if err := w.flush(); err != nil {
		return err
	}
	if _, err := w.file.Write(w.sums); err != nil {
		return err
	}
	w.header.sums = checksum(w.sums)
	if _, err := w.file.WriteAt(w.encode(), 0); err != nil {
		return err
	}
	if err := w.file.Sync(); err != nil {
		return err
	}
	return w.file.Close()
}

// abort gives up and removes the temporary file.
func (w *runWriter) abort() error {
	// Close fails after complete has closed the file; all that matters here is that it is gone.
	_ = w.file.Close()
	return os.Remove(w.file.Name())
}

// syncDir makes the names in a folder durable.
func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("sync folder: %w", err)
	}
	if err := errors.Join(dir.Sync(), dir.Close()); err != nil {
		return fmt.Errorf("sync folder: %w", err)
	}
	return nil
}
