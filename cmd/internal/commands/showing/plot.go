package showing

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/guptarohit/asciigraph"

	"cakupan/cmd/internal/cli"
	"cakupan/cmd/internal/cli/answers"
	"cakupan/cmd/internal/cli/words"
	"cakupan/cmd/internal/client"
	"cakupan/cmd/internal/lists"
	"cakupan/projections/coverage"
)

// Plot draws the coverage of a region over time, in characters. Dates, steps and indicators
// are read by the ledger, which knows their defaults: here they are passed on as they were given.
// Width and Height count characters, without the axis. Known may be given several times, up to once
// a mark.
type Plot struct {
	Region    string   `placeholder:"CODE" help:"${region}; default: ID."`
	From      string   `placeholder:"DATE" help:"First day; default: a year before the last."`
	Until     string   `placeholder:"DATE" help:"Last day, in; default: today in Asia/Makassar."`
	Step      string   `placeholder:"STEP" help:"day, or month: the last day of each (default)."`
	Known     []string `placeholder:"WHEN" help:"${plotKnown}"`
	Indicator string   `placeholder:"NAME" help:"${indicator}"`
	Width     int      `placeholder:"COLUMNS" help:"${plotWidth}"`
	Height    int      `default:"16" placeholder:"LINES" help:"How high (default: 16)."`
	Lang      string   `enum:"en,id," default:"" placeholder:"en|id" help:"${lang}"`
}

// Help returns what --help shows beyond the flags.
func (*Plot) Help() string {
	return `Draws the percentage, or those covered where there is none, and the target of the last
day. With --known more than once, a line each: what was known then, and what is known now.

Examples:

	cakupan plot --region 75.03 --from 2019-01-01 --until 2023-12-31
	cakupan plot --region 75.03 --from 2020-06-01 --until 2021-06-30 --known 2021-01-04,4711` +
		cli.ExitCodes
}

// The bounds of a plot: what is smaller is not to be read, what is larger fits no terminal.
const (
	plotColumnsMin, plotColumnsMax = 20, 400
	plotLinesMin, plotLinesMax     = 4, 100
	plotColumns                    = 100 // by itself
	plotAxis                       = 10  // columns beside the plot that its axis takes
)

// line is one line of a plot: the series as known at one moment. All lines of a plot have the same
// days, as only the knowledge differs between them.
type line struct {
	name   string
	mark   string
	points []coverage.Point
}

// plotMarks tell lines apart where there are no colours; how many there are bounds how many lines a
// plot has. The target has a mark of its own.
var plotMarks = []string{"•", "+", "x", "o", "*"}

// Run runs the command. With fewer than two days there is no line to draw, which is wrong usage and
// not an empty plot. The target is that of the last day, as the first of the moments knows it.
func (c *Plot) Run(ctx context.Context, w *cli.Where, out *cli.Console) error {
	switch {
	case w.JSON:
		return cli.Usage("plot draws; its numbers are in cakupan series --json")
	case c.width(out) < plotColumnsMin || c.width(out) > plotColumnsMax ||
		c.Height < plotLinesMin || c.Height > plotLinesMax:
		return cli.Usage(fmt.Sprintf("--width must be %d to %d and --height %d to %d",
			plotColumnsMin,
			plotColumnsMax, plotLinesMin, plotLinesMax))
	case len(c.Known) > len(plotMarks):
		return cli.Usage(fmt.Sprintf("--known may be given %d times at the most", len(plotMarks)))
	}
	knowns := c.Known
	// No moment is one line too: everything recorded.
	if len(knowns) == 0 {
		knowns = []string{""}
	}
	return w.Reading(ctx, out, func(s *client.Client) error {
		lines := make([]line, len(knowns))
		for i, known := range knowns {
			shown, err := client.List[answers.ShownPoint](ctx, s, "/v1/series", client.Values(
				"region", c.Region, "from", c.From, "until", c.Until, "step", c.Step,
				"known", known, "indicator", c.Indicator))
			if err != nil {
				return err
			}
			points, err := answers.Wholes[coverage.Point](shown)
			if err != nil {
				return err
			}
			lines[i] = line{
				name: plotName(languageOf(c.Lang), known), mark: plotMarks[i], points: points,
			}
		}
		if len(lines[0].points) < 2 {
			return cli.Usage("there are fewer than two days to draw: name an earlier --from, or" +
				" --step day")
		}
		// The ledger has chosen the days, also where --until was left out: its last one is asked
		// about, and not today, which may have become another day meanwhile.
		last := lines[0].points[len(lines[0].points)-1].On
		// A region that is named has exactly one answer; one that is left out would have that of
		// every region.
		shown, err := client.List[answers.ShownAnswer](ctx, s, "/v1/coverage", client.Values(
			"region", c.region(), "on", last, "known", knowns[0], "indicator", c.Indicator))
		if err != nil {
			return err
		}
		answers, err := answers.Wholes[coverage.Answer](shown)
		if err != nil {
			return err
		}
		return c.draw(out, lines, &answers[0])
	})
}

