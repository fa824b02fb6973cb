package tiles

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/mod/sumdb/tlog"

	"cakupan/eventstore/durable"
	"cakupan/eventstore/merkle"
)

// The shape of tiles, as C2SP tlog-tiles has it.
const (
	height = 8
	width  = 1 << height

	// Width is how many hashes a full tile has.
	Width = width

	// levelsMax is how many levels of tiles a tree of 2^63 events has.
	levelsMax = 8

	// pendingMax is how many bytes of a level wait to be written.
	pendingMax = 1 << 20
)

const (
	folderMode = 0o700
	fileMode   = 0o600

	headName    = "tiles.head"
	levelPrefix = "tiles."
)

// level is the hashes of one level of tiles: in the file, and behind them those not yet written.
// The hash of tile t and place i is number t × 256 + i of its file.
type level struct {
	// Nil once closed.
	file    *os.File
	written int64 // hashes in the file that count
	dirty   bool  // some of them may be lost
	// Whole hashes; used again once written.
	pending []byte
}

// levels are the files of a folder. They have no lock of their own: who uses them holds that of the
// tiles.
type levels [levelsMax]level

// open opens all files, and makes those that are missing. Which of their hashes count, begin says.
func (ls *levels) open(dir string) error {
	for i := range ls {
		path := filepath.Join(dir, levelPrefix+strconv.Itoa(i))
		file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, fileMode)
		if err != nil {
			return fmt.Errorf("open tiles: %w", errors.Join(err, ls.close()))
		}
		ls[i].file = file
	}
	return durable.SyncFolder(dir)
}

// begin lets the levels hold as much as a tree of so many events has. Whatever a crash has left
// behind that is written over. What waits is dropped.
func (ls *levels) begin(events uint64) {
	for i := range ls {
		ls[i].written, ls[i].pending = int64(events>>(height*i)), ls[i].pending[:0]
	}
}

// add takes a node of the tree. Nodes come in the order in which the tree makes them, which is that
// of each level's file. Only every eighth level is kept: the others follow from it.
func (ls *levels) add(at int, node merkle.Hash) {
	if at%height == 0 && at/height < levelsMax {
		l := &ls[at/height]
		l.pending = append(l.pending, node[:]...)
	}
}

// full tells whether much waits to be written. The first level has 256 times what the next has.
func (ls *levels) full() bool { return len(ls[0].pending) >= pendingMax }

// write writes what waits. It is not durable before sync. After an error what was written counts,
// and what was not still waits.
func (ls *levels) write() error {
	for i := range ls {
		l := &ls[i]
		if len(l.pending) == 0 {
			continue
		}
		if _, err := l.file.WriteAt(l.pending, l.written*merkle.HashSize); err != nil {
			return fmt.Errorf("write tiles: %w", err)
		}
		l.written += int64(len(l.pending) / merkle.HashSize)
		l.pending, l.dirty = l.pending[:0], true
	}
	return nil
}

// sync makes last what was written.
func (ls *levels) sync() error {
	for i := range ls {
		if !ls[i].dirty {
			continue
		}
		if err := durable.Sync(ls[i].file); err != nil {
			return fmt.Errorf("sync tiles: %w", err)
		}
		ls[i].dirty = false
	}
	return nil
}

// close closes all files; what waits is lost.
func (ls *levels) close() error {
	var errs []error
	for i := range ls {
		if ls[i].file != nil {
			errs = append(errs, ls[i].file.Close())
			ls[i].file = nil
		}
	}
	return errors.Join(errs...)
}

// holds tells whether a tile is there. Only what is written is: what waits cannot be read yet.
func (ls *levels) holds(t tlog.Tile) bool {
	if t.H != height || t.L < 0 || t.L >= levelsMax || t.W < 1 || t.W > width || t.N < 0 {
		return false
	}
	// The first comparison keeps the second one within the range of numbers.
	return t.N <= ls[t.L].written/width && t.N*width+int64(t.W) <= ls[t.L].written
}

// tile reads a tile, as the file has it. Its hashes are not confirmed by anything here.
func (ls *levels) tile(t tlog.Tile) ([]byte, error) {
	if !ls.holds(t) {
		return nil, fmt.Errorf("%w: %s", ErrNoTile, t.Path())
	}
	data := make([]byte, t.W*merkle.HashSize)
	_, err := ls[t.L].file.ReadAt(data, t.N*width*merkle.HashSize)
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: level %d is too short", ErrDamaged, t.L)
	}
	if err != nil {
		return nil, fmt.Errorf("read tiles: %w", err)
	}
	return data, nil
}
