// Package pages keeps large arrays of fixed-size records in memory and in a bbolt bucket, page by
// page: only pages that changed are written, and a start reads them back in order.
//
// A [Table] stays in memory and may change anywhere. A [History] only grows; its full pages leave
// memory once they are stored, and readers find them in the file.
//
// A length is noted by whoever keeps the array, in the same transaction as the pages: it alone says
// how many records count. What lies in the bucket behind it is of no account. Projections keep
// their facts, names and counts in it.
package pages

import (
	"encoding/binary"
	"fmt"

	"cakupan/projections/checked"
)

// ErrCorrupt is returned when a stored page is missing or is none. The file has to be built anew
// then.
var ErrCorrupt = fmt.Errorf("stored pages: %w", checked.ErrDamaged)

// pageKey is the bucket key of a page: its number, big endian, so that keys are in page order. It
// is part of the file's format.
func pageKey(page int) []byte {
	return binary.BigEndian.AppendUint32(make([]byte, 0, 4), uint32(page))
}

// pageCount returns how many pages of 1<<shift records hold n records. The last of them may be
// partly used.
func pageCount(n int, shift uint) int {
	full := n >> shift
	if n&(1<<shift-1) != 0 {
		full++
	}
	return full
}
