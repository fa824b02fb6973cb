//go:build !unix

package bench

import "time"

// processorTime returns what the program has used of the processors so far, 0 where the system
// does not tell.
func processorTime() time.Duration { return 0 }
