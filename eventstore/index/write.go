package index

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"cakupan/eventstore/durable"
)

const (
	runSuffix     = ".run"
	damagedSuffix = ".damaged"

	// syncBytes bounds what is written between two syncs: a merge of gigabytes must not make
	// the log beside it wait for one enormous flush.
	syncBytes = 32 << 20

	dirMode  = 0o700
	fileMode = 0o600
)

// runWriter writes a run to a temporary file. Entries are added in order. Entries and filter grow
// side by side, so that writing takes the same memory however long the run.
type runWriter struct {
	header
	dir     string
	file    *os.File
	entries blockWriter
	filter  blockWriter
	line    [filterBlock]byte // of the filter, being filled
	lines   int               // of the filter, complete
}

// createRun begins a run. The header must be complete but for the checksum.
func createRun(dir string, h header) (*runWriter, error) {
	file, err := os.OpenFile(durable.Temporary(filepath.Join(dir, runName(&h))),
		os.O_WRONLY|os.O_CREATE|os.O_TRUNC, fileMode)
	if err != nil {
		return nil, fmt.Errorf("create run: %w", err)
	}
	return &runWriter{
		header:  h,
		dir:     dir,
		file:    file,
		entries: blockWriter{file: file, at: headerSize, size: h.blockSize()},
		filter: blockWriter{
			file: file, at: headerSize + int64(h.filterAt()*h.blockSize()), size: h.blockSize(),
		},
	}, nil
}

// runName returns the name of the run: sequences in ten digits, or more when needed.
func runName(h *header) string {
	return fmt.Sprintf("%010d-%010d%s", h.first, h.last, runSuffix)
}

// add appends one entry.
func (w *runWriter) add(e *Entry) error {
	place := filterPlace(e.Key.prefix(), filterBlocks(w.count()))
	for w.lines < place {
		if err := w.endLine(); err != nil {
			return err
		}
	}
	filterAdd(w.line[:], e.Key.suffix())
	var buf [entrySizeMax]byte
	return w.entries.write(w.appendEntry(buf[:0], e))
}

// endLine goes on to the next block of the filter.
func (w *runWriter) endLine() error {
	err := w.filter.write(w.line[:])
	w.line = [filterBlock]byte{}
	w.lines++
	return err
}

// blockWriter writes a part of the file, some blocks at a time, and keeps their checksums.
type blockWriter struct {
	file     *os.File
	at       int64
	size     int // of a block
	blocks   []byte
	sums     []byte
	unsynced int
}

func (b *blockWriter) write(p []byte) error {
	b.blocks = append(b.blocks, p...)
	if len(b.blocks) < blocksAtOnce*b.size {
		return nil
	}
	return b.flush()
}

// flush writes what there is, filled up with zeros to a block.
func (b *blockWriter) flush() error {
	if len(b.blocks) == 0 {
		return nil
	}
	if over := len(b.blocks) % b.size; over > 0 {
		b.blocks = append(b.blocks, make([]byte, b.size-over)...)
	}
	if _, err := b.file.WriteAt(b.blocks, b.at); err != nil {
		return fmt.Errorf("write run: %w", err)
	}
	for block := range slices.Chunk(b.blocks, b.size) {
		b.sums = binary.BigEndian.AppendUint32(b.sums, checksum(block))
	}
	b.at += int64(len(b.blocks))
	b.unsynced += len(b.blocks)
	b.blocks = b.blocks[:0]
	if b.unsynced < syncBytes {
		return nil
	}
	b.unsynced = 0
	return durable.Sync(b.file)
}

// finish makes the run durable under its name and opens it.
func (w *runWriter) finish() (*run, error) {
	if err := w.complete(); err != nil {
		return nil, errors.Join(fmt.Errorf("write run: %w", err), w.abort())
	}
	path := filepath.Join(w.dir, runName(&w.header))
	// If we crash in here before the run has its name, Open removes the temporary file, and what
	// it holds is read from the log, or merged, again.
	if err := durable.Commit(w.file, path); err != nil {
		return nil, fmt.Errorf("name run: %w", err)
	}
	// From here on Open prefers this run to those that it covers.
	return openRun(path)
}

// complete writes what follows and what precedes entries and filter.
func (w *runWriter) complete() error {
	for w.lines < filterBlocks(w.count()) {
		if err := w.endLine(); err != nil {
			return err
		}
	}
	if err := errors.Join(w.entries.flush(), w.filter.flush()); err != nil {
		return err
	}
	sums := append(w.entries.sums, w.filter.sums...)
	if _, err := w.file.WriteAt(sums, w.fileSize()-int64(len(sums))); err != nil {
		return err
	}
	w.sums = checksum(sums)
	_, err := w.file.WriteAt(w.encode(), 0)
	return err
}

// abort gives up and removes the temporary file.
func (w *runWriter) abort() error {
	return errors.Join(w.file.Close(), os.Remove(w.file.Name()))
}
