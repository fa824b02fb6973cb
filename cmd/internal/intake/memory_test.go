package intake

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/eventstore/writer"
)

// memory is a writer and a vault that keep everything in maps: what the ledger's must do, as
// plainly as it can be said.
type memory struct {
	mu     sync.Mutex
	now    temporal.Instant
	last   temporal.Instant
	events [][]byte
	at     []temporal.Instant
	known  map[event.Key]stored

	tentative map[string]string // NIK → worker
	persisted map[string]string
	err       error // Lookup, Resolve, Persist and Append fail with it
}

type stored struct {
	digest   [16]byte
	sequence eventstore.Sequence
}

func newMemory() *memory {
	return &memory{
		now:   temporal.MaxInstant,
		known: map[event.Key]stored{}, tentative: map[string]string{}, persisted: map[string]string{},
	}
}

func (m *memory) Lookup(nik string) (string, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	worker, ok := m.tentative[nik]
	return worker, ok, m.err
}

func (m *memory) Resolve(nik string) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.tentative[nik] == "" {
		m.tentative[nik] = fmt.Sprintf("worker-%d", len(m.tentative))
	}
	return m.tentative[nik], m.err
}

// FindOut has nothing to wait for: what is appended is in the map at once.
func (m *memory) FindOut(context.Context) error { return nil }

// Overtaken is never: nobody else gives out ids.
func (m *memory) Overtaken() uint64 { return 0 }

func (m *memory) Persist(context.Context, uint64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for nik, worker := range m.tentative {
		m.persisted[nik] = worker
	}
	return m.err
}

func (m *memory) Append(
	_ context.Context, entries []writer.Entry, opts writer.AppendOptions,
) ([]writer.Result, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err != nil {
		return nil, m.err
	}
	if opts.Atomic {
		results := m.check(entries)
		if slices.ContainsFunc(results, isRefused) {
			withhold(results)
			return results, nil
		}
	}
	return m.decide(entries, true), nil
}

func (m *memory) Check(_ context.Context, entries []writer.Entry) ([]writer.Result, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.check(entries), m.err
}

func (m *memory) check(entries []writer.Entry) []writer.Result {
	results := m.decide(entries, false)
	for i := range results {
		if results[i].Sequence > eventstore.Sequence(len(m.events)) {
			results[i].Sequence = 0
		}
	}
	return results
}

func (m *memory) decide(entries []writer.Entry, keep bool) []writer.Result {
	results := make([]writer.Result, len(entries))
	pending := map[event.Key]stored{}
	next, last := eventstore.Sequence(len(m.events)+1), m.last
	for i := range entries {
		e := &entries[i]
		first, known := m.known[e.Key]
		if !known {
			first, known = pending[e.Key]
		}
		at, kept := e.RecordedAt, e.Original || e.RecordedAt != 0
		if !kept {
			at = max(last, 1_600_000_000_000_000_000)
		}
		refusal := &event.Refusal{Code: event.Conflict, Detail: "another event"}
		switch {
		case known && first.digest == e.Digest:
			results[i] = writer.Result{Status: event.Duplicate, Sequence: first.sequence}
			continue
		case known:
		case at < last || at > m.now:
			refusal = &event.Refusal{Code: event.RecordedOrder, Field: "recordedat", Detail: "order"}
		default:
			refusal = nil
		}
		if refusal != nil {
			results[i] = writer.Result{Status: event.Refused, Refusal: refusal}
			continue
		}
		results[i] = writer.Result{Status: event.Appended, Sequence: next}
		pending[e.Key] = stored{e.Digest, next}
		next, last = next+1, at
		if keep {
			m.events, m.at = append(m.events, e.Event), append(m.at, at)
			m.known[e.Key], m.last = pending[e.Key], last
		}
	}
	return results
}

var errBroken = errors.New("broken")
