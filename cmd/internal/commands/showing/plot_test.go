package showing

import (
	"testing"

	"cakupan/cmd/internal/cli"
)

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
