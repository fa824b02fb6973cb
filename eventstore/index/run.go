package index

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// eagerBytes bounds the runs that are checked completely when they are opened (0.1 s from the
// page cache), so that damage is found early. Of larger ones, of over 6 million events, only the
// filter is, so that a start takes about the same time however long the log is.
const eagerBytes = 256 << 20

// blocksAtOnce is how many blocks are read or written at once where many are.
const blocksAtOnce = 64

// run is an immutable file of entries, ordered by key. Lookups may be concurrent. The filter is in
// memory (1.4 bytes an entry); a block of entries is checked each time that it is read.
type run struct {
	header
	path   string
	file   *os.File
	sums   []byte // checksum of each block
	filter []byte
}

// openRun opens a run and checks its header and filter, and all of it unless it is large. An error
// that wraps errUnusable means that the file is of no use.
func openRun(path string) (*run, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open run: %w", err)
	}
	r := &run{path: path, file: file}
	if err := r.load(); err != nil {
		return nil, errors.Join(fmt.Errorf("open run %s: %w", path, err), r.close())
	}
	return r, nil
}

// load reads what is known of a run without its entries: header, checksums, filter.
func (r *run) load() error {
	info, err := r.file.Stat()
	if err != nil {
		return err
	}
	if err := r.loadHead(info); err != nil {
		return err
	}
	r.filter = make([]byte, (r.blocks()-r.filterAt())*r.blockSize())
	if err := r.readBlocks(r.filterAt(), r.filter); err != nil {
		return err
	}
	if info.Size() > eagerBytes {
		return nil
	}
	return r.checkAll()
}

// loadHead reads and checks what the run says of itself, and the checksums of its blocks.
func (r *run) loadHead(info fs.FileInfo) (err error) {
	head := make([]byte, min(headerSize, info.Size()))
	if _, err := r.file.ReadAt(head, 0); err != nil {
		return fmt.Errorf("%w: read header: %w", errUnusable, err)
	}
	if r.header, err = decodeHeader(head, info.Size()); err != nil {
		return err
	}
	r.sums = make([]byte, r.blocks()*checksumSize)
	if _, err := r.file.ReadAt(r.sums, info.Size()-int64(len(r.sums))); err != nil {
		return fmt.Errorf("%w: read checksums: %w", errUnusable, err)
	}
	if checksum(r.sums) != r.header.sums {
		return fmt.Errorf("%w: checksum of the checksums differs", errUnusable)
	}
	return nil
}

// checkAll compares the checksum of every block.
func (r *run) checkAll() error {
	buf := make([]byte, blocksAtOnce*r.blockSize())
	for block := 0; block < r.blocks(); block += blocksAtOnce {
		n := min(blocksAtOnce, r.blocks()-block)
		if err := r.readBlocks(block, buf[:n*r.blockSize()]); err != nil {
			return err
		}
	}
	return nil
}

// readBlocks fills the buffer with blocks from the file, and compares their checksums.
func (r *run) readBlocks(first int, buf []byte) error {
	if _, err := r.file.ReadAt(buf, headerSize+int64(first)*int64(r.blockSize())); err != nil {
		return fmt.Errorf("%w: read block %d: %w", errUnusable, first, err)
	}
	size := r.blockSize()
	for block := first; len(buf) > 0; block++ {
		if checksum(buf[:size]) != binary.BigEndian.Uint32(r.sums[block*checksumSize:]) {
			return fmt.Errorf("%w: checksum of block %d differs", errUnusable, block)
		}
		buf = buf[size:]
	}
	return nil
}

// filterLine returns block i of the filter.
func (r *run) filterLine(i int) []byte { return r.filter[i*filterBlock:][:filterBlock] }

// close gives the file back. Nobody may look anything up any more.
func (r *run) close() error { return r.file.Close() }
