package coverage_test

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"

	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/eventstore/codec"
	"cakupan/eventstore/merkle"
	"cakupan/projections/checked"
	"cakupan/projections/coverage"
)

// production is the real projection over a history, with its file.
type production struct {
	dir  string
	path string
	db   *checked.DB
	make func(*checked.DB) *coverage.Projection
	p    *coverage.Projection
}

func newProduction(dir string, makeEmpty func(*checked.DB) *coverage.Projection) (*production, error) {
	file, err := os.CreateTemp(dir, "*.db")
	if err != nil {
		return nil, err
	}
	s := &production{dir: dir, path: file.Name(), make: makeEmpty}
	return s, firstError(file.Close(), os.Remove(s.path), s.open())
}

func (s *production) open() (err error) {
	s.db, err = checked.Open(s.path, checked.Options{Scratch: true})
	if err == nil {
		s.p = s.make(s.db)
	}
	return err
}

func (s *production) store() error {
	if err := errors.Join(s.p.Finish(), s.db.Update(s.p.Store)); err != nil {
		return err
	}
	s.p.Stored()
	return nil
}

// restart opens the file again, as after a crash that followed the last store.
func (s *production) restart() error {
	if err := s.db.Close(); err != nil {
		return err
	}
	if err := s.open(); err != nil {
		return err
	}
	return s.db.View(s.p.Load)
}

// frameOf packs a part of a history; the records begin at history[from].
func frameOf(history []Recorded, from, until int) (eventstore.Frame, error) {
	b := eventstore.NewFrameBuilder(eventstore.Sequence(history[from].Sequence), merkle.Hash{},
		history[from].RecordedAt)
	for i := from; i < until; i++ {
		bytes := codec.Append(nil, &history[i].Event)
		if target := retracts(history, i); target != 0 {
			bytes = codec.AppendRetracts(bytes, target)
		}
		if err := b.Append(history[i].RecordedAt, bytes); err != nil {
			return eventstore.Frame{}, err
		}
	}
	return eventstore.ParseFrame(append([]byte(nil), b.Bytes()...))
}

func apply(p *coverage.Projection, frame eventstore.Frame) error {
	var batch coverage.Batch
	if err := p.Prepare(frame, &batch); err != nil {
		return err
	}
	for last := eventstore.Sequence(0); last < frame.Last(); {
		part, err := p.Apply(&batch, 1_000)
		if err != nil {
			return err
		}
		p.Show(&batch)
		last = part.Last
	}
	return nil
}

// play applies the history in frames of random size, storing and restarting now and then.
func (s *production) play(history []Recorded, rng *rand.Rand) error {
	largest := max(12, len(history)/80) // a long history is not opened a thousand times
	for from, stored := 0, 0; from < len(history); {
		until := min(from+1+rng.IntN(largest), len(history))
		frame, err := frameOf(history, from, until)
		if err != nil {
			return err
		}
		if err := apply(s.p, frame); err != nil {
			return err
		}
		from = until
		switch rng.IntN(8) {
		case 0:
			if err := s.store(); err != nil {
				return err
			}
			stored = from
		case 1:
			restart := s.restart
			if stored == 0 { // the file may hold what was settled, and no commit
				restart = func() error { return errors.Join(s.db.Close(), s.open()) }
			}
			if err := restart(); err != nil {
				return err
			}
			from = stored
		case 2:
			if err := s.settle(rng.IntN(3) > 0); err != nil {
				return err
			}
		}
	}
	return nil
}

// settle settles what is full, or fails to.
func (s *production) settle(commits bool) error {
	failed := errors.New("disk full")
	err := s.db.Update(func(tx *checked.Tx) error {
		if err := s.p.Settle(tx); err != nil || commits {
			return err
		}
		return failed
	})
	if err == nil {
		s.p.Settled()
	}
	if errors.Is(err, failed) {
		err = nil
	}
	return err
}

