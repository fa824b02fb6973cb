// Package ledgertest is a ledger in memory, for the tests of its rooms: the real log in memory, the
// real writer, index, gate and projections, and the rooms on top of them, without a server, a vault
// or a register.
package ledgertest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"cakupan/cmd/internal/excerpt"
	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/rights"
	"cakupan/cmd/internal/takeback"
	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/eventstore/index"
	"cakupan/eventstore/memlog"
	"cakupan/eventstore/writer"
	"cakupan/projections"
	"cakupan/projections/coverage"
	"cakupan/projections/history"
	"cakupan/projections/standing"
)

// Source is what the ledger itself speaks under.
const Source = "urn:cakupan:ledger:0123456789abcdef0123456789abcdef"

// World is a ledger in memory. All methods may be called at the same time.
type World struct {
	Log    *memlog.Log
	Reader *excerpt.Reader
	Court  *rights.Court
	Taker  *takeback.Taker

	index *index.Index
	in    *intake.Intake
	shelf *projections.Shelf
	t     testing.TB

	mu      sync.Mutex // guards what follows
	members map[string]*event.Scope
	fails   error // of the history
}

// New returns an empty one, which the test closes. Its clock counts.
func New(t testing.TB) *World {
	t.Helper()
	log := memlog.New(eventstore.Identity{
		Ledger: "0123456789abcdef0123456789abcdef", Created: 1,
	})
	idx, err := index.Open(t.TempDir(), log.Identity())
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	at := temporal.Instant(1_700_000_000_000_000_000)
	w, err := writer.Open(t.Context(), log, idx, writer.Options{Now: func() temporal.Instant {
		mu.Lock()
		defer mu.Unlock()
		at++
		return at
	}})
	if err != nil {
		t.Fatal(err)
	}
	l := &World{
		Log: log, index: idx, in: intake.New(nobody{}, w), t: t,
		members: map[string]*event.Scope{},
		shelf: projections.NewShelf(projections.Options{
			Folder: t.TempDir(), Log: log, Kinds: []projections.Kind{
				projections.StagedKind[*coverage.Projection, coverage.Batch](
					coverage.Name, coverage.New),
				projections.SimpleKind(history.Name, time.Second, history.New),
			},
		}),
	}
	l.Reader = &excerpt.Reader{Log: log, History: l, Logger: discard}
	l.Court = rights.NewCourt(l, l.Reader, Source)
	l.Taker = takeback.New(l, l.Reader, Source)
	t.Cleanup(func() {
		if err := errors.Join(l.shelf.Close(), w.Close(), idx.Close()); err != nil {
			t.Error(err)
		}
	})
	return l
}

// Join makes publishers members: from then on others have no right over what is theirs.
func (l *World) Join(scopes ...*event.Scope) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range scopes {
		l.members[s.Publisher] = s
	}
}

// FailHistory has the history answer with an error; nil: as it is.
func (l *World) FailHistory(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fails = err
}

// Submit takes events in, as a ledger does.
func (l *World) Submit(ctx context.Context, raw [][]byte, opts intake.Options,
) ([]event.Receipt, error) {
	b, err := l.in.Prepare(raw, opts)
	if err != nil {
		return nil, err
	}
	verdict, err := l.Judge(ctx, b)
	defer verdict.Release()
	if err != nil {
		return nil, err
	}
	receipts, err := l.in.Commit(ctx, b)
	l.Court.Note(&verdict, receipts)
	if err != nil {
		l.Court.Unsure()
	}
	return receipts, err
}

// Prepare returns a batch that is not committed.
func (l *World) Prepare(raw [][]byte, opts intake.Options) (*intake.Batch, error) {
	return l.in.Prepare(raw, opts)
}

// Judge judges a batch, and does not append it.
func (l *World) Judge(ctx context.Context, b *intake.Batch) (rights.Verdict, error) {
	return l.Court.Judge(ctx, l.in, b)
}

// Facts returns the coverage's, of all that the log has.
func (l *World) Facts(ctx context.Context, _ eventstore.Sequence) (standing.Source, error) {
	return answering[standing.Source](ctx, l, coverage.Name)
}

// View returns the coverage, of all that the log has.
func (l *World) View(ctx context.Context, _ eventstore.Sequence) (*coverage.View, error) {
	p, err := answering[interface{ View() *coverage.View }](ctx, l, coverage.Name)
	if err != nil {
		return nil, err
	}
	return p.View(), nil
}

// Coverage returns the coverage, of all that the log has.
func (l *World) Coverage(ctx context.Context) (*coverage.Projection, error) {
	return answering[*coverage.Projection](ctx, l, coverage.Name)
}

// Shown returns that nobody follows the log: who asks catches up.
func (l *World) Shown() (known eventstore.Sequence, answers bool) { return 0, false }

// Lookup asks the index.
func (l *World) Lookup(keys []index.Key, found []index.Entry) error {
	return l.index.Lookup(keys, found)
}

// Find asks the index for one event.
func (l *World) Find(key event.Key) (eventstore.Sequence, error) {
	found := make([]index.Entry, 1)
	err := l.index.Lookup([]index.Key{index.KeyOf(key)}, found)
	return found[0].Sequence, err
}

// Guarded tells whether somebody has joined.
func (l *World) Guarded() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.members) > 0
}

// LastScope returns what somebody has joined with.
func (l *World) LastScope(publisher string) (*event.Scope, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.members[publisher], nil
}

// For returns the history, as far as it has come: it follows nothing.
func (l *World) For(ctx context.Context, _ *excerpt.Filter) (*history.Projection, error) {
	if err := l.failing(); err != nil {
		return nil, err
	}
	kept, err := l.shelf.Open(ctx, history.Name)
	if err != nil {
		return nil, err
	}
	p, _ := projections.Answers[*history.Projection](kept)
	return p, nil
}

// At returns the history, of all that the log has.
func (l *World) At(ctx context.Context, _ eventstore.Sequence) (*history.Projection, error) {
	if err := l.failing(); err != nil {
		return nil, err
	}
	return answering[*history.Projection](ctx, l, history.Name)
}

func (l *World) failing() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.fails
}

// answering returns a projection once it has all that the log has.
func answering[P any](ctx context.Context, l *World, name string) (p P, err error) {
	kept, err := l.shelf.Open(ctx, name)
	if err != nil {
		return p, err
	}
	_, tail, err := l.Log.Last(ctx)
	if err == nil {
		err = l.shelf.CatchUp(ctx, name, tail.Sequence)
	}
	p, _ = projections.Answers[P](kept)
	return p, err
}
