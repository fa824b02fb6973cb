// Package archive opens the zips that spreadsheets are, within a bound of what their tables of
// contents may cost.
package archive

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
)

// ErrTooMany is returned for a zip whose table of contents is larger than a spreadsheet needs.
var ErrTooMany = errors.New("the zip has more parts than a spreadsheet needs")

const (
	// directoryMax bounds the table of contents, in bytes: 10,000 parts and more.
	directoryMax = 4 << 20
	// searchMax is what the zip package reads at the end of a file to find the table.
	searchMax = 128 << 10
)

// Open opens a zip of size bytes. The zip package holds the whole table of contents, and reads on
// for as long as what follows looks like an entry, whatever the file says of its size: so what it
// reads is counted. The file stays the caller's, and must stay open for as long as parts are read.
// An error is that of the file, of the zip package, or ErrTooMany.
func Open(file io.ReaderAt, size int64) (*zip.Reader, error) {
	b := &bounded{ReaderAt: file, left: directoryMax + searchMax, opening: true}
	archive, err := zip.NewReader(b, size)
	switch {
	case b.left < 0:
		return nil, ErrTooMany
	case err != nil:
		return nil, fmt.Errorf("open zip: %w", err)
	}
	// Parts are bounded by whoever reads them.
	b.opening = false
	return archive, nil
}

// bounded is a file that gives so much while it is opened. It is opened in one goroutine; from then
// on nothing of it changes, and parts may be read in several.
type bounded struct {
	io.ReaderAt
	left    int64 // bytes, below 0: more was asked for
	opening bool
}

// ReadAt reads what is asked for, or ends as soon as it is too much.
func (b *bounded) ReadAt(p []byte, at int64) (int, error) {
	if b.opening {
		if b.left -= int64(len(p)); b.left < 0 {
			return 0, ErrTooMany
		}
	}
	return b.ReaderAt.ReadAt(p, at)
}
