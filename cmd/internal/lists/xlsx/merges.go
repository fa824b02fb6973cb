package xlsx

import (
	"bytes"
	"errors"
	"io"

	"cakupan/cmd/internal/lists/grid"
)

// Merges returns the cells that are merged. They stand below the rows, so it is asked once Next has
// returned io.EOF; it may be called once. A sheet with more of them than [grid.MergesMax] is taken
// for broken. References that are none are left out.
func (r *Rows) Merges() (all []grid.Merge, err error) {
	for {
		kind, err := r.scan.next()
		switch {
		case errors.Is(err, io.EOF):
			return all, nil
		case err != nil:
			return nil, partError(err)
		case kind == endTag && string(r.scan.name) == "mergeCells":
			return all, nil
		case kind != startTag || string(r.scan.name) != "mergeCell":
			continue
		case len(all) == grid.MergesMax:
			return nil, partError(errBroken)
		}
		if m, ok := mergeOf(attribute(r.scan.attrs, "ref")); ok {
			all = append(all, m)
		}
	}
}

// mergeOf reads a reference such as "B2:B5". A reference to one cell, without a colon, merges
// nothing and is false.
func mergeOf(ref []byte) (grid.Merge, bool) {
	from, to, _ := bytes.Cut(ref, []byte(":"))
	left, top, ok := placeOf(from)
	right, bottom, ok2 := placeOf(to)
	return grid.Merge{Top: top, Left: left, Bottom: bottom, Right: right},
		ok && ok2 && left <= right && top <= bottom
}

// placeOf reads a reference to a cell: its column from 0, its row from 1. Dollar signs, as in
// formulas, make it none: such references have none.
func placeOf(ref []byte) (column, row int, ok bool) {
	column = columnOf(ref)
	digits := bytes.TrimLeft(ref, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
	row, err := natural(digits)
	return column, row, column >= 0 && err == nil
}
