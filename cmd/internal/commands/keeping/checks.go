package keeping

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"text/tabwriter"

	"cakupan/cmd/internal/backups"
	"cakupan/cmd/internal/cli"
	"cakupan/cmd/internal/cli/words"
	"cakupan/cmd/internal/client"
	"cakupan/cmd/internal/ledger"
	"cakupan/cmd/internal/problem"
	"cakupan/eventstore"
)

// Replay rebuilds a projection and compares (contract, section 6). To 0 is the end of the
// log.
type Replay struct {
	Projection string `placeholder:"NAME" help:"Which: coverage (the default), history, findings."`
	To         uint64 `placeholder:"SEQ" help:"Last event to apply; default: the end of the log."`
	Swap       bool   `help:"Put the rebuilt one in place of the live one."`
}

// Help returns what --help shows beyond the flags.
func (*Replay) Help() string {
	return `Builds a projection again from event 1 in a fresh file beside the live one, and compares
the digests of the two at the same event.

Examples:

	cakupan replay
	cakupan replay --to 100000 --json
	cakupan replay --projection history
	cakupan replay --swap` + cli.ExitCodes
}

// Run replays, prints what came of it, and ends with exit 5 where the digests differ. The result is
// printed then too: it is what has to be looked into.
func (c *Replay) Run(ctx context.Context, w *cli.Where, out *cli.Console) error {
	return w.With(ctx, out, false, func(s *client.Client) error {
		result, err := c.replay(ctx, s, out)
		if err != nil {
			return err
		}
		if w.JSON {
			err = out.WriteJSON(result)
		} else {
			err = writeResult(out, result)
		}
		if err != nil || result.Matches {
			return err
		}
		return problem.New(problem.DigestDiffers, "the digest differs from the live one: the live "+
			result.Projection+" is wrong, or the log was changed; run cakupan verify")
	})
}

// writeResult prints what a replay came to, for people.
func writeResult(out *cli.Console, result ledger.ReplayResult) error {
	verdict := "the live one is the same ✓"
	if !result.Matches {
		verdict = "the live one is another ✗"
	}
	_, err := fmt.Fprintf(out.Stdout, "%s: %s in %.2f s (%s events/s)\ndigest %s: %s\n",
		result.Projection, words.Counted(result.Events, "event"), result.Seconds,
		words.Thousands(uint64(result.EventsPerSecond)), result.Digest, verdict)
	return err
}

// replay has the ledger replay. A server does it while it answers and tells nothing before the end;
// of a folder the progress is shown. If we crash before the swap the live projection is as it was,
// after it the rebuilt one is live; see ledger.Replay.
func (c *Replay) replay(ctx context.Context, s *client.Client, out *cli.Console,
) (result ledger.ReplayResult, err error) {
	if s.Ledger() == nil {
		// The server refuses to swap: that is for whoever runs the ledger, on the folder of one
		// that is stopped.
		query := client.Values("projection", c.Projection, "swap", cli.TrueOrNothing(c.Swap))
		if c.To > 0 {
			query.Set("to", strconv.FormatUint(c.To, 10))
		}
		return result, s.Post(ctx, "/v1/replay", query.Encode(), &result)
	}
	m := out.Meter("replay")
	defer m.End()
	return s.Ledger().Replay(ctx, ledger.ReplayOptions{
		Projection: c.Projection, To: eventstore.Sequence(c.To), Swap: c.Swap,
	}, m.Sequence)
}

// Verify checks a ledger, or a backup (contract, sections 6 and 10). It changes nothing: a
// folder may be read-only or in use. The flags and files exclude each other, as Run sees to.
type Verify struct {
	Files []string `arg:"" optional:"" name:"file" help:"A backup, then the increments after it."`
	NATS  string   `name:"nats" type:"login" placeholder:"URL" help:"${nats}"`
}

// Help returns what --help shows beyond the flags.
func (*Verify) Help() string {
	return `Reads the whole log: order, density, every event decoded, every frame's root recomputed.
It prints each damaged range of events. It says of each file of the data folder what it is
and how it is, and compares each cache with a fresh fold of the log: that takes about as long
again. A damaged cache heals by itself; damage of anything else is exit 5.

Of the files of a backup it checks each byte, the log likewise, that vault and register hold all
that the log refers to, and that each file goes on from the one before.

Examples:

	cakupan verify
	cakupan verify --json
	cakupan verify --data ./copy --nats nats://10.0.0.1,nats://10.0.0.2
	cakupan verify monday.backup tuesday.backup` + cli.ExitCodes
}

// Run checks what the command line names: files of a backup, a cluster, else the ledger of the
// folder or the server. Damage that does not heal by itself is exit 5; what cannot be read at all
// is the error itself.
func (c *Verify) Run(ctx context.Context, w *cli.Where, out *cli.Console) error {
	switch {
	case len(c.Files) > 0:
		return c.files(ctx, w, out)
	case c.NATS != "":
		return c.cluster(ctx, w, out)
	}
	return w.Reading(ctx, out, func(s *client.Client) error {
		report, err := c.verify(ctx, s, out)
		if err != nil {
			return err
		}
		return writeVerdict(w, out, report)
	})
}

