package checkpoint

import (
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// ErrOtherPast is returned for a tree that does not go on from another one: it has lost or changed
// what that one holds.
var ErrOtherPast = errors.New("the log shows another past")

// GoesOn checks that a tree begins with all that an older one holds. The tiles are those of the
// newer one, and are believed only as far as its root confirms them; an error of reading them is
// not told apart from tiles that are false.
func GoesOn(older, newer tlog.Tree, tiles tlog.TileReader) error {
	switch {
	case newer.N < older.N:
		return fmt.Errorf("%w: it has %d events, and had %d", ErrOtherPast, newer.N, older.N)
	case older.N == 0:
		return nil
	case newer.N == older.N && newer.Hash != older.Hash:
		return fmt.Errorf("%w: its %d events have another root", ErrOtherPast, newer.N)
	case newer.N == older.N:
		return nil
	}
	proof, err := tlog.ProveTree(newer.N, older.N, tlog.TileHashReader(newer, tiles))
	if err != nil {
		return fmt.Errorf("%w: its tiles are not those of its root: %w", ErrOtherPast, err)
	}
	if err := tlog.CheckTree(proof, newer.N, newer.Hash, older.N, older.Hash); err != nil {
		return fmt.Errorf("%w: its first %d events had another root", ErrOtherPast, older.N)
	}
	return nil
}
