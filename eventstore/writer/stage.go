package writer

import (
	"fmt"
	"slices"

	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/eventstore/codec"
	"cakupan/eventstore/index"
)

const (
	// frameBytes is where a frame is closed even if it holds fewer than
	// eventstore.FrameEventsMax events. 1,000 events of the usual 110 bytes are far below. Half
	// of what a frame may have: larger ones bring no throughput, and all wait for the last byte.
	frameBytes = 512 << 10

	// AtomicEventsMax bounds an atomic batch: one frame, which is stored as a whole or not at all.
	AtomicEventsMax = eventstore.FrameEventsMax

	// AtomicBytesMax bounds what the events of an atomic batch take in their frame.
	AtomicBytesMax = eventstore.FrameBytesMax - frameOverhead

	frameOverhead = 80 // header and checksum
	entryOverhead = 16 // two numbers before the event: record time and length
	retractsBytes = 11 // what codec.AppendRetracts adds at most
)

// item is an event that has its place and waits to be sent.
type item struct {
	index.Entry
	at    temporal.Instant
	event []byte
	// glued items go into the same frame as the one before.
	glued bool
}

func (i *item) size() int { return len(i.event) + entryOverhead }

// stage decides what becomes of entries, and holds those that are to be appended. What it decides
// takes for granted that the items before get into the log; if not, discard takes all of it back.
type stage struct {
	index   *index.Index
	next    eventstore.Sequence // what the next item gets
	last    temporal.Instant    // record time of the last item, or of the log
	items   []item
	bytes   int
	pending map[index.Key]index.Entry // of the items
}

// newStage returns an empty stage behind the end of the log.
func newStage(idx *index.Index, tail eventstore.Tail) *stage {
	s := &stage{index: idx}
	s.discard(tail)
	return s
}

// discard forgets all items: the log ends at tail.
func (s *stage) discard(tail eventstore.Tail) {
	s.items, s.bytes = nil, 0
	s.next, s.last = tail.Sequence+1, lastTime(tail)
	s.pending = make(map[index.Key]index.Entry)
}

// lastTime returns the record time that no later event may precede.
func lastTime(tail eventstore.Tail) temporal.Instant {
	if tail.Sequence == 0 {
		return temporal.MinInstant
	}
	return tail.RecordedAt
}

// room returns how many more items fit the frame that is being filled.
func (s *stage) room() int {
	if s.bytes+frameOverhead >= frameBytes {
		return 0
	}
	return max(0, eventstore.FrameEventsMax-len(s.items))
}

// halfFull tells whether half of the frame that is being filled is.
func (s *stage) halfFull() bool {
	return 2*(s.bytes+frameOverhead) >= frameBytes || 2*len(s.items) >= eventstore.FrameEventsMax
}

// decide gives results to the next n entries of the request, and stages what is to be appended.
func (s *stage) decide(r *request, n int, now temporal.Instant) error {
	from, to := r.decided, r.decided+n
	known, err := s.known(r, from, to)
	if err != nil {
		return err
	}
	before, last := len(s.items), s.last
	refused := false
	for i := from; i < to; i++ {
		s.decideOne(r, i, &known[i-from], now)
		refused = refused || r.results[i].Status == event.Refused
	}
	if r.atomic && s.refuseApart(r, before) || r.atomic && refused {
		s.takeBack(r, before, last)
	} else if r.atomic {
		s.glue(before)
	}
	r.decided = to
	for _, result := range r.results[from:to] {
		r.needs = max(r.needs, result.Sequence)
	}
	return nil
}

// target is what the index knows of an entry's key and of the one it retracts.
type target struct{ own, retracted index.Entry }

// known looks up the keys of entries, and of those they retract, a batch at a time.
func (s *stage) known(r *request, from, to int) ([]target, error) {
	found := make([]index.Entry, to-from)
	if err := s.index.Lookup(r.keys[from:to], found); err != nil {
		return nil, err
	}
	known := make([]target, to-from)
	for i := range found {
		known[i].own = found[i]
	}
	if r.retracts == nil {
		return known, nil
	}
	if err := s.index.Lookup(r.retracts[from:to], found); err != nil {
		return nil, err
	}
	for i := range found {
		known[i].retracted = found[i]
	}
	return known, nil
}

