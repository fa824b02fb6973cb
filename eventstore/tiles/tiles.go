package tiles

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/mod/sumdb/tlog"

	"cakupan/eventstore"
	"cakupan/eventstore/durable"
	"cakupan/eventstore/merkle"
)

// Errors of a folder and of its tiles.
var (
	// ErrOtherLog is returned when the folder was made from another log.
	ErrOtherLog = errors.New("tiles were made from another log")
	// ErrLogShorter is returned when the folder has seen events that the log does not hold: an
	// older copy of the log was restored, or its end was lost.
	ErrLogShorter = errors.New("log is shorter than what the tiles have seen")
	// ErrDamaged is returned, and healed where it can be, when a file does not hold what was
	// written there.
	ErrDamaged = errors.New("tiles are damaged")
	// ErrNoTile is returned for a tile that the tree does not have, or not yet.
	ErrNoTile = errors.New("there is no such tile")
	// ErrEntryTooLong is returned for a bundle with an event of more than 65,519 stored bytes,
	// which the standard has no room for.
	ErrEntryTooLong = errors.New("an event is too long for a bundle of entries")
)

const (
	// saveEvery is how many events a crash may cost, to be read again: 20 ms.
	saveEvery = 1 << 16
	// compareEvery is how many events may lie between two roots of frames that are compared. A root
	// costs more than the leaves of a small frame, so not each frame's is compared; what lies
	// between is covered by the next.
	compareEvery = 256
)

// Tiles is an open folder. All methods may be called at the same time.
type Tiles struct {
	dir string
	log eventstore.Log

	// mu is held for reading by who reads the files, for writing by who adds to them.
	mu     sync.RWMutex
	levels levels
	// The frontier over all events that were added, those that wait in levels included.
	tree    merkle.Tree
	saved   uint64 // events that the head on disk speaks of
	renewed error  // why the tiles were made anew last; nil: they were not
	// Since this folder was opened; compareEnd looks at it.
	checked bool // the tree is that of the log
}

// Open opens the folder of a log, which it makes where there is none. A damaged one, or one of
// another format, begins anew: the next CatchUp reads the log from its first event. One process may
// have it open. A folder of another log is left as it is: somebody has named the wrong one.
func Open(dir string, log eventstore.Log) (*Tiles, error) {
	if err := durable.MakeFolder(dir, folderMode); err != nil {
		return nil, fmt.Errorf("open tiles: %w", err)
	}
	t := &Tiles{dir: dir, log: log}
	h, tree, err := readHead(t.headPath())
	switch {
	case err == nil && h.Identity != log.Identity():
		return nil, fmt.Errorf("%w: %s", ErrOtherLog, dir)
	case err == nil:
		t.tree, t.saved = tree, tree.Size()
	case errors.Is(err, ErrDamaged), errors.Is(err, errOutdated):
		t.renewed = err
	case !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("open tiles: %w", err)
	}
	if err := t.levels.open(dir); err != nil {
		return nil, err
	}
	// Hashes beyond the head are not believed, and are written over.
	t.levels.begin(t.tree.Size())
	return t, nil
}

// headPath returns where the head is.
func (t *Tiles) headPath() string { return filepath.Join(t.dir, headName) }

// Renewed returns why the tiles were made anew last, nil when they were not. The reason is for
// whoever runs the ledger: nothing is lost by it.
func (t *Tiles) Renewed() error {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.renewed
}

// Close writes how far the tiles are, and closes the files. If it is not called, or fails, the next
// start reads some events again.
func (t *Tiles) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return errors.Join(t.save(), t.levels.close())
}

// CatchUp adds what the log holds, and returns the head of its tree. Tiles that are not those of
// the log are made anew; the error is a *eventstore.DamageError when the log contradicts itself. It
// reads to the end as of the call, and holds up whoever reads tiles meanwhile. With an error the
// head is as far as it came; what was added before stays.
func (t *Tiles) CatchUp(ctx context.Context) (tlog.Tree, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	err := t.catchUp(ctx)
	if errors.Is(err, ErrDamaged) {
		if err = t.renew(err); err == nil {
			err = t.catchUp(ctx)
		}
	}
	return t.head(), err
}

// head returns that of the tree. The caller holds mu.
func (t *Tiles) head() tlog.Tree {
	return tlog.Tree{N: int64(t.tree.Size()), Hash: tlog.Hash(t.tree.Root())}
}

// renew begins anew, because of an error.
//
// If we crash before the head is gone, the next start finds the same damage; after it, nothing. The
// caller holds mu for writing. The levels' files stay, and are written over from their beginning.
func (t *Tiles) renew(why error) error {
	err := os.Remove(t.headPath())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("renew tiles: %w", err)
	}
	t.tree, t.saved, t.renewed = merkle.Tree{}, 0, why
	t.levels.begin(0)
	return durable.SyncFolder(t.dir)
}

