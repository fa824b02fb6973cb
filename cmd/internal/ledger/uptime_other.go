//go:build !linux

package ledger

import "time"

// uptime is how long the program has been running; where the machine sleeps, perhaps without that.
// Then a clock that was right all along may seem set ahead by the time asleep, which is shown and
// stops nothing.
func uptime() time.Duration { return time.Since(started) }
