package cost

import (
	"cmp"
	"strings"
	"sync"

	"cakupan/domain/event"
	"cakupan/eventstore"
	"cakupan/projections/coverage"
)

// Load is what the events of a batch have to do with the cost of events. It is filled while the
// batch is prepared and only read after that.
type Load struct {
	mu   sync.Mutex        // guards what follows while the batch is prepared
	adds []coverage.Weight // of those that make others cost more
	dear []dearWeight

	// Nearly all events are facts about enrolments. So they are noted apart, in parts of places
	// that follow each other: whoever prepares beside others seldom meets them.
	facts [8]factsOfPart
}

// partPlaces is how many places of a batch follow each other in one part: as many at least as who
// prepares takes at once.
const partPlaces = 128

// factsOfPart are the facts of some places. Publishers are those of the events, each once where
// events of one follow each other: mostly there is one.
type factsOfPart struct {
	mu         sync.Mutex // as that of Load
	facts      []fact
	publishers []string
	_          [32]byte // the next one's mutex is in another line of the cache
}

// fact is an event that is about an enrolment.
type fact struct {
	of               coverage.Tag // the enrolment
	place, publisher uint32
	kind             event.Type
}

// note notes a fact. The text of the publisher is copied once for those that follow each other.
func (p *factsOfPart) note(place int, of coverage.Tag, e *event.Event) {
	publisher := cmp.Or(e.Publisher, e.Source)
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.publishers); n == 0 || p.publishers[n-1] != publisher {
		p.publishers = append(p.publishers, strings.Clone(publisher))
	}
	p.facts = append(p.facts, fact{of, uint32(place), uint32(len(p.publishers) - 1), e.Type})
}

// empty reports whether no event of the batch has to do with the cost of any.
func (l *Load) empty() bool {
	some := len(l.adds) + len(l.dear)
	for i := range l.facts {
		some += len(l.facts[i].facts)
	}
	return some == 0
}

// dearWeight is an event that may change much, and of what that depends.
type dearWeight struct {
	Dear
	of coverage.Weight
}

// Weigh notes an event if it matters. It is called by several goroutines.
func (l *Load) Weigh(place int, e *event.Event) {
	if of, is := coverage.FactOf(e); is {
		l.facts[place/partPlaces%len(l.facts)].note(place, of, e)
	}
	w := coverage.WeightOf(e)
	if !w.Adds() && !w.IsDear() {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if w.Adds() {
		l.adds = append(l.adds, w)
		return
	}
	// The texts of an event belong to its request, and the name of a publisher is kept for longer.
	d := Dear{place: place, kind: e.Type}
	d.publisher = strings.Clone(cmp.Or(e.Publisher, e.Source))
	l.dear = append(l.dear, dearWeight{d, w})
}

// Backlog knows which events are on their way to the log or in it, and not folded yet: those after
// them cost as much as if they were. All methods may be called at the same time.
//
// It counts in two generations. New ones go to the younger; when all of the older are folded, that
// is forgotten, and the younger grows old. So it counts some that are folded, for a moment, and
// such as were refused, but misses none. It is an estimate of cost and never of truth: no answer is
// made of it.
type Backlog struct {
	mu             sync.Mutex // guards what follows, but for the counts
	younger, older *Generation
}

// Generation is events that came about the same time.
type Generation struct {
	expected coverage.Expected
	adds     []coverage.Weight   // that it counts, unless they are too many
	facts    []coverage.Tag      // the same
	full     bool                // they are
	batches  int                 // on their way to the log
	last     eventstore.Sequence // of those that are in it
}

// addsRemembered is how many are forgotten one by one; with more, all places are emptied.
const addsRemembered = 1 << 14

// NewBacklog returns one that knows of none.
func NewBacklog() *Backlog { return &Backlog{younger: &Generation{}, older: &Generation{}} }

// Begin counts the events of a batch that goes to the log now, in a generation which it returns.
// What the coverage has folded is forgotten; without one, nothing is counted. Each generation that
// is returned must be ended, or it is never forgotten.
func (b *Backlog) Begin(p *coverage.Projection, l *Load) *Generation {
	if p == nil || l.empty() {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.forget(p.View().Known())
	g := b.younger
	g.batches++
	g.count(l)
	return g
}

// forget forgets what was folded up to an event.
func (b *Backlog) forget(folded eventstore.Sequence) {
	for range 2 { // the younger may be folded too
		if b.older.batches > 0 || b.older.last > folded {
			return
		}
		b.older.forget()
		b.older, b.younger = b.younger, b.older
	}
}

// count counts the events of a batch.
func (g *Generation) count(l *Load) {
	n := len(g.adds) + len(g.facts) + len(l.adds)
	for i := range l.facts {
		n += len(l.facts[i].facts)
	}
	if g.full = g.full || n > addsRemembered; !g.full {
		g.adds = append(g.adds, l.adds...)
	}
	for i := range l.adds {
		g.expected.Add(l.adds[i], +1)
	}
	for i := range l.facts {
		for _, f := range l.facts[i].facts {
			g.expected.AddFact(f.of, +1)
			if !g.full {
				g.facts = append(g.facts, f.of)
			}
		}
	}
}

// forget makes the generation count nothing.
func (g *Generation) forget() {
	if g.full {
		g.expected.Clear()
	} else {
		for i := range g.adds {
			g.expected.Add(g.adds[i], -1)
		}
		for _, of := range g.facts {
			g.expected.AddFact(of, -1)
		}
	}
	g.adds, g.facts, g.full = g.adds[:0], g.facts[:0], false
}

// Verdict says what a publisher must not be told of what he sends.
type Verdict interface {
	// Void tells whether an event at a place of the batch has no effect, of which he is told none.
	Void(place int) bool
	// Told tells whether it is answered as if nobody were known by it.
	Told(place int) bool
}

// Price returns the events of a batch that change much, with all counted that went before them, and
// with them. Events that cost nothing are left out, and what its publisher must be told nothing of,
// by what he pays or by how long he waits: a death has no effect then, or changes nothing yet.
func (b *Backlog) Price(p *coverage.Projection, l *Load, v Verdict) (dear []Dear) {
	if p == nil || l.empty() {
		return nil
	}
	b.mu.Lock()
	younger, older := b.younger, b.older
	b.mu.Unlock()
	for i := range l.dear {
		d := l.dear[i].Dear
		if v != nil && v.Told(d.place) && (v.Void(d.place) || d.kind == event.WorkerDied) {
			continue
		}
		if d.Changes = p.Changes(l.dear[i].of, &younger.expected, &older.expected); d.Changes > 0 {
			dear = append(dear, d)
		}
	}
	for i := range l.facts {
		part := &l.facts[i]
		for _, f := range part.facts {
			changes := p.ChangesOfFact(f.of, &younger.expected, &older.expected)
			if changes == 0 || v != nil && v.Told(int(f.place)) && v.Void(int(f.place)) {
				continue // nearly always the former
			}
			dear = append(dear, Dear{int(f.place), part.publishers[f.publisher], f.kind, changes})
		}
	}
	return dear
}

// End tells that a batch is on its way no more: receipts tell what is in the log, none that nobody
// knows, or that it was not sent.
func (b *Backlog) End(g *Generation, receipts []event.Receipt) {
	if g == nil {
		return
	}
	last := eventstore.Sequence(0)
	for i := range receipts {
		last = max(last, eventstore.Sequence(receipts[i].Sequence))
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	g.batches--
	g.last = max(g.last, last)
}
