package ledger

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"cakupan/cmd/internal/clock"
	"cakupan/cmd/internal/folder"
	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/projections"
	"cakupan/projections/checked"
	"cakupan/projections/coverage"
)

// gated is a coverage that applies a frame for each token that it gets, and all once there is no
// gate any more.
type gated struct {
	*coverage.Projection
	gate <-chan struct{}
}

func (g *gated) Apply(b *coverage.Batch, budget int) (projections.Part, error) {
	<-g.gate
	return g.Projection.Apply(b, budget)
}

// serveGated serves the ledger in the folder with a gated coverage. open does away with the gate.
func serveGated(t *testing.T, dir string) (l *Ledger, gate chan<- struct{}, open func()) {
	t.Helper()
	l, err := Open(t.Context(), Options{Dir: dir, Create: true})
	if err != nil {
		t.Fatal(err)
	}
	tokens := make(chan struct{})
	l.shelf = projections.NewShelf(projections.Options{
		Folder: l.folder.Path(folder.Views), Log: l.log,
		Kinds: []projections.Kind{projections.StagedKind[*gated, coverage.Batch](coverage.Name,
			func(db *checked.DB) *gated { return &gated{coverage.New(db), tokens} })},
	})
	opened := false
	open = func() {
		if !opened {
			close(tokens)
		}
		opened = true
	}
	t.Cleanup(func() {
		open()
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := l.Serve(t.Context(), "http://127.0.0.1:9", time.Hour); err != nil {
		t.Fatal(err)
	}
	return l, tokens, open
}

// applied waits until the coverage has applied so much.
func applied(t *testing.T, l *Ledger, want eventstore.Sequence) {
	t.Helper()
	if err := l.shelf.Live(coverage.Name).Wait(t.Context(), want); err != nil {
		t.Fatal(err)
	}
}

// isBehind asks for the coverage, which is not there in time.
func isBehind(t *testing.T, l *Ledger, minSeq eventstore.Sequence, words string) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer stop()
	view, err := l.View(ctx, minSeq)
	if p := problem.From(err); err == nil || p.Code != problem.ProjectionBehind || p.Status() != 503 ||
		!strings.Contains(p.Detail, words) {
		t.Errorf("%v, %v; want that it is behind: …%s…", view, err, words)
	}
}

// isReady checks what the ledger says of itself: "" is that it is ready, else why it is not.
func isReady(t *testing.T, l *Ledger, now temporal.Instant, why string) {
	t.Helper()
	r := l.Ready(t.Context(), now)
	want := HealthOK
	if why != "" {
		want = ReadyBehind
	}
	if r.Status != want || !strings.Contains(r.Why, why) || (r.Why == "") != (why == "") {
		t.Errorf("%+v, want %s: …%s…", r, want, why)
	}
}

// TestBeingBuilt serves a ledger whose coverage is gone. Until it has reached the end that the log
// had then, nothing is answered from it.
func TestBeingBuilt(t *testing.T) {
	dir := newDamageable(t)
	const all, frame = damageFrames * damageEvents, damageEvents
	l, _, open := serveGated(t, dir)
	// The file is whole, so there is nothing to be built.
	if view, err := l.View(t.Context(), 0); err != nil || view.Known() != all {
		t.Fatalf("%v, %v", view, err)
	}
	isReady(t, l, clock.Wall(), "")
	open()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(l.folder.Path(folder.Views, coverageFile)); err != nil {
		t.Fatal(err)
	}
	l, gate, open := serveGated(t, dir)
	isBehind(t, l, 0, fmt.Sprintf("coverage is being built: it has applied 0 events of %d", all))
	isReady(t, l, clock.Wall(), "being built: it has applied 0 events")
	for range damageFrames - 1 {
		gate <- struct{}{}
	}
	applied(t, l, all-frame)
	isBehind(t, l, 0, fmt.Sprintf("it has applied %d events of %d", all-frame, all))
	isReady(t, l, clock.Wall(), "being built")
	open()
	if view, err := l.View(t.Context(), 0); err != nil || view.Known() != all {
		t.Errorf("%v, %v", view, err)
	}
	isReady(t, l, clock.Wall(), "")
	isBehind(t, l, all+1, fmt.Sprintf("event %d was asked for, and the log ends with event %d",
		all+1, all))
}

// TestReadyBehind holds up the coverage of a running ledger: it is ready for five seconds more.
func TestReadyBehind(t *testing.T) {
	l, gate, _ := serveGated(t, t.TempDir())
	submit(t, l, [][]byte{plainEvent(0)})
	gate <- struct{}{}
	applied(t, l, 1)
	isReady(t, l, clock.Wall()+temporal.Instant(time.Hour), "")
	submit(t, l, [][]byte{plainEvent(1)})
	submit(t, l, [][]byte{plainEvent(2)})
	_, tail, err := l.log.Last(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	isReady(t, l, clock.Wall(), "")
	late := tail.RecordedAt + temporal.Instant(behindMax) + 1
	isReady(t, l, late, "5 s behind the log: it has applied 1 events of 3")
	if view, err := l.View(t.Context(), 0); err != nil || view.Known() != 1 {
		t.Errorf("%v, %v: it says how much it knows, and that is an answer", view, err)
	}
	isBehind(t, l, 3, "it has applied 1 events of 3")
	gate <- struct{}{}
	applied(t, l, 2)
	if lag := l.Ready(t.Context(), late).Projections[coverage.Name]; lag.Sequence != 2 ||
		lag.BehindSeconds < behindMax.Seconds() {
		t.Errorf("%+v, want that it is behind by the second event's time", lag)
	}
	gate <- struct{}{}
	applied(t, l, 3)
	isReady(t, l, late, "")
}

// TestReadyKeptTimes imports events with record times of years ago while the ledger runs: they
// came a moment ago.
func TestReadyKeptTimes(t *testing.T) {
	dir := t.TempDir()
	old := func(l *Ledger, i int) {
		line := strings.Replace(string(plainEvent(i)), `{`,
			fmt.Sprintf(`{"recordedat":"2019-01-0%dT00:00:00Z",`, i+1), 1)
		receipts, err := l.Submit(t.Context(), [][]byte{[]byte(line)}, intake.Options{KeepRecorded: true})
		if err != nil || receipts[0].Refusal != nil {
			t.Fatalf("%v, %v", receipts, err)
		}
	}
	l, gate, _ := serveGated(t, dir)
	old(l, 0)
	gate <- struct{}{}
	applied(t, l, 1)
	now := clock.Wall()
	old(l, 1)
	isReady(t, l, now, "")
	isReady(t, l, now+temporal.Instant(behindMax), "")
	isReady(t, l, now+temporal.Instant(behindMax)+1, "behind the log")
	old(l, 2)
	gate <- struct{}{}
	applied(t, l, 2) // all that was there at first; since then is another matter
	isReady(t, l, now+temporal.Instant(behindMax)+2, "")
	gate <- struct{}{}
	applied(t, l, 3)
	isReady(t, l, now+temporal.Instant(time.Hour), "")
}

// TestShownIsKept: what an answer has shown, the next one shows too, also when the coverage begins
// anew in between.
func TestShownIsKept(t *testing.T) {
	l, gate, open := serveGated(t, t.TempDir())
	submit(t, l, [][]byte{plainEvent(0)})
	gate <- struct{}{}
	applied(t, l, 1)
	if view, err := l.View(t.Context(), 0); err != nil || view.Known() != 1 || l.shown.Last() != 1 {
		t.Fatalf("%v, %v, shown %d", view, err, l.shown.Last())
	}
	submit(t, l, [][]byte{plainEvent(1)})
	l.shown.Raise(2) // as an answer of a coverage does that is gone
	l.shown.Raise(1)
	isBehind(t, l, 0, "it has applied 1 events of 2")
	isReady(t, l, clock.Wall(), "it has applied 1 events of 2")
	open()
	if view, err := l.View(t.Context(), 0); err != nil || view.Known() != 2 {
		t.Errorf("%v, %v", view, err)
	}
}
