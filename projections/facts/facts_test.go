package facts_test

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"cakupan/domain/enrolment"
	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/eventstore/codec"
	"cakupan/eventstore/merkle"
	"cakupan/projections/checked"
	"cakupan/projections/facts"
)

// history makes events about few enrolments, workers and commitments, and retractions of any of
// them, of some before they come and of some twice.
type history struct {
	*rand.Rand
	events []event.Event // event i has the sequence i+1
}

func newHistory(seed uint64, n int) *history {
	h := &history{Rand: rand.New(rand.NewPCG(seed, 4))}
	for i := range n {
		h.events = append(h.events, h.event(i, n))
	}
	return h
}

func (h *history) name(kind string, n int) string { return fmt.Sprint(kind, h.IntN(n)) }

func (h *history) event(i, n int) event.Event {
	e := event.Event{Key: event.Key{Source: "urn:a", ID: fmt.Sprint(i)}}
	d := &e.Data
	day, month := temporal.Date(18000+h.IntN(300)), temporal.Month(600+h.IntN(9))
	switch pick := h.IntN(13); pick {
	case 0, 1, 2:
		e.Type, d.From, d.Worker = event.EnrolmentOpened, day, h.name("w", 5)
		d.Region, d.Segment, d.Category = 7503, event.PU, event.Private
		d.Payer, d.Programmes = event.Employer, []event.Programme{event.JKK}
		d.Has = d.Has.With(event.FieldWorker)
	case 3:
		e.Type, d.From, d.Payer = event.EnrolmentAmended, day, event.APBD
	case 4:
		e.Type, d.Until, d.Reason = event.EnrolmentTerminated, day, event.Layoff
	case 5:
		e.Type, d.From = event.EnrolmentReinstated, day
	case 6:
		e.Type, d.On, d.Worker = event.WorkerDied, day, h.name("w", 5)
	case 7:
		e.Type, d.Funding = event.FundingCommitted, event.Funding(1+h.IntN(7))
	case 8:
		e.Type, d.FromMonth = event.FundingClosed, month
	case 9:
		e.Type, d.FromMonth, d.UntilMonth = event.FundingGranted, month, month+3
	case 10:
		e.Type, d.FromMonth = event.FundingRevoked, month
	case 11:
		e.Type, d.PaidMonths = event.FundingDisbursed, []temporal.Month{month + 1, month}
	default:
		e.Type, d.RetractedSource = event.EventRetracted, "urn:a"
		d.RetractedID = fmt.Sprint(h.IntN(n))
	}
	for _, field := range e.Type.Fields() {
		switch field {
		case event.FieldEnrolment:
			d.Enrolment = h.name("e", 4)
		case event.FieldCommitment:
			d.Commitment = h.name("c", 3)
		default:
		}
	}
	setHas(&e)
	return e
}

// setHas says that the data carry all fields of the type, but for those that are empty and may be.
func setHas(e *event.Event) {
	amends := e.Type == event.EnrolmentAmended
	for _, field := range e.Type.Fields() {
		switch field {
		case event.FieldNIK, event.FieldBasis:
		case event.FieldRegion, event.FieldSegment, event.FieldCategory, event.FieldProgrammes:
			if !amends {
				e.Data.Has = e.Data.Has.With(field)
			}
		default:
			e.Data.Has = e.Data.Has.With(field)
		}
	}
}

// retracts returns the sequence of the event that event i names, if it came before; else 0.
func (h *history) retracts(i int) uint64 {
	e := &h.events[i]
	if e.Type != event.EventRetracted {
		return 0
	}
	for target := range h.events[:i] {
		if h.events[target].ID == e.Data.RetractedID {
			return uint64(target + 1)
		}
	}
	return 0
}

