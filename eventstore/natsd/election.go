package natsd

import (
	"sync"
	"time"
	_ "unsafe" // for go:linkname
)

// How nodes find out that the one which leads a stream is gone, and agree on another one. The
// server's own pace, an election after 4 to 9 seconds without a heartbeat each second, stops all
// writes for about 7 seconds when a node is lost. Agreement does not depend on the pace: one that
// is too fast costs elections on a machine that is too busy for heartbeats, never a message.
//
// Of two nodes that are left the first one asks for votes, after 2 seconds as a rule. Nodes of the
// official image keep the server's pace; their heartbeat is still in time for these here.
const (
	heartbeat   = 500 * time.Millisecond
	electionMin = 1500 * time.Millisecond
	electionMax = 3 * time.Second

	// A leader that hears of too few others for so long leads no more. The server's pace is ten of
	// its heartbeats too.
	quorumMax = 10 * heartbeat

	// A node finds out by these that it is cut off from another one: what it has sent waits in the
	// kernel then, which tries again ever more seldom, and long after the network is whole again.
	routePing      = time.Second
	routePingsLost = 2
)

// The server has no settings for them, only variables, which its own tests set. A test tells when
// another version of it has others: they would be zero here.
var (
	//go:linkname serverHeartbeat github.com/nats-io/nats-server/v2/server.hbInterval
	serverHeartbeat time.Duration
	//go:linkname serverElectionMin github.com/nats-io/nats-server/v2/server.minElectionTimeout
	serverElectionMin time.Duration
	//go:linkname serverElectionMax github.com/nats-io/nats-server/v2/server.maxElectionTimeout
	serverElectionMax time.Duration
	//go:linkname serverQuorumMax github.com/nats-io/nats-server/v2/server.lostQuorumInterval
	serverQuorumMax time.Duration
	//go:linkname serverQuorumCheck github.com/nats-io/nats-server/v2/server.lostQuorumCheck
	serverQuorumCheck time.Duration
)

// setPace sets them, before the first node of this program starts. All nodes of a process share
// them, so they are set once; a later call does nothing.
var setPace = sync.OnceFunc(func() {
	serverHeartbeat, serverElectionMin, serverElectionMax = heartbeat, electionMin, electionMax
	serverQuorumMax, serverQuorumCheck = quorumMax, quorumMax
})
