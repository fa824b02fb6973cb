package ledger

import (
	"time"

	"golang.org/x/sys/unix"
)

// uptime is how long the machine has been running, asleep or not.
func uptime() time.Duration {
	var at unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &at); err != nil {
		return time.Since(started)
	}
	return time.Duration(at.Nano())
}
