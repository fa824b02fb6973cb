package serving

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"cakupan/cmd/internal/cli"
	"cakupan/cmd/internal/door"
	"cakupan/cmd/internal/problem"
	"cakupan/eventstore/natsd"
)

// NATS runs a node of a cluster: the NATS server alone, without a ledger, on a folder of its
// own. The folder and the name belong together for ever, as the other nodes know what this one
// holds by its name. Addresses are HOST:PORT; an empty Cluster is a node that is alone, and an
// empty Health one that answers to nobody how it is. Certificate, key and authority go together.
type NATS struct {
	Name    string   `required:"" placeholder:"NAME" help:"Name of this node, which stays with it."`
	Host    string   `placeholder:"HOST" help:"${natsHost}"`
	Listen  string   `placeholder:"ADDR" default:"127.0.0.1:4222" help:"${natsNodeListen}"`
	Cluster string   `placeholder:"ADDR" help:"${natsCluster}"`
	Routes  []string `placeholder:"ADDR" help:"${natsRoutes}"`
	Users   string   `placeholder:"FILE" help:"${natsUsers}"`
	Health  string   `placeholder:"ADDR" help:"${natsHealth}"`

	TLSCert string `name:"tls-cert" placeholder:"FILE" help:"${natsTLSCert}"`
	TLSKey  string `name:"tls-key" placeholder:"FILE" help:"${tlsKey}"`
	TLSCA   string `name:"tls-ca" placeholder:"FILE" help:"${natsTLSCA}"`

	LogFormat string `enum:"text,json" default:"text" placeholder:"FORMAT" help:"${logFormat}"`
}

// Help returns what --help shows beyond the flags.
func (*NATS) Help() string {
	return `It is the server that a ledger alone has within itself, for a cluster of three: files,
flushed before anything is acknowledged, and no limit that deletes. That is not to be chosen. What
is unsafe is refused: an address that others reach without users and certificates. Files for all of
that are made by cakupan setup.

--users is a file in the words of nats-server's own configuration, with accounts, system_account and
no_auth_user alone. A renewed certificate counts without restart; changed users at the next one.

Examples:

	cakupan nats --name n0 --data n0
	cakupan nats --name node-a --host node-a --data /data --listen :4222 --cluster :6222 \
	  --routes node-b:6222,node-c:6222 --users users.conf \
	  --tls-cert cert.pem --tls-key key.pem --tls-ca ca.pem` + cli.ExitCodes
}

// Run runs the node until ctx ends, which is no error, or until the server cannot go on: then
// whoever runs the program is to start another process. Unsafe settings are wrong usage (exit code
// 2), as trying again does not help; a node that does not start, or gives up, is exit code 1.
func (c *NATS) Run(ctx context.Context, w *cli.Where, out *cli.Console) (err error) {
	out.LogJSON = c.LogFormat == "json"
	if w.Server != "" {
		return cli.Usage("nats runs a node on a folder: name one with --data")
	}
	opts := natsd.NodeOptions{
		Name: c.Name, StoreDir: w.Folder(), Address: c.Listen, Cluster: c.Cluster,
		Routes: c.Routes, Users: c.Users, Health: c.Health, Host: c.Host, Log: out.Logger(),
	}
	// The certificates of cakupan setup have the names of the nodes, so the name is what the other
	// nodes can check.
	if opts.Host == "" {
		opts.Host = c.Name
	}
	opts.ClientTLS, opts.ClusterTLS, err = door.NodeTLS(c.TLSCert, c.TLSKey, c.TLSCA, opts.Log)
	if err != nil {
		return err
	}
	node, err := startNode(ctx, opts)
	switch {
	case errors.Is(err, natsd.ErrUnsafe):
		return problem.New(problem.UsageWrong, err.Error())
	case err != nil:
		return notStarted(&opts, err)
	case node == nil:
		return nil
	}
	// Leave comes last, also when nothing could be told: others are to lead before this node stops.
	defer func() { err = errors.Join(err, node.Leave()) }()
	if err := c.tell(w, node, out); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return nil
	case why := <-node.GaveUp():
		return problem.New(problem.LogUnavailable, "the node cannot go on: "+why)
	}
}

// nodeAgain is how long a node that has no room to start waits until it tries again.
const nodeAgain = 2 * time.Second

// startNode starts the node. While its disk is full, or there are too few descriptors, it tries
// again, as a node that runs does. The node is nil where ctx has ended before.
func startNode(ctx context.Context, opts natsd.NodeOptions) (*natsd.Node, error) {
	for told := false; ; told = true {
		node, err := natsd.StartNode(opts)
		if err == nil || !lacksRoom(err) {
			return node, err
		}
		if !told {
			opts.Log.WarnContext(ctx, "the node cannot start yet, and tries again",
				slog.Any("error", err))
		}
		select {
		case <-ctx.Done():
			return nil, nil //nolint:nilnil // as the comment says
		case <-time.After(nodeAgain):
		}
	}
}

// lacksRoom tells whether a node did not start for want of what others may give back. The server
// says so in words alone.
func lacksRoom(err error) bool {
	for _, why := range []syscall.Errno{
		syscall.ENOSPC, syscall.EDQUOT, syscall.EMFILE, syscall.ENFILE,
	} {
		if errors.Is(err, why) || strings.Contains(err.Error(), why.Error()) {
			return true
		}
	}
	return false
}

// notStarted says that a node does not start, and what to do where a file of it is damaged. The
// other nodes have all that it has had; alone it may have the only copy.
func notStarted(opts *natsd.NodeOptions, err error) error {
	text := "the node does not start"
	if opts.Cluster != "" && strings.Contains(err.Error(), "corrupt") {
		text += ", as a file of it is damaged: if the other nodes run, remove its folder " +
			filepath.Join(opts.StoreDir, "jetstream") + " and start it again, and it copies" +
			" everything from them"
	}
	return problem.Wrap(problem.LogUnavailable, text, err)
}

// tell says where the node listens: the address as taken, with the port that was free where port 0
// was asked for. It is said once the node listens, which may be before the cluster has a leader.
func (c *NATS) tell(w *cli.Where, node *natsd.Node, out *cli.Console) error {
	if w.JSON || out.LogJSON {
		return out.WriteJSON(map[string]string{"name": c.Name, "nats": node.URL()})
	}
	_, err := fmt.Fprintf(out.Stdout, "node %s listens at %s\n", c.Name, node.URL())
	return err
}