// width returns how wide the plot is: as it was told, or else as wide as is well to read, where the
// terminal has room for that.
func (c *Plot) width(out *cli.Console) int {
	if c.Width != 0 {
		return c.Width
	}
	width := plotColumns
	if columns, _ := out.Room(); columns > 0 {
		width = min(width, max(plotColumnsMin, columns-plotAxis-1))
	}
	return width
}

// plotName returns what the legend calls the knowledge of a line.
func plotName(l lists.Language, known string) string {
	if known == "" {
		return l.Pick("semua yang tercatat", "everything recorded")
	}
	return l.Pick("sebagaimana diketahui pada ", "as known at ") + known
}

// region returns the region that is drawn. The series has the nation as its default; the coverage,
// without a region, answers about all.
func (c *Plot) region() string {
	if c.Region == "" {
		return "ID"
	}
	return c.Region
}

// draw prints the plot, with what its lines are. last is the answer about the last day. The
// percentage is drawn as soon as one point has one; only where no point has is it the number of
// covered workers, which has no target beside it. The lowest value is always 0: a cut axis makes a
// small change look large.
func (c *Plot) draw(out *cli.Console, lines []line, last *coverage.Answer) error {
	hasPercent, language := false, languageOf(c.Lang)
	for _, l := range lines {
		for _, p := range l.points {
			hasPercent = hasPercent || p.Percent != nil
		}
	}
	data := make([][]float64, 0, len(lines)+1)
	characters := make([]asciigraph.CharSet, 0, len(lines)+1)
	var legend strings.Builder
	for _, l := range lines {
		data = append(data, l.values(hasPercent))
		characters = append(characters, asciigraph.CreateCharSet(l.mark))
		// What is drawn may rest on no payment at all: how much of it does not is said beside it.
		end := l.points[len(l.points)-1]
		fmt.Fprintf(&legend, language.Pick("  %s %s: %s terlindungi pada %s, %s di antaranya"+
			" terkonfirmasi oleh pembayaran yang dibukukan\n",
			"  %s %s: %s covered on %s, %s of them confirmed by money booked\n"),
			l.mark, l.name, words.Numeral(language, end.Covered), end.On,
			words.Numeral(language, end.Confirmed))
	}
	what := language.Pick("terlindungi", "covered")
	if hasPercent {
		what = language.Pick("persen terlindungi", "percent covered")
		if last.Target != nil {
			target, err := strconv.ParseFloat(last.Target.Percent, 64)
			if err == nil {
				// First, so that what is covered is drawn over it.
				data = slices.Insert(data, 0, level(target, len(lines[0].points)))
				characters = slices.Insert(characters, 0, asciigraph.CreateCharSet("-"))
				fmt.Fprintf(&legend, "  - target %s\n",
					words.Separated(language, words.Target(last.Target)))
			}
		}
	}
	plot := asciigraph.PlotMany(data, asciigraph.Width(c.width(out)), asciigraph.Height(c.Height),
		asciigraph.Precision(0), asciigraph.LowerBound(0), asciigraph.SeriesChars(characters...))
	points := lines[0].points
	first, until := points[0].On, points[len(points)-1].On
	// The first and the last day stand below the ends of the plot; dates are ASCII, so bytes are
	// columns.
	space := max(1, c.width(out)-len(first)-len(until))
	_, err := fmt.Fprintf(out.Stdout, "%s: %s\n\n%s\n%s%s%s%s\n\n%s", last.Name, what, plot,
		strings.Repeat(" ", plotAxis), first, strings.Repeat(" ", space), until, legend.String())
	return err
}

// values returns what a line shows, a value a point; where there is nothing, not a number, which is
// drawn as a gap: a day without a workforce is none with 0 percent. Floating point is good enough
// for characters; percentages that count are decimal strings.
func (l line) values(percent bool) []float64 {
	values := make([]float64, len(l.points))
	for i, p := range l.points {
		switch {
		case !percent:
			values[i] = float64(p.Covered)
		case p.Percent == nil:
			values[i] = math.NaN()
		default:
			value, err := strconv.ParseFloat(*p.Percent, 64)
			if err != nil {
				value = math.NaN()
			}
			values[i] = value
		}
	}
	return values
}

// level returns a line of one height, with as many points as the others have: the plot stretches
// each line over its whole width.
func level(at float64, points int) []float64 {
	values := make([]float64, points)
	for i := range values {
		values[i] = at
	}
	return values
}
