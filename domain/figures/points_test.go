package figures_test

import (
	"testing"

	"cakupan/domain/figures"
)

// TestPoints takes the figures of Gorontalo apart: more heads, and a larger workforce.
func TestPoints(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		from, to               figures.Share
		numerator, denominator string
	}{
		{figures.Share{254_675, 466_368}, figures.Share{314_210, 582_000}, "12.7657", "-13.3859"},
		{figures.Share{1, 3}, figures.Share{2, 3}, "33.3333", "0.0000"},
		{figures.Share{2, 3}, figures.Share{1, 3}, "-33.3333", "0.0000"},
		{figures.Share{1, 20_000_000}, figures.Share{0, 20_000_000}, "0.0000", "0.0000"},
		{figures.Share{0, 1}, figures.Share{0, 2}, "0.0000", "0.0000"},
		{figures.Share{1, 2_000_000}, figures.Share{0, 1}, "-0.0001", "0.0000"},
		{figures.Share{1 << 53, 1}, figures.Share{0, 1}, "-900719925474099200.0000", "0.0000"},
	} {
		numerator, denominator := figures.Points(c.from, c.to)
		if numerator != c.numerator || denominator != c.denominator {
			t.Errorf("%v to %v: %s and %s, want %s and %s", c.from, c.to, numerator, denominator,
				c.numerator, c.denominator)
		}
	}
}