func (s *production) subject() subject {
	return subject{
		answer: func(q query) ([]byte, error) {
			asked, err := productionQuery(q)
			if err != nil {
				return nil, err
			}
			a, err := s.p.View().Answer(asked)
			if err != nil {
				return nil, err
			}
			return json.Marshal(a)
		},
		series: func(q seriesQuery) ([]byte, error) {
			asked, err := productionQuery(q.query)
			if err != nil {
				return nil, err
			}
			points, err := s.p.View().Series(asked, q.days())
			if err != nil {
				return nil, err
			}
			return json.Marshal(points)
		},
		regions: func(known uint64) ([]region.Code, error) {
			return s.p.View().Regions(eventstore.Sequence(known)), nil
		},
	}
}

func (q seriesQuery) days() []temporal.Date {
	step := coverage.Daily
	if q.Monthly {
		step = coverage.Monthly
	}
	return coverage.Days(q.From, q.Until, step)
}

func productionQuery(q query) (coverage.Query, error) {
	asked := coverage.Query{
		Region: q.Region, On: q.On, Known: eventstore.Sequence(q.Known), Indicator: q.Indicator,
	}
	count, ok := coverage.ParseCount(cmp.Or(q.Count, "workers"))
	if !ok {
		return asked, fmt.Errorf("nothing counts %q", q.Count)
	}
	asked.Count = count
	for _, name := range q.By {
		d, ok := coverage.ParseDimension(name)
		if !ok {
			return asked, fmt.Errorf("no dimension %q", name)
		}
		asked.By = append(asked.By, d)
	}
	return asked, nil
}

// TestProjectionAnswersLikeTheModel compares the projection with the model over random
// histories: cut into random frames, stored and restarted at random, with small chunks.
func TestProjectionAnswersLikeTheModel(t *testing.T) {
	if testing.Short() {
		t.Skip("long in one goroutine")
	}
	answerLikeTheModel(t, coverage.NewSmall)
}

// TestHeavyProjectionAnswersLikeTheModel does the same with timelines and tallies for nearly all.
func TestHeavyProjectionAnswersLikeTheModel(t *testing.T) {
	if testing.Short() {
		t.Skip("long in one goroutine")
	}
	answerLikeTheModel(t, coverage.NewHeavy)
}

func answerLikeTheModel(t *testing.T, makeEmpty func(*checked.DB) *coverage.Projection) {
	t.Helper()
	dir := t.TempDir()
	size := comparison{
		firstSeed: 1, histories: 90, events: 120, queries: 40, generate: Generate,
	}
	money := comparison{
		firstSeed: 1, histories: 25, events: 160, queries: 40, generate: GenerateMoney,
	}
	if os.Getenv("CAKUPAN_LONG") != "" {
		size.histories, size.events, size.queries = 1000, 250, 60
		money.histories, money.events, money.queries = 500, 400, 60
	}
	var before *production // one is asked at a time
	t.Cleanup(func() { _ = before.db.Close() })
	build := func(history []Recorded) (subject, error) {
		if before != nil {
			_ = before.db.Close()
			_ = os.Remove(before.path)
		}
		s, err := newProduction(dir, makeEmpty)
		if err != nil {
			return subject{}, err
		}
		before = s
		rng := rand.New(rand.NewPCG(uint64(len(history)), 7))
		return s.subject(), s.play(history, rng)
	}
	compareWithModel(t, size, build)
	compareWithModel(t, money, build)
}

// TestProjectionAnswersVectors replays the vectors with full and with small chunks.
func TestProjectionAnswersVectors(t *testing.T) {
	if testing.Short() {
		t.Skip("long in one goroutine")
	}
	for _, name := range vectorNames {
		for size, makeEmpty := range map[string]func(*checked.DB) *coverage.Projection{
			"full": coverage.New, "small": coverage.NewSmall, "heavy": coverage.NewHeavy,
		} {
			t.Run(name+"/"+size, func(t *testing.T) {
				t.Parallel()
				v := readVector(t, name)
				s, err := newProduction(t.TempDir(), makeEmpty)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = s.db.Close() })
				if err := s.play(v.history, rand.New(rand.NewPCG(1, 1))); err != nil {
					t.Fatal(err)
				}
				for i, q := range v.queries {
					got, err := s.subject().answer(q)
					if err != nil {
						t.Fatal(err)
					}
					v.check(t, i, got)
				}
			})
		}
	}
}

