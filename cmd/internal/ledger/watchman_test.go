package ledger

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cakupan/cmd/internal/access"
	"cakupan/cmd/internal/access/register"
	"cakupan/cmd/internal/excerpt"
	"cakupan/cmd/internal/folder"
	"cakupan/cmd/internal/intake"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/eventstore"
	"cakupan/eventstore/codec"
	"cakupan/eventstore/vault"
	"cakupan/projections/coverage"
	"cakupan/projections/findings"
	"cakupan/projections/history"
)

// lying is a log that says something else than it holds, to whoever folds it, while lies is set.
type lying struct {
	eventstore.Log
	lies atomic.Bool
}

// Read yields the frames of the log, or what it makes of them.
func (l *lying) Read(ctx context.Context, from eventstore.Sequence,
) iter.Seq2[eventstore.Frame, error] {
	return func(yield func(eventstore.Frame, error) bool) {
		for frame, err := range l.Log.Read(ctx, from) {
			if err == nil && l.lies.Load() {
				frame, err = falsified(frame)
			}
			if !yield(frame, err) {
				return
			}
		}
	}
}

// falsified returns a frame with every enrolment under another name, in another regency.
func falsified(frame eventstore.Frame) (eventstore.Frame, error) {
	var b eventstore.FrameBuilder
	b.Reset(frame.First(), frame.Root(), frame.RecordedAt())
	b.SetBeside(frame.Beside())
	for r := range frame.Records() {
		var e event.Event
		if _, err := codec.Decode(r.Event, &e); err != nil {
			return frame, err
		}
		e.Data.Enrolment += "x"
		e.Data.Region, _ = region.Parse("75.04")
		if err := b.Append(r.RecordedAt, codec.Append(nil, &e)); err != nil {
			return frame, err
		}
	}
	return eventstore.ParseFrame(bytes.Clone(b.Bytes()))
}

// awaitHealth waits until the ledger is as wanted.
func awaitHealth(t *testing.T, l *Ledger, what string, is func(Health) bool) Health {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); ; time.Sleep(5 * time.Millisecond) {
		h := l.Health(t.Context())
		if is(h) {
			return h
		}
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %s: %+v", what, h)
		}
	}
}

