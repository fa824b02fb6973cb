package httpapi

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"cakupan/cmd/internal/cluster"
	"cakupan/cmd/internal/excerpt"
	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/ledger"
	"cakupan/cmd/internal/lists/matched"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/eventstore/cloudevents"
	"cakupan/eventstore/codec"
	"cakupan/eventstore/lookups"
	"cakupan/eventstore/merkle"
	"cakupan/projections/checked"
	"cakupan/projections/coverage"
	"cakupan/projections/effect"
	"cakupan/projections/findings"
	"cakupan/projections/history"
	"cakupan/projections/standing"
)

// memory is a ledger without a log: the real rules, codec and coverage over a slice of events,
// with switches for what can go wrong.
type memory struct {
	t *testing.T

	mu         sync.Mutex
	projection *coverage.Projection
	records    []eventstore.Record
	frames     []eventstore.Frame // of the records
	known      map[event.Key]stored
	at         temporal.Instant // record time of the next event
	submitted  []int            // sizes of the submissions

	submitErr error         // Submit fails with it
	failAfter int           // … after so many submissions
	hold      chan struct{} // when not nil, Submit waits for it to be closed
	viewErr   error
	readErr   error // NoteRead fails with it
	eventsErr error // Events fails with it after the first event
	health    ledger.Health
}

type stored struct {
	sequence eventstore.Sequence
	digest   [codec.DigestBytes]byte
}

