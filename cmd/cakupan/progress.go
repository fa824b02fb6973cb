package main

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// meter shows how far a long job is: one line on the terminal, written over again.
type meter struct {
	out     io.Writer // nil: nobody looks
	now     func() time.Time
	what    string
	started time.Time
	shown   time.Time
	width   int
}

// meterInterval is how often the line is written: often enough to see that it moves.
const meterInterval = 200 * time.Millisecond

// meter returns a meter for a job; it shows nothing when stderr is no terminal.
func (c *console) meter(what string) *meter {
	m := &meter{now: c.now, what: what, started: c.now()}
	if c.progress {
		m.out = c.stderr
	}
	return m
}

// at notes that so many events are done, and which part of the job that is, from 0 to 1;
// a negative part is not known.
func (m *meter) at(events uint64, part float64) {
	if m.out == nil {
		return
	}
	now := m.now()
	if now.Sub(m.shown) < meterInterval {
		return
	}
	m.shown = now
	elapsed := now.Sub(m.started)
	line := m.what + "  " + thousands(events) + " events"
	if seconds := elapsed.Seconds(); seconds > 0.5 {
		line += "  " + thousands(uint64(float64(events)/seconds)) + "/s"
	}
	if part > 0 && part <= 1 {
		left := time.Duration(float64(elapsed) * (1 - part) / part)
		line += fmt.Sprintf("  %.0f %%  %s left", 100*part, left.Round(time.Second))
	}
	m.write(line)
}

// of notes that so many events of so many are done.
func (m *meter) of(done, total uint64) {
	part := -1.0
	if total > 0 {
		part = float64(done) / float64(total)
	}
	m.at(done, part)
}

// end removes the line.
func (m *meter) end() {
	if m.width > 0 {
		m.write("")
		_, _ = fmt.Fprint(m.out, "\r") // only for the eye
	}
}

func (m *meter) write(line string) {
	space := strings.Repeat(" ", max(m.width-len(line), 0))
	_, _ = fmt.Fprint(m.out, "\r", line, space) // only for the eye
	m.width = len(line)
}
