package serving

import (
	"context"
	"encoding/json"
	"os"

	"cakupan/cmd/internal/bench"
	"cakupan/cmd/internal/cli"
)

// Bench measures the machine (contract, section 6). It makes ledgers of its own in a
// temporary folder below Dir and removes them; the ledger of the common flags is not touched.
type Bench struct {
	Events int    `default:"2000000" placeholder:"N" help:"How many events (default: ${default})."`
	Dir    string `placeholder:"DIR" help:"${bench}"`
}

// Help returns what --help shows beyond the flags.
func (*Bench) Help() string {
	return `Generates events and measures durable append, import, replay, queries and live latency,
each beside what bare JetStream gives in the same run.

Examples:

	cakupan bench --events 200000
	cakupan bench --dir /var/lib --json` + cli.ExitCodes
}

// Run measures and prints the figures, with --json as one object, indented. What is being measured
// goes to stderr meanwhile. An error leaves no folder behind.
func (c *Bench) Run(ctx context.Context, w *cli.Where, out *cli.Console) error {
	// A server is another machine's, or in the way of what is measured.
	if w.Server != "" || c.Events < 1 {
		return cli.Usage("bench measures this machine, with 1 event or more")
	}
	// Not the system's folder for temporary files, which often is in memory: a durable append costs
	// nothing there.
	dir := c.Dir
	if dir == "" {
		var err error
		if dir, err = os.Getwd(); err != nil {
			return err
		}
	}
	report, err := bench.Run(ctx, dir, c.Events, out.Note)
	if err != nil {
		return err
	}
	if w.JSON {
		encoder := json.NewEncoder(out.Stdout)
		encoder.SetIndent("", "  ")
		return encoder.Encode(report)
	}
	return report.Write(out.Stdout)
}
