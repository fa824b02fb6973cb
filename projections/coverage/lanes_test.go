package coverage_test

import (
	"math/rand/v2"
	"os"
	"testing"

	"cakupan/eventstore"
	"cakupan/projections/checked"
	"cakupan/projections/coverage"
)

// inLanes folds a history for the digest alone, by so many lanes, and returns the digest. It goes
// in frames of random sizes up to one, of which several are under way at a time, and with a budget
// that cuts shares in parts.
type inLanes struct{ lanes, most, budget int }

func (c inLanes) digest(t *testing.T, makeEmpty func(*checked.DB) *coverage.Projection,
	history []Recorded, frame func([]Recorded, int, int) (eventstore.Frame, error),
) string {
	t.Helper()
	s, err := newProduction(t.TempDir(), makeEmpty)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.db.Close() }()
	s.p.DigestInLanes(eventstore.Sequence(len(history)), c.lanes)
	p := newPipe(s.p)
	rng := rand.New(rand.NewPCG(uint64(len(history)), uint64(c.most)))
	for from := 0; from < len(history); {
		until := min(from+1+rng.IntN(c.most), len(history))
		f, err := frame(history, from, until)
		if err != nil {
			t.Fatal(err)
		}
		p.apply(t, f, c.budget)
		from = until
	}
	p.end()
	digest, err := s.p.Digest(eventstore.Sequence(len(history)))
	if err != nil {
		t.Fatal(err)
	}
	return digest
}

// pipe shows batches behind those that are applied, as a runner does.
type pipe struct {
	p              *coverage.Projection
	applied, shown chan *coverage.Batch
	ended          chan struct{}
}

func newPipe(p *coverage.Projection) *pipe {
	const ahead = 5
	q := &pipe{
		p, make(chan *coverage.Batch, ahead), make(chan *coverage.Batch, ahead),
		make(chan struct{}),
	}
	for range ahead {
		q.shown <- new(coverage.Batch)
	}
	go func() {
		defer close(q.ended)
		for b := range q.applied {
			p.Show(b)
			q.shown <- b
		}
	}()
	return q
}

// apply applies a frame. In several lanes it is handed out at once, as a whole.
func (q *pipe) apply(t *testing.T, frame eventstore.Frame, budget int) {
	t.Helper()
	b := <-q.shown
	if err := q.p.Prepare(frame, b); err != nil {
		t.Fatal(err)
	}
	part, err := q.p.Apply(b, budget)
	if err != nil || part.Last != frame.Last() {
		t.Fatalf("applied up to %d of %d: %v", part.Last, frame.Last(), err)
	}
	q.applied <- b
}

func (q *pipe) end() {
	close(q.applied)
	<-q.ended
}

// compareLanes fails the test unless a history has in several lanes the digest that it has in one.
func compareLanes(t *testing.T, makeEmpty func(*checked.DB) *coverage.Projection,
	history []Recorded, frame func([]Recorded, int, int) (eventstore.Frame, error),
	ways ...inLanes,
) {
	t.Helper()
	one := inLanes{lanes: 1, most: 64, budget: 1 << 30}
	want := one.digest(t, makeEmpty, history, frame)
	for _, c := range ways {
		if got := c.digest(t, makeEmpty, history, frame); got != want {
			t.Fatalf("%d events: the digest of %+v is %s, in one lane %s", len(history), c, got,
				want)
		}
	}
}

// waysOf returns ways to fold in lanes that differ with the seed.
func waysOf(seed uint64) (ways []inLanes) {
	for _, lanes := range []int{2, 3, 8} {
		ways = append(ways, inLanes{lanes, 1 + int(seed*31%90), 1 + int(seed*17%60)})
	}
	return ways
}

// TestLanes folds random histories in several lanes: the digest is that of one. In these histories
// nearly everybody comes to touch everybody else, so that groups go from lane to lane all the time.
func TestLanes(t *testing.T) {
	kinds := []func(*checked.DB) *coverage.Projection{coverage.NewSmall, coverage.NewHeavy}
	seeds := uint64(24) // each kind of history on each projection, twice
	if os.Getenv("CAKUPAN_LONG") != "" {
		seeds *= 5
	}
	for seed := range seeds {
		history := Generate(seed, 20+int(seed*7919%400))
		switch seed % 6 {
		case 0:
			history = GenerateMoney(seed, 200)
		case 1:
			history = monthly(seed)
		default:
		}
		history = renumber(history)
		compareLanes(t, kinds[seed/6%2], history, frameOf, waysOf(seed)...)
	}
}

// TestLanesOfVectors does so with the histories of the contract's vectors, each in one way, or in all.
func TestLanesOfVectors(t *testing.T) {
	for i, name := range vectorNames {
		t.Run(name, func(t *testing.T) {
			ways := waysOf(uint64(i))
			if os.Getenv("CAKUPAN_LONG") == "" {
				ways = ways[i%len(ways):][:1]
			}
			compareLanes(t, coverage.New, readVector(t, name).history, frameOf, ways...)
		})
	}
}

// TestLanesOfDear does so with events that change much, and with shares that are cut at each of
// them.
func TestLanesOfDear(t *testing.T) {
	for _, d := range dearHistories(300) {
		t.Run(d.name, func(t *testing.T) {
			w := &dearWriter{rng: rand.New(rand.NewPCG(1, 2))}
			if d.before != nil {
				d.before(w)
			}
			d.events(w)
			compareLanes(t, coverage.New, w.history, frameOfDear,
				inLanes{2, 500, 1 << 30}, inLanes{3, 40, 50})
		})
	}
}

// TestLanesRefuse applies a frame that does not go on from the last one: it is refused, and what was
// handed out before is shown all the same. Nor is a digest told that needs more events.
func TestLanesRefuse(t *testing.T) {
	history := Generate(3, 60)
	s, err := newProduction(t.TempDir(), coverage.New)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.db.Close() }()
	s.p.DigestInLanes(60, 2)
	var frames []eventstore.Frame
	for from := 0; from < len(history); from += 20 {
		frame, err := frameOf(history, from, from+20)
		if err != nil {
			t.Fatal(err)
		}
		frames = append(frames, frame)
	}
	q := newPipe(s.p)
	q.apply(t, frames[0], 1)
	for _, frame := range []eventstore.Frame{frames[2], frames[0]} {
		b := new(coverage.Batch)
		if err := s.p.Prepare(frame, b); err != nil {
			t.Fatal(err)
		}
		if _, err := s.p.Apply(b, 1); err == nil {
			t.Errorf("events from %d on are applied behind event 20", frame.First())
		}
	}
	q.end()
	if _, err := s.p.Digest(60); err == nil {
		t.Error("the digest of 60 events is told after 20")
	}
}

// FuzzLanes folds histories that a fuzzer picks in lanes that it picks.
func FuzzLanes(f *testing.F) {
	f.Add(uint64(1), uint16(300), uint8(2), uint8(9), uint8(30), true)
	f.Add(uint64(7), uint16(120), uint8(5), uint8(40), uint8(1), false)
	f.Fuzz(func(t *testing.T, seed uint64, events uint16, lanes, most, budget uint8, heavy bool) {
		makeEmpty := coverage.NewSmall
		if heavy {
			makeEmpty = coverage.NewHeavy
		}
		history := Generate(seed, 1+int(events)%500)
		compareLanes(t, makeEmpty, history, frameOf,
			inLanes{2 + int(lanes)%7, 1 + int(most), 1 + int(budget)})
	})
}
