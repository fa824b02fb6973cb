package proving

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/mod/sumdb/tlog"

	"cakupan/cmd/internal/bundle"
	"cakupan/cmd/internal/cli"
	"cakupan/cmd/internal/cli/answers"
	"cakupan/cmd/internal/cli/words"
	"cakupan/cmd/internal/client"
	"cakupan/cmd/internal/ledger"
	"cakupan/cmd/internal/problem"
	"cakupan/eventstore/durable"
)

// Bundle writes what proves a figure to a file (contract, section 8). The format is that of
// package bundle; it is made where the ledger is, and passes through here as it is.
type Bundle struct {
	Region    string `placeholder:"CODE" help:"${region}; default: ID."`
	On        string `placeholder:"DATE" help:"${on}"`
	Known     string `placeholder:"WHEN" help:"${known}"`
	Indicator string `placeholder:"NAME" help:"${indicator}"`
	Output    string `short:"o" required:"" placeholder:"FILE" help:"The file to be written."`
}

// Help returns what --help shows beyond the flags.
func (*Bundle) Help() string {
	return `A bundle holds the events that a figure rests on, and proof that they are the log's. It
shows the worker ids and enrolments of the region, and nobody of others: give it to whom that may
be given. Check it with cakupan check, on a machine that has nothing else.

Examples:

	cakupan bundle --region 75.03 --on 2020-12-31 --known 2021-01-15 -o bone-bolango.bundle
	cakupan bundle --region 75 --on 2020-12-31 -o gorontalo.bundle --server 127.0.0.1:7070` +
		cli.ExitCodes
}

// shownBundle is what was written, for machines. What is in it says cakupan check, which believes
// nobody.
type shownBundle struct {
	File  string `json:"file"`
	Bytes int64  `json:"bytes"`
}

// Run asks for the bundle and writes it. A figure before the first event has none: that is exit 4.
// The command that checks it is printed with the ledger's own key for convenience; who is to be
// convinced takes the key from elsewhere.
func (c *Bundle) Run(ctx context.Context, w *cli.Where, out *cli.Console) error {
	query := client.Values("region", c.Region, "on", c.On, "known", c.Known,
		"indicator", c.Indicator)
	return w.With(ctx, out, false, func(s *client.Client) error {
		response, err := s.Get(ctx, "/v1/bundle", query)
		if err != nil {
			return err
		}
		n, err := writeBundle(c.Output, response.Body)
		if err := errors.Join(err, response.Body.Close()); err != nil {
			return err
		}
		if w.JSON {
			return out.WriteJSON(shownBundle{c.Output, n})
		}
		_, err = fmt.Fprintf(out.Stdout, "%s: %s bytes. Check it with: cakupan check %s --key"+
			" \"$(cakupan checkpoint --key)\"\n", c.Output, words.Thousands(n), c.Output)
		return err
	})
}

// writeBundle writes an answer to a file, which has its name only when it is whole, and returns its
// length in bytes. A file of that name is replaced.
//
// If we crash before the commit, an older file is as it was and what came lies beside it as .tmp;
// after it, the new one is whole and lasts.
func writeBundle(path string, body io.Reader) (n int64, err error) {
	// It has worker ids and enrolments: whom it may be given to, its owner says.
	file, err := cli.BeginOutput(path)
	if err != nil {
		return 0, err
	}
	// What did not come whole is removed, and its error is the one to be told.
	drop := func(err error) (int64, error) {
		return 0, errors.Join(err, file.Close(), os.Remove(file.Name()))
	}
	if n, err = io.Copy(file, body); err != nil {
		return drop(fmt.Errorf("write bundle: %w", err))
	}
	// Only the sum at its end tells a bundle that was cut off. It is read as cakupan check will,
	// all at once: what does not fit into memory could not be checked either.
	data, err := os.ReadFile(file.Name())
	if err != nil {
		return drop(fmt.Errorf("write bundle: %w", err))
	}
	if !bundle.Whole(data) {
		return drop(answers.ErrCutOff)
	}
	// It closes the file, and removes it when it fails: drop has nothing left to do.
	if err := durable.Commit(file, path); err != nil {
		return 0, fmt.Errorf("write bundle: %w", err)
	}
	return n, nil
}

// Attest publishes a figure in the log (contract, section 8). There is no --known: a figure
// is published as of all that is recorded before it.
type Attest struct {
	Region    string `placeholder:"CODE" help:"${region}; default: ID."`
	On        string `placeholder:"DATE" help:"${on}"`
	Indicator string `placeholder:"NAME" help:"${indicator}"`
}

// Help returns what --help shows beyond the flags.
func (*Attest) Help() string {
	return `Appends an event of the ledger itself that says the figure, as known by all that is
recorded: how many events that is and the root over them, how many of them are of the region and
their digest, and the version of the rules. Nobody can publish one in the ledger's place, nor take
it back.

Examples:

	cakupan attest --region 75.03 --on 2020-12-31
	cakupan attest --region 75.03 --on 2020-12-31 --server http://127.0.0.1:7070` + cli.ExitCodes
}

// Run has the ledger publish the figure, and prints what it has published. A server does it for
// auditors, at its own machine alone. An error without an answer leaves open whether it did: to
// attest again publishes the figure again, as of then, which is no harm.
func (c *Attest) Run(ctx context.Context, w *cli.Where, out *cli.Console) error {
	query := client.Values("region", c.Region, "on", c.On, "indicator", c.Indicator)
	return w.With(ctx, out, false, func(s *client.Client) error {
		var a ledger.Attested
		if err := s.Post(ctx, "/v1/attest", query.Encode(), &a); err != nil {
			return err
		}
		// Something else than a ledger may answer with JSON that has none of this.
		if a.Sequence == 0 {
			return problem.New(problem.ServerUnreachable, "the server did not say what it"+
				" published")
		}
		if w.JSON {
			return out.WriteJSON(a)
		}
		return printAttested(out.Stdout, &a)
	})
}

// printAttested says what was published. The root is written as [proveCommand] writes it, which is
// what people compare it with; the event has it in base64.
func printAttested(w io.Writer, a *ledger.Attested) error {
	root := a.Root
	if hash, err := tlog.ParseHash(root); err == nil {
		root = hexHash(hash)
	}
	_, err := fmt.Fprintf(w, "%s %s on %s: covered %s, confirmed %s\n"+
		"published as event %d, by rules %s: it follows from the %s before it,"+
		" whose root is\n%s\n"+
		"Whether these are still the log's first: cakupan prove --from %d --to %d\n",
		a.Answer.Region, a.Answer.Name, a.Answer.On, words.Thousands(a.Answer.Covered),
		words.Thousands(a.Answer.Confirmed), a.Sequence, a.Rules,
		words.Counted(a.Size, "event"), root, a.Size, a.Sequence)
	return err
}
