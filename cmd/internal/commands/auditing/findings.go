package auditing

import (
	"context"
	"errors"

	"cakupan/cmd/internal/cli"
	"cakupan/cmd/internal/cli/answers"
	"cakupan/cmd/internal/client"
)

// Findings prints what the events contradict (contract, section 8). From and To are
// sequences, both in. The words are Indonesian unless --lang says otherwise: they are for those who
// sent the events.
type Findings struct {
	Code       string `placeholder:"CODE" help:"Such as DOUBLE_FUNDED; default: all."`
	Region     string `placeholder:"CODE" help:"${region}, with all in it; default: all."`
	Worker     string `placeholder:"ID" help:"About this worker, or an enrolment of the worker."`
	Enrolment  string `placeholder:"ID" help:"About this enrolment."`
	Commitment string `placeholder:"ID" help:"About this commitment, or a grant of it."`
	Open       bool   `help:"Those alone that are not resolved."`
	From       string `placeholder:"SEQ" help:"${findingsFrom}"`
	To         string `placeholder:"SEQ" help:"The last of those events."`
	Known      string `placeholder:"WHEN" help:"${known}"`
	Lang       string `enum:"id,en" default:"id" help:"Language: id or en (default: id)."`
	CSV        bool   `name:"csv" help:"Answer in CSV, for spreadsheets: a row a finding."`
	Summary    bool   `help:"Count them by code and region, with months and rupiah at stake."`
}

// Help returns what --help shows beyond the flags.
func (*Findings) Help() string {
	return `A finding is there from the event that raised it (since) until the one that resolved
it, and names the events that contradict each other: cakupan log --from N --to N shows one. One
that is resolved and raised again is a new one. Codes: docs/contract.md, section 8.

Examples:

	cakupan findings --open --lang en
	cakupan findings --code DOUBLE_FUNDED --region 75.03 --known 2021-01-04
	cakupan findings --commitment bb-2021-rentan --csv > findings.csv
	cakupan findings --summary --region 75` + cli.ExitCodes
}

// Run asks and prints. That there are findings is no error: the exit code says only whether they
// could be had.
func (c *Findings) Run(ctx context.Context, w *cli.Where, out *cli.Console) error {
	if c.CSV && w.JSON {
		return cli.Usage("--csv and --json exclude each other")
	}
	query := client.Values("code", c.Code, "region", c.Region, "worker", c.Worker,
		"enrolment", c.Enrolment, "commitment", c.Commitment, "from", c.From, "to", c.To,
		"known", c.Known, "lang", c.Lang)
	if c.Open {
		query.Set("open", "true")
	}
	if c.Summary {
		query.Set("summary", "true")
	}
	return w.With(ctx, out, false, func(s *client.Client) error {
		response, err := s.Get(ctx, "/v1/findings", query)
		if err != nil {
			return err
		}
		if w.JSON {
			return errors.Join(answers.CopyLines(out.Stdout, response.Body), response.Body.Close())
		}
		p := answers.NewFindings(out.Stdout, c.CSV, languageOf(c.Lang))
		// A summary is one line with all counts, not a line a finding.
		print := p.Print
		if c.Summary {
			print = p.Summary
		}
		// All three run in this order, whatever fails: what was printed is flushed, and the body
		// must be closed before the ledger is.
		return errors.Join(answers.EachLine(response.Body, print), p.End(c.Summary),
			response.Body.Close())
	})
}
