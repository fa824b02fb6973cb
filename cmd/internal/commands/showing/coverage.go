// Package showing has the commands that show how many are covered: as a table, over time, drawn,
// and as it changes.
package showing

import (
	"context"
	"os"

	"cakupan/cmd/internal/cli"
	"cakupan/cmd/internal/cli/answers"
	"cakupan/cmd/internal/cli/words"
	"cakupan/cmd/internal/client"
	"cakupan/cmd/internal/indonesian"
	"cakupan/cmd/internal/lists"
	"cakupan/projections/coverage"
)

// Coverage prints the coverage of regions (contract, sections 4 and 6). Without a region it
// is that of all that have something to show. What the flags may say the ledger knows; an empty one
// is not asked.
type Coverage struct {
	Region    string   `placeholder:"CODE" help:"${region}; ${all}."`
	On        string   `placeholder:"DATE" help:"${on}"`
	Known     string   `placeholder:"WHEN" help:"${known}"`
	Indicator string   `placeholder:"NAME" help:"${indicator}"`
	By        []string `placeholder:"DIMENSION" help:"${by}"`
	Count     string   `placeholder:"WHAT" help:"${count}"`
	CSV       bool     `name:"csv" help:"Answer in CSV, for spreadsheets."`
	Lang      string   `enum:"en,id," default:"" placeholder:"en|id" help:"${lang}"`
}

// Help returns what --help shows beyond the flags.
func (*Coverage) Help() string {
	return `Examples:

	cakupan coverage --on 2020-12-31
	cakupan coverage --region 75.03 --on 2020-12-31 --known 2021-01-04 --by funding
	cakupan coverage --on 2020-12-31 --by segment,evidence --count enrolments
	cakupan coverage --server http://127.0.0.1:7070 --json` + cli.ExitCodes
}

// Run asks for the coverage and prints it: for machines to the byte as the route answers, small
// counts as null where they are hidden; for people and as CSV only an answer of which nothing is
// hidden.
func (c *Coverage) Run(ctx context.Context, w *cli.Where, out *cli.Console) error {
	// Each is another form of the same answer; one would be lost.
	if c.CSV && w.JSON {
		return cli.Usage("--csv and --json exclude each other")
	}
	query := client.Values("region", c.Region, "on", c.On, "known", c.Known,
		"indicator", c.Indicator, "count", c.Count)
	for _, dimension := range c.By {
		query.Add("by", dimension)
	}
	return w.Reading(ctx, out, func(s *client.Client) error {
		if w.JSON {
			return s.Copy(ctx, out.Stdout, "/v1/coverage", query)
		}
		// Regions are few, so all answers are in memory: a table needs its widths, and CSV its
		// columns.
		shown, err := client.List[answers.ShownAnswer](ctx, s, "/v1/coverage", query)
		if err != nil {
			return err
		}
		all, err := answers.Wholes[coverage.Answer](shown)
		switch {
		case err != nil:
			return err
		case c.CSV:
			return answers.CoverageCSV(out.Stdout, all)
		}
		return answers.CoverageTable(out.Stdout, all, c.Count, languageOf(c.Lang))
	})
}

// languageOf returns the language of what a command says: what --lang says, else the environment.
func languageOf(flag string) lists.Language {
	return words.Language(indonesian.Chosen(flag, os.Getenv))
}
