package bundle

import (
	"context"
	"crypto/sha256"
	"fmt"
	"hash"
	"iter"
	"runtime"
	"strings"

	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/eventstore"
	"cakupan/eventstore/codec"
	"cakupan/eventstore/index"
	"cakupan/eventstore/merkle"
)

// ofRegion is which events a figure of a region can rest on: those and no others.
//
//   - all events of each enrolment that an opening or amendment has ever placed in the region;
//   - deaths and merges of the workers that openings of these name, and of all ids that merges join
//     to them, directly or through others;
//   - what was committed, amended, disbursed and closed of each commitment that has granted to one
//     of these enrolments or revoked;
//   - workforces of the region itself, targets of it and of what it lies in;
//   - retractions of any of these.
//
// What was retracted counts as if it were not, so that the set does not depend on what is in force.
// Enrolments elsewhere of the same worker are not among them: no rule of the contract lets a figure
// of one region depend on the terms of another one's. The sets grow with the region, not with the
// log, but for merges, of which all are kept.
type ofRegion struct {
	region region.Code
	// By id, as reported.
	enrolments map[string]struct{}
	// After join, all ids of each person.
	workers     map[string]struct{}
	commitments map[string]struct{}
	merges      map[string][]string // both ways
	// Of the events themselves, so that a retraction that came first finds its target, too.
	keys map[index.Key]struct{}
}

// records are the events of a log, or of a bundle, from the first on. They can be read again. The
// same events come each time, in the order of the log; an error ends them. What an event's bytes
// alias is valid until the next one.
type records func(yield func(eventstore.Record, error) bool)

// recordsOf returns the events of a log up to one. It ends with the log where that is shorter,
// without an error: the root then tells.
func recordsOf(ctx context.Context, log eventstore.Log, until eventstore.Sequence) records {
	return func(yield func(eventstore.Record, error) bool) {
		for frame, err := range log.Read(ctx, 1) {
			if err != nil {
				yield(eventstore.Record{}, err)
				return
			}
			for r := range frame.Records() {
				if r.Sequence > until || !yield(r, nil) {
					return
				}
			}
			if frame.Last() >= until {
				return
			}
		}
	}
}

// survey reads the events, thrice: which enrolments, whose and who pays, which events. Each pass
// needs what the one before it has found, since facts come in any order. join runs after each, and
// changes nothing where no worker was found.
func survey(all records, of region.Code) (*ofRegion, error) {
	s := &ofRegion{
		region: of, enrolments: map[string]struct{}{}, workers: map[string]struct{}{},
		commitments: map[string]struct{}{}, merges: map[string][]string{},
		keys: map[index.Key]struct{}{},
	}
	for _, pass := range [...]func(*event.Event){s.place, s.name, s.key} {
		for r, err := range decoded(all) {
			if err != nil {
				return nil, err
			}
			pass(r.event)
		}
		s.join()
	}
	return s, nil
}

// record is an event as it is stored, and decoded.
type record struct {
	eventstore.Record
	event *event.Event // until the next one
	// The sequence of the event that it retracts; 0: none, or not known when it was recorded.
	retracts uint64
}

// yieldEvery is after how many events others have their turn at the processor: the whole log is
// read as fast as it can be.
const yieldEvery = 128

// decoded decodes events. One event is decoded over the last: who keeps anything of it copies it.
func decoded(all records) iter.Seq2[record, error] {
	return func(yield func(record, error) bool) {
		var e event.Event
		for r, err := range all {
			if r.Sequence%yieldEvery == 0 {
				runtime.Gosched()
			}
			one := record{Record: r, event: &e}
			if err == nil {
				one.retracts, err = codec.Decode(r.Event, &e)
			}
			if err != nil {
				yield(one, fmt.Errorf("read event %d: %w", r.Sequence, err))
				return
			}
			if !yield(one, nil) {
				return
			}
		}
	}
}

// add puts a name into a set.
func add(set map[string]struct{}, name string) {
	if _, found := set[name]; !found {
		set[strings.Clone(name)] = struct{}{} // it aliases a frame
	}
}

// has tells whether a name is in a set. The empty one never is: it is what an event without the
// field has.
func has(set map[string]struct{}, name string) bool {
	_, found := set[name]
	return found && name != ""
}

// liesIn tells whether a region is another one or lies in it.
func liesIn(code, in region.Code) bool {
	// The parent of a province is the nation, and the nation has none.
	return in == region.Nation || code == in || code != region.Nation && code.Parent() == in
}

