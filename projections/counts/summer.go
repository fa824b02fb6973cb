package counts

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"

	"cakupan/projections/checked"
	"cakupan/projections/pages"
)

// runID names a run: level from 1, and its place among the runs of the level.
type runID struct{ level, index int }

// compare orders runs by level, and then by place.
func (id runID) compare(other runID) int {
	return cmp.Or(cmp.Compare(id.level, other.level), cmp.Compare(id.index, other.index))
}

// key returns the key of the part that begins with a row, in the bucket of the level.
func (id runID) key(from Key) []byte {
	key := binary.BigEndian.AppendUint32(make([]byte, 0, runKeyBytes), uint32(id.index))
	return binary.BigEndian.AppendUint64(key, uint64(from))
}

const runKeyBytes = 12

// isOf reports whether a key is of a part of the run, and which row the part begins with.
func (id runID) isOf(key []byte) (from Key, is bool) {
	if len(key) != runKeyBytes || binary.BigEndian.Uint32(key) != uint32(id.index) {
		return 0, false
	}
	return Key(binary.BigEndian.Uint64(key[4:])), true
}

// bucket returns the bucket of the level, in that of all runs.
func (id runID) bucket(runs *checked.Bucket) *checked.Bucket {
	if runs == nil {
		return nil
	}
	return runs.Bucket(levelName(id.level))
}

// levelName returns the key of the bucket of a level.
func levelName(level int) []byte { return strconv.AppendInt(nil, int64(level), 10) }

// runsIn returns the bucket of all runs; nil: there is none.
func (r *Rule) runsIn(tx *checked.Tx) *checked.Bucket { return tx.Bucket([]byte(r.Runs)) }

// runSet are the runs made so far: all of the first chunks chunks. It never changes.
type runSet struct {
	chunks int
	recent map[runID]run // those that may not be in the file yet
}

// everyRow is the range of all rows.
var everyRow = Range{0, NoRow}

// parts calls yield with the parts of a run that have the rows, and maybe others. Nobody writes
// them.
func (s *runSet) parts(b *checked.Bucket, id runID, rows Range, yield func(*part)) error {
	if r, ok := s.recent[id]; ok {
		p := r.part()
		yield(&p)
		return nil
	}
	if err := storedParts(id.bucket(b), id, rows, yield); err != nil {
		return fmt.Errorf("read run %d of level %d: %w", id.index, id.level, err)
	}
	return nil
}

// storedParts is parts of a run that is in the file, in the bucket of its level.
func storedParts(b *checked.Bucket, id runID, rows Range, yield func(*part)) error {
	at := b.Search(id.key(rows.From+1)) - 1 // the last part that begins with the row or before it
	if at < 0 {
		return fmt.Errorf("%w: it is missing", errRun)
	}
	if _, is := id.isOf(b.Key(at)); !is {
		return fmt.Errorf("%w: it is missing", errRun)
	}
	for ; at < b.Len(); at++ {
		if from, is := id.isOf(b.Key(at)); !is || from >= rows.Until {
			return nil
		}
		stored, err := b.At(at)
		if err != nil {
			return err
		}
		p, err := readPart(stored)
		if err != nil {
			return err
		}
		yield(&p)
	}
	return nil
}

// prefix calls yield with what the runs have of the rows that together cover the first chunks
// chunks: the largest first.
func (s *runSet) prefix(b *checked.Bucket, chunks int, rows Range, yield func(*part)) error {
	level, size := 1, 1
	for size*runFanOut <= chunks {
		level, size = level+1, size*runFanOut
	}
	for at := 0; at < chunks; {
		if at+size > chunks {
			level, size = level-1, size/runFanOut
			continue
		}
		if err := s.parts(b, runID{level, at / size}, rows, yield); err != nil {
			return err
		}
		at += size
	}
	return nil
}

// summer makes runs of full chunks in the background, in order: on the second core while the
// fold goes on with the first. What is not summed up yet is scanned by queries.
type summer struct {
	db     *checked.DB
	rule   Rule
	deltas *pages.History

	mu   sync.Mutex // guards the fields below
	idle *sync.Cond // signalled when busy ends
	busy bool
	set  *runSet
	todo []chunkJob
	err  error    // of the last failed job; sticky
	sums *summing // used by the goroutine that is busy; nil: there was none since the last store

	settling map[runID]run // what the last settle wrote
}

// chunkJob is a full chunk to sum up. The view and the rows of cells are as of when it became full.
type chunkJob struct {
	view pages.HistoryView
	rows []Rows
}

// newSummer returns a summer that has chunks in the file already, from the first on.
func newSummer(db *checked.DB, rule Rule, deltas *pages.History, chunks int) *summer {
	s := &summer{db: db, rule: rule, deltas: deltas, set: &runSet{chunks: chunks}}
	s.idle = sync.NewCond(&s.mu)
	return s
}

// add queues the next chunk. Chunks are queued in order, and none is left out.
func (s *summer) add(job chunkJob) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.todo = append(s.todo, job)
	if !s.busy {
		s.busy = true
		if s.sums == nil {
			s.sums = new(summing)
		}
		go s.work()
	}
}

