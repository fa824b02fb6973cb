// Package clock tells whether the clock of the machine can be right: record times come from it, and
// never go back.
package clock

import (
	"fmt"
	"time"

	"cakupan/cmd/internal/problem"
	"cakupan/domain/temporal"
)

const (
	// behindMax is how far the clock may be behind the last record time at the start. Record
	// times never go back, so they stand still until the clock has caught up: for fourteen years,
	// after a clock that was in 2040 once.
	behindMax = time.Hour
	// aheadMax is how far it may be ahead of all that says when the ledger was last at work. A
	// ledger may well rest for weeks; what is recorded by a clock that is years ahead is for ever.
	aheadMax = 90 * 24 * time.Hour
	// setMax is how far it may be set ahead while the ledger runs before that is shown.
	setMax = time.Hour
	// shown is from where on a clock that is behind is shown.
	shown = time.Second
)

// sayAnyClock is where a clock that looks wrong is said to be right.
const sayAnyClock = " (cakupan serve, cakupan import)"

// started is when the program began, of which Go remembers the monotonic clock too. It is never
// written.
var started = time.Now()

// Check refuses a clock that cannot be right. last is the last record time, worked is when the
// ledger was last at work, as far as its files tell; 0: nothing tells. A log without events says
// nothing of a clock. Both bounds are wide: to refuse a clock that is right costs a start, to
// believe a wrong one is for ever.
func Check(now, last, worked temporal.Instant) error {
	if last == 0 {
		return nil
	}
	if behind := time.Duration(last - now); behind > behindMax {
		return problem.New(problem.ClockWrong, fmt.Sprintf("it is %s by the clock of this machine,"+
			" %s before the last record time, %s: set the clock right. If it is right, say"+
			" --any-clock"+sayAnyClock+": new events get that last record time until the clock has"+
			" passed it",
			timeText(now), behind.Round(time.Second), timeText(last)))
	}
	if worked == 0 {
		return nil
	}
	worked = max(last, worked)
	if ahead := time.Duration(now - worked); ahead > aheadMax {
		return problem.New(problem.ClockWrong, fmt.Sprintf("it is %s by the clock of this machine,"+
			" and this ledger was last at work at %s: if it has rested that long, say"+
			" --any-clock"+sayAnyClock+"; else set the clock right, as record times never go back",
			timeText(now), timeText(worked)))
	}
	return nil
}

// timeText writes a time for people, in UTC and whole seconds.
func timeText(at temporal.Instant) string {
	return time.Unix(0, int64(at)).UTC().Format(time.RFC3339)
}

// Moment is one point in time by two clocks: the machine's, which somebody may set, and the time
// that it has been running, which nobody can.
type Moment struct {
	Wall temporal.Instant
	Up   time.Duration
}

// Wrong says what is wrong with the clock of a ledger that runs, "" for nothing. last is the last
// record time, began is when it began to run; nil: it does not yet. It is shown and stops nothing.
func Wrong(now Moment, last temporal.Instant, began *Moment) string {
	if wait := behind(last, now.Wall); wait != "" {
		return wait
	}
	if began == nil {
		return ""
	}
	ahead := time.Duration(now.Wall-began.Wall) - (now.Up - began.Up)
	if ahead <= setMax {
		return ""
	}
	return fmt.Sprintf("the clock was set %s ahead while the ledger ran: it is %s by it, and new"+
		" events get that time; record times never go back, so if it is wrong, stop and set it"+
		" right", ahead.Round(time.Second), timeText(now.Wall))
}

// behind says that record times wait for the clock, "" when they do not.
func behind(last, now temporal.Instant) string {
	wait := time.Duration(last - now)
	if last == 0 || wait < shown {
		return ""
	}
	return fmt.Sprintf("the clock is %s behind the last record time: new events get %s until it"+
		" has passed that", wait.Round(time.Second), timeText(last))
}