// frame packs the events [from, until).
func (h *history) frame(t *testing.T, from, until int) eventstore.Frame {
	t.Helper()
	b := eventstore.NewFrameBuilder(eventstore.Sequence(from+1), merkle.Hash{}, 1)
	for i := from; i < until; i++ {
		bytes := codec.Append(nil, &h.events[i])
		if target := h.retracts(i); target != 0 {
			bytes = codec.AppendRetracts(bytes, target)
		}
		if err := b.Append(1, bytes); err != nil {
			t.Fatal(err)
		}
	}
	frame, err := eventstore.ParseFrame(slices.Clone(b.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	return frame
}

// numbers returns the number of each name: how many others were named before it.
func (h *history) numbers(of func(*event.Data) string) map[string]uint32 {
	numbers := map[string]uint32{}
	for i := range h.events {
		name := of(&h.events[i].Data)
		if _, known := numbers[name]; name != "" && !known {
			numbers[name] = uint32(len(numbers))
		}
	}
	return numbers
}

func enrolmentOf(d *event.Data) string  { return d.Enrolment }
func workerOf(d *event.Data) string     { return d.Worker }
func commitmentOf(d *event.Data) string { return d.Commitment }

// records returns what is to be remembered of the events up to k that fit, and of no other.
func (h *history) records(k int, fit func(*event.Event) bool) (records []facts.Record) {
	enrolments, workers := h.numbers(enrolmentOf), h.numbers(workerOf)
	commitments := h.numbers(commitmentOf)
	for i := range h.events[:k] {
		e := &h.events[i]
		if e.Type == event.EventRetracted || !fit(e) {
			continue
		}
		d := &e.Data
		r := facts.Record{
			Kind: e.Type, Sequence: eventstore.Sequence(i + 1), Retracted: h.retractedBy(i, k),
			Enrolment: enrolments[d.Enrolment], Worker: workers[d.Worker],
			Commitment: commitments[d.Commitment], Funding: d.Funding,
			On: cmp.Or(d.From, d.Until, d.On), From: d.FromMonth, Until: d.UntilMonth,
		}
		switch e.Type {
		case event.EnrolmentOpened:
			r.Named = 1<<5 - 1
			r.Terms = enrolment.Terms{
				Region: region.Code(7503), Segment: event.PU, Category: event.Private,
				Programmes: 1 << event.JKK, Payer: event.Employer,
			}
		case event.EnrolmentAmended:
			r.Named, r.Terms.Payer = enrolment.NamesPayer, event.APBD
		case event.FundingDisbursed:
			r.From, r.Until = d.PaidMonths[1], d.PaidMonths[0]+1
		default:
		}
		records = append(records, r)
	}
	return records
}

// retractedBy returns the first event up to k that retracts event i, 0 if there is none.
func (h *history) retractedBy(i, k int) eventstore.Sequence {
	for at := range h.events[:k] {
		r := &h.events[at]
		if r.Type == event.EventRetracted && r.Data.RetractedID == h.events[i].ID {
			return eventstore.Sequence(at + 1)
		}
	}
	return 0
}

// memory is facts with their file.
type memory struct {
	path  string
	db    *checked.DB
	names *facts.Names
	state *facts.State
}

func (m *memory) open(t *testing.T) {
	t.Helper()
	var err error
	if m.db, err = checked.Open(m.path, checked.Options{Scratch: true}); err != nil {
		t.Fatal(err)
	}
	m.names, m.state = facts.NewNames(m.db), facts.New()
}

// restart stores and loads everything.
func (m *memory) restart(t *testing.T) {
	t.Helper()
	var lengths facts.Lengths
	err := m.db.Update(func(tx *checked.Tx) (err error) {
		lengths, err = m.state.Store(tx)
		return errors.Join(err, m.names.Store(tx))
	})
	if err := errors.Join(err, m.db.Close()); err != nil {
		t.Fatal(err)
	}
	m.open(t)
	m.names.Reopen()
	err = m.db.View(func(tx *checked.Tx) (err error) {
		m.state, err = facts.Load(tx, lengths)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (m *memory) fold(t *testing.T, frame eventstore.Frame) {
	t.Helper()
	var b facts.Batch
	if err := m.names.Prepare(frame, &b); err != nil {
		t.Fatal(err)
	}
	m.state.Admit(b.Events())
	for i := range b.Events() {
		m.state.Apply(&b.Events()[i], &b)
	}
}

// check compares what is remembered after n events with the history, as known at every k.
func (m *memory) check(t *testing.T, h *history, n int) {
	t.Helper()
	for k := range n + 1 {
		for name, number := range h.numbers(enrolmentOf) {
			m.compare(t, h, n, k, m.state.AppendEnrolment(nil, number),
				func(e *event.Event) bool { return e.Data.Enrolment == name })
		}
		for name, number := range h.numbers(workerOf) {
			m.compare(t, h, n, k, m.state.AppendWorker(nil, number),
				func(e *event.Event) bool { return e.Data.Worker == name })
		}
		for name, number := range h.numbers(commitmentOf) {
			m.compare(t, h, n, k, m.state.AppendCommitment(nil, number),
				func(e *event.Event) bool {
					return e.Data.Commitment == name && e.Type != event.FundingRevoked
				})
			m.comparePurse(t, number, eventstore.Sequence(k))
		}
	}
}

// comparePurse compares what a commitment came to as known at k with what its events then come to,
// one by one.
func (m *memory) comparePurse(t *testing.T, c uint32, k eventstore.Sequence) {
	t.Helper()
	want := enrolment.EmptyPurse()
	for _, r := range facts.AsOf(m.state.AppendMoney(nil, c), k) {
		switch r.Kind {
		case event.FundingCommitted:
			want.Source = enrolment.SourceOf(r.Funding)
		case event.FundingDisbursed:
			want.Disbursed = append(want.Disbursed, enrolment.Span{From: r.From, Until: r.Until})
		default:
			want.ClosedFrom = min(want.ClosedFrom, r.From)
		}
	}
	want.Disbursed = enrolment.Join(want.Disbursed)
	if got := m.state.PurseAsOf(c, k); !got.Equal(&want) {
		t.Fatalf("commitment %d as known at %d: %v, want %v", c, k, got, want)
	}
	if got := m.state.ClosedAsOf(c, k); got != want.ClosedFrom {
		t.Fatalf("commitment %d as known at %d closes in %d, want %d", c, k, got, want.ClosedFrom)
	}
}

// compare compares the records after n events as they are, and those in force as known at k with
// what a history that ended there has in force.
func (m *memory) compare(t *testing.T, h *history, n, k int, got []facts.Record,
	fit func(*event.Event) bool,
) {
	t.Helper()
	if diff := gocmp.Diff(h.records(n, fit), got); k == n && diff != "" {
		t.Fatalf("after %d events: %s", n, diff)
	}
	want := facts.AsOf(h.records(k, fit), eventstore.Sequence(k))
	got = facts.AsOf(got, eventstore.Sequence(k))
	for i := range got { // what came after k is not told yet
		if got[i].Retracted > eventstore.Sequence(k) {
			got[i].Retracted = 0
		}
	}
	if !slices.Equal(want, got) {
		t.Fatalf("after %d events, as known at %d: %s", n, k, gocmp.Diff(want, got))
	}
}

// TestFactsAreKept folds random histories, stored and loaded in between, and compares all that is
// remembered, of all times, with the events themselves.
func TestFactsAreKept(t *testing.T) {
	for seed := range uint64(8) {
		h := newHistory(seed, 60+int(seed))
		m := &memory{path: filepath.Join(t.TempDir(), "facts.db")}
		m.open(t)
		for from := 0; from < len(h.events); {
			until := min(from+1+h.IntN(9), len(h.events))
			m.fold(t, h.frame(t, from, until))
			from = until
			if h.IntN(3) == 0 {
				m.restart(t)
			}
			if h.IntN(5) == 0 || from == len(h.events) {
				m.check(t, h, from)
			}
		}
		if err := m.db.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestRetractionOfWhatIsNotThere refuses a stored retraction that names a sequence it cannot know.
func TestRetractionOfWhatIsNotThere(t *testing.T) {
	h := newHistory(1, 1)
	h.events[0] = event.Event{Key: event.Key{Source: "urn:a", ID: "0"}, Type: event.EventRetracted}
	h.events[0].Data = event.Data{RetractedSource: "urn:a", RetractedID: "7", ReasonText: "a mistake"}
	setHas(&h.events[0])
	for target, want := range map[uint64]error{0: nil, 1: codec.ErrMalformed, 9: codec.ErrMalformed} {
		b := eventstore.NewFrameBuilder(1, merkle.Hash{}, 1)
		bytes := codec.Append(nil, &h.events[0])
		if target != 0 {
			bytes = codec.AppendRetracts(bytes, target)
		}
		if err := b.Append(1, bytes); err != nil {
			t.Fatal(err)
		}
		frame, err := eventstore.ParseFrame(b.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		if err := facts.NewNames(nil).Prepare(frame, new(facts.Batch)); !errors.Is(err, want) {
			t.Errorf("retracting %d: %v, want %v", target, err, want)
		}
	}
}
