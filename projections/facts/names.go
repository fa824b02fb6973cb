package facts

import (
	"slices"
	"sync"

	"cakupan/eventstore"
	"cakupan/projections/checked"
	"cakupan/projections/pages"
)

// Names numbers the enrolments, workers and commitments of the log, each in the order in which
// the log first names them. Preparing numbers; storing may come at the same time from another
// goroutine, and may then store names of events that are not applied yet: they get the same
// numbers when they are prepared again.
type Names struct {
	db *checked.DB

	mu     sync.Mutex // guards what follows
	stored bool       // they wait in the file: numbering needs them, answering does not

	enrolments, workers, commitments *pages.Names
}

// NewNames returns the names of an empty log, to be kept in the database. Enrolments, workers and
// commitments are told apart: the same text may be the name of each.
func NewNames(db *checked.DB) *Names {
	hasher := pages.NewHasher()
	return &Names{
		db:          db,
		enrolments:  pages.NewNames(hasher),
		workers:     pages.NewNames(hasher),
		commitments: pages.NewNames(hasher),
	}
}

// Prepare decodes a frame into the batch, whose memory it uses again, and numbers its names. It
// knows no state, so that it may run ahead of the fold in another goroutine: a third of the work of
// a replay is done there, on the second core. On an error the batch is of no use, and no name has
// been numbered. Frames have to come in the order of the log, as numbers depend on it.
func (n *Names) Prepare(frame eventstore.Frame, b *Batch) error {
	if err := b.decode(frame); err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.load(); err != nil {
		return err
	}
	b.enrolments.answer(n.enrolments)
	b.workers.answer(n.workers)
	b.commitments.answer(n.commitments)
	return nil
}

// Workers returns the number of workers; 0 before the first Prepare after Reopen. It may be of
// events that are prepared and not applied yet: then there are more numbers than the state knows.
func (n *Names) Workers() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.workers.Len()
}

// AppendEnrolments appends the names of enrolments, given their numbers. Like the next one it may
// be called while frames are prepared.
func (n *Names) AppendEnrolments(dst []string, numbers ...uint32) ([]string, error) {
	return n.append(dst, n.enrolments, numbers)
}

// AppendWorkers appends the names of workers, given their numbers. The number must be one that was
// given out.
func (n *Names) AppendWorkers(dst []string, numbers ...uint32) ([]string, error) {
	return n.append(dst, n.workers, numbers)
}

// append appends names that events of applied frames have named. The mutex is given back now and
// then, so that whoever prepares a frame does not wait for long.
func (n *Names) append(dst []string, names *pages.Names, numbers []uint32) ([]string, error) {
	for some := range slices.Chunk(numbers, Together) {
		n.mu.Lock()
		if err := n.load(); err != nil {
			n.mu.Unlock()
			return dst, err
		}
		for _, number := range some {
			dst = append(dst, names.Text(number))
		}
		n.mu.Unlock()
	}
	return dst, nil
}

// The buckets of the names.
const (
	enrolmentNames  = "enrolment-names"
	workerNames     = "worker-names"
	commitmentNames = "commitment-names"
)

// all returns them with their buckets. They are in no order, which matters to nobody: each has a
// bucket of its own.
func (n *Names) all() map[string]*pages.Names {
	return map[string]*pages.Names{
		enrolmentNames: n.enrolments, workerNames: n.workers, commitmentNames: n.commitments,
	}
}

// Reopen says that the names wait in the file. They are read when they are needed. Those that are
// in memory are replaced then: they may be of events that the file does not have.
func (n *Names) Reopen() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.stored = true
}

// load reads the names, if they wait in the file. The mutex is held. After an error they go on
// waiting, so that the next one who needs them tries again.
func (n *Names) load() error {
	if !n.stored {
		return nil
	}
	err := n.db.View(func(tx *checked.Tx) error {
		for name, names := range n.all() {
			if err := pages.LoadFrom(tx, name, names.Load); err != nil {
				return err
			}
		}
		return nil
	})
	n.stored = err != nil
	return err
}

// Store writes the names that are new since the last time. Call Stored once the transaction has
// committed; when it has failed, Store again. Events that are prepared and not applied may have
// named some of them; that they are in the file early does no harm.
func (n *Names) Store(tx *checked.Tx) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	for name, names := range n.all() {
		if err := pages.StoreIn(tx, name, names.Store); err != nil {
			return err
		}
	}
	return nil
}

// Stored tells that the transaction of the last Store has committed.
func (n *Names) Stored() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, names := range n.all() {
		names.Stored()
	}
}
