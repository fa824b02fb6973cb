// Package serving has the commands that run a ledger and the parts of a cluster, set them up, and
// ask how they are.
package serving

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"time"

	"cakupan/cmd/internal/apidoc"
	"cakupan/cmd/internal/bucket"
	"cakupan/cmd/internal/cli"
	"cakupan/cmd/internal/cluster"
	"cakupan/cmd/internal/control"
	"cakupan/cmd/internal/dashboard"
	"cakupan/cmd/internal/door"
	"cakupan/cmd/internal/excerpt"
	"cakupan/cmd/internal/folder"
	"cakupan/cmd/internal/httpapi"
	"cakupan/cmd/internal/ledger"
	"cakupan/cmd/internal/live"
	"cakupan/cmd/internal/memory"
	"cakupan/cmd/internal/metrics"
	"cakupan/cmd/internal/problem"
	"cakupan/cmd/internal/sample"
	"cakupan/cmd/internal/shares"
	"cakupan/cmd/internal/traces"
	"cakupan/cmd/internal/upload"
	"cakupan/eventstore/checkpoint"
)

// Serve runs the ledger: HTTP, dashboard, intake and projections, on a folder, with the log
// in the embedded server or, with NATS, in a cluster (contract, sections 6 and 10). An empty
// address is a door that is not opened. Scrub and Refold are times between two checks in the
// background; Consumers is how many consumers of the log a login may have at a time. Story and
// Boundaries are files of the operator's own that the dashboard shows; they are read once, at the
// start. AnyClock lets a clock be right that looks wrong: what is recorded by it cannot be taken
// back.
type Serve struct {
	Listen        string        `placeholder:"ADDR" default:"127.0.0.1:7070" help:"${listen}"`
	NATS          string        `name:"nats" type:"login" placeholder:"URL" help:"${nats}"`
	Replicas      int           `placeholder:"N" help:"${replicas}"`
	NATSSystem    string        `name:"nats-system" type:"login" help:"${natsSystem}"`
	NATSListen    string        `name:"nats-listen" placeholder:"ADDR" help:"${natsListen}"`
	NATSWebSocket string        `name:"nats-websocket" placeholder:"ADDR" help:"${natsWebSocket}"`
	Consumers     int           `default:"8" placeholder:"N" help:"${consumers}"`
	Scrub         time.Duration `default:"1h" placeholder:"TIME" help:"${scrub}"`
	Refold        time.Duration `default:"24h" placeholder:"TIME" help:"${refold}"`

	Refused refusedLimits `embed:"" prefix:"refused-"`
	Share   shareLimits   `embed:"" prefix:"share-"`

	LogFormat string `enum:"text,json" default:"text" placeholder:"FORMAT" help:"${logFormat}"`

	AnyClock bool     `name:"any-clock" help:"${anyClock}"`
	Witness  []string `placeholder:"KEY" help:"${serveWitness}"`

	TLSCert  string `name:"tls-cert" placeholder:"FILE" help:"${tlsCert}"`
	TLSKey   string `name:"tls-key" placeholder:"FILE" help:"${tlsKey}"`
	Insecure bool   `help:"${insecure}"`

	Story      string `placeholder:"FILE" help:"${story}"`
	Boundaries string `placeholder:"FILE" help:"${boundaries}"`

	FrameAncestors []string `name:"frame-ancestors" placeholder:"ORIGIN" help:"${frameAncestors}"`
}

// Help returns what --help shows beyond the flags.
func (*Serve) Help() string {
	return `Until a publisher or reader is registered (see cakupan publisher, cakupan reader),
anybody who can reach the address can read and append; so it must be one of this machine alone.
Once one is, everybody must log in, and an address that others reach needs a certificate.

Examples:

	cakupan serve
	cakupan serve --data /var/lib/cakupan --listen :7070 --tls-cert cert.pem --tls-key key.pem
	cakupan serve --nats-listen 127.0.0.1:4222 --nats-websocket 127.0.0.1:4223
	cakupan serve --nats nats://10.0.0.1:4222,nats://10.0.0.2:4222,nats://10.0.0.3:4222
	cakupan serve --story moments.json --boundaries provinces.geojson
	cakupan serve --frame-ancestors https://data.example.go.id

Several with the same --nats, each with a folder of its own and the same keys, are one ledger: one
writes, the others stand by, answer, forward what they are sent, and take over by themselves.

With OTEL_EXPORTER_OTLP_ENDPOINT in the environment, traces are sent there (OTLP by HTTP).` +
		cli.ExitCodes
}

