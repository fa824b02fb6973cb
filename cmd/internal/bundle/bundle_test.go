package bundle

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/eventstore/checkpoint"
	"cakupan/eventstore/codec"
	"cakupan/eventstore/memlog"
	"cakupan/eventstore/merkle"
	"cakupan/projections"
	"cakupan/projections/coverage"
)

const ledgerNumber = "00112233445566778899aabbccddeeff"

// book is a ledger in memory: its log, its tree, its coverage and its key.
type book struct {
	*memlog.Log
	tree   merkle.Tree
	leaves []tlog.Hash // as tlog stores them
	tail   eventstore.Tail
	at     temporal.Instant
	keys   map[event.Key]uint64
	signer *checkpoint.Signer
}

func newBook(t testing.TB) *book {
	t.Helper()
	signer, err := checkpoint.NewSigner(ledgerNumber, bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return &book{
		Log:  memlog.New(eventstore.Identity{Ledger: ledgerNumber, Created: 1}),
		keys: map[event.Key]uint64{}, at: 1_577_836_800_000_000_000, signer: signer,
	}
}

// record appends events, up to some of them in a frame.
func (b *book) record(t testing.TB, events []event.Event, most int) {
	t.Helper()
	for chunk := range slices.Chunk(events, most) {
		frame := eventstore.NewFrameBuilder(b.tail.Sequence+1, b.tree.Root(), b.at)
		for i := range chunk {
			e := &chunk[i]
			stored := codec.Append(nil, e)
			named := event.Key{Source: e.Data.RetractedSource, ID: e.Data.RetractedID}
			if n := b.keys[named]; e.Type == event.EventRetracted && n > 0 {
				stored = codec.AppendRetracts(stored, n)
			}
			seq := frame.Next()
			if err := frame.Append(b.at, stored); err != nil {
				t.Fatal(err)
			}
			b.keys[e.Key] = uint64(seq)
			b.tree.AppendNodes(merkle.LeafHash(uint64(seq), int64(b.at), stored),
				func(_ int, node merkle.Hash) { b.leaves = append(b.leaves, tlog.Hash(node)) })
		}
		tail, err := b.Append(t.Context(), bytes.Clone(frame.Bytes()), b.tail)
		if err != nil {
			t.Fatal(err)
		}
		b.tail, b.at = tail, b.at+1_000_000_000
	}
}

func (b *book) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for i, n := range indexes {
		hashes[i] = b.leaves[n]
	}
	return hashes, nil
}

func (b *book) treeAt(t testing.TB, n int64) tlog.Tree {
	t.Helper()
	hash, err := tlog.TreeHash(n, b)
	if err != nil {
		t.Fatal(err)
	}
	return tlog.Tree{N: n, Hash: hash}
}

// view folds the whole log.
func (b *book) view(t testing.TB) *coverage.View {
	t.Helper()
	shelf := projections.NewShelf(projections.Options{
		Folder: t.TempDir(), Log: b, Kinds: []projections.Kind{
			projections.StagedKind[*coverage.Projection, coverage.Batch](
				coverage.Name, coverage.New),
		},
	})
	t.Cleanup(func() { _ = shelf.Close() })
	kept, err := shelf.Open(t.Context(), coverage.Name)
	if err == nil {
		err = shelf.CatchUp(t.Context(), coverage.Name, b.tail.Sequence)
	}
	if err != nil {
		t.Fatal(err)
	}
	p, _ := projections.Answers[*coverage.Projection](kept)
	return p.View()
}

// source returns what a bundle at a coordinate is made of.
func (b *book) source(t testing.TB, v *coverage.View, r region.Code, on temporal.Date, k int64,
) *Ledger {
	t.Helper()
	answer, err := v.Answer(coverage.Query{
		Region: r, On: on, Known: eventstore.Sequence(k), Indicator: event.Employed,
	})
	if err != nil {
		t.Fatal(err)
	}
	l := &Ledger{
		Log: b, Tree: b.treeAt(t, k), Region: r, Answer: answer,
		Indicator: event.Employed.String(),
		Sign:      func(text string) ([]byte, error) { return b.signer.SignText(text) },
	}
	head := b.treeAt(t, int64(b.tail.Sequence))
	if l.Checkpoint, err = b.signer.Sign(head); err != nil {
		t.Fatal(err)
	}
	if l.Proof, err = tlog.ProveTree(head.N, k, b); err != nil {
		t.Fatal(err)
	}
	return l
}

