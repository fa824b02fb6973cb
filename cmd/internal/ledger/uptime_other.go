//go:build !linux

package ledger

import "time"

// uptime is how long the program has been running; where the machine sleeps, perhaps without that.
func uptime() time.Duration { return time.Since(started) }