// drainTime is how long requests in work may take to end once the server is to stop. Hardly any
// takes a second: it is for those that wait for a disk. Those that are cut off then have no
// receipts, and may be sent again.
const drainTime = 5 * time.Second

// Run runs the ledger until ctx ends, which is no error, or until it cannot go on. First what is
// wrong with the flags is said, then the folder is opened, then the address is taken, and only then
// the log is caught up with: so an address that is in use is found out before time is spent. What
// is opened is closed in the reverse order, the ledger after all that asks it.
//
// A crash at any moment loses nothing that was acknowledged: it is durable before it is answered,
// and the next start goes on from there.
func (c *Serve) Run(ctx context.Context, w *cli.Where, out *cli.Console) (err error) {
	// Before anything is said, so that a program can read all of it.
	out.LogJSON = c.LogFormat == "json"
	if err := c.check(w); err != nil {
		return err
	}
	shown, err := c.shown()
	if err != nil {
		return err
	}
	d, err := c.door(w, out)
	if err != nil {
		return err
	}
	// Both before the ledger, which tells them of its first event.
	counted := metrics.New()
	traced, err := traces.Open(ctx, os.Getenv, out.Logger())
	if err != nil {
		return err
	}
	defer closeTraces(ctx, traced, out)
	l, err := ledger.Open(ctx, ledger.Options{
		Dir: w.Folder(), Create: true, Log: out.Logger(),
		NATS: c.NATS, NATSSystem: c.NATSSystem, Replicas: c.Replicas,
		Receipts: counted.Receipts, Appended: counted.Appended, Stored: counted.Stored,
		Trace: traced.Begin, Certificate: d.Certificate,
		AnyClock: c.AnyClock, Witnesses: c.Witness,
		Refold: c.Refold, Refused: c.Refused.limits(),
		Messages: ledger.MessageOptions{
			Address: c.NATSListen, WebSocket: c.NATSWebSocket, TLS: d.TLS,
			Consumers: c.Consumers, Strangers: c.Share.Strangers, Open: httpapi.OwnPage,
		},
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	// Who is registered is known only now: with a cluster the register is there.
	d.Guard.Registry = l.Register()
	if err := c.checkDoors(d); err != nil {
		return err
	}
	// So that somebody can be registered, or cut off, before a request is answered.
	defer c.control(ctx, w, l, out)()
	counted.Follow(l, d.Guard, out.Now)
	// The address is taken before the ledger is caught up; who comes meanwhile waits, and is told
	// how far it is.
	server, err := listen(ctx, d, l, out, httpapi.Config{
		Observer: counted, Metrics: counted.Handler(), Pages: dashboard.Handler(shown),
		Feed: c.feed(d, l, counted.Watched, out), Trace: traced.Request, Limits: c.Share.limits(),
		Notice: sampleNotice(l),
	})
	if err != nil {
		return err
	}
	serving, stop := whileItCan(ctx, l)
	defer stop()
	err = serveUntil(serving, server, l.Starting, func() error {
		if err := l.Serve(ctx, server.URL(), c.Scrub); err != nil {
			return err
		}
		return l.TakeMessages(ctx)
	}, func() error { return c.tell(w, l, server.URL(), out) })
	// It has ended by itself: why it did comes before what that led to. An end that was asked for
	// has no cause to tell.
	if ctx.Err() == nil && serving.Err() != nil {
		err = errors.Join(context.Cause(serving), err)
	}
	return err
}

// sampleNotice says of a ledger that demo has made, or of a copy, that it is a sample.
func sampleNotice(l *ledger.Ledger) func(context.Context) string {
	return sample.NoticeOf(func(ctx context.Context, yield func([]byte) error) error {
		return l.Events(ctx, excerpt.Filter{From: 1, Limit: 1}, yield)
	})
}

// check says what is wrong with the flags, as far as they tell by themselves.
func (c *Serve) check(w *cli.Where) error {
	if w.Server != "" {
		return cli.Usage("serve runs a ledger on a folder: name one with --data")
	}
	for _, key := range c.Witness {
		if _, err := checkpoint.WitnessVerifier(key); err != nil {
			return cli.Usage("--witness is no public key of a witness: give the one that" +
				" `cakupan witness` prints")
		}
	}
	return errors.Join(c.checkCluster(), c.Refused.check(), c.Share.check())
}

// whileItCan returns a context that ends, with the reason as its cause, when the ledger cannot go
// on in this process: whoever runs it starts another one. That is so where the embedded server has
// given up; with a cluster there is none, and the context ends with ctx alone. stop ends it too,
// and what waits here with it.
func whileItCan(
	ctx context.Context, l *ledger.Ledger,
) (serving context.Context, stop func()) {
	serving, end := context.WithCancelCause(ctx)
	go func() {
		select {
		case why := <-l.GaveUp():
			end(problem.New(problem.LogUnavailable, "the ledger cannot go on in this process,"+
				" start it again: "+why))
		case <-serving.Done():
		}
	}()
	return serving, func() { end(nil) }
}

// closeTraces sends the spans that are left, for as long as a stop may take. A collector that is
// down is no fault of the ledger. ctx has ended by then; what it carries counts, and its end does
// not.
func closeTraces(ctx context.Context, traced *traces.Traces, out *cli.Console) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	if err := traced.Close(ctx); err != nil {
		out.Logger().WarnContext(ctx, "traces were not sent", slog.Any("error", err))
	}
}

// shown reads what the page shows of the operator's own. A file that is wrong keeps the ledger from
// starting: a wall that shows less than it was told to is noticed too late. It is read before a
// folder is opened, or made.
func (c *Serve) shown() (opts dashboard.Options, err error) {
	opts.Story, err = readOwn(c.Story, "--story", dashboard.ReadStory)
	if err == nil {
		opts.Boundaries, err = readOwn(c.Boundaries, "--boundaries", dashboard.ReadBoundaries)
	}
	if err != nil {
		return opts, err
	}
	if opts.Frames, err = dashboard.CheckFrames(c.FrameAncestors); err != nil {
		return opts, cli.Usage("--frame-ancestors: " + err.Error())
	}
	return opts, nil
}

// readOwn reads the file that a flag names, if it does; nil if not. The error names flag and file.
func readOwn[T any](name, flag string, read func(content []byte) ([]T, error)) ([]T, error) {
	if name == "" {
		return nil, nil
	}
	content, err := os.ReadFile(name)
	if err != nil {
		return nil, problem.Wrap(problem.FileNotReadable, flag+": "+name+" cannot be read", err)
	}
	own, err := read(content)
	if err != nil {
		return nil, problem.Wrap(problem.FileNotReadable, flag+": "+name, err)
	}
	return own, nil
}

// tell says where the ledger answers: the addresses as they were taken, with the ports that were
// free where 0 was asked for. It is said once all of them answer, so a script may go on from this
// line.
func (c *Serve) tell(w *cli.Where, l *ledger.Ledger, url string, out *cli.Console) error {
	answer := map[string]string{"url": url}
	text := fmt.Sprintf("%s is served at %s", w.Folder(), url)
	if c.NATSListen != "" {
		answer["nats"] = l.NATSURL()
		text += " and " + answer["nats"]
	}
	if c.NATSWebSocket != "" {
		answer["websocket"] = l.WebSocketURL()
		text += " and " + answer["websocket"]
	}
	// Whoever has emptied a folder, or named another one, is not to take it for his ledger.
	if id := l.Made(); id != "" {
		out.Note("%s held no ledger: a new one was made there, %s", w.Folder(), id)
	}
	// Docker and journald collect stdout with the log.
	if w.JSON || out.LogJSON {
		return out.WriteJSON(answer)
	}
	_, err := fmt.Fprintln(out.Stdout, text)
	return err
}

// checkCluster refuses flags that only a cluster has a use for, and numbers out of bounds. How many
// replicas a cluster allows is found out when it is asked.
func (c *Serve) checkCluster() error {
	switch {
	case c.Consumers < 1:
		return cli.Usage("--consumers is at least 1")
	case !cli.IsReplicas(c.Replicas):
		return cli.Usage("--replicas is 1, 3 or 5")
	case c.NATS == "" && c.Replicas > 0:
		return cli.Usage("--replicas is for a cluster: name it with --nats")
	case c.NATS == "" && c.NATSSystem != "":
		return cli.Usage("--nats-system is for a cluster: name it with --nats")
	}
	return nil
}

// control has commands on this machine do what is for the owner of the running ledger, until the
// returned function is called. Where there can be no socket the ledger runs without: the operator's
// log says so, and the same commands work once it is stopped.
func (c *Serve) control(ctx context.Context, w *cli.Where, l *ledger.Ledger, out *cli.Console,
) (stop func()) {
	server, err := control.Listen(ctx, w.Folder(), l.Register(), l)
	if err != nil {
		out.Logger().WarnContext(ctx, "there is no socket for commands of the owner",
			slog.Any("error", err))
		return func() {}
	}
	return func() {
		if err := server.Close(); err != nil {
			out.Logger().WarnContext(ctx, "socket for commands", slog.Any("error", err))
		}
	}
}

// door returns where to answer. A new folder has nobody registered, which is said before it is
// made. Of one that exists, and of a cluster, that is known only once it is open: Run checks again
// then. The door has no register yet.
func (c *Serve) door(w *cli.Where, out *cli.Console) (d *door.Door, err error) {
	d = &door.Door{Address: c.Listen, Behind: c.Insecure}
	if d.TLS, err = door.ServerTLS(c.TLSCert, c.TLSKey, out.Logger()); err != nil {
		return nil, err
	}
	if (c.NATSListen != "" || c.NATSWebSocket != "") && c.NATS != "" {
		return nil, cli.Usage("clients connect to the cluster of --nats: leave out --nats-listen" +
			" and --nats-websocket")
	}
	if c.NATS == "" && folder.Find(w.Folder()) != nil {
		return d, c.checkDoors(d)
	}
	return d, nil
}

// checkDoors refuses to open a door to strangers, by HTTP or NATS: all doors have the same register
// and certificate, and differ in their addresses alone.
func (c *Serve) checkDoors(d *door.Door) error {
	for _, address := range []string{c.NATSListen, c.NATSWebSocket} {
		if address == "" {
			continue
		}
		// A copy: d is the door of HTTP, and keeps its address.
		also := *d
		also.Address = address
		if err := also.Check(); err != nil {
			return err
		}
	}
	return d.Check()
}

// feed returns what fills the bucket of the coverage (contract, section 9), nil where nobody could
// watch it: no cluster, and no door of NATS. Of several ledgers on a cluster the one that writes
// fills it. Which one that is, and whether small counts are hidden, is asked each time: both change
// while it runs.
func (c *Serve) feed(d *door.Door, l *ledger.Ledger, watched func(int), out *cli.Console,
) func(context.Context, *live.Hub) {
	if c.NATS == "" && c.NATSListen == "" && c.NATSWebSocket == "" {
		return nil
	}
	return bucket.Options{
		Hides: d.Guard.Guarded, Watched: watched,
		Connect: l.ConnectBucket, Replicas: c.Replicas, Now: out.Now, Log: out.Logger(),
		Writes: func(ctx context.Context) bool {
			return l.Health(ctx).Role == cluster.RoleWriter
		},
	}.Feed
}

// listen takes the address for the ledger's routes and dashboard, and says so where it is open to
// all on this machine. Nothing is answered yet. The caller shuts the server down.
func listen(
	ctx context.Context, d *door.Door, l httpapi.Ledger, out *cli.Console, config httpapi.Config,
) (*httpapi.Server, error) {
	shares.Spare()
	config.Now, config.Log = out.Now, out.Logger()
	config.Access, config.TLS, config.Documents = d.Guard, d.TLS, apidoc.Handler()
	config.Upload = func(api http.Handler) http.Handler { return upload.New(api, out.Now) }
	server, err := httpapi.Listen(ctx, d.Address, httpapi.New(l, config))
	if words := d.Words(); err == nil && words != "" {
		out.Note("%s", words)
	}
	return server, err
}

// serveUntil gets the ledger ready, answers, tells so, and goes on until ctx ends or answering
// fails; then it lets requests in work come to their end. progress says how far ready is, to who
// asks meanwhile. The order is one of promises: nobody is told of an address that does not answer,
// and nothing answers from a ledger that is not ready.
func serveUntil(
	ctx context.Context, server *httpapi.Server, progress func(context.Context) string,
	ready, tell func() error,
) error {
	server.Begin(progress)
	if err := ready(); err != nil {
		return errors.Join(err, server.Shutdown(ctx))
	}
	// There is room for the result, so that the goroutine ends also where nobody reads it.
	served := make(chan error, 1)
	go func() { served <- server.Serve() }()
	select {
	case err := <-served:
		return err
	case <-server.Started():
	}
	giving, stop := context.WithCancel(ctx)
	defer stop()
	go memory.GiveBack(giving)
	err := tell()
	if err == nil {
		select {
		case err := <-served:
			return err
		case <-ctx.Done():
		}
	}
	// ctx has ended, or soon will, and requests in work are to end well all the same.
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	return errors.Join(err, server.Shutdown(last), <-served)
}
