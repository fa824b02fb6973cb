package index

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync/atomic"
)

// eagerBytes bounds the runs that are checked completely when they are opened (0.1 s from the
// page cache). Larger ones, of over 6 million events, are checked block by block before the first
// use of each block, so that a start takes the same time however long the log is.
const eagerBytes = 256 << 20

// run is an immutable file of entries, ordered by key. Lookups may be concurrent.
type run struct {
	header
	path    string
	file    *os.File
	data    []byte          // the file mapped into memory, nil where that is not possible
	sums    []byte          // checksum of each block
	checked []atomic.Uint64 // bit per block: its checksum was compared
}

// openRun opens a run and checks its header, and all of it unless it is large. An error that
// wraps errUnusable means that the file is of no use.
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

// load reads what is known of a run without its entries: header, checksums. Of a large one the
// blocks are checked when they are first read, so that opening takes no longer the longer the log
// is.
func (r *run) load() error {
	info, err := r.file.Stat()
	if err != nil {
		return err
	}
	if err := r.loadHead(info); err != nil {
		return err
	}
	if info.Size() <= eagerBytes {
		if err := r.checkAll(); err != nil {
			return err
		}
	}
	r.data, err = mapFile(r.file, info.Size())
	return err
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
	r.checked = make([]atomic.Uint64, (r.blocks()+63)/64)
	return nil
}

// checkAll compares the checksum of every block.
func (r *run) checkAll() error {
	buf := make([]byte, blockSize)
	for block := range r.blocks() {
		if err := r.readBlock(block, buf); err != nil {
			return err
		}
	}
	return nil
}

// readBlock reads a block from the file and compares its checksum.
func (r *run) readBlock(block int, buf []byte) error {
	if _, err := r.file.ReadAt(buf, headerSize+int64(block)*blockSize); err != nil {
		return fmt.Errorf("%w: read block %d: %w", errUnusable, block, err)
	}
	if checksum(buf) != binary.BigEndian.Uint32(r.sums[block*checksumSize:]) {
		return fmt.Errorf("%w: checksum of block %d differs", errUnusable, block)
	}
	r.checked[block/64].Or(1 << (block % 64))
	return nil
}

// isChecked reports whether the checksum of a block was compared.
func (r *run) isChecked(block int) bool {
	return r.checked[block/64].Load()>>(block%64)&1 == 1
}

// entry returns the bytes of entry i.
func (r *run) entry(i int) ([]byte, error) { return r.bytes(i*entrySize, entrySize) }

// filterLine returns block i of the filter.
func (r *run) filterLine(i int) ([]byte, error) {
	return r.bytes(r.filterAt()*blockSize+i*filterBlock, filterBlock)
}

// bytes returns n bytes from the place after the header, from a block whose checksum was compared.
// What it is asked for never crosses from one block into the next.
func (r *run) bytes(at, n int) ([]byte, error) {
	if block := at / blockSize; !r.isChecked(block) {
		if err := r.readBlock(block, make([]byte, blockSize)); err != nil {
			return nil, err
		}
	}
	at += headerSize
	if r.data != nil {
		return r.data[at : at+n], nil
	}
	buf := make([]byte, n)
	if _, err := r.file.ReadAt(buf, int64(at)); err != nil {
		return nil, fmt.Errorf("%w: read %d bytes: %w", errUnusable, n, err)
	}
	return buf, nil
}

// close gives the file back. Nobody may look anything up any more.
func (r *run) close() error {
	var err error
	if r.data != nil {
		err = unmapFile(r.data)
		r.data = nil
	}
	return errors.Join(err, r.file.Close())
}
