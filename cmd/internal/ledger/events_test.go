package ledger

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"cakupan/cmd/internal/excerpt"
	"cakupan/cmd/internal/folder"
	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/eventstore/verify"
	"cakupan/projections/coverage"
	"cakupan/projections/findings"
	"cakupan/projections/history"
	"cakupan/projections/projtest"
)

// fillWith makes a ledger of n events of projtest, in frames of so many.
func fillWith(t *testing.T, dir string, n, frame int) {
	t.Helper()
	l, err := Open(t.Context(), Options{Dir: dir, Create: true})
	if err != nil {
		t.Fatal(err)
	}
	for part := range slices.Chunk(projtest.Events(31, n), frame) {
		appended, err := l.AppendEvents(t.Context(), func(
			yield func(event.Event, temporal.Instant) bool,
		) {
			for _, e := range part {
				if !yield(e.Event, e.RecordedAt) {
					return
				}
			}
		}, nil)
		if err != nil || appended != len(part) {
			t.Fatalf("appended %d, %v", appended, err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// lines returns what Events answers.
func (l *Ledger) lines(t *testing.T, f excerpt.Filter) (lines []string) {
	t.Helper()
	err := l.Events(t.Context(), f, func(line []byte) error {
		lines = append(lines, string(bytes.Clone(line)))
		return nil
	})
	if err != nil {
		t.Fatalf("events %+v: %v", f, err)
	}
	return lines
}

// passing picks the lines that a filter lets through, from the text of all: the model of Events.
func passing(t *testing.T, all []string, f excerpt.Filter) (lines []string) {
	t.Helper()
	for i, line := range all {
		var e struct {
			Type, Source, PublishedBy string

			Data struct{ Enrolment, Worker, Commitment string }
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		seq := eventstore.Sequence(i + 1)
		if seq < f.From || f.To != 0 && seq > f.To ||
			f.Type != 0 && e.Type != f.Type.String() ||
			f.Enrolment != "" && e.Data.Enrolment != f.Enrolment ||
			f.Worker != "" && e.Data.Worker != f.Worker ||
			f.Source != "" && e.Source != f.Source ||
			f.Publisher != "" && e.Source != f.Publisher || // nobody is registered
			f.Commitment != "" && e.Data.Commitment != f.Commitment {
			continue
		}
		lines = append(lines, line)
	}
	if f.Last != 0 {
		lines = lines[max(0, len(lines)-int(f.Last)):]
	}
	if f.Limit != 0 {
		lines = lines[:min(len(lines), int(f.Limit))]
	}
	return lines
}

// sourceOf returns the source of an event, given its text.
func sourceOf(t *testing.T, line string) string {
	t.Helper()
	var e struct{ Source string }
	if err := json.Unmarshal([]byte(line), &e); err != nil {
		t.Fatal(err)
	}
	return e.Source
}

// TestEventsAbout asks for events about enrolments, workers and commitments, with a history that
// has seen nothing, some and all of the log, and in a running ledger.
func TestEventsAbout(t *testing.T) {
	if testing.Short() {
		t.Skip("long in one goroutine")
	}
	const n = 400
	dir := t.TempDir()
	fillWith(t, dir, n, 50)
	rng := rand.New(rand.NewPCG(3, 1))
	compare := func(t *testing.T, l *Ledger, from, to eventstore.Sequence) {
		t.Helper()
		all := l.lines(t, excerpt.Filter{})
		if len(all) != n {
			t.Fatalf("%d events", len(all))
		}
		found := 0
		for range 120 {
			f := excerpt.Filter{From: from, To: to, Limit: uint64(rng.IntN(4))}
			if rng.IntN(4) == 0 {
				f.Type = event.FundingGranted
			}
			if rng.IntN(3) == 0 {
				f.Last = uint64(1 + rng.IntN(9))
			}
			switch rng.IntN(8) {
			case 0:
				f.Source = sourceOf(t, all[rng.IntN(n)])
			case 1:
				f.Publisher = sourceOf(t, all[rng.IntN(n)])
			}
			for _, field := range []struct {
				name string
				text *string
			}{
				{"enrolment", &f.Enrolment}, {"worker", &f.Worker}, {"commitment", &f.Commitment},
			} {
				if rng.IntN(2) == 0 {
					*field.text = fmt.Sprintf("%s-%d", field.name, rng.IntN(54))
				}
			}
			got, want := l.lines(t, f), passing(t, all, f)
			if !slices.Equal(got, want) {
				t.Fatalf("%+v: %q, want %q", f, got, want)
			}
			found += len(got)
		}
		if found < 10 {
			t.Errorf("only %d events were found", found)
		}
	}
	seen := func(l *Ledger) eventstore.Sequence {
		kept := l.shelf.Live(history.Name)
		if kept == nil {
			return 0
		}
		applied, _ := kept.Applied()
		return applied
	}
	for _, step := range []struct {
		name     string
		from, to eventstore.Sequence
		catchUp  eventstore.Sequence // how far the history is made to come
		want     eventstore.Sequence // how far it has come in the end
		serve    bool
	}{
		{name: "behind", from: 100, to: 300},
		{name: "all but one", from: 2},
		{name: "in the middle", from: 50, to: 290, catchUp: 150, want: 150},
		{name: "caught up", from: 1, to: n, want: n},
		{name: "to the end", from: 1, want: n},
		{name: "running", from: 7, serve: true},
	} {
		t.Run(step.name, func(t *testing.T) {
			l, err := Open(t.Context(), Options{Dir: dir})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = l.Close() }()
			if step.serve {
				if err := l.Serve(t.Context(), "", time.Hour); err != nil {
					t.Fatal(err)
				}
			}
			if step.catchUp != 0 {
				if err := l.shelf.CatchUp(t.Context(), history.Name, step.catchUp); err != nil {
					t.Fatal(err)
				}
			}
			compare(t, l, step.from, step.to)
			if step.want != 0 && seen(l) != step.want {
				t.Errorf("the history has seen %d events", seen(l))
			}
		})
	}
}

// counting counts the frames that are read of a log.
type counting struct {
	eventstore.Log
	frames int
}

func (c *counting) Read(ctx context.Context, from eventstore.Sequence,
) iter.Seq2[eventstore.Frame, error] {
	return func(yield func(eventstore.Frame, error) bool) {
		for frame, err := range c.Log.Read(ctx, from) {
			c.frames++
			if !yield(frame, err) {
				return
			}
		}
	}
}

// TestEventsReadsOnlyWhatItMust asks a large log for the few events about one worker.
func TestEventsReadsOnlyWhatItMust(t *testing.T) {
	const n = 20_000
	dir := t.TempDir()
	fillWith(t, dir, n, 1000)
	l, err := Open(t.Context(), Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	f := excerpt.Filter{Worker: "worker-7"}
	want := l.lines(t, f) // the history catches up
	if len(want) < 2 || len(want) > 40 {
		t.Fatalf("%d events", len(want))
	}
	log := &counting{Log: l.log}
	l.log = log
	f.Limit = 1
	if got := l.lines(t, f); len(got) != 1 || got[0] != want[0] {
		t.Errorf("first event: %q", got)
	}
	if log.frames > 4 {
		t.Errorf("%d frames were read for one event", log.frames)
	}
}

// TestEventsWithoutHistory reads the log where the history's file cannot be opened.
func TestEventsWithoutHistory(t *testing.T) {
	dir := t.TempDir()
	fillWith(t, dir, 100, 1000)
	path := filepath.Join(dir, folder.Views, history.Name+".db")
	if err := os.MkdirAll(path, folder.FolderMode); err != nil { // a folder in its place
		t.Fatal(err)
	}
	l, err := Open(t.Context(), Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	f := excerpt.Filter{Worker: "worker-7"}
	if got, want := l.lines(t, f), passing(t, l.lines(t, excerpt.Filter{}), f); len(got) == 0 ||
		!slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestEveryProjection replays each by name, finds each in the health, and lets each be a witness
// of how long the log once was.
func TestEveryProjection(t *testing.T) {
	dir := t.TempDir()
	fillWith(t, dir, 300, 1000)
	l, err := Open(t.Context(), Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	if err := l.Serve(t.Context(), "", time.Hour); err != nil {
		t.Fatal(err)
	}
	names := []string{coverage.Name, history.Name, findings.Name}
	for _, name := range names {
		for _, swap := range []bool{false, true} {
			result, err := l.Replay(t.Context(), ReplayOptions{Projection: name, Swap: swap}, nil)
			if err != nil || !result.Matches || result.Projection != name || result.Events != 300 {
				t.Errorf("replay of %s: %+v, %v", name, result, err)
			}
		}
		if _, err := l.kept(t.Context(), name, 300); err != nil {
			t.Error(err)
		}
	}
	health := l.Health(t.Context())
	if health.Status != HealthOK || len(health.Projections) != len(names) {
		t.Errorf("health: %+v", health)
	}
	for _, name := range names {
		if health.Projections[name].Sequence != 300 {
			t.Errorf("health of %s: %+v", name, health.Projections[name])
		}
		if !slices.ContainsFunc(l.witnesses(), func(w verify.Witness) bool {
			return w.Name == "projection "+name && w.Sequence == 300
		}) {
			t.Errorf("%s is no witness: %v", name, l.witnesses())
		}
	}
	_, err = l.Replay(t.Context(), ReplayOptions{Projection: "graph"}, nil)
	if code := problem.From(err).Code; code != problem.QueryInvalid {
		t.Errorf("a projection that there is not: %v", err)
	}
}

// TestFollow follows the log from its last events on while others are appended.
func TestFollow(t *testing.T) {
	const n = 60
	dir := t.TempDir()
	fillWith(t, dir, n, 20)
	l, err := Open(t.Context(), Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Serve(t.Context(), "", time.Hour); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	lines, idle := make(chan string, n), make(chan struct{}, n)
	ended := make(chan error, 1)
	go func() {
		ended <- l.Events(ctx, excerpt.Filter{Last: 3, Follow: true}, func(line []byte) error {
			if line == nil {
				idle <- struct{}{}
			} else {
				lines <- string(line)
			}
			return nil
		})
	}()
	expect := func(seq int) {
		t.Helper()
		if line := <-lines; !strings.Contains(line, fmt.Sprintf(`"sequence":%d,`, seq)) {
			t.Fatalf("%s, want event %d", line, seq)
		}
	}
	expect(n - 2)
	expect(n - 1)
	expect(n)
	<-idle
	raw := `{"specversion":"1.0","id":"one-more","source":"urn:test","type":` +
		`"id.cakupan.enrolment.terminated.v1","data":{"enrolment":"enrolment-1",` +
		`"until":"2020-01-01","reason":"OTHER"}}`
	receipts, err := l.Submit(t.Context(), [][]byte{[]byte(raw)}, intake.Options{})
	if err != nil || receipts[0].Status != event.Appended {
		t.Fatalf("%+v, %v", receipts, err)
	}
	expect(n + 1)
	<-idle
	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Fatalf("ended with %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}
