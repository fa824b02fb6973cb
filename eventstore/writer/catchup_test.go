package writer_test

import (
	"context"
	"fmt"
	"testing"

	"cakupan/eventstore"
	"cakupan/eventstore/index"
	"cakupan/eventstore/writer"
)

// growing is a log to which somebody appends whenever its end was asked for.
type growing struct {
	eventstore.Log
	by   *ledger
	asks int
}

func (g *growing) Last(ctx context.Context) (eventstore.Frame, eventstore.Tail, error) {
	frame, tail, err := g.Log.Last(ctx)
	if g.asks++; g.asks < 50 { // else who follows an end that moves would never come back
		g.by.append(entry(fmt.Sprint("growing ", g.asks), 1))
	}
	return frame, tail, err
}

// TestFollow follows a log to which is always appended: it comes back each time, with all that the
// log held when it was called.
func TestFollow(t *testing.T) {
	l := newLedger(t, newMemlog()).open()
	l.append(entry("a", 1), entry("b", 1))
	idx, err := index.Open(t.TempDir(), l.log.Identity())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = idx.Close() }()
	log := &growing{Log: l.log, by: l}
	for round := range 5 {
		held := l.writer.Head().Sequence
		if err := writer.Follow(t.Context(), log, idx); err != nil {
			t.Fatal(err)
		}
		if log.asks != round+1 || idx.Last() < held {
			t.Errorf("round %d: asked %d times for the end; at %d, the log held %d",
				round, log.asks, idx.Last(), held)
		}
	}
	tail, err := writer.CatchUp(t.Context(), l.log, idx)
	if err != nil || tail.Sequence != idx.Last() || tail.Sequence != l.writer.Head().Sequence {
		t.Errorf("caught up with %d of %d, tail %+v: %v",
			idx.Last(), l.writer.Head().Sequence, tail, err)
	}
}
