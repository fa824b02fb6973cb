package cli

import (
	"fmt"
	"io"
	"strings"
	"time"

	"cakupan/cmd/internal/cli/words"
	"cakupan/eventstore"
)

// Meter shows how far a long job is: one line on the terminal, written over again. It is of one
// goroutine. What goes wrong with it is of no concern to the job: it is on stderr, for the eye, and
// never among the data.
type Meter struct {
	out     io.Writer // nil: nobody looks
	now     func() time.Time
	what    string
	started time.Time
	shown   time.Time
	width   int
}

// meterInterval is how often the line is written: often enough to see that it moves, and seldom
// enough that the job does not wait for the terminal.
const meterInterval = 200 * time.Millisecond

// Meter returns a meter for a job, which begins now; it shows nothing when stderr is no terminal,
// so that a log that is kept of a job has no lines of it.
func (c *Console) Meter(what string) *Meter {
	m := &Meter{now: c.Now, what: what, started: c.Now()}
	if c.Progress {
		m.out = c.Stderr
	}
	return m
}

// At notes that so many events are done, and which part of the job that is, from 0 to 1; a negative
// part is not known. The time that is left is told as if the rest went as fast as what is done. It
// may be called for every event.
func (m *Meter) At(events uint64, part float64) {
	if m.out == nil {
		return
	}
	now := m.now()
	if now.Sub(m.shown) < meterInterval {
		return
	}
	m.shown = now
	elapsed := now.Sub(m.started)
	line := m.what + "  " + words.Counted(events, "event")
	// A speed over less time than that says more about the start than about the job.
	if seconds := elapsed.Seconds(); seconds > 0.5 {
		line += "  " + words.Thousands(uint64(float64(events)/seconds)) + "/s"
	}
	if part > 0 && part <= 1 {
		left := time.Duration(float64(elapsed) * (1 - part) / part)
		line += fmt.Sprintf("  %.0f %%  %s left", 100*part, left.Round(time.Second))
	}
	m.write(line)
}

// of notes that so many events of so many are done. A total of 0 is one that is not known.
func (m *Meter) of(done, total uint64) {
	part := -1.0
	if total > 0 {
		part = float64(done) / float64(total)
	}
	m.At(done, part)
}

// End removes the line, so that what is printed next stands in its place. Where none was shown it
// does nothing; it may be called twice.
func (m *Meter) End() {
	if m.width > 0 {
		m.write("")
		_, _ = fmt.Fprint(m.out, "\r") // only for the eye
	}
}

// write puts a line over the one before. The rest of a longer one is covered by spaces, as not
// every terminal knows how to clear a line. The line is ASCII: its bytes are its columns.
func (m *Meter) write(line string) {
	space := strings.Repeat(" ", max(m.width-len(line), 0))
	_, _ = fmt.Fprint(m.out, "\r", line, space) // only for the eye
	m.width = len(line)
}

// Sequence notes that an event of so many is done: it is what the ledger calls with its progress.
func (m *Meter) Sequence(done, total eventstore.Sequence) { m.of(uint64(done), uint64(total)) }
