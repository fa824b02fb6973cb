package showing

import (
	"bytes"
	"strings"
	"testing"

	"cakupan/cmd/internal/cli"
	"cakupan/projections/coverage"
)

// TestPlotWords: heading and legend are in the language that is asked for, the drawing is the same.
func TestPlotWords(t *testing.T) {
	percent := "20.50"
	share := []coverage.Point{{On: "2020-01-31", Percent: &percent}, {On: "2020-02-29"}}
	count := []coverage.Point{{On: "2020-01-31", Covered: 3}, {On: "2020-02-29", Covered: 1_004, Confirmed: 1_001}}
	last := &coverage.Answer{Name: "Gorontalo", Target: &coverage.Target{Percent: "52.15"}}
	var drawings []string
	for _, c := range []struct {
		lang, known string
		points      []coverage.Point
		want        []string
	}{
		{"en", "", share, []string{"Gorontalo: percent covered\n", "everything recorded", "52.15 %"}},
		{"id", "", share, []string{"Gorontalo: persen terlindungi\n", "semua yang tercatat", "52,15 %"}},
		{"en", "4711", count, []string{"Gorontalo: covered\n", "as known at 4711", ": 1,004 covered on 2020-02-29, 1,001 of"}},
		{"id", "4711", count, []string{
			"Gorontalo: terlindungi\n", "sebagaimana diketahui pada 4711",
			": 1.004 terlindungi pada 2020-02-29, 1.001 di antaranya terkonfirmasi",
		}},
	} {
		var text bytes.Buffer
		plot := &Plot{Lang: c.lang, Width: 20, Height: 4}
		err := plot.draw(&cli.Console{Stdout: &text}, []line{{
			name: plotName(languageOf(c.lang), c.known), mark: plotMarks[0], points: c.points,
		}}, last)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range c.want {
			if !strings.Contains(text.String(), want) {
				t.Errorf("--lang %s: no %q in %s", c.lang, want, text.String())
			}
		}
		drawings = append(drawings, strings.Split(text.String(), "\n\n")[1])
	}
	if drawings[0] != drawings[1] || drawings[2] != drawings[3] || drawings[0] == drawings[2] {
		t.Errorf("drawn as %q", drawings)
	}
}

// TestPlotWidth: a plot is as wide as it is told, or as the terminal has room for.
func TestPlotWidth(t *testing.T) {
	for _, c := range []struct{ told, columns, want int }{
		{0, 0, 100}, {0, 200, 100}, {0, 80, 69}, {0, 10, plotColumnsMin}, {150, 80, 150},
	} {
		out := &cli.Console{Size: func() (int, int) { return c.columns, 24 }}
		if got := (&Plot{Width: c.told}).width(out); got != c.want {
			t.Errorf("%+v: %d", c, got)
		}
	}
}
