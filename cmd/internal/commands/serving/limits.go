package serving

import (
	"fmt"

	"github.com/alecthomas/kong"

	"cakupan/cmd/internal/cli"
	"cakupan/cmd/internal/httpapi"
)

// shareLimits are the flags of serve that say how much there is to be shared, all members together;
// what one may have is a part of it (docs/operations.md). What is beyond is answered with 429, or
// hung up on.
type shareLimits struct {
	Requests    int `default:"1024" placeholder:"N" help:"${shareRequests}"`
	Streams     int `default:"48" placeholder:"N" help:"${shareStreams}"`
	MiB         int `name:"mib" default:"256" placeholder:"N" help:"${shareMiB}"`
	Connections int `default:"4096" placeholder:"N" help:"${shareConnections}"`
	Strangers   int `default:"128" placeholder:"N" help:"${shareStrangers}"`
	Refusals    int `default:"10000" placeholder:"N" help:"${shareRefusals}"`
	Floor       int `default:"1024" placeholder:"BYTES" help:"${shareFloor}"`
}

// ShareTexts are what help says of them.
func ShareTexts() kong.Vars {
	return kong.Vars{
		"shareRequests":    "Requests in work at a time, a quarter of them one member's (1024).",
		"shareStreams":     "Open streams of events, a quarter of them one member's (48).",
		"shareMiB":         "MiB for bodies in work, half of them one member's (256).",
		"shareConnections": "Connections by HTTP, a quarter of them one member's (4096).",
		"shareStrangers":   "Connections of a network without login, by HTTP and by NATS (128).",
		"shareRefusals":    "Refusals in a row after which a member's stream ends (10000).",
		"shareFloor":       "Bytes a second that a body brings and a reader takes (1024).",
	}
}

// The least of each bound: below it not even one member could do what is usual. An eighth of each
// is kept for those who have little, and the least memory takes the largest batch.
const (
	shareRequestsMin    = 16
	shareStreamsMin     = 4
	shareMiBMin         = 160
	shareConnectionsMin = 64
	shareMax            = 1 << 20
)

// check refuses what would keep everybody out, and what no machine has. It is wrong usage, said
// before a ledger is opened.
func (s *shareLimits) check() error {
	for _, bound := range []struct {
		flag         string
		value, least int
	}{
		{"requests", s.Requests, shareRequestsMin},
		{"streams", s.Streams, shareStreamsMin},
		{"mib", s.MiB, shareMiBMin},
		{"connections", s.Connections, shareConnectionsMin},
		{"strangers", s.Strangers, 1},
		{"refusals", s.Refusals, 1},
		{"floor", s.Floor, 1},
	} {
		if bound.value < bound.least || bound.value > shareMax {
			return cli.Usage(fmt.Sprintf("--share-%s is from %d to %d",
				bound.flag, bound.least, shareMax))
		}
	}
	return nil
}

// limits returns them as the routes take them. They have been checked.
func (s *shareLimits) limits() httpapi.Limits {
	return httpapi.Limits{
		Requests: s.Requests, Streams: s.Streams, Memory: int64(s.MiB) << 20, Conns: s.Connections,
		Strangers: s.Strangers, Refusals: s.Refusals, Floor: int64(s.Floor),
	}
}