// decideOne gives entry i its result. The order is the contract's: a duplicate is a duplicate
// whatever its record time, and a conflict is reported before it.
func (s *stage) decideOne(r *request, i int, known *target, now temporal.Instant) {
	e, result := &r.entries[i], &r.results[i]
	first, digest := known.own, s.index.Kept(e.Digest)
	if first.Sequence == 0 {
		first = s.pending[r.keys[i]]
	}
	switch {
	case first.Sequence != 0 && first.Digest == digest:
		*result = Result{Status: event.Duplicate, Sequence: first.Sequence}
		return
	case first.Sequence != 0:
		result.refuse(event.Conflict, "", "another event with this source and id is recorded; "+
			"give the event a new id, or retract the recorded one")
		return
	case len(e.Event)+retractsBytes > eventstore.EventBytesMax:
		result.refuse(event.TooLarge, "", fmt.Sprintf("the event takes %d bytes, at most %d",
			len(e.Event), eventstore.EventBytesMax-retractsBytes))
		return
	}
	at, refusal := s.recordTime(e, now)
	if refusal != "" {
		result.refuse(event.RecordedOrder, "recordedat", refusal)
		return
	}
	*result = Result{Status: event.Appended, Sequence: s.next}
	s.add(item{
		Entry: index.Entry{Key: r.keys[i], Sequence: s.next, Digest: digest},
		at:    at,
		event: s.bytesOf(r, i, known.retracted.Sequence),
	})
}

// refuse makes the result a refusal.
func (r *Result) refuse(code event.Code, field, detail string) {
	*r = Result{
		Status:  event.Refused,
		Refusal: &event.Refusal{Code: code, Field: field, Detail: detail},
	}
}

// recordTime returns when an event is recorded: now, or, when the clock went back, at the last
// record time; or the original time that is to be kept. The refusal is empty when all is well.
func (s *stage) recordTime(e *Entry, now temporal.Instant) (at temporal.Instant, refusal string) {
	kept := e.RecordedAt
	switch {
	case kept == 0 && !e.Original:
		return max(now, s.last), ""
	case kept < s.last:
		return 0, fmt.Sprintf("%v is before %v, the last record time of the log", kept, s.last)
	case kept > now:
		return 0, fmt.Sprintf("%v is in the future", kept)
	}
	return kept, ""
}

// bytesOf returns what is stored for an entry.
func (s *stage) bytesOf(r *request, i int, retracted eventstore.Sequence) []byte {
	bytes := r.entries[i].Event
	if r.entries[i].Retracts == nil {
		return bytes
	}
	if retracted == 0 {
		retracted = s.pending[r.retracts[i]].Sequence
	}
	if retracted == 0 {
		return bytes // it comes later, or never
	}
	// The caller's bytes are his: they must not be written, not even behind their end.
	return codec.AppendRetracts(slices.Clip(bytes), uint64(retracted))
}

// add gives an item its place: whoever comes with the same key from now on is a duplicate of it,
// though it is not in the log yet. See discard.
func (s *stage) add(i item) {
	s.items = append(s.items, i)
	s.bytes += i.size()
	s.pending[i.Key] = i.Entry
	s.next++
	s.last = i.at
}

// takeBack undoes the items from `before` on, which belong to an atomic request that is refused.
// Results that speak of them are emptied.
func (s *stage) takeBack(r *request, before int, last temporal.Instant) {
	for _, i := range s.items[before:] {
		delete(s.pending, i.Key)
		s.bytes -= i.size()
	}
	s.next -= eventstore.Sequence(len(s.items) - before)
	s.items, s.last = s.items[:before], last
	for i := range r.results {
		if r.results[i].Sequence >= s.next {
			r.results[i] = Result{}
		}
	}
}

// refuseApart refuses items from `before` on that one frame cannot hold because of what lies
// between their record times and those before them. It reports whether there are any.
func (s *stage) refuseApart(r *request, before int) (refused bool) {
	for i := before + 1; i < len(s.items); i++ {
		if !eventstore.Apart(s.items[i-1].at, s.items[i].at) {
			continue
		}
		refused = true
		place := slices.IndexFunc(r.results, func(result Result) bool {
			return result.Sequence == s.items[i].Sequence
		})
		r.results[place].refuse(event.RecordedOrder, "recordedat", fmt.Sprintf(
			"%v is over 292 years after %v, the event before, which an atomic batch cannot hold",
			s.items[i].at, s.items[i-1].at))
	}
	return refused
}

// glue makes the items from `before` on share a frame. They fit one: see CheckAtomic.
func (s *stage) glue(before int) {
	for i := before + 1; i < len(s.items); i++ {
		s.items[i].glued = true
	}
}

// cut returns how many of the items make the next frame: as many as fit, but never a part of
// what is glued together.
func (s *stage) cut() int {
	size, end := frameOverhead, 0
	for n := range s.items {
		if n > 0 && !s.items[n].glued {
			end = n
		}
		size += s.items[n].size()
		full := n == eventstore.FrameEventsMax || size > frameBytes && end > 0
		if full && end > 0 {
			return end
		}
	}
	return len(s.items)
}

// sent removes the first n items, which are in the log.
func (s *stage) sent(n int) {
	for i := range s.items[:n] {
		delete(s.pending, s.items[i].Key)
		s.bytes -= s.items[i].size()
	}
	s.items = slices.Delete(s.items, 0, n)
}
