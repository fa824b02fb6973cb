package ledger

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"cakupan/cmd/internal/intake"
	"cakupan/eventstore/writer"
)

// submitWhole takes in the file as one atomic batch.
func (c *child) submitWhole(ctx context.Context) error {
	text, err := os.ReadFile(c.orders.File)
	if err != nil {
		return err
	}
	l, err := Open(ctx, Options{Dir: c.orders.Dir, Create: true, Fault: c.at})
	if err != nil {
		return err
	}
	lines := bytes.Split(bytes.TrimSuffix(text, []byte("\n")), []byte("\n"))
	receipts, err := l.Submit(ctx, lines, intake.Options{Atomic: true})
	ack := acknowledged{Line: 1}
	for _, r := range receipts {
		ack.Sequences = append(ack.Sequences, r.Sequence)
	}
	return errors.Join(err, c.answer(ack), l.Close())
}

// TestKilledAtomic kills a process that takes in an atomic batch of the largest size, at each step
// of the writer: the log holds all of it or nothing, and sending it again completes it.
func TestKilledAtomic(t *testing.T) {
	for point, stored := range map[string]bool{
		writer.FaultBeforeSend: false, writer.FaultAfterSend: true,
		writer.FaultAfterAck: true, writer.FaultAfterIndex: true,
		"": true, // not killed at all
	} {
		t.Run("at "+point, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "data")
			file := filepath.Join(t.TempDir(), "events.ndjson")
			var lines [][]byte
			for i := range writer.AtomicEventsMax {
				lines = append(lines, plainEvent(i))
			}
			writeText(t, file, string(bytes.Join(lines, []byte("\n"))))
			process, answers, output := startChild(t, childOrders{
				Task: wholeTask, Dir: dir, File: file, Point: point, Hit: 1,
			})
			var ack acknowledged
			answered := json.NewDecoder(answers).Decode(&ack)
			_ = process.Wait() // it says that it was killed
			status := process.ProcessState.Sys().(syscall.WaitStatus)
			if killed := point != ""; status.Signaled() != killed || (answered != nil) != killed {
				t.Fatalf("child: %v, %v\n%s", process.ProcessState, answered, output)
			}
			l, err := Open(t.Context(), Options{Dir: dir})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = l.Close() }()
			want := 0
			if stored {
				want = len(lines)
			}
			if events := readLog(t, l); len(events) != want {
				t.Errorf("the log has %d events, want %d", len(events), want)
			}
			again, err := l.Submit(t.Context(), lines, intake.Options{Atomic: true})
			if err != nil || len(again) != len(lines) || again[len(lines)-1].Sequence != uint64(len(lines)) {
				t.Errorf("sent again: %d receipts, %v", len(again), err)
			}
			if events := readLog(t, l); len(events) != len(lines) {
				t.Errorf("the log has %d events in the end, want %d", len(events), len(lines))
			}
		})
	}
}
