package clock

import (
	"time"

	"golang.org/x/sys/unix"
)

// Uptime is how long the machine has been running, asleep or not. The clock is one that nobody
// sets. Where the kernel does not give it, it is how long the program has been running, which
// serves as well: only differences count.
func Uptime() time.Duration {
	var at unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &at); err != nil {
		return time.Since(started)
	}
	return time.Duration(at.Nano())
}
