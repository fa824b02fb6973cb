package clock

import (
	"fmt"
	"time"

	"cakupan/cmd/internal/problem"
	"cakupan/domain/temporal"
)

// serverMax is how far the clock may be from that of every server of the cluster. Clocks that are
// kept by anything differ by less than a second; an hour is what the last record time is given.
const serverMax = time.Hour

// Server is what a server of the cluster says the time is.
type Server struct {
	Name string
	At   temporal.Instant
}

// Compare refuses a clock that no server of the cluster agrees with. One that agrees is
// enough: of two clocks that differ nobody can tell which is wrong, and a server with a wrong clock
// must not keep all ledgers from starting.
func Compare(now temporal.Instant, clocks []Server) error {
	if len(clocks) == 0 {
		return nil
	}
	nearest := clocks[0]
	for _, c := range clocks {
		if away(now, c.At) < away(now, nearest.At) {
			nearest = c
		}
	}
	if away(now, nearest.At) <= serverMax {
		return nil
	}
	return problem.New(problem.ClockWrong, fmt.Sprintf("it is %s by the clock of this machine, and"+
		" %s by that of server %s of the cluster; no other of its servers has the time of this"+
		" machine either: set right the clock that is wrong, as record times never go back. If"+
		" that is the cluster's, say --any-clock"+sayAnyClock,
		timeText(now), timeText(nearest.At), nearest.Name))
}

// away is how far two moments are apart.
func away(a, b temporal.Instant) time.Duration { return time.Duration(max(a-b, b-a)) }
