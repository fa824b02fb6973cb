package counts

import (
	"encoding/binary"
	"fmt"
	"maps"
	"sync"

	"cakupan/projections/checked"
	"cakupan/projections/pages"
)

// runID names a run: level from 1, and its place among the runs of the level.
type runID struct{ level, index int }

func (id runID) key() []byte {
	key := []byte{byte(id.level)}
	return binary.BigEndian.AppendUint32(key, uint32(id.index))
}

// runSet are the runs made so far: all of the first chunks chunks. It never changes.
type runSet struct {
	chunks int
	recent map[runID]run // those that may not be in the file yet
}

// get returns a run. Nobody writes it.
func (s *runSet) get(b *checked.Bucket, id runID) (run, error) {
	if r, ok := s.recent[id]; ok {
		return r, nil
	}
	if b == nil {
		return nil, fmt.Errorf("%w: no run %d of level %d", errRun, id.index, id.level)
	}
	r, err := b.Shared(id.key())
	if err == nil {
		err = run(r).check()
	}
	if err != nil {
		return nil, fmt.Errorf("read run %d of level %d: %w", id.index, id.level, err)
	}
	return r, nil
}

// prefix calls yield with runs that together cover the first chunks chunks: the largest first.
func (s *runSet) prefix(b *checked.Bucket, chunks int, yield func(run)) error {
	level, size := 1, 1
	for size*runFanOut <= chunks {
		level, size = level+1, size*runFanOut
	}
	for at := 0; at < chunks; {
		if at+size > chunks {
			level, size = level-1, size/runFanOut
			continue
		}
		r, err := s.get(b, runID{level, at / size})
		if err != nil {
			return err
		}
		yield(r)
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

func newSummer(db *checked.DB, rule Rule, deltas *pages.History, chunks int) *summer {
	s := &summer{db: db, rule: rule, deltas: deltas, set: &runSet{chunks: chunks}}
	s.idle = sync.NewCond(&s.mu)
	return s
}

// add queues the next chunk.
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

// current returns the runs made so far.
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

// work sums up queued chunks until there are none, or one fails.
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

// sum makes the run of the chunk, and those of higher levels that it completes.
func (s *summer) sum(job chunkJob, set *runSet) (map[runID]run, error) {
	made := map[runID]run{}
	err := s.db.View(func(tx *checked.Tx) error {
		deltaPages := make([][]byte, 0, s.rule.Layout.chunkPages())
		for i := range cap(deltaPages) {
			at := set.chunks*cap(deltaPages) + i
			page, err := s.deltas.Page(&job.view, tx.Bucket([]byte(s.rule.Deltas)), at)
			if err != nil {
				return err
			}
			deltaPages = append(deltaPages, page)
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
		parts := make([]run, runFanOut)
		for i := range parts {
			id := runID{level - 1, (count-1)*runFanOut + i}
			if r, ok := made[id]; ok {
				parts[i] = r
				continue
			}
			r, err := set.get(tx.Bucket([]byte(s.rule.Runs)), id)
			if err != nil {
				return err
			}
			parts[i] = r
		}
		made[runID{level, count - 1}] = s.sums.runs(parts)
	}
	return nil
}

// settle writes the recent runs while others are made.
func (s *summer) settle(b *checked.Bucket) error {
	s.settling = s.current().recent
	return putRuns(b, s.settling)
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
func (s *summer) store(b *checked.Bucket) error {
	return putRuns(b, s.current().recent)
}

func putRuns(b *checked.Bucket, runs map[runID]run) error {
	for id, r := range runs {
		if err := b.Put(id.key(), r); err != nil {
			return err
		}
	}
	return nil
}

// evict drops from memory what store wrote, once its transaction has committed.
func (s *summer) evict() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.set = &runSet{chunks: s.set.chunks}
	if !s.busy {
		s.sums = nil
	}
}
