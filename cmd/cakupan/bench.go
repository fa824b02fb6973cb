package main

import (
	"context"
	"encoding/json"
	"os"

	"cakupan/cmd/internal/bench"
)

// benchCommand measures the machine.
type benchCommand struct {
	Events int    `default:"2000000" placeholder:"N" help:"How many events (default: ${default})."`
	Dir    string `placeholder:"DIR" help:"${bench}"`
}

// Help returns what --help shows beyond the flags.
func (*benchCommand) Help() string {
	return `Generates events and measures durable append, import, replay, queries and live latency,
each beside what bare JetStream gives in the same run.

Examples:

	cakupan bench --events 200000
	cakupan bench --dir /var/lib --json` + exitCodes
}

// Run runs the command.
func (c *benchCommand) Run(ctx context.Context, w *where, out *console) error {
	if w.Server != "" || c.Events < 1 {
		return usage("bench measures this machine, with 1 event or more")
	}
	dir := c.Dir
	if dir == "" {
		var err error
		if dir, err = os.Getwd(); err != nil {
			return err
		}
	}
	report, err := bench.Run(ctx, dir, c.Events, out.note)
	if err != nil {
		return err
	}
	if w.JSON {
		encoder := json.NewEncoder(out.stdout)
		encoder.SetIndent("", "  ")
		return encoder.Encode(report)
	}
	return report.Write(out.stdout)
}
