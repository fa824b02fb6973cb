// Package pages keeps large arrays of fixed-size records in memory and in a bbolt bucket, page by
// page: only pages that changed are written, and a start reads them back in order.
//
// A [Table] stays in memory and may change anywhere. A [History] only grows; its full pages leave
// memory once they are stored, and readers find them in the file.
package pages

import (
	"encoding/binary"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"
)

// ErrCorrupt is returned when a stored page is missing or has another size than it must have.
var ErrCorrupt = errors.New("stored pages are damaged")

// pageKey is the bucket key of a page: its number, big endian, so that keys are in page order.
func pageKey(page int) []byte {
	return binary.BigEndian.AppendUint32(make([]byte, 0, 4), uint32(page))
}

// storedPage returns the bytes of a page of the given size.
func storedPage(b *bbolt.Bucket, page, size int) ([]byte, error) {
	bytes := b.Get(pageKey(page))
	if len(bytes) != size {
		return nil, fmt.Errorf("%w: page %d has %d bytes, not %d",
			ErrCorrupt, page, len(bytes), size)
	}
	return bytes, nil
}

// pageCount returns how many pages of 1<<shift records hold n records.
func pageCount(n int, shift uint) int {
	full := n >> shift
	if n&(1<<shift-1) != 0 {
		full++
	}
	return full
}