// place is the first pass. It finds the enrolments of the region, by any opening or amendment,
// whatever it was replaced or retracted by; and all merges.
func (s *ofRegion) place(e *event.Event) {
	switch e.Type {
	case event.EnrolmentOpened, event.EnrolmentAmended:
		if e.Data.Has.Has(event.FieldRegion) && liesIn(e.Data.Region, s.region) {
			add(s.enrolments, e.Data.Enrolment)
		}
	case event.WorkerMerged:
		a, b := strings.Clone(e.Data.Worker), strings.Clone(e.Data.Into)
		s.merges[a], s.merges[b] = append(s.merges[a], b), append(s.merges[b], a)
	default:
	}
}

// name is the second pass. It finds the workers and commitments of those enrolments.
func (s *ofRegion) name(e *event.Event) {
	if !has(s.enrolments, e.Data.Enrolment) {
		return
	}
	switch e.Type {
	case event.EnrolmentOpened:
		add(s.workers, e.Data.Worker)
	case event.FundingGranted, event.FundingRevoked:
		add(s.commitments, e.Data.Commitment)
	default:
	}
}

// join adds the ids that merges join to the workers. It goes through them by a list of its own and
// no recursion: a chain of merges may be of any length.
func (s *ofRegion) join() {
	open := make([]string, 0, len(s.merges))
	for id := range s.merges {
		if has(s.workers, id) {
			open = append(open, id)
		}
	}
	for len(open) > 0 {
		id := open[len(open)-1]
		open = open[:len(open)-1]
		for _, other := range s.merges[id] {
			if !has(s.workers, other) {
				add(s.workers, other)
				open = append(open, other)
			}
		}
	}
}

// key is the third pass. It notes the keys of the events that are of the region, for retractions to
// be known by.
func (s *ofRegion) key(e *event.Event) {
	if s.concerns(e) {
		s.keys[index.KeyOf(e.Key)] = struct{}{}
	}
}

// concerns tells whether an event is of the region, but for retractions.
func (s *ofRegion) concerns(e *event.Event) bool {
	switch e.Type {
	case event.EnrolmentOpened, event.EnrolmentAmended, event.EnrolmentTerminated,
		event.EnrolmentReinstated, event.ContributionCredited, event.FundingGranted,
		event.FundingRevoked:
		return has(s.enrolments, e.Data.Enrolment)
	case event.WorkerDied:
		return has(s.workers, e.Data.Worker)
	case event.WorkerMerged:
		return has(s.workers, e.Data.Worker) || has(s.workers, e.Data.Into)
	case event.FundingCommitted, event.FundingAmended, event.FundingDisbursed,
		event.FundingClosed:
		return has(s.commitments, e.Data.Commitment)
	case event.WorkforcePublished:
		return e.Data.Region == s.region
	case event.TargetSet:
		return liesIn(s.region, e.Data.Region)
	default:
	}
	return false
}

// holds tells whether an event is of the region. It must be asked after all passes.
func (s *ofRegion) holds(e *event.Event) bool {
	if e.Type == event.EventRetracted {
		_, found := s.keys[index.KeyOf(event.Key{
			Source: e.Data.RetractedSource, ID: e.Data.RetractedID,
		})]
		return found
	}
	return s.concerns(e)
}

// Extent is how many events of a log are of a region, and which: SHA-256 over their leaves, in the
// order of the log. It says which without showing them: two ledgers, or a ledger and a file,
// compare by it.
type Extent struct {
	Events int64  `json:"events"`
	Digest []byte `json:"digest"`
}

// Measure returns the extent of a region in a log up to an event. It reads the log four times, as
// Write does, and holds as much.
func Measure(ctx context.Context, log eventstore.Log, until eventstore.Sequence,
	of region.Code,
) (Extent, error) {
	all := recordsOf(ctx, log, until)
	s, err := survey(all, of)
	if err != nil {
		return Extent{}, err
	}
	m := newMeasure()
	for r, err := range decoded(all) {
		if err != nil {
			return Extent{}, err
		}
		if s.holds(r.event) {
			m.add(leafOf(r.Record))
		}
	}
	return m.extent(), nil
}

// measure makes an extent of leaves. Two of them that got the same leaves in the same order have
// the same extent.
type measure struct {
	events int64
	digest hash.Hash
}

// newMeasure returns one of no events, whose digest is that of no bytes.
func newMeasure() *measure { return &measure{digest: sha256.New()} }

// add takes in the next leaf.
func (m *measure) add(leaf merkle.Hash) {
	m.events++
	_, _ = m.digest.Write(leaf[:]) // never fails: see hash.Hash
}

// extent may be asked at any time, and changes nothing.
func (m *measure) extent() Extent { return Extent{m.events, m.digest.Sum(nil)} }

// leafOf returns the leaf of an event in the log's tree: its sequence, record time and bytes as
// stored.
func leafOf(r eventstore.Record) merkle.Hash {
	return merkle.LeafHash(uint64(r.Sequence), int64(r.RecordedAt), r.Event)
}