func write(t testing.TB, l *Ledger) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(t.Context(), &b, l); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func (b *book) check(data []byte) (*Result, error) {
	return Check(context.Background(), data, Keys{Ledger: b.signer.Key()})
}

// maker makes events about few names, so that they have to do with each other: moves, merges,
// retractions before and after what they retract.
type maker struct {
	*rand.Rand
	n int
}

var places = []region.Code{7503, 7571, 7501, 7101, 7171}

func (m *maker) name(kind string, of int) string { return fmt.Sprintf("%s-%d", kind, m.IntN(of)) }

func (m *maker) month() temporal.Month { return temporal.Month(600 + m.IntN(24)) }

func (m *maker) day() temporal.Date { return m.month().First() + temporal.Date(m.IntN(28)) }

func (m *maker) events(n int) []event.Event {
	events := make([]event.Event, n)
	for i := range events {
		m.n++
		events[i].Key = event.Key{Source: "urn:test", ID: fmt.Sprintf("event-%d", m.n)}
		m.fill(&events[i], n)
		for _, f := range events[i].Type.Fields() {
			if event.EdgeOnly.Has(f) || m.skips(&events[i].Data, f) {
				continue
			}
			events[i].Data.Has = events[i].Data.Has.With(f)
		}
	}
	return events
}

// skips tells of fields that an event may be without.
func (m *maker) skips(d *event.Data, f event.Field) bool {
	switch {
	case f.Kind() == event.TextField:
		return *d.Text(f) == "" && f != event.FieldReasonText
	case f.Kind() == event.CodeField:
		return d.CodeNumber(f) == 0 && f != event.FieldRegion
	case f.Kind() == event.ProgrammeList:
		return len(d.Programmes) == 0
	}
	return false
}

func (m *maker) fill(e *event.Event, n int) {
	d := &e.Data
	enrolment, commitment := m.name("e", n/8), m.name("c", 4)
	from := m.month()
	switch draw := m.IntN(100); {
	case draw < 28:
		e.Type = event.EnrolmentOpened
		d.Enrolment, d.Worker, d.From = enrolment, m.name("w", n/9), m.day()
		d.Region, d.Segment = places[m.IntN(len(places))], event.Segment(1+m.IntN(4))
		d.Category, d.Payer = event.Category(1+m.IntN(7)), event.Payer(1+m.IntN(3))
		d.Programmes = []event.Programme{event.JKK, event.JKM}
	case draw < 38:
		e.Type, d.Enrolment, d.From = event.EnrolmentAmended, enrolment, m.day()
		d.Region = places[m.IntN(len(places))]
	case draw < 43:
		e.Type, d.Enrolment, d.Until = event.EnrolmentTerminated, enrolment, m.day()
		d.Reason = event.Layoff
	case draw < 46:
		e.Type, d.Enrolment, d.From = event.EnrolmentReinstated, enrolment, m.day()
	case draw < 49:
		e.Type, d.Worker, d.On = event.WorkerDied, m.name("w", n/9), m.day()
	case draw < 53:
		e.Type, d.Worker, d.Into = event.WorkerMerged, m.name("w", n/9), m.name("w", n/9)
	case draw < 62:
		e.Type, d.Enrolment = event.ContributionCredited, enrolment
		d.FromMonth, d.UntilMonth = from, from+temporal.Month(1+m.IntN(6))
	case draw < 65:
		e.Type, d.Commitment, d.Funding = event.FundingCommitted, commitment, event.FundingAPBD
		d.Funder, d.FromMonth, d.UntilMonth = 75, from, from+12
	case draw < 78:
		e.Type, d.Commitment, d.Enrolment = event.FundingGranted, commitment, enrolment
		d.FromMonth, d.UntilMonth = from, from+temporal.Month(1+m.IntN(8))
	case draw < 80:
		e.Type, d.Commitment, d.Enrolment = event.FundingRevoked, commitment, enrolment
		d.FromMonth = from
	case draw < 83:
		e.Type, d.Commitment, d.PaidOn = event.FundingDisbursed, commitment, m.day()
		d.PaidMonths = []temporal.Month{from, from + 1}
	case draw < 84:
		e.Type, d.Commitment, d.FromMonth = event.FundingClosed, commitment, from
	case draw < 88:
		e.Type, d.Region = event.WorkforcePublished, places[m.IntN(len(places))]
		d.Sector, d.Indicator = event.Sector(1+m.IntN(3)), event.Employed
		d.Reference, d.Count, d.Publication = m.day(), 1+m.Int64N(1000), "p"
	case draw < 91:
		e.Type, d.From, d.Percent = event.TargetSet, m.day(), "60"
		d.Region, d.Sector = []region.Code{0, 75, 7503}[m.IntN(3)], event.Sector(1+m.IntN(3))
	default:
		e.Type, d.RetractedSource = event.EventRetracted, "urn:test"
		d.RetractedID = fmt.Sprintf("event-%d", 1+m.IntN(n+n/8))
	}
}