// TestDigest is the same however the history is cut and stored, for every prefix, and another
// when an event is. What is kept of heavy persons and enrolments, and lost in a restart, makes no
// difference.
func TestDigest(t *testing.T) {
	for name, makeEmpty := range map[string]func(*checked.DB) *coverage.Projection{
		"light": coverage.NewSmall, "heavy": coverage.NewHeavy,
	} {
		for history := range uint64(8) {
			t.Run(fmt.Sprint(name, history), func(t *testing.T) {
				t.Parallel()
				if testDigest(t, Generate(3+history, 200), makeEmpty); history < 3 {
					testDigest(t, monthly(history), makeEmpty)
				}
			})
		}
	}
}

func testDigest(t *testing.T, history []Recorded, makeEmpty func(*checked.DB) *coverage.Projection) {
	t.Helper()
	dir := t.TempDir()
	var want []string
	for seed := range uint64(4) {
		s, err := newProduction(dir, makeEmpty)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.play(history, rand.New(rand.NewPCG(seed, 0))); err != nil {
			t.Fatal(err)
		}
		var got []string
		for k := range len(history) + 1 {
			digest, err := s.p.View().Digest(eventstore.Sequence(k))
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, digest)
		}
		if want == nil {
			want = got
		}
		for k := range got {
			if got[k] != want[k] {
				t.Fatalf("cut %d: digest at %d differs", seed, k)
			}
		}
		_ = s.db.Close()
	}
	seen := map[string]bool{}
	for _, digest := range want {
		if seen[digest] {
			t.Fatal("two prefixes have the same digest")
		}
		seen[digest] = true
	}
}

// TestDigestOfBlocks is the same at and around the ends of blocks, which short histories never
// reach, for a projection that has seen no more and for one that has, which starts again in between.
func TestDigestOfBlocks(t *testing.T) {
	if testing.Short() {
		t.Skip("long in one goroutine")
	}
	const block = 4096
	history := Generate(5, 2*block+300)
	once, often := foldOnce(t, t.TempDir(), nil, false), foldOnce(t, t.TempDir(), nil, false)
	was := map[int]string{}
	note := func(k int) {
		digest, err := once.p.View().Digest(coverage.Everything)
		if err != nil {
			t.Fatal(err)
		}
		was[k] = digest
	}
	for k := 0; k < len(history); {
		until := min(k+200, len(history))
		if in := (k + 2) % block; in <= 3 { // one by one around the end of a block
			until = k + 1
		} else if end := k - in + block; until > end {
			until = end
		}
		frame, err := frameOf(history, k, until)
		if err != nil {
			t.Fatal(err)
		}
		if err := firstError(apply(once.p, frame), apply(often.p, frame)); err != nil {
			t.Fatal(err)
		}
		if k = until; len(was)%11 == 7 || k%block == 0 || k%block == 1 {
			if err := firstError(often.store(), often.restart()); err != nil {
				t.Fatal(err)
			}
		}
		note(k)
	}
	seen := map[string]bool{}
	for k, want := range was {
		got, err := often.p.View().Digest(eventstore.Sequence(k))
		if err != nil || got != want || seen[got] {
			t.Fatalf("digest at %d: was %s, is %s, seen %t, %v", k, want, got, seen[got], err)
		}
		seen[got] = true
	}
}

// TestPrefixIsAsItWas compares what the full log says of the past with what was said then.
func TestPrefixIsAsItWas(t *testing.T) {
	history := Generate(11, 150)
	full, err := newProduction(t.TempDir(), coverage.NewSmall)
	if err != nil {
		t.Fatal(err)
	}
	if err := full.play(history, rand.New(rand.NewPCG(1, 2))); err != nil {
		t.Fatal(err)
	}
	for k := 10; k < len(history); k += 35 {
		then, err := newProduction(t.TempDir(), coverage.NewSmall)
		if err != nil {
			t.Fatal(err)
		}
		if err := then.play(history[:k], rand.New(rand.NewPCG(5, 6))); err != nil {
			t.Fatal(err)
		}
		was, err1 := then.p.View().Digest(coverage.Everything)
		is, err2 := full.p.View().Digest(eventstore.Sequence(k))
		if err := firstError(err1, err2); err != nil || was != is {
			t.Fatalf("digest at %d: was %s, is %s, %v", k, was, is, err)
		}
	}
}
