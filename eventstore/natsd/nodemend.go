package natsd

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// A node of a cluster too takes nothing more for a stream of which a write has failed, and nobody
// would notice while the others go on: the next that fails, perhaps a week later, would then end
// the cluster. So the node begins anew by itself as soon as its folder can be written: that is what
// an operator would do. In between its clients are with the others, which bring it up to date.

// A disk that fails now and then would have the node begin anew again and again, each time upon
// files that are half written. So there is time between two beginnings, more each time; a node that
// was well for longer than that is not kept waiting.
const (
	anewPause    = time.Second
	anewPauseMax = 4 * time.Second
	anewLasting  = time.Minute // a node that was well for so long begins with the first pause
)

// mend begins anew whenever a write has failed, until the node is to leave. It is one goroutine for
// as long as the node lives, and the only one that replaces its server.
func (n *Node) mend() {
	defer close(n.mended)
	pause, lasting := anewPause, time.NewTimer(anewLasting)
	defer lasting.Stop()
	rest := time.NewTimer(0) // between two beginnings
	defer rest.Stop()
	for {
		since, _ := n.broken.state()
		select {
		case <-n.stopping:
			return
		case <-lasting.C:
			pause = anewPause
			continue
		case <-since:
		}
		if !n.wait(rest) {
			return
		}
		for tries := 0; ; tries++ {
			if !n.wait(time.NewTimer(anewPause)) {
				return
			}
			err := n.again()
			if n.stuck {
				tell(n.gaveUp, err.Error())
				return
			}
			if err == nil {
				n.opts.Log.Info("the node began anew: its folder can be written")
				break
			}
			if tries%tellEach == 0 {
				n.opts.Log.Warn("the node cannot write yet", slog.Any("error", err))
			}
		}
		pause = min(2*pause, anewPauseMax)
		rest.Reset(pause)
		lasting.Reset(anewLasting)
	}
}

// wait waits for a timer, and tells whether the node is to go on.
func (n *Node) wait(timer *time.Timer) bool {
	select {
	case <-n.stopping:
		return false
	case <-timer.C:
		return true
	}
}

// again ends the server and starts another one on its folder, if that can be written.
//
// With an error the node is without a server, or with one that takes nothing, until the next try.
// If we crash here, the next start finds what is on the disk, as this does.
func (n *Node) again() error {
	err := probe(n.opts.StoreDir, filepath.Join(n.opts.StoreDir, server.JetStreamStoreDir))
	if err != nil {
		return err
	}
	if err := stopWithin(n.server, n.stopMax); err != nil {
		n.stuck = true
		return err
	}
	// Before the new server begins, so that a write that fails in it at once is noted anew.
	n.broken.change(nil)
	settings, err := nodeSettings(&n.opts)
	if err == nil {
		err = n.start(settings)
	}
	if err != nil {
		err = fmt.Errorf("begin anew: %w", err)
		n.broken.fail(err.Error())
	}
	return err
}

// stop ends the server. Whoever calls it is the only one who does.
func (n *Node) stop() {
	n.server.Shutdown()
	n.server.WaitForShutdown()
}

// Leave has others lead what the node leads, sends its clients away, and stops it. It takes some
// seconds, in which the node still answers. Call it once.
func (n *Node) Leave() error {
	close(n.stopping)
	<-n.mended
	if n.stuck {
		return fmt.Errorf("stop nats server: %w", errStuck) // its files are let go by the process
	}
	n.server.LameDuckShutdown()
	n.stop()
	if err := unlockFile(n.lock); err != nil {
		return fmt.Errorf("unlock the folder of the nats server: %w", err)
	}
	return nil
}
