package rights

import (
	"context"
	"hash/maphash"
	"sync"

	"cakupan/domain/event"
)

// subjectKind is what something may be said of.
type subjectKind byte

const (
	ofEnrolment subjectKind = iota
	ofWorker
	ofCommitment
)

// subject stands for an enrolment, a worker or a commitment. Two may share one: then one waits for
// the other for nothing. It is a hash with a seed of this process: it means nothing elsewhere, and
// nobody can choose names that share one.
type subject uint64

// subjects are those that batches on their way into the log are about. Of two batches that are
// about the same, the second is judged when the first is in the log: else what a publisher says
// while the opening is under way would count as said of what nobody knows. All methods may be
// called at the same time.
type subjects struct {
	seed maphash.Seed

	mu      sync.Mutex // guards what follows
	held    map[subject]struct{}
	changed chan struct{} // closed when some are free again
}

func newSubjects() *subjects {
	return &subjects{
		seed: maphash.MakeSeed(), held: map[subject]struct{}{}, changed: make(chan struct{}),
	}
}

// one returns what stands for a name.
func (s *subjects) one(kind subjectKind, name string) subject {
	return subject(maphash.String(s.seed, name)*3 + uint64(kind))
}

// of returns what events are about.
func (s *subjects) of(events []event.Event) (all []subject) {
	all = make([]subject, 0, 2*len(events))
	for i := range events {
		d := &events[i].Data
		for _, one := range [...]struct {
			kind subjectKind
			name string
		}{
			{ofEnrolment, d.Enrolment},
			{ofWorker, d.Worker},
			{ofWorker, d.Into},
			{ofCommitment, d.Commitment},
		} {
			if one.name != "" {
				all = append(all, s.one(one.kind, one.name))
			}
		}
	}
	return all
}

// hold waits until nobody holds any of the subjects, and holds them until release is called. Who
// waits holds nothing, so that no two wait for each other. All or none are held at once. ctx bounds
// the wait; release may be called again. One subject may stand twice.
func (s *subjects) hold(ctx context.Context, all []subject) (release func(), err error) {
	for {
		changed := s.try(all)
		if changed == nil {
			return sync.OnceFunc(func() { s.free(all) }), nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// try holds subjects, or returns what is closed when it is worth trying again.
func (s *subjects) try(all []subject) (changed chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range all {
		if _, held := s.held[one]; held {
			return s.changed
		}
	}
	for _, one := range all {
		s.held[one] = struct{}{}
	}
	return nil
}

// free wakes all who wait: each tries again, and who finds one held waits on.
func (s *subjects) free(all []subject) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range all {
		delete(s.held, one)
	}
	// All are woken, as they wait for different ones.
	close(s.changed)
	s.changed = make(chan struct{})
}