// catchUp adds what the log holds. t.mu is held.
func (t *Tiles) catchUp(ctx context.Context) error {
	last, tail, err := t.log.Last(ctx)
	if err != nil {
		return fmt.Errorf("read end of log: %w", err)
	}
	switch at := eventstore.Sequence(t.tree.Size()); {
	case at > tail.Sequence:
		return fmt.Errorf("%w: the log ends at event %d, they have seen %d",
			ErrLogShorter, tail.Sequence, at)
	case at == tail.Sequence:
		return t.compareEnd(last)
	}
	a := &adder{t: t, compared: t.tree.Size()}
	hashed := each
	if tail.Sequence-eventstore.Sequence(t.tree.Size()) >= hashAheadFrom {
		hashed = ahead
	}
	for l, err := range hashed(t.log.Read(ctx, eventstore.Sequence(t.tree.Size()+1))) {
		if err == nil {
			err = a.add(l)
		}
		if err != nil {
			// What the tree has, the files must have, too: the next call goes on from here.
			return errors.Join(err, t.levels.write())
		}
	}
	t.checked = true
	if err := t.levels.write(); err != nil {
		return err
	}
	if t.tree.Size()-t.saved >= saveEvery {
		return t.save()
	}
	return nil
}

// compareEnd compares the end of the log with that of the tiles, once: there is no frame behind it
// whose root would. The last frame's root covers the events before it, and its own leaves are
// compared one by one. The caller holds mu.
func (t *Tiles) compareEnd(last eventstore.Frame) error {
	if t.checked || last.IsZero() {
		return nil
	}
	reader := t.hashes()
	before, err := tlog.TreeHash(int64(last.First()-1), reader)
	if err != nil {
		return damaged(err)
	}
	if merkle.Hash(before) != last.Root() {
		return fmt.Errorf("%w: the log has another root before event %d", ErrDamaged, last.First())
	}
	indexes, leaves := []int64{}, []merkle.Hash{}
	for r := range last.Records() {
		indexes = append(indexes, tlog.StoredHashIndex(0, int64(r.Sequence)-1))
		leaves = append(leaves,
			merkle.LeafHash(uint64(r.Sequence), int64(r.RecordedAt), r.Event))
	}
	hashes, err := reader.ReadHashes(indexes)
	if err != nil {
		return damaged(err)
	}
	for i := range leaves {
		if merkle.Hash(hashes[i]) != leaves[i] {
			return fmt.Errorf("%w: the log has another event %d", ErrDamaged,
				int(last.First())+i)
		}
	}
	t.checked = true
	return nil
}

// adder adds frames to the tiles, and compares their roots.
type adder struct {
	t        *Tiles
	compared uint64 // events before the last frame whose root was compared
	// A root was compared in this run.
	begun bool
}

func (a *adder) add(l *leaves) error {
	t, frame := a.t, l.frame
	size := t.tree.Size()
	// The frame that holds the next event begins before it: the log cannot be the one that was
	// read.
	if uint64(frame.First()) <= size && !a.begun && size > 0 {
		return fmt.Errorf("%w: the log has cut its events from %d on in another way", ErrDamaged,
			frame.First())
	}
	if uint64(frame.First()) != size+1 {
		return &eventstore.DamageError{
			From: frame.First(), To: frame.Last(),
			Reason: fmt.Sprintf("event %d should come next", size+1),
		}
	}
	if !a.begun || size-a.compared >= compareEvery {
		if frame.Root() != t.tree.Root() {
			return a.differs(frame)
		}
		a.begun, a.compared = true, size
	}
	add := t.levels.add
	for _, leaf := range l.hashes {
		t.tree.AppendNodes(leaf, add)
	}
	if !t.levels.full() {
		return nil
	}
	return t.levels.write()
}

// differs says that the root of a frame is not that of the events before it. Of those that were
// added in this run the log is the reason, of those before it may be the tiles.
func (a *adder) differs(frame eventstore.Frame) error {
	if !a.begun && a.compared > 0 {
		return fmt.Errorf("%w: the log has another root before event %d", ErrDamaged,
			frame.First())
	}
	return &eventstore.DamageError{
		From: frame.First(), To: frame.Last(),
		Reason: "the frame's root is not that of the events before it",
	}
}

// save makes durable how far the tiles are.
//
// If we crash before the head is written, the next start goes on from the head before, and writes
// the same hashes again. The order is: hashes, sync, head: a head never speaks of hashes that a
// crash may have lost. The caller holds mu for writing.
func (t *Tiles) save() error {
	if t.tree.Size() == t.saved || t.levels[0].file == nil {
		return nil
	}
	err := t.levels.write()
	if err == nil {
		err = t.levels.sync()
	}
	if err == nil {
		err = writeHead(t.headPath(), t.log.Identity(), &t.tree)
	}
	if err != nil {
		return fmt.Errorf("save tiles: %w", err)
	}
	t.saved = t.tree.Size()
	return nil
}

// damaged wraps what the tiles' reader says of hashes that the root does not confirm. Only an error
// of the disk is another thing.
func damaged(err error) error {
	var path *fs.PathError
	if errors.Is(err, ErrNoTile) || errors.As(err, &path) || errors.Is(err, ErrDamaged) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrDamaged, err)
}