// current returns the runs made so far. It stays as it is while others are made.
func (s *summer) current() *runSet {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.set
}

// wait returns when all queued chunks are summed up, with the error that prevented one.
func (s *summer) wait() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.busy {
		s.idle.Wait()
	}
	return s.err
}

// work sums up queued chunks until there are none, or one fails. There is at most one such
// goroutine at a time. After a failure what waits is dropped, since runs are made in order: the
// error says so at the next Wait, and the chunks are scanned instead.
func (s *summer) work() {
	for {
		s.mu.Lock()
		if len(s.todo) == 0 || s.err != nil {
			s.busy, s.todo = false, nil
			s.idle.Broadcast()
			s.mu.Unlock()
			return
		}
		job, set := s.todo[0], s.set
		s.todo[0] = chunkJob{} // or the array would keep its deltas in memory
		s.todo = s.todo[1:]
		s.mu.Unlock()

		made, err := s.sum(job, set)
		s.mu.Lock()
		if err != nil {
			s.err = fmt.Errorf("sum up chunk %d: %w", set.chunks, err)
		} else {
			recent := maps.Clone(s.set.recent) // s.set may have been evicted meanwhile
			if recent == nil {
				recent = map[runID]run{}
			}
			maps.Copy(recent, made)
			s.set = &runSet{chunks: set.chunks + 1, recent: recent}
		}
		s.mu.Unlock()
	}
}

// sum makes the run of the chunk, and those of higher levels that it completes. It reads in a
// transaction of its own: pages of the chunk may be in the file alone.
func (s *summer) sum(job chunkJob, set *runSet) (map[runID]run, error) {
	made := map[runID]run{}
	err := s.db.View(func(tx *checked.Tx) error {
		deltaPages := make([]deltas, 0, s.rule.Layout.chunkPages())
		for i := range cap(deltaPages) {
			at := set.chunks*cap(deltaPages) + i
			page, err := s.deltas.Words(&job.view, tx.Bucket([]byte(s.rule.Deltas)), at)
			if err != nil {
				return err
			}
			deltaPages = append(deltaPages, newDeltas(page))
		}
		made[runID{1, set.chunks}] = s.sums.deltas(deltaPages, job.rows)
		return s.complete(tx, set, made)
	})
	return made, err
}

// complete adds the runs of higher levels that the newest run of level 1 completes.
func (s *summer) complete(tx *checked.Tx, set *runSet, made map[runID]run) error {
	count := set.chunks + 1 // runs of the level below
	for level := 2; count%runFanOut == 0; level++ {
		count /= runFanOut
		below := make([]rows, runFanOut)
		for i := range below {
			id := runID{level - 1, (count-1)*runFanOut + i}
			add := func(p *part) { below[i].parts = append(below[i].parts, *p) }
			if r, ok := made[id]; ok {
				p := r.part()
				add(&p)
				continue
			}
			if err := set.parts(s.rule.runsIn(tx), id, everyRow, add); err != nil {
				return err
			}
		}
		made[runID{level, count - 1}] = s.sums.runs(below)
	}
	return nil
}

// settle writes the recent runs while others are made. Runs that are made meanwhile wait for the
// next one.
func (s *summer) settle(tx *checked.Tx) error {
	s.settling = s.current().recent
	return s.put(tx, s.settling)
}

// settled drops from memory what settle wrote, once its transaction has committed.
func (s *summer) settled() {
	s.mu.Lock()
	defer s.mu.Unlock()
	recent := maps.Clone(s.set.recent)
	for id := range s.settling {
		delete(recent, id)
	}
	s.set, s.settling = &runSet{chunks: s.set.chunks, recent: recent}, nil
}

// store writes the recent runs. The summer must be idle: call wait before.
func (s *summer) store(tx *checked.Tx) error { return s.put(tx, s.current().recent) }

// put writes runs, in their order.
func (s *summer) put(tx *checked.Tx, runs map[runID]run) error {
	return pages.StoreIn(tx, s.rule.Runs, func(b *checked.Bucket) error {
		for _, id := range slices.SortedFunc(maps.Keys(runs), runID.compare) {
			level, err := b.CreateBucketIfNotExists(levelName(id.level))
			if err != nil {
				return err
			}
			r := runs[id]
			err = id.remove(level)
			if err == nil {
				err = r.split(1<<s.rule.Layout.Part, func(from Key, stored []byte) error {
					return level.Put(id.key(from), stored)
				})
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// remove removes a run that was written before: by a settle behind which the log is another now. It
// may have had other parts.
func (id runID) remove(level *checked.Bucket) error {
	for at := level.Search(id.key(0)); at < level.Len(); {
		if _, is := id.isOf(level.Key(at)); !is {
			break
		}
		if err := level.Delete(level.Key(at)); err != nil {
			return err
		}
	}
	return nil
}

// evict drops from memory what store wrote, once its transaction has committed. The memory for
// summing goes too, unless it is in use.
func (s *summer) evict() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.set = &runSet{chunks: s.set.chunks}
	if !s.busy {
		s.sums = nil
	}
}