func long() bool { return os.Getenv("CAKUPAN_LONG") != "" }

// TestFigures: what a bundle shows, counted alone, is the figure that the whole log gives, whoever
// moves, dies, is merged with whom, or is enrolled elsewhere too; and it shows nobody else.
func TestFigures(t *testing.T) {
	histories, coordinates := 6, 12
	if long() {
		histories, coordinates = 60, 40
	}
	for seed := range uint64(histories) {
		b := newBook(t)
		m := &maker{Rand: rand.New(rand.NewPCG(seed, 1))}
		b.record(t, m.events(100+m.IntN(400)), 40)
		v := b.view(t)
		covered := int64(0)
		for range coordinates {
			r := append([]region.Code{0, 75, 71, 7504}, places...)[m.IntN(4+len(places))]
			k := 1 + m.Int64N(int64(b.tail.Sequence))
			l := b.source(t, v, r, m.day(), k)
			result, err := b.check(write(t, l))
			if err != nil {
				t.Fatalf("seed %d, %s as known at %d: %v", seed, r, k, err)
			}
			if !reflect.DeepEqual(result.Signed.Answer, l.Answer) {
				t.Fatalf("seed %d, %s: %+v, want %+v", seed, r, result.Signed.Answer, l.Answer)
			}
			extent, err := Measure(t.Context(), b, eventstore.Sequence(k), r)
			if err != nil || !reflect.DeepEqual(extent, result.Signed.Extent) {
				t.Fatalf("seed %d, %s: %+v, %v", seed, r, extent, err)
			}
			covered += l.Answer.Covered
		}
		if covered == 0 {
			t.Errorf("seed %d: nobody is covered anywhere", seed)
		}
	}
}

// TestShowsNobodyElse: no enrolment that was never in the region is in its bundle.
func TestShowsNobodyElse(t *testing.T) {
	b := newBook(t)
	m := &maker{Rand: rand.New(rand.NewPCG(9, 9))}
	events := m.events(400)
	b.record(t, events, 40)
	placed := map[string]bool{}
	for i := range events {
		if d := &events[i].Data; d.Enrolment != "" && d.Region == 7503 {
			placed[d.Enrolment] = true
		}
	}
	data := write(t, b.source(t, b.view(t), 7503, 18_500, 400))
	c, err := parse(data)
	if err != nil || len(c.events) == 0 || len(c.events) > 390 {
		t.Fatalf("%d events, %v", len(c.events), err)
	}
	for _, r := range c.events {
		e := &events[r.Sequence-1]
		if name := e.Data.Enrolment; name != "" && !placed[name] {
			t.Errorf("event %d shows enrolment %s, which was never there", r.Sequence, name)
		}
	}
	for i := range events { // not even the bytes
		name := events[i].Data.Enrolment
		if name != "" && !placed[name] && bytes.Contains(data, append([]byte{0x0a, byte(len(name))}, name...)) {
			t.Errorf("the bytes show enrolment %s", name)
		}
	}
}

func isProof(err error) bool {
	return err != nil && problem.From(err).Code == problem.ProofFailed
}

// seal gives changed bytes a checksum that holds.
func seal(data []byte) []byte {
	body := data[:len(data)-sha256.Size]
	sum := sha256.Sum256(body)
	return append(bytes.Clone(body), sum[:]...)
}

