package showing

import (
	"bytes"
	"strings"
	"testing"

	"cakupan/cmd/internal/cli"
	"cakupan/cmd/internal/problem"
	"cakupan/projections/coverage"
)

// TestSeriesForms: on a terminal a chart stands above the table, of one point there is none; as CSV
// a percentage that there is none of is an empty cell.
func TestSeriesForms(t *testing.T) {
	percent := "24.68"
	points := []coverage.Point{
		{On: "2020-11-30", Covered: 1_234, Confirmed: 1, InGrace: 2},
		{On: "2020-12-31", Covered: 2_468, Confirmed: 3, InGrace: 4, Percent: &percent},
	}
	for _, c := range []struct {
		chart  bool
		points []coverage.Point
		charts bool
	}{{true, points, true}, {false, points, false}, {true, points[:1], false}} {
		var stdout bytes.Buffer
		if err := seriesTable(&cli.Console{Stdout: &stdout, Chart: c.chart}, c.points); err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(stdout.String(), "▄█\n\n") != c.charts ||
			!strings.Contains(stdout.String(), "2020-11-30    1,234          1        –         2\n") {
			t.Errorf("%+v:\n%s", c, &stdout)
		}
	}
	var sheet strings.Builder
	want := "on,covered,confirmed,in_grace,percent\n2020-11-30,1234,1,2,\n2020-12-31,2468,3,4,24.68\n"
	if err := seriesCSV(&sheet, points); err != nil || sheet.String() != want {
		t.Errorf("%v\n%s, want\n%s", err, &sheet, want)
	}
}

// TestUsage: two forms of one answer, and a plot that cannot be drawn, are refused before a ledger
// is looked for.
func TestUsage(t *testing.T) {
	w := &cli.Where{Data: t.TempDir() + "/none", JSON: true}
	text := &cli.Where{Data: w.Data}
	out := &cli.Console{Stdout: &bytes.Buffer{}, Stderr: &bytes.Buffer{}}
	for i, err := range []error{
		(&Coverage{CSV: true}).Run(t.Context(), w, out),
		(&Series{CSV: true}).Run(t.Context(), w, out),
		(&Plot{Height: 15}).Run(t.Context(), w, out),
		(&Plot{Height: plotLinesMin - 1}).Run(t.Context(), text, out),
		(&Plot{Height: 15, Width: plotColumnsMax + 1}).Run(t.Context(), text, out),
		(&Plot{Height: 15, Known: make([]string, len(plotMarks)+1)}).Run(t.Context(), text, out),
	} {
		if problem.From(err).Code != problem.UsageWrong {
			t.Errorf("%d: %v", i, err)
		}
	}
}

// TestPlot draws the percentage with its target where a point has one, else the covered; a day
// without a workforce is a gap, and the axis begins at 0.
func TestPlot(t *testing.T) {
	half, more := "50.00", "60.00"
	target := &coverage.Target{Percent: "80.00"}
	lines := []line{{name: "everything recorded", mark: "•", points: []coverage.Point{
		{On: "2020-11-30", Covered: 5, Percent: &half},
		{On: "2020-12-01", Covered: 6},
		{On: "2020-12-31", Covered: 7, Percent: &more},
	}}}
	answer := &coverage.Answer{Name: "Gorontalo", Target: target}
	plot := &Plot{Width: 40, Height: 8}
	draw := func() string {
		var stdout bytes.Buffer
		if err := plot.draw(&cli.Console{Stdout: &stdout}, lines, answer); err != nil {
			t.Fatal(err)
		}
		return stdout.String()
	}
	text := draw()
	for _, want := range []string{
		"Gorontalo: percent covered\n", " 80 ┼", "  0 ┤", "2020-11-30", "2020-12-31",
		"- target 80.00 %", "• everything recorded",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	for i := range lines[0].points {
		lines[0].points[i].Percent = nil
	}
	if text = draw(); !strings.Contains(text, "Gorontalo: covered\n") || strings.Contains(text, "target") {
		t.Errorf("without a workforce:\n%s", text)
	}
}
