package serving

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"cakupan/cmd/internal/cli"
	"cakupan/cmd/internal/cli/words"
	"cakupan/cmd/internal/client"
	"cakupan/cmd/internal/ledger"
	"cakupan/cmd/internal/problem"
)

// Status tells how a ledger is, with what its role and its safety depend on: more than
// health, which everybody may ask, and so for those who read as auditors, or at the machine.
type Status struct{}

// Help returns what --help shows beyond the flags.
func (*Status) Help() string {
	return `Says whether the ledger writes or stands by, which one writes, how far log and
projections are, what waits in the intake, and how many servers keep each stream. Exits with 0
when all is well, with 1 when it is not. For auditors, and on the machine itself.

Examples:

	cakupan status --server http://127.0.0.1:7070
	cakupan status --server http://127.0.0.1:7070,http://127.0.0.1:7071 --json` + cli.ExitCodes
}

// Run runs the command. The status is printed also when not all is well, and the reason is the
// error: a script reads the one and branches on the other.
func (c *Status) Run(ctx context.Context, w *cli.Where, out *cli.Console) error {
	return w.With(ctx, out, false, func(s *client.Client) error {
		status, err := s.Status(ctx)
		if err != nil {
			return err
		}
		if w.JSON {
			err = out.WriteJSON(status)
		} else {
			err = writeStatus(out, status)
		}
		if err != nil || status.Status == ledger.HealthOK {
			return err
		}
		return problem.New(problem.LogUnavailable, status.Why)
	})
}

// writeStatus writes it for people, names in order, so that two of them can be compared by eye.
// Counts of what was removed are of this process: they begin anew with each start. The table keeps
// its first error, which Flush returns.
func writeStatus(out *cli.Console, s ledger.Status) error {
	table := tabwriter.NewWriter(out.Stdout, 0, 8, 2, ' ', 0)
	line := func(name, text string) { _, _ = fmt.Fprintf(table, "%s\t%s\n", name, text) }
	line("status", s.Status)
	line("role", string(s.Role))
	line("writer", writerWords(s.Writer))
	line("head", "event "+words.Thousands(s.Head))
	for _, name := range slices.Sorted(maps.Keys(s.Projections)) {
		line(name, "event "+words.Thousands(s.Projections[name].Sequence))
	}
	// How far the checks in the background have come, which is not how far the log is.
	for _, part := range slices.Sorted(maps.Keys(s.Verified)) {
		v := s.Verified[part]
		line("verified "+part, fmt.Sprintf("up to %s at %s", words.Thousands(v.Sequence),
			v.At.Format(time.RFC3339)))
	}
	line("intake",
		words.Thousands(s.Intake.Waiting)+" packs wait, "+words.Thousands(s.Intake.Refused)+
			" refused messages to be settled")
	// Told only where it has happened: it is something to act on, with larger limits or sooner
	// retries.
	if removed := s.Intake.Removed; removed.ForRoom+removed.ForAge > 0 {
		line("removed", words.Thousands(removed.ForRoom)+" refusals to make room, "+
			words.Thousands(removed.ForAge)+" for their age, since the start")
	}
	for _, stream := range s.Streams {
		words := fmt.Sprintf("%d of %d replicas are current", stream.Current, stream.Replicas)
		if stream.Leader != "" {
			words += ", led by " + stream.Leader
		}
		line(stream.Name, words)
	}
	return table.Flush()
}

// writerWords says who writes: by its URL, else by its name, and since when, as far as each is
// known. Where this ledger writes and has no URL, there is nothing more that a reader could use.
func writerWords(w *ledger.WriterStatus) string {
	switch {
	case w == nil:
		return "nobody, as far as this ledger knows"
	case w.Here && w.URL == "":
		return "this ledger"
	}
	// The name is of a machine and a process, the URL is where to ask: whoever reads this wants the
	// second.
	text := cmp.Or(w.URL, w.Name)
	if w.Name != "" && text != w.Name {
		text += " (" + w.Name + ")"
	}
	if !w.Since.IsZero() {
		text += " since " + w.Since.UTC().Format(time.RFC3339)
	}
	if w.Here {
		text += ", this ledger"
	}
	return strings.TrimSpace(text)
}
