//go:build !linux

package clock

import "time"

// Uptime is how long the program has been running; where the machine sleeps, perhaps without that.
// Then a clock that was right all along may seem set ahead by the time asleep, which is shown and
// stops nothing.
func Uptime() time.Duration { return time.Since(started) }
