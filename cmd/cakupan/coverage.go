package main

import (
	"context"
	"os"

	"cakupan/cmd/internal/client"
	"cakupan/cmd/internal/indonesian"
	"cakupan/cmd/internal/lists"
	"cakupan/projections/coverage"
)

// coverageCommand prints the coverage of regions (contract, sections 4 and 6). Without a region it
// is that of all that have something to show. What the flags may say the ledger knows; an empty one
// is not asked.
type coverageCommand struct {
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
func (*coverageCommand) Help() string {
	return `Examples:

	cakupan coverage --on 2020-12-31
	cakupan coverage --region 75.03 --on 2020-12-31 --known 2021-01-04 --by funding
	cakupan coverage --on 2020-12-31 --by segment,evidence --count enrolments
	cakupan coverage --server http://127.0.0.1:7070 --json` + exitCodes
}

// Run asks for the coverage and prints it: for machines to the byte as the route answers, small
// counts as null where they are hidden; for people and as CSV only an answer of which nothing is
// hidden.
func (c *coverageCommand) Run(ctx context.Context, w *where, out *console) error {
	// Each is another form of the same answer; one would be lost.
	if c.CSV && w.JSON {
		return usage("--csv and --json exclude each other")
	}
	query := client.Values("region", c.Region, "on", c.On, "known", c.Known,
		"indicator", c.Indicator, "count", c.Count)
	for _, dimension := range c.By {
		query.Add("by", dimension)
	}
	return w.reading(ctx, out, func(s *client.Client) error {
		if w.JSON {
			return s.Copy(ctx, out.stdout, "/v1/coverage", query)
		}
		// Regions are few, so all answers are in memory: a table needs its widths, and CSV its
		// columns.
		shown, err := client.List[shownAnswer](ctx, s, "/v1/coverage", query)
		if err != nil {
			return err
		}
		answers, err := wholes[coverage.Answer](shown)
		switch {
		case err != nil:
			return err
		case c.CSV:
			return coverageCSV(out.stdout, answers)
		}
		return coverageTable(out.stdout, answers, c.Count, languageOf(c.Lang))
	})
}

// languageOf returns the language of a table: what --lang says, else the environment, as for help.
func languageOf(flag string) lists.Language {
	if flag == "id" || flag == "" && indonesian.Wanted(nil, os.Getenv) {
		return lists.Indonesian
	}
	return lists.English
}