// TestBits changes one bit of a bundle, by accident and on purpose.
func TestBits(t *testing.T) {
	tries := 150
	if long() {
		tries = 1000
	}
	b := newBook(t)
	m := &maker{Rand: rand.New(rand.NewPCG(3, 4))}
	b.record(t, m.events(300), 20)
	data := write(t, b.source(t, b.view(t), 7503, 18_500, 280))
	want, err := b.check(data)
	if err != nil {
		t.Fatal(err)
	}
	for range tries {
		changed := bytes.Clone(data)
		bit := m.IntN(8 * len(changed))
		changed[bit/8] ^= 1 << (bit % 8)
		if _, err := b.check(changed); !isProof(err) {
			t.Fatalf("bit %d: %v", bit, err)
		}
		got, err := b.check(seal(changed))
		switch {
		case err != nil && !isProof(err):
			t.Fatalf("bit %d: %v", bit, err)
		case err == nil && !reflect.DeepEqual(got, want):
			t.Fatalf("bit %d: another result", bit)
		}
	}
	for _, n := range []int{0, 4, 36, len(data) / 2, len(data) - 1} {
		if _, err := b.check(data[:n]); !isProof(err) {
			t.Errorf("cut at %d: %v", n, err)
		}
	}
}

// TestLies of a ledger that has its key and signs what it likes.
func TestLies(t *testing.T) {
	b := newBook(t)
	m := &maker{Rand: rand.New(rand.NewPCG(5, 6))}
	b.record(t, m.events(300), 20)
	v := b.view(t)
	honest := b.source(t, v, 7503, 18_500, 280)
	other := b.source(t, v, 7571, 18_500, 280)
	rewritten := newBook(t)
	n := &maker{Rand: rand.New(rand.NewPCG(7, 8))}
	rewritten.record(t, n.events(300), 20)
	for name, l := range map[string]*Ledger{
		"another figure": with(honest, func(l *Ledger) { l.Answer.Covered++ }),
		"another workforce": with(honest, func(l *Ledger) {
			l.Answer.Workforce = &coverage.Workforce{Count: 1, Sequence: 1}
		}),
		"another region":    with(honest, func(l *Ledger) { l.Answer = other.Answer }),
		"events of another": with(honest, func(l *Ledger) { l.Region = other.Region }),
		"another knowledge": with(honest, func(l *Ledger) { l.Answer.Known.Sequence-- }),
		"another indicator": with(honest, func(l *Ledger) { l.Indicator = "ELIGIBLE" }),
		"no indicator":      with(honest, func(l *Ledger) { l.Indicator = "X" }),
		"another log": with(honest, func(l *Ledger) {
			l.Checkpoint = rewritten.source(t, rewritten.view(t), 7503, 18_500, 280).Checkpoint
		}),
		"no checkpoint": with(honest, func(l *Ledger) { l.Checkpoint = nil }),
	} {
		if _, err := b.check(write(t, l)); !isProof(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := rewritten.check(write(t, honest)); err != nil {
		t.Errorf("the same key: %v", err)
	}
	if _, err := Check(t.Context(), nil, Keys{Ledger: "x"}); problem.From(err).Code !=
		problem.UsageWrong {
		t.Errorf("no key: %v", err)
	}
}

func with(l *Ledger, change func(*Ledger)) *Ledger {
	changed := *l
	change(&changed)
	return &changed
}

// TestHidden: an event of the region that is left out is missed, unless the ledger has signed that
// there is none. Then whoever has the log can show that the ledger has lied: of the same log it has
// signed another extent than there is.
func TestHidden(t *testing.T) {
	b := newBook(t)
	m := &maker{Rand: rand.New(rand.NewPCG(5, 6))}
	b.record(t, m.events(300), 20)
	l := b.source(t, b.view(t), 7503, 18_500, 300)
	whole, err := parse(write(t, l))
	if err != nil {
		t.Fatal(err)
	}
	var left eventstore.Sequence // out: a credit, on which no other event's place here rests
	for r, err := range decoded(func(yield func(eventstore.Record, error) bool) {
		for _, r := range whole.events {
			if !yield(r, nil) {
				return
			}
		}
	}) {
		if err != nil {
			t.Fatal(err)
		}
		if r.event.Type == event.ContributionCredited {
			left = r.Sequence
		}
	}
	rest := slices.DeleteFunc(slices.Clone(whole.events), func(r eventstore.Record) bool {
		return r.Sequence == left
	})
	for _, honest := range []bool{true, false} {
		var buffer bytes.Buffer
		e, shown := newEncoder(&buffer, nil), newMeasure()
		for r, err := range recordsOf(t.Context(), b, 300) {
			if err != nil {
				t.Fatal(err)
			}
			if !slices.ContainsFunc(rest, func(w eventstore.Record) bool {
				return w.Sequence == r.Sequence
			}) {
				e.hide(leafOf(r))
				continue
			}
			e.reveal(r, leafOf(r))
			shown.add(leafOf(r))
		}
		if root, err := e.endEvents(); err != nil || root != l.Tree.Hash {
			t.Fatalf("root %s, %v", root, err)
		}
		is, err := Measure(t.Context(), b, 300, 7503)
		if err != nil {
			t.Fatal(err)
		}
		said := shown.extent()
		if honest {
			said = is
		}
		counted, err := count(t.Context(), rest,
			question{7503, 18_500, event.Employed})
		if err != nil {
			t.Fatal(err)
		}
		counted.Known = l.Answer.Known
		lie := with(l, func(l *Ledger) { l.Answer = counted })
		signed, err := lie.statement(said)
		if err == nil {
			err = e.end(signed, l.Checkpoint, l.Proof)
		}
		if err != nil {
			t.Fatal(err)
		}
		result, err := b.check(buffer.Bytes())
		switch {
		case honest && !isProof(err):
			t.Errorf("an event is left out: %v", err)
		case !honest && (err != nil || reflect.DeepEqual(result.Signed.Extent, is)):
			t.Errorf("%+v, %v", result, err)
		}
	}
}

// TestWitnesses are asked for by their keys.
func TestWitnesses(t *testing.T) {
	b := newBook(t)
	m := &maker{Rand: rand.New(rand.NewPCG(5, 6))}
	b.record(t, m.events(50), 20)
	l := b.source(t, b.view(t), 7503, 18_500, 50)
	own, err := checkpoint.Verifier(b.signer.Key())
	if err != nil {
		t.Fatal(err)
	}
	w, err := checkpoint.NewWitness("auditor.example", bytes.Repeat([]byte{9}, 32))
	if err != nil {
		t.Fatal(err)
	}
	keys := Keys{Ledger: b.signer.Key(), Witnesses: []string{w.Key()}}
	if _, err := Check(t.Context(), write(t, l), keys); !isProof(err) {
		t.Errorf("nobody has cosigned: %v", err)
	}
	if l.Checkpoint, err = w.Cosign(l.Checkpoint, own); err != nil {
		t.Fatal(err)
	}
	data := write(t, l)
	result, err := Check(t.Context(), data, keys)
	if err != nil || len(result.Witnesses) != 1 || len(result.Others) != 0 {
		t.Errorf("%+v, %v", result, err)
	}
	if result, err := b.check(data); err != nil || len(result.Witnesses) != 0 ||
		strings.Join(result.Others, " ") != "auditor.example" {
		t.Errorf("%+v, %v", result, err)
	}
}

// TestNothing: there is no bundle of an empty log.
func TestNothing(t *testing.T) {
	if err := Write(t.Context(), &bytes.Buffer{}, &Ledger{}); !errors.Is(err, ErrNothing) {
		t.Errorf("%v", err)
	}
}

// FuzzParse reads bytes that claim to be a bundle: whatever they are, what is read of them has the
// root that it says.
func FuzzParse(f *testing.F) {
	b := newBook(f)
	m := &maker{Rand: rand.New(rand.NewPCG(3, 4))}
	b.record(f, m.events(40), 20)
	data := write(f, b.source(f, b.view(f), 7503, 18_500, 40))
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := parse(data)
		if err != nil {
			return
		}
		if c.size > 0 && c.size < int64(len(c.events)) {
			t.Errorf("%d events of %d", len(c.events), c.size)
		}
		last := eventstore.Sequence(0)
		for _, r := range c.events {
			if r.Sequence <= last || int64(r.Sequence) > c.size {
				t.Errorf("event %d of %d follows event %d", r.Sequence, c.size, last)
			}
			last = r.Sequence
		}
		if c.size == 40 && c.root == b.treeAt(t, 40).Hash && len(c.events) > 40 {
			t.Error("more events than the log has, with its root")
		}
	})
}

func FuzzCheck(f *testing.F) {
	b := newBook(f)
	m := &maker{Rand: rand.New(rand.NewPCG(3, 4))}
	b.record(f, m.events(60), 20)
	data := write(f, b.source(f, b.view(f), 7503, 18_500, 50))
	want, err := b.check(data)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data[:len(data)-sha256.Size])
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, body []byte) {
		sum := sha256.Sum256(body)
		got, err := b.check(append(bytes.Clone(body), sum[:]...))
		switch {
		case err != nil && !isProof(err):
			t.Errorf("%v", err)
		case err == nil && !reflect.DeepEqual(got.Signed, want.Signed):
			t.Errorf("a figure that nobody has signed: %+v", got)
		}
	})
}