// cluster checks a ledger whose log is on a cluster, by the keys and caches in the folder. Without
// the keys nobody can say whether vault and log belong together.
func (c *Verify) cluster(ctx context.Context, w *cli.Where, out *cli.Console) error {
	if w.Server != "" || w.SecretFile != "" {
		return cli.Usage("--nats is for a folder: a server knows its cluster")
	}
	// Opened to read: a check must not become the writer of the cluster.
	opts := ledger.Options{Dir: w.Folder(), NATS: c.NATS}
	l, err := ledger.OpenToRead(ctx, opts, func(words string) { out.Note("%s", words) })
	if err != nil {
		return err
	}
	m := out.Meter("verify")
	report, err := l.Verify(ctx, m.Sequence)
	m.End()
	if err := errors.Join(err, l.Close()); err != nil {
		return err
	}
	return writeVerdict(w, out, report)
}

// files checks a backup: the whole one first, then its increments in order. It needs no ledger and
// no key.
func (c *Verify) files(ctx context.Context, w *cli.Where, out *cli.Console) error {
	if w.Server != "" || w.SecretFile != "" || c.NATS != "" {
		return cli.Usage("a backup is checked here: name its files alone")
	}
	m := out.Meter("verify")
	chain, err := backups.Check(ctx, c.Files, m.Sequence)
	m.End()
	if err != nil {
		return err
	}
	// A backup of an older program is whole without them, so it is said and no fault.
	if !chain.HasLookups() {
		out.Note(noLookups)
	}
	return writeVerdict(w, out, ledger.ReportOf(&chain.Report))
}

// writeVerdict writes a report, and ends with what it says: nil where all is well or heals by
// itself, else exit 5 without another word, for the report has said which part is damaged.
func writeVerdict(w *cli.Where, out *cli.Console, report ledger.VerifyReport) error {
	var err error
	if w.JSON {
		err = out.WriteJSON(report)
	} else {
		err = writeReport(out, report)
	}
	if err != nil || report.OK {
		return err
	}
	return cli.QuietExit(problem.ExitCheckFailed)
}

// verify has the ledger check itself. Of a folder the progress is shown; a server tells nothing
// before the end.
func (c *Verify) verify(ctx context.Context, s *client.Client, out *cli.Console,
) (report ledger.VerifyReport, err error) {
	if s.Ledger() == nil {
		return report, s.Post(ctx, "/v1/verify", "", &report)
	}
	m := out.Meter("verify")
	defer m.End()
	return s.Ledger().Verify(ctx, m.Sequence)
}

// writeReport prints a report for people: the damage of the log, then each file, then one sentence.
// Damage of the log is the worst and needs a copy, so it is the last word where there is any.
func writeReport(out *cli.Console, report ledger.VerifyReport) error {
	for _, f := range report.Findings {
		where := fmt.Sprintf("events %d to %d", f.From, f.To)
		switch f.To {
		case 0:
			// Nobody knows where the damage ends: what comes after it cannot be read either.
			where = fmt.Sprintf("event %d to the end of the log", f.From)
		case f.From:
			where = fmt.Sprintf("event %d", f.From)
		}
		if _, err := fmt.Fprintf(out.Stdout, "damaged: %s: %s\n", where, f.What); err != nil {
			return err
		}
	}
	if err := writeFiles(out, report); err != nil {
		return err
	}
	for i := range report.Copies {
		c, word := &report.Copies[i], "degraded"
		if c.IsDisputed() {
			word = "damaged"
		}
		_, err := fmt.Fprintf(out.Stdout, "%s: %s: %s\n", word, c.What, c.Remedy)
		if err != nil {
			return err
		}
	}
	if len(report.Findings) > 0 {
		_, err := fmt.Fprintf(out.Stdout, "the log is damaged: restore it from a copy\n")
		return err
	}
	if !report.OK {
		_, err := fmt.Fprintln(out.Stdout, "something is wrong that does not heal by itself")
		return err
	}
	verdict := "nothing is wrong"
	if len(report.Copies) > 0 {
		verdict = "nothing is lost"
	}
	_, err := fmt.Fprintf(out.Stdout, "%s in %s: %s\nroot %s\n",
		words.Counted(report.Events, "event"), words.Counted(report.Frames, "frame"), verdict,
		report.Root)
	return err
}

// writeFiles writes how the files are, and whether the caches say what the log says. A cache that
// is damaged heals by itself; one that is sound and differs from the log needs the command that
// stands beside it.
func writeFiles(out *cli.Console, report ledger.VerifyReport) error {
	table := tabwriter.NewWriter(out.Stdout, 0, 8, 2, ' ', 0)
	for _, f := range report.Files {
		cache := "not derived"
		if f.Cache {
			cache = "cache"
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", f.State, cache, f.Path, f.Kind)
		// What to do stands below what is wrong, also that nothing is.
		for _, finding := range append(f.Findings, f.Remedy) {
			if finding != "" {
				_, _ = fmt.Fprintf(table, "\t\t\t%s\n", finding)
			}
		}
	}
	for _, c := range report.Caches {
		verdict := "is what a fresh fold of the log is ✓"
		switch {
		case c.Why != "":
			// It was not compared, so that it does not match says nothing.
			verdict = c.Why
		case !c.Matches:
			verdict = "differs from a fresh fold of the log ✗: run cakupan replay --swap" +
				" --projection " + c.Projection
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\tevent %s\t%s\n",
			c.Projection, "digest", words.Thousands(c.Sequence), verdict)
	}
	return table.Flush()
}
