package natsd

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"cakupan/eventstore"
)

// stuckHandler is the log of a server that does not stop: it waits for ever to say that it stops.
type stuckHandler struct{ slog.Handler }

func (h stuckHandler) Enabled(context.Context, slog.Level) bool { return true }

func (h stuckHandler) Handle(ctx context.Context, r slog.Record) error {
	stops := false
	r.Attrs(func(a slog.Attr) bool {
		stops = stops || strings.Contains(a.Value.String(), "Initiating Shutdown")
		return true
	})
	if stops {
		<-ctx.Done() // never: the server gives none that ends
	}
	return nil
}

// TestStuck has servers not stop after a write that failed: who runs them is told, and can end.
func TestStuck(t *testing.T) {
	t.Parallel()
	log := slog.New(stuckHandler{slog.DiscardHandler})
	t.Run("node", func(t *testing.T) {
		n, err := StartNode(NodeOptions{
			Name: "n", StoreDir: t.TempDir(), Address: "127.0.0.1:0", Log: log,
		})
		if err != nil {
			t.Fatal(err)
		}
		n.stopMax = time.Millisecond
		n.broken.note("Filestore [S] Critical write error: no space left on device")
		wantGaveUp(t, n.GaveUp())
		if err := n.Leave(); !errors.Is(err, errStuck) {
			t.Errorf("it leaves: %v", err)
		}
	})
	t.Run("embedded", func(t *testing.T) {
		s, err := Start(Options{StoreDir: t.TempDir(), Log: log})
		if err != nil {
			t.Fatal(err)
		}
		s.stopMax = time.Millisecond
		s.broken.fail("no space left on device")
		wantGaveUp(t, s.GaveUp())
		if err := s.Check(); !errors.Is(err, eventstore.ErrNotWritable) {
			t.Errorf("it can be written: %v", err)
		}
		if err := s.Shutdown(); !errors.Is(err, errStuck) {
			t.Errorf("it stops: %v", err)
		}
	})
}

func wantGaveUp(t *testing.T, gaveUp <-chan string) {
	t.Helper()
	select {
	case why := <-gaveUp:
		if why != errStuck.Error() {
			t.Errorf("it gave up: %s", why)
		}
	case <-time.After(within):
		t.Fatal("it does not give up")
	}
}
