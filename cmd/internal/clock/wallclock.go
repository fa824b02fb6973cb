//go:build !faults

package clock

import (
	"time"

	"cakupan/domain/temporal"
)

// Wall is the clock of the machine.
func Wall() temporal.Instant { return temporal.Instant(time.Now().UnixNano()) }
