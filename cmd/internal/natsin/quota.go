package natsin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"cakupan/domain/event"
	log "cakupan/eventstore/jetstream"
)

// Limits bound what is kept of what one publisher was refused. 0 is no bound. They are checked
// where they are set; here they are believed.
type Limits struct {
	Count int           // at least LimitCountMin
	Bytes int64         // as sealed; at least LimitBytesMin
	Age   time.Duration // since it was stored
}

// The least bounds: a step that is stored at once always fits.
const (
	LimitCountMin = 2 * stepEventsMax
	LimitBytesMin = 2 * stepBytesMax
)

// Quota keeps each publisher's refusals within limits: the oldest are removed for new ones, so that
// neither the disk nor the intake depends on who settles them. What has no publisher is a pack that
// cannot be opened: its events were acknowledged and are nobody's fault, so it stays.
//
// All who store and drop refusals of a ledger in this process share one. It may be nil, which
// bounds nothing, and all methods may be called at the same time. What it knows is in memory; the
// stream is what counts.
type Quota struct {
	limits Limits
	now    func() time.Time
	log    *slog.Logger
	tally  *Tally // nil: others store and remove, too

	forRoom, forAge atomic.Uint64

	mu     sync.Mutex
	shares map[string]*share // by publisher
}

// NewQuota returns a quota that has counted nothing yet: it counts a publisher's refusals in the
// stream when he is refused something, and nothing beside the stream is believed. now is compared
// with the times of the stream's server.
func NewQuota(limits Limits, now func() time.Time, log *slog.Logger) *Quota {
	return &Quota{limits: limits, now: now, log: log, shares: map[string]*share{}}
}

// Count has a tally be kept of what is stored and removed. It is called before anything is.
func (q *Quota) Count(t *Tally) { q.tally = t }

// tallied returns the tally that is kept, nil where none is.
func (q *Quota) tallied() *Tally {
	if q == nil {
		return nil
	}
	return q.tally
}

// Removed returns how many refusals were removed since the start because their publisher had too
// many, and because they were too old.
func (q *Quota) Removed() (forRoom, forAge uint64) {
	if q == nil {
		return 0, 0
	}
	return q.forRoom.Load(), q.forAge.Load()
}

// share is what is kept of one publisher. Its methods are called with mu held.
type share struct {
	mu      sync.Mutex // held while refusals of the publisher are stored or removed
	entries []entry    // by number
	bytes   int64
	counted bool // the entries are all that there is
}

// entry is one refusal in the stream.
type entry struct {
	number uint64
	bytes  int64
}