func newMemory(t *testing.T) *memory {
	t.Helper()
	db, err := checked.Open(filepath.Join(t.TempDir(), "coverage.db"), checked.Options{Scratch: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	at, err := temporal.ParseInstant("2021-01-04T02:11:09.123456789Z")
	if err != nil {
		t.Fatal(err)
	}
	return &memory{
		t: t, projection: coverage.New(db), known: map[event.Key]stored{}, at: at,
		health: ledger.Health{Status: ledger.HealthOK},
	}
}

func (m *memory) Submit(_ context.Context, raw [][]byte, opts intake.Options,
) ([]event.Receipt, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.submitted = append(m.submitted, len(raw))
	if m.hold != nil {
		hold := m.hold
		m.mu.Unlock()
		<-hold
		m.mu.Lock()
	}
	if m.submitErr != nil && len(m.submitted) > m.failAfter {
		return nil, m.submitErr
	}
	receipts := make([]event.Receipt, len(raw))
	refused := false
	for i, line := range raw {
		receipts[i] = m.take(line, intake.Options{
			DryRun: opts.DryRun || opts.Atomic, KeepRecorded: opts.KeepRecorded,
		})
		refused = refused || receipts[i].Refusal != nil
	}
	if opts.Atomic && !refused {
		for i, line := range raw {
			receipts[i] = m.take(line, opts)
		}
	}
	return receipts, nil
}

// take judges one event and appends it unless it is a dry run.
func (m *memory) take(line []byte, opts intake.Options) event.Receipt {
	refused := func(key event.Key, r *event.Refusal) event.Receipt {
		return event.Receipt{Key: key, Status: event.Refused, Refusal: r}
	}
	doc, refusal := cloudevents.ParseJSON(line)
	if refusal != nil {
		return refused(event.Key{}, refusal)
	}
	accepted, refusal := event.Accept(doc, event.Options{KeepRecorded: opts.KeepRecorded})
	if refusal != nil {
		return refused(accepted.Key, refusal)
	}
	if accepted.Data.Has&event.EdgeOnly != 0 {
		worker := func(nik string) (string, error) { return "w-of-a-nik-" + nik[6:12], nil }
		refusal, err := accepted.Data.NameWorkers(worker)
		if refusal != nil || err != nil {
			return refused(accepted.Key, refusal)
		}
	}
	bytes := codec.Append(nil, &accepted.Event)
	digest, err := codec.Digest(bytes)
	if err != nil {
		m.t.Error(err)
	}
	if before, found := m.known[accepted.Key]; found {
		if before.digest != digest {
			return refused(accepted.Key, &event.Refusal{
				Code: event.Conflict, Detail: "another event has this source and id",
			})
		}
		return event.Receipt{
			Key: accepted.Key, Status: event.Duplicate, Sequence: uint64(before.sequence),
		}
	}
	receipt := event.Receipt{Key: accepted.Key, Status: event.Appended}
	if !opts.DryRun {
		sequence := m.append(bytes, &accepted.Event)
		m.known[accepted.Key] = stored{sequence, digest}
		receipt.Sequence = uint64(sequence)
	}
	return receipt
}

func (m *memory) append(bytes []byte, e *event.Event) eventstore.Sequence {
	if e.Type == event.EventRetracted {
		named := event.Key{Source: e.Data.RetractedSource, ID: e.Data.RetractedID}
		if before, found := m.known[named]; found {
			bytes = codec.AppendRetracts(bytes, uint64(before.sequence))
		}
	}
	sequence := eventstore.Sequence(len(m.records) + 1)
	builder := eventstore.NewFrameBuilder(sequence, merkle.Hash{}, m.at)
	if err := builder.Append(m.at, bytes); err != nil {
		m.t.Error(err)
	}
	frame, err := eventstore.ParseFrame(builder.Bytes())
	if err != nil {
		m.t.Error(err)
	}
	var batch coverage.Batch
	if err := m.projection.Prepare(frame, &batch); err != nil {
		m.t.Error(err)
	}
	if _, err := m.projection.Apply(&batch, 1); err != nil {
		m.t.Error(err)
	}
	m.projection.Show(&batch)
	m.frames = append(m.frames, frame)
	for record := range frame.Records() {
		m.records = append(m.records, record)
	}
	m.at += temporal.Instant(time.Hour)
	return sequence
}

// Findings folds all events anew.
func (m *memory) Findings(ctx context.Context, minSeq eventstore.Sequence,
) (*findings.Projection, error) {
	if _, err := m.View(ctx, minSeq); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	p := findings.New(nil)
	for _, frame := range m.frames {
		var batch findings.Batch
		if err := p.Prepare(frame, &batch); err != nil {
			return nil, err
		}
		if _, err := p.Apply(&batch, 1); err != nil {
			return nil, err
		}
		p.Show(&batch)
	}
	return p, nil
}

func (m *memory) Facts(ctx context.Context, minSeq eventstore.Sequence,
) (standing.Source, error) {
	_, err := m.View(ctx, minSeq)
	return m.projection, err
}

func (m *memory) View(_ context.Context, minSeq eventstore.Sequence) (*coverage.View, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	view := m.projection.View()
	switch {
	case m.viewErr != nil:
		return nil, m.viewErr
	case view.Known() < minSeq:
		return nil, problem.New(problem.ProjectionBehind,
			fmt.Sprintf("event %d is not applied", minSeq))
	}
	return view, nil
}

func (m *memory) ListEvents(context.Context, excerpt.List, func([]byte) error) error {
	return nil
}

// all returns what the log has now: as of the real one, nothing is held while it is read.
func (m *memory) all() []eventstore.Record {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.records)
}

func (m *memory) Events(_ context.Context, f excerpt.Filter, yield func([]byte) error) error {
	var sent uint64
	for _, record := range m.all() {
		var e event.Event
		if _, err := codec.Decode(record.Event, &e); err != nil {
			return err
		}
		if record.Sequence < f.From || record.Sequence > f.To || f.Type != 0 && e.Type != f.Type ||
			f.Enrolment != "" && e.Data.Enrolment != f.Enrolment {
			continue
		}
		line := cloudevents.AppendJSON(nil, &e, uint64(record.Sequence), record.RecordedAt)
		if err := yield(line); err != nil {
			return err
		}
		if sent++; sent == f.Limit {
			return nil
		}
		if m.eventsErr != nil {
			return m.eventsErr
		}
	}
	return nil
}

func (m *memory) Reported(_ context.Context, about history.Subject, known eventstore.Sequence,
	want func([]eventstore.Sequence) ([]eventstore.Sequence, error),
	yield func(*history.Reported) error,
) error {
	for _, record := range m.all() {
		var e event.Event
		if _, err := codec.Decode(record.Event, &e); err != nil {
			return err
		}
		if about.Kind != history.Commitment || e.Data.Commitment != about.Name ||
			record.Sequence > known {
			continue
		}
		wanted, err := want([]eventstore.Sequence{record.Sequence})
		if err != nil {
			return err
		}
		if len(wanted) == 0 {
			continue
		}
		err = yield(&history.Reported{
			Sequence: record.Sequence, RecordedAt: record.RecordedAt, Event: &e,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (m *memory) EventsAt(_ context.Context, sequences []eventstore.Sequence,
	yield func(*history.Reported) error,
) error {
	all := m.all()
	for _, seq := range sequences {
		record := all[seq-1]
		var e event.Event
		if _, err := codec.Decode(record.Event, &e); err != nil {
			return err
		}
		err := yield(&history.Reported{
			Sequence: seq, RecordedAt: record.RecordedAt, Event: &e,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (m *memory) LookUp(context.Context, string, string, temporal.Instant) (string, error) {
	return "", problem.New(problem.NotFound, "nobody")
}

func (m *memory) NoteRead(context.Context, temporal.Instant, *lookups.Read) error { return m.readErr }

func (m *memory) Reads(context.Context, func(lookups.Read) error) error { return nil }

func (m *memory) Health(context.Context) ledger.Health {
	m.mu.Lock()
	defer m.mu.Unlock()
	h := m.health
	h.Role = cluster.RoleWriter
	h.Head = eventstore.Sequence(len(m.records))
	h.Projections = map[string]ledger.ProjectionHealth{
		coverage.Name: {Sequence: m.projection.View().Known()},
	}
	return h
}

func (m *memory) Ready(ctx context.Context, _ temporal.Instant) ledger.Readiness {
	h := m.Health(ctx)
	return ledger.Readiness{Status: h.Status, Head: h.Head, Why: h.Why, Role: cluster.RoleWriter}
}

func (m *memory) Replay(_ context.Context, opts ledger.ReplayOptions, _ ledger.Progress) (ledger.ReplayResult, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	digest, err := m.projection.View().Digest(opts.To)
	return ledger.ReplayResult{
		Projection: coverage.Name, Events: opts.To, Digest: digest, Matches: true,
	}, err
}

func (m *memory) Verify(context.Context, ledger.Progress) (ledger.VerifyReport, error) {
	return ledger.VerifyReport{OK: false, Findings: []ledger.Finding{{From: 2, To: 3, What: "gone"}}}, nil
}

// sizes returns how many events each submission had.
func (m *memory) sizes() []int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]int(nil), m.submitted...)
}

func (m *memory) Status(ctx context.Context) ledger.Status {
	return ledger.Status{Health: m.Health(ctx)}
}

// Effect tells of nothing: what events have done is tested where a whole ledger is.
func (m *memory) Effect(context.Context, [][]byte, intake.Options, eventstore.Sequence,
	effect.Asked,
) (effect.Report, error) {
	return effect.Report{Regions: []effect.Region{}, Notices: []effect.Notice{}}, nil
}

// ListKey returns always the same key.
func (m *memory) ListKey(context.Context, ledger.ListAsk) (ledger.ListKey, error) {
	return ledger.ListKey{Key: [32]byte{1: 2, 31: 7}}, nil
}

// MatchRows knows each other row, by its NIK.
func (m *memory) MatchRows(_ context.Context, _ ledger.ListAsk, rows []matched.Row,
) ([]*matched.Names, error) {
	names := make([]*matched.Names, len(rows))
	for i := 0; i < len(rows); i += 2 {
		names[i] = &matched.Names{ID: "of " + rows[i].NIK}
	}
	return names, nil
}
