package natsd

import (
	"errors"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// stopMax is how long a server may take to stop after a write of it has failed.
const stopMax = 10 * time.Second

// errStuck is returned for a server that does not stop. It has been seen to wait for itself after a
// write that failed, and it answers nothing then: only another process can go on, so who runs it is
// told that it gave up, and ends.
var errStuck = errors.New("the server does not stop: it is stuck")

// stopWithin ends a server, and returns errStuck when that takes too long. The goroutine that waits
// for it then stays for as long as the process.
func stopWithin(s *server.Server, most time.Duration) error {
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		s.Shutdown()
		s.WaitForShutdown()
	}()
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-stopped:
		return nil
	case <-timer.C:
		return errStuck
	}
}

// tell tells who listens why a server gave up. One reason is enough. It never waits: the channel
// has room for one.
func tell(gaveUp chan<- string, why string) {
	select {
	case gaveUp <- why:
	default:
	}
}