// of returns the share of a publisher; nil where it has no bound.
func (q *Quota) of(publisher string) *share {
	if q == nil || publisher == noPublisher || q.limits.Count == 0 && q.limits.Bytes == 0 {
		return nil
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	s := q.shares[publisher]
	if s == nil {
		s = &share{}
		q.shares[publisher] = s
	}
	return s
}

// forget has all be counted anew: another ledger may have stored and removed meanwhile.
func (q *Quota) forget() {
	if q == nil {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, s := range q.shares {
		s.mu.Lock()
		s.reset()
		s.mu.Unlock()
	}
}

// gone notes that a refusal was removed by somebody.
func (q *Quota) gone(publisher string, number uint64) {
	s := q.of(publisher)
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	i, found := slices.BinarySearchFunc(s.entries, number, func(e entry, number uint64) int {
		return cmp.Compare(e.number, number)
	})
	if found {
		s.bytes -= s.entries[i].bytes
		s.entries = slices.Delete(s.entries, i, i+1)
	}
}

func (s *share) reset() { s.entries, s.bytes, s.counted = nil, 0, false }

func (s *share) add(number uint64, bytes int) {
	s.entries = append(s.entries, entry{number, int64(bytes)})
	s.bytes += int64(bytes)
}

// count counts what the stream has beyond the last entry. Where it is cut short, the next one goes
// on there. On a cluster it is counted anew where the server that leads has, or can read, less than
// another one.
func (s *share) count(ctx context.Context, r *Refusals, publisher string) error {
	if s.counted {
		return nil
	}
	subject := subjectRefused + publisher + ".>"
	err := s.countBy(subject, func(number uint64) (log.Stored, error) {
		return r.fetch(ctx, map[string]any{"seq": number, "next_by_subj": subject})
	})
	if err != nil {
		return err
	}
	there, err := r.stream.Count(ctx, subject)
	if err != nil || there <= uint64(len(s.entries)) {
		return err
	}
	s.reset()
	return s.countBy(subject, func(number uint64) (log.Stored, error) {
		return r.stream.NextOf(ctx, number, subject)
	})
}

// countBy counts what next finds.
func (s *share) countBy(subject string, next func(number uint64) (log.Stored, error)) error {
	for !s.counted {
		number := uint64(1)
		if len(s.entries) > 0 {
			number = s.entries[len(s.entries)-1].number + 1
		}
		m, err := next(number)
		switch {
		case errors.Is(err, ErrNoSuch), errors.Is(err, log.ErrNoMessage):
			s.counted = true
		case err != nil:
			return fmt.Errorf("count refusals of %s: %w", event.MaskNIK(subject), err)
		default:
			s.add(m.Number, len(m.Data))
		}
	}
	return nil
}

// exceeds tells whether so much more would be beyond a part of the limits, in tenths.
func (s *share) exceeds(l Limits, count int, bytes int64, tenths int) bool {
	return l.Count > 0 && len(s.entries)+count > l.Count/10*tenths ||
		l.Bytes > 0 && s.bytes+bytes > l.Bytes/10*int64(tenths)
}

// makeRoom removes the oldest refusals of a publisher where so many more would be too many, down to
// nine tenths: else each new one would have to. If we crash before the new ones are stored, their
// pack comes again. It may leave room that is then not used, where the new ones cannot be stored.
func (s *share) makeRoom(
	ctx context.Context, r *Refusals, publisher string, step []*nats.Msg,
) (err error) {
	bytes := int64(0)
	for i := range step {
		bytes += int64(len(step[i].Data))
	}
	if err := s.count(ctx, r, publisher); err != nil {
		return err
	}
	limits, removed := r.quota.limits, uint64(0)
	for tenths := 10; err == nil && s.exceeds(limits, len(step), bytes, tenths); tenths = 9 {
		if len(s.entries) == 0 {
			break
		}
		oldest := s.entries[0]
		if err = r.remove(ctx, oldest.number, false); err == nil || errors.Is(err, ErrNoSuch) {
			s.entries, s.bytes = s.entries[1:], s.bytes-oldest.bytes
		}
		switch {
		case err == nil:
			removed++
			r.fault(FaultAfterRemoval)
		case errors.Is(err, ErrNoSuch): // another ledger's doing, who may have removed more
			s.reset()
			err = s.count(ctx, r, publisher)
		}
	}
	if removed > 0 {
		r.quota.forRoom.Add(removed)
		r.quota.log.WarnContext(ctx, "oldest refusals of a publisher are removed: too many",
			slog.String("publisher", event.MaskNIK(publisher)), slog.Uint64("removed", removed))
	}
	return err
}

// expire removes what is too old. The stream is in the order in which it was stored. It ends at the
// first that is young enough, or at an error: what is left is for the next time.
func (r *Refusals) expire(ctx context.Context) (err error) {
	if r.quota == nil || r.quota.limits.Age == 0 {
		return nil
	}
	removed, before := uint64(0), r.quota.now().Add(-r.quota.limits.Age)
	for number := uint64(1); err == nil; number++ {
		m, failed := r.stream.Next(ctx, number)
		if err = failed; err != nil || m.Time.After(before) {
			break
		}
		number = m.Number
		publisher := publisherOf(m.Subject)
		if publisher == noPublisher {
			continue
		}
		if err = r.remove(ctx, number, false); err == nil {
			removed++
		}
		if m.Elsewhere && errors.Is(err, ErrNoSuch) { // who leads has not had it before either
			err = r.awaitGone(ctx, number)
		}
		if err == nil || errors.Is(err, ErrNoSuch) {
			r.quota.gone(publisher, number)
			err = nil
		}
	}
	if removed > 0 {
		r.quota.forAge.Add(removed)
		r.quota.log.InfoContext(ctx, "refusals were removed: they are too old",
			slog.Uint64("removed", removed))
	}
	if errors.Is(err, log.ErrNoMessage) {
		return nil
	}
	return err
}

// publisherOf returns whose refusals have a subject.
func publisherOf(subject string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(subject, subjectRefused), ".")
	return name
}

// expireEvery is how often it is looked for what is too old.
const expireEvery = time.Hour

// expireAll removes what is too old, now and then, until ctx ends.
func (p *packs) expireAll(ctx context.Context) {
	tick := time.NewTicker(expireEvery)
	defer tick.Stop()
	for {
		err := p.server.refusals.expire(ctx)
		if err != nil && ctx.Err() == nil {
			p.server.opts.Log.WarnContext(ctx, "old refusals stay for now", slog.Any("error", err))
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
