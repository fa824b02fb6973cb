package control_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"cakupan/cmd/internal/control"
	"cakupan/cmd/internal/ledger"
	"cakupan/cmd/internal/problem"
)

// TestAsOwner: a job is done once: by the ledger that runs on the folder, else with the folder
// open, for which another command is waited for, until nobody wants it any more.
func TestAsOwner(t *testing.T) {
	dir := t.TempDir()
	opts := ledger.Options{Dir: dir}
	asked, opened := 0, 0
	do := func(ctx context.Context, failed error) error {
		return control.AsOwner(ctx, opts,
			func(*control.Client) error { asked++; return failed },
			func(*ledger.Ledger) error { opened++; return failed })
	}
	if err := do(t.Context(), nil); problem.Exit(err) != problem.ExitNotFound || asked+opened != 0 {
		t.Errorf("a folder without a ledger: %v, %d, %d", err, asked, opened)
	}
	t.Run("running", func(t *testing.T) {
		running(t, dir)
		full := errors.New("no room")
		if err := errors.Join(do(t.Context(), nil)); err != nil || asked != 1 || opened != 0 {
			t.Errorf("%v, %d, %d", err, asked, opened)
		}
		if err := do(t.Context(), full); !errors.Is(err, full) || asked != 2 || opened != 0 {
			t.Errorf("%v, %d, %d", err, asked, opened)
		}
	})
	holder, err := ledger.Open(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	impatient, stop := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer stop()
	if err := do(impatient, nil); err == nil || opened != 0 {
		t.Errorf("a folder in use: %v, %d", err, opened)
	}
	closed := make(chan error, 1)
	go func() { closed <- holder.Close() }()
	if err := errors.Join(do(t.Context(), nil), <-closed); err != nil || opened != 1 || asked != 2 {
		t.Errorf("after it was closed: %v, %d, %d", err, asked, opened)
	}
}
