package natsin_test

import (
	"context"
	"testing"
	"time"

	"cakupan/cmd/internal/natsin"
)

// TestCheckWhileStored counts what was refused while more is refused: nothing of that is lost, also
// where it comes between two questions.
func TestCheckWhileStored(t *testing.T) {
	w := newWorld(t)
	w.register("bone")
	w.within(natsin.Limits{Count: natsin.LimitCountMin * 100}, 0)
	store, err := w.server.ConnectStore()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(store.Close)
	tally := natsin.NewTally(w.server)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	done := make(chan error, 1)
	go func() {
		for ctx.Err() == nil {
			if _, err := tally.Check(ctx, store, func() {}); err != nil && ctx.Err() == nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	for i, began := 0, time.Now(); time.Since(began) < 3*time.Second; i++ {
		w.refuse("bone", "some", 1, i)
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