// watched serves a folder with a watchman that never rests for long.
func watched(t *testing.T, dir string) *Ledger {
	t.Helper()
	l, err := Open(t.Context(), Options{Dir: dir, Refold: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	if err := l.Serve(t.Context(), "http://127.0.0.1:9", time.Millisecond); err != nil {
		t.Fatal(err)
	}
	return l
}

// TestWatchmanIsContent has everything of a sound ledger read again while events come in, up to
// all of it and later than before.
func TestWatchmanIsContent(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	copyFolder(t, newDamageable(t), dir)
	submitPersons(t, dir, 0, 20)
	l := watched(t, dir)
	_, err := l.Register().Add(t.Context(), "root", register.Member{Name: "dinas", Role: register.Auditor})
	if err != nil {
		t.Fatal(err)
	}
	var head uint64
	for i := range 20 {
		receipts := submit(t, l, [][]byte{plainEvent(20_000 + i), nobodys(100 + i)})
		head = receipts[len(receipts)-1].Sequence
	}
	parts := append(l.shelf.Names(), partLog)
	h := awaitHealth(t, l, "all of it to be verified", func(h Health) bool {
		for _, part := range parts {
			if h.Verified[part].Sequence != head {
				return false
			}
		}
		return h.Verified[partVault].Sequence == l.openedVault().Position() &&
			h.Verified[partRegister].Sequence == l.Register().Number()
	})
	if h.Status != HealthOK {
		t.Errorf("%+v", h)
	}
	awaitHealth(t, l, "another round", func(now Health) bool {
		for part, was := range h.Verified {
			if !now.Verified[part].At.After(was.At) {
				return false
			}
		}
		return true
	})
}

// TestDrift has the projections say what the log does not: they are found out, not asked any more,
// and asked again once others are in their place.
func TestDrift(t *testing.T) {
	if testing.Short() {
		t.Skip("long in one goroutine")
	}
	dir := newDamageable(t)
	if err := os.RemoveAll(filepath.Join(dir, folder.Views)); err != nil {
		t.Fatal(err)
	}
	l, err := Open(t.Context(), Options{Dir: dir, Refold: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	liar := &lying{Log: l.log}
	liar.lies.Store(true)
	truth := l.log
	l.log = liar
	l.shelf = l.newShelf()
	l.log = truth
	if err := l.Serve(t.Context(), "http://127.0.0.1:9", time.Hour); err != nil {
		t.Fatal(err)
	}
	for _, name := range l.shelf.Names() {
		if err := l.shelf.Live(name).Wait(t.Context(), damageFrames*damageEvents); err != nil {
			t.Fatal(err)
		}
	}
	liar.lies.Store(false)
	for name, ask := range map[string]func() error{
		coverage.Name: func() error { _, err := l.View(t.Context(), 0); return err },
		history.Name: func() error {
			_, err := histories{l}.For(t.Context(), &excerpt.Filter{})
			return err
		},
	} {
		for end := time.Now().Add(2 * time.Minute); ; time.Sleep(5 * time.Millisecond) {
			err := ask()
			if problem.From(err) != nil && problem.From(err).Code == problem.ProjectionDrift {
				if !strings.Contains(err.Error(), "replay --projection "+name+" --swap") {
					t.Errorf("%v", err)
				}
				break
			}
			if time.Now().After(end) {
				t.Fatalf("the %s has not drifted: %v", name, err)
			}
		}
		if h := l.Health(t.Context()); h.Status == HealthOK {
			t.Errorf("%+v", h)
		}
		submit(t, l, [][]byte{nobodys(len(name))}) // what the log takes is another matter
		result, err := l.Replay(t.Context(), ReplayOptions{Projection: name, Swap: true}, nil)
		if err != nil || result.Matches {
			t.Errorf("replay: %+v %v", result, err)
		}
		if err := ask(); err != nil {
			t.Errorf("asked again: %v", err)
		}
	}
	if _, err := l.Replay(t.Context(), ReplayOptions{Projection: findings.Name, Swap: true},
		nil); err != nil {
		t.Error(err)
	}
	awaitHealth(t, l, "health", func(h Health) bool { return h.Status == HealthOK })
}

// TestWatchmanBeside damages vault and register under a running ledger: each is named, with what
// to do, and the log is not blamed. Nothing is taken in until it is put back.
func TestWatchmanBeside(t *testing.T) {
	for _, c := range []struct{ part, stream, want string }{
		{partVault, vault.StreamName, "vault"},
		{partRegister, access.StreamName, "register"},
	} {
		t.Run(c.part, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "data")
			submitPersons(t, dir, 0, 20)
			l := watched(t, dir)
			for _, name := range []string{"dinas", "kantor"} {
				if _, err := l.Register().Add(t.Context(), "root",
					register.Member{Name: name, Role: register.Auditor}); err != nil {
					t.Fatal(err)
				}
			}
			awaitHealth(t, l, "a first round", func(h Health) bool {
				return h.Verified[c.part].Sequence > 0
			})
			spoilStream(t, l, c.stream)
			h := awaitHealth(t, l, "what is missing", func(h Health) bool {
				return h.Status != HealthOK
			})
			if !strings.Contains(h.Why, c.want) || !strings.Contains(h.Why, "restore") {
				t.Errorf("%+v", h)
			}
			_, err := l.Submit(t.Context(), [][]byte{nobodys(30)}, intake.Options{})
			if err == nil || problem.From(err).Detail != h.Why {
				t.Errorf("taken in meanwhile: %v", err)
			}
			spoilStream(t, l, c.stream) // the same bit: it is put back
			awaitHealth(t, l, "what was put back", func(h Health) bool {
				return h.Status == HealthOK
			})
			submit(t, l, [][]byte{nobodys(30)})
		})
	}
}

// TestRereadStream has what the server says of vault and register compared with their files before it is
// believed: where those are as they were written, a disk did not give something for a while, and
// nothing is damaged.
func TestRereadStream(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	submitPersons(t, dir, 0, 20)
	l := openToTest(t, Options{Dir: dir})
	if _, err := l.Register().Add(t.Context(), "root",
		register.Member{Name: "dinas", Role: register.Auditor}); err != nil {
		t.Fatal(err)
	}
	if err := l.Serve(t.Context(), "http://127.0.0.1:9", time.Hour); err != nil {
		t.Fatal(err)
	}
	awaitHealth(t, l, "the one round that it makes", func(h Health) bool {
		return h.Verified[partRegister].Sequence > 0
	})
	for stream, code := range map[string]problem.Code{
		vault.StreamName: problem.VaultLost, access.StreamName: problem.RegisterLost,
	} {
		found, times := problem.New(code, "message cannot be read"), 0
		again := func(context.Context, func()) (uint64, error) { times++; return 7, nil }
		number, err := l.rereadStream(t.Context(), stream, found, again)
		if err != nil || number != 7 || times != 1 {
			t.Errorf("%s is sound: %d, %v after %d more readings", stream, number, err, times)
		}
		spoilStream(t, l, stream)
		number, err = l.rereadStream(t.Context(), stream, found, again)
		if !errors.Is(err, found) || number != 0 || times != 1 {
			t.Errorf("%s is damaged: %d, %v after %d more readings", stream, number, err, times-1)
		}
		spoilStream(t, l, stream)
	}
}

// spoilStream flips a bit in the first half of what a stream keeps, and has the server read it.
func spoilStream(t *testing.T, l *Ledger, stream string) {
	t.Helper()
	blocks, err := filepath.Glob(l.folder.Path(folder.NATS, "jetstream", "$G", "streams", stream,
		"msgs", "*.blk"))
	if err != nil || len(blocks) != 1 {
		t.Fatalf("blocks: %v, %v", blocks, err)
	}
	block, err := os.ReadFile(blocks[0])
	if err != nil {
		t.Fatal(err)
	}
	block[len(block)/3] ^= 1
	if err := os.WriteFile(blocks[0], block, folder.FileMode); err != nil {
		t.Fatal(err)
	}
	if err := l.server.Reopen(t.Context()); err != nil {
		t.Fatal(err)
	}
}
