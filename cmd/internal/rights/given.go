package rights

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"cakupan/cmd/internal/excerpt"
	"cakupan/domain/event"
	"cakupan/eventstore"
	"cakupan/eventstore/index"
)

// given knows which events have given or taken rights, and over what, that the coverage may not
// have folded yet. So whoever speaks of one thing does not wait for what others have said of
// another, as dear as that may be to fold. All methods may be called at the same time.
//
// It remembers in two generations. New events go to the younger; when all of the older are folded,
// that is forgotten, and the younger grows old. It is in memory only: when a ledger of a cluster
// begins to write, everybody waits for the coverage to have all that the log has.
type given struct {
	all eventstore.Highest // what everybody waits for: what is forgotten, and what has no subject
	// unsure counts the batches that may be in the log without that having been told, and seen how
	// many of them the log was asked about.
	unsure, seen atomic.Uint64

	mu             sync.Mutex // guards what follows
	younger, older gifts
}

// gifts are the last events about some subjects.
type gifts struct {
	of   map[subject]eventstore.Sequence
	last eventstore.Sequence // of all of them
}

const (
	// giftsMost is how many subjects a generation remembers. With more, everybody waits for the
	// last of them.
	giftsMost = 1 << 19
	// giftsKept is how large the memory of a generation may be to be used again.
	giftsKept = 1 << 12
)

func newGiven() *given {
	return &given{
		younger: gifts{of: map[subject]eventstore.Sequence{}},
		older:   gifts{of: map[subject]eventstore.Sequence{}},
	}
}

// toAll notes an event of which it is not known what it gave rights over.
func (g *given) toAll(at eventstore.Sequence) { g.all.Raise(at) }

// sure has everybody wait for all that the log has, where a batch may be in it of which that was
// not told. While the log does not tell either, nobody can be judged.
func (g *given) sure(ctx context.Context, log eventstore.Log) error {
	count := g.unsure.Load()
	if count == g.seen.Load() {
		return nil
	}
	_, tail, err := log.Last(ctx)
	if err != nil {
		return err
	}
	g.toAll(tail.Sequence)
	g.seen.Store(count) // of two at once the lower one may come last: then the log is asked again
	return nil
}

// to notes that an event, or some before it, gave rights over subjects. The coverage has folded so
// much. It must be called before the subjects are free.
func (g *given) to(held []subject, at, folded eventstore.Sequence) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for range 2 { // the younger may be folded too
		if g.older.last > folded {
			break
		}
		g.forget(&g.older)
		g.older, g.younger = g.younger, g.older
	}
	if len(g.younger.of)+len(held) > giftsMost {
		g.forget(&g.younger)
	}
	for _, one := range held {
		g.younger.of[one] = max(g.younger.of[one], at)
	}
	g.younger.last = max(g.younger.last, at)
}

// forget makes a generation remember nothing. What it knew is waited for: nobody does while it is
// folded, but the coverage may have to be built anew.
func (g *given) forget(old *gifts) {
	g.all.Raise(old.last)
	if len(old.of) > giftsKept {
		old.of = map[subject]eventstore.Sequence{}
	}
	clear(old.of)
	old.last = 0
}

// since returns the last event that may have given or taken a right over one of the subjects. It
// may be more than that: who waits for too much waits longer, and no answer is wrong.
func (g *given) since(held []subject) (last eventstore.Sequence) {
	g.mu.Lock()
	defer g.mu.Unlock()
	last = g.all.Last()
	for _, of := range [...]map[subject]eventstore.Sequence{g.younger.of, g.older.of} {
		if len(of) == 0 {
			continue
		}
		for _, one := range held {
			last = max(last, of[one])
		}
	}
	return last
}

// concerns returns what events are about: those that take others back are about what those were, if
// that gave rights. What they take back and the log does not have gives nothing. Subjects may stand
// several times.
func (c *Court) concerns(ctx context.Context, events []event.Event) ([]subject, error) {
	all := c.subjects.of(events)
	var keys []index.Key
	for i := range events {
		if e := &events[i]; e.Type == event.EventRetracted {
			keys = append(keys, index.KeyOf(event.Key{
				Source: e.Data.RetractedSource, ID: e.Data.RetractedID,
			}))
		}
	}
	if len(keys) == 0 {
		return all, nil
	}
	found := make([]index.Entry, len(keys))
	if err := c.about.Lookup(keys, found); err != nil {
		return nil, err
	}
	var sequences []eventstore.Sequence
	for i := range found {
		if found[i].Sequence != 0 {
			sequences = append(sequences, found[i].Sequence)
		}
	}
	s := &excerpt.Selection{Each: func(_ eventstore.Record, e *event.Event) error {
		if Gives(e.Type) || reveals(e.Type) {
			all = append(all, c.subjects.of([]event.Event{*e})...)
		}
		return nil
	}}
	slices.Sort(sequences)
	return all, c.reader.Some(ctx, slices.Compact(sequences), s)
}
