package ledger

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"cakupan/cmd/internal/folder"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/temporal"
)

const (
	// clockBehindMax is how far the clock may be behind the last record time at the start. Record
	// times never go back, so they stand still until the clock has caught up: for fourteen years,
	// after a clock that was in 2040 once.
	clockBehindMax = time.Hour
	// clockAheadMax is how far it may be ahead of all that says when the ledger was last at work. A
	// ledger may well rest for weeks; what is recorded by a clock that is years ahead is for ever.
	clockAheadMax = 90 * 24 * time.Hour
	// clockSetMax is how far it may be set ahead while the ledger runs before that is shown.
	clockSetMax = time.Hour
	// clockShown is from where on a clock that is behind is shown.
	clockShown = time.Second
)

// started is when the program began, of which Go remembers the monotonic clock too. It is never
// written.
var started = time.Now()

// checkClock refuses a clock that cannot be right. last is the last record time. A log without
// events says nothing of a clock. Both bounds are wide: to refuse a clock that is right costs a
// start, to believe a wrong one is for ever.
func (l *Ledger) checkClock(last, now temporal.Instant) error {
	if l.opts.AnyClock || last == 0 {
		return nil
	}
	if behind := time.Duration(last - now); behind > clockBehindMax {
		return problem.New(problem.ClockWrong, fmt.Sprintf("it is %s by the clock of this machine,"+
			" %s before the last record time, %s: set the clock right. If it is right, start with"+
			" --any-clock: new events get that last record time until the clock has passed it",
			clockTime(now), behind.Round(time.Second), clockTime(last)))
	}
	if l.server == nil {
		return nil // there is nothing here that says when it was last at work
	}
	worked := max(last, l.lastWritten())
	if ahead := time.Duration(now - worked); ahead > clockAheadMax {
		return problem.New(problem.ClockWrong, fmt.Sprintf("it is %s by the clock of this machine,"+
			" and this ledger was last at work at %s: if it has rested that long, start with"+
			" --any-clock; else set the clock right, as record times never go back",
			clockTime(now), clockTime(worked)))
	}
	return nil
}

// clockTime writes a time for people, in UTC and whole seconds.
func clockTime(at temporal.Instant) string {
	return time.Unix(0, int64(at)).UTC().Format(time.RFC3339)
}

// lastWritten returns when a file of the log was last written, 0 where there are none here. What
// was imported keeps its record times, which may be years old. By the clock of the machine as it
// was then, which may have been wrong too: the later of the two counts.
func (l *Ledger) lastWritten() (last temporal.Instant) {
	blocks, _ := fs.Glob(os.DirFS(l.folder.Path(folder.NATS)), "jetstream/*/streams/*/msgs/*.blk")
	for _, block := range blocks {
		if info, err := os.Stat(filepath.Join(l.folder.Path(folder.NATS), block)); err == nil {
			last = max(last, temporal.Instant(info.ModTime().UnixNano()))
		}
	}
	return last
}

// checkClockAtStart reads the last record time; a log that cannot be read says nothing of a clock.
func (l *Ledger) checkClockAtStart(ctx context.Context) error {
	_, tail, err := l.log.Last(ctx)
	if err != nil {
		return nil //nolint:nilerr // whoever reads it next says so
	}
	return l.checkClock(tail.RecordedAt, l.opts.Now())
}

// moment is one point in time by two clocks: the machine's, which somebody may set, and the time
// that it has been running, which nobody can.
type moment struct {
	wall temporal.Instant
	up   time.Duration
}

// clockNow says what is wrong with the clock of a ledger that runs, "" for nothing. last is the
// last record time. It is shown and stops nothing.
func (l *Ledger) clockNow(last temporal.Instant) string {
	now := moment{wall: l.opts.Now(), up: l.opts.Uptime()}
	if behind := clockWords(last, now.wall); behind != "" {
		return behind
	}
	began := l.began.Load()
	if began == nil {
		return ""
	}
	ahead := time.Duration(now.wall-began.wall) - (now.up - began.up)
	if ahead <= clockSetMax {
		return ""
	}
	return fmt.Sprintf("the clock was set %s ahead while the ledger ran: it is %s by it, and new"+
		" events get that time; record times never go back, so if it is wrong, stop and set it"+
		" right", ahead.Round(time.Second), clockTime(now.wall))
}

// clockWords says that record times wait for the clock, "" when they do not.
func clockWords(last, now temporal.Instant) string {
	behind := time.Duration(last - now)
	if last == 0 || behind < clockShown {
		return ""
	}
	return fmt.Sprintf("the clock is %s behind the last record time: new events get %s until it"+
		" has passed that", behind.Round(time.Second), clockTime(last))
}
