//go:build !faults

package ledger

import (
	"time"

	"cakupan/domain/temporal"
)

// wallClock is the clock of the machine.
func wallClock() temporal.Instant { return temporal.Instant(time.Now().UnixNano()) }
