package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cakupan/cmd/internal/dashboard"
	"cakupan/cmd/internal/httpapi"
)

// serveCommand runs the ledger.
type serveCommand struct {
	Listen string        `placeholder:"ADDR" default:"127.0.0.1:7070" help:"${listen}"`
	NATS   string        `name:"nats" placeholder:"URL" help:"${nats}"`
	Scrub  time.Duration `default:"1h" placeholder:"TIME" help:"${scrub}"`
}

// Help returns what --help shows beyond the flags.
func (*serveCommand) Help() string {
	return `Anybody who can reach the address can read and append: let only those reach it who may.

Examples:

	cakupan serve
	cakupan serve --data /var/lib/cakupan --listen :7070
	cakupan serve --nats nats://10.0.0.1:4222` + exitCodes
}

// drainTime is how long requests in work may take to end once the server is to stop.
const drainTime = 10 * time.Second

// Run runs the command.
func (c *serveCommand) Run(ctx context.Context, w *where, out *console) (err error) {
	if w.Server != "" {
		return usage("serve runs a ledger on a folder: name one with --data")
	}
	l, err := openLedger(ctx, ledgerOptions{
		Dir: w.folder(), Create: true, NATS: c.NATS, Log: out.logger(),
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	server, err := listen(ctx, c.Listen, l, out, "")
	if err != nil {
		return err
	}
	return serveUntil(ctx, server, func() error {
		if err := l.serve(ctx, server.URL(), c.Scrub); err != nil {
			return err
		}
		if w.JSON {
			return out.writeJSON(map[string]string{"url": server.URL()})
		}
		_, err := fmt.Fprintf(out.stdout, "%s is served at %s\n", w.folder(), server.URL())
		return err
	})
}

// listen takes the address for the ledger's routes and dashboard.
func listen(ctx context.Context, address string, l httpapi.Ledger, out *console, notice string,
) (*httpapi.Server, error) {
	return httpapi.Listen(ctx, address, httpapi.New(l, httpapi.Config{
		Now: out.now, Log: out.logger(), Pages: dashboard.Handler(), Notice: notice,
	}))
}

// serveUntil gets the ledger ready, answers until ctx ends or answering fails, and lets requests
// in work come to their end.
func serveUntil(ctx context.Context, server *httpapi.Server, ready func() error) error {
	if err := ready(); err != nil {
		return errors.Join(err, server.Shutdown(ctx))
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve() }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	return errors.Join(server.Shutdown(last), <-served)
}
