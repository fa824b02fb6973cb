package showing

import (
	"context"
	"fmt"
	"io"

	"cakupan/cmd/internal/cli"
	"cakupan/cmd/internal/cli/answers"
	"cakupan/cmd/internal/cli/table"
	"cakupan/cmd/internal/cli/words"
	"cakupan/cmd/internal/client"
	"cakupan/projections/coverage"
)

// Series prints the coverage of a region over time (contract, section 6). The ledger has the
// defaults and refuses what it cannot read: here flags are passed on as they were given.
type Series struct {
	Region    string `placeholder:"CODE" help:"${region}; default: ID."`
	From      string `placeholder:"DATE" help:"First day; default: a year before the last."`
	Until     string `placeholder:"DATE" help:"Last day, in; default: today in Asia/Makassar."`
	Step      string `placeholder:"STEP" help:"day, or month: the last day of each (the default)."`
	Known     string `placeholder:"WHEN" help:"${known}"`
	Indicator string `placeholder:"NAME" help:"${indicator}"`
	CSV       bool   `name:"csv" help:"Answer in CSV, for spreadsheets."`
}

// Help returns what --help shows beyond the flags.
func (*Series) Help() string {
	return `Examples:

	cakupan series --region 75.03 --from 2019-01-01 --until 2023-12-31
	cakupan series --region 75 --from 2020-12-25 --until 2021-01-05 --step day --csv` +
		cli.ExitCodes
}

// Run runs the command. JSON is passed on as the ledger writes it, to the byte. For people and
// spreadsheets it must be whole: hidden counts have no place in a table, and are an error.
func (c *Series) Run(ctx context.Context, w *cli.Where, out *cli.Console) error {
	if c.CSV && w.JSON {
		return cli.Usage("--csv and --json exclude each other")
	}
	query := client.Values("region", c.Region, "from", c.From, "until", c.Until, "step", c.Step,
		"known", c.Known, "indicator", c.Indicator)
	return w.Reading(ctx, out, func(s *client.Client) error {
		if w.JSON {
			// Hidden counts are null in it, which JSON can say.
			return s.Copy(ctx, out.Stdout, "/v1/series", query)
		}
		shown, err := client.List[answers.ShownPoint](ctx, s, "/v1/series", query)
		if err != nil {
			return err
		}
		points, err := answers.Wholes[coverage.Point](shown)
		switch {
		case err != nil:
			return err
		case c.CSV:
			return seriesCSV(out.Stdout, points)
		}
		return seriesTable(out, points)
	})
}

// seriesTable prints the points for people, on a terminal with a line of blocks above them. Of one
// point there is nothing to draw.
func seriesTable(out *cli.Console, points []coverage.Point) error {
	t := table.New("On", ">Covered", ">Confirmed", ">Percent", ">In grace")
	covered := make([]int64, len(points))
	for i, p := range points {
		covered[i] = p.Covered
		t.Add(p.On, words.Thousands(p.Covered), words.Thousands(p.Confirmed),
			words.Percent(p.Percent), words.Thousands(p.InGrace))
	}
	if out.Chart && len(points) > 1 {
		_, err := fmt.Fprintf(out.Stdout, "%s\n\n", table.Sparkline(table.Thin(covered,
			out.ChartWidth())))
		if err != nil {
			return err
		}
	}
	return t.Write(out.Stdout)
}

// seriesCSV prints the points for spreadsheets. Numbers have no separators, and a percentage that
// there is none of is empty, not 0.
func seriesCSV(w io.Writer, points []coverage.Point) error {
	out := table.NewSheet(w)
	header := []string{"on", "covered", "confirmed", "in_grace", "percent"}
	_ = out.Write(header) // it keeps its first error
	for _, p := range points {
		_ = out.Write([]string{
			p.On, words.Number(p.Covered), words.Number(p.Confirmed), words.Number(p.InGrace),
			words.Pointed(p.Percent),
		})
	}
	out.Flush()
	return out.Error()
}
