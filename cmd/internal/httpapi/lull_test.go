package httpapi

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestLulls: each stream that was ended has the next one of the same member begin later, up to a
// bound, and nobody else's; what is over is forgotten.
func TestLulls(t *testing.T) {
	var l lulls
	now := time.Unix(1_000_000, 0)
	if l.left("a", now) != 0 {
		t.Error("who did nothing waits")
	}
	for i := range 100 {
		l.note("a", now)
		if got, want := l.left("a", now), min(time.Duration(i+1)*lull, lullMax); got != want {
			t.Fatalf("after %d he waits %v, want %v", i+1, got, want)
		}
	}
	l.note("b", now.Add(lullMax-lull/2))
	if l.left("b", now.Add(lullMax)) != lull/2 || l.left("a", now.Add(lullMax)) != 0 ||
		l.left("c", now) != 0 {
		t.Error("others wait, or somebody for too long")
	}
	l.note("c", now.Add(2*lullMax))
	if len(l.until) != 1 {
		t.Errorf("kept: %v", l.until)
	}
}

// TestLullAwait waits as long as it must, and no longer than who asks.
func TestLullAwait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l lulls
		began := time.Now()
		if err := l.await(t.Context(), "a"); err != nil || time.Since(began) != 0 {
			t.Error(err, time.Since(began))
		}
		l.note("a", began)
		ctx, cancel := context.WithTimeout(t.Context(), lull/2)
		defer cancel()
		if err := l.await(ctx, "a"); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if err := l.await(t.Context(), "a"); err != nil || time.Since(began) != lull {
			t.Error(err, time.Since(began))
		}
	})
}

// TestLullOfStreams: it is of who sends nothing but refusals, or what unfolds without end.
func TestLullOfStreams(t *testing.T) {
	server := serve(t, newMemory(t), Config{Access: named{}, Limits: Limits{Refusals: 10}})
	l := &server.api.lulls
	noted := func(name string) bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		_, found := l.until[(&Member{Name: name, Role: Publisher}).share()]
		return found
	}
	_, body := as(t, "good", server.URL(), streamType, strings.NewReader(opened("1")+"\n{}\n"))
	if noted("good") {
		t.Errorf("for one refusal: %s", body)
	}
	_, body = as(t, "bad", server.URL(), streamType, strings.NewReader(strings.Repeat("{}\n", 50)))
	if !noted("bad") || noted("good") {
		t.Errorf("not for who sends refusals alone: %s", body)
	}
}
