package words

import (
	"testing"

	"cakupan/cmd/internal/lists"
	"cakupan/eventstore"
	"cakupan/projections/coverage"
)

// TestKnown: before the first event there is no time; after it, it is that of Makassar, to the
// second, in either language.
func TestKnown(t *testing.T) {
	at := "2020-12-31T16:00:00.999999999Z"
	for _, c := range []struct {
		known  coverage.Known
		en, id string
	}{
		{
			coverage.Known{},
			"as known before the first event",
			"sebagaimana diketahui sebelum peristiwa pertama",
		},
		{
			coverage.Known{RecordedAt: &at},
			"as known before the first event",
			"sebagaimana diketahui sebelum peristiwa pertama",
		},
		{
			coverage.Known{Sequence: 4711, RecordedAt: &at},
			"as known at event 4,711, recorded 2021-01-01 00:00:00 WITA",
			"sebagaimana diketahui pada peristiwa 4.711, dicatat 2021-01-01 00:00:00 WITA",
		},
	} {
		if got := KnownWords(c.known); got.EN != c.en || got.ID != c.id || Known(c.known) != c.en {
			t.Errorf("%+v", got)
		}
	}
	if got := LocalTime("yesterday"); got != "yesterday" {
		t.Errorf("what is no time is %q", got)
	}
}

// TestFiguresOfNothing: what nobody knows is a dash, or no mark; never 0.
func TestFiguresOfNothing(t *testing.T) {
	yes, no, short, percent := true, false, int64(1766), "24.68"
	unknown := &coverage.Target{Percent: "40.00"}
	missed := &coverage.Target{Percent: "40.00", Met: &no, Shortfall: &short}
	met := &coverage.Target{Percent: "40.00", Met: &yes, Shortfall: new(int64)}
	for i, c := range []struct{ got, want string }{
		{Workforce(nil), "–"},
		{Workforce(&coverage.Workforce{Count: 5000}), "5,000"},
		{Percent(nil), "–"},
		{Percent(&percent), "24.68 %"},
		{Target(nil), "–"},
		{Target(met), "40.00 %"},
		{Met(nil), ""},
		{Met(unknown), ""},
		{Met(missed), "✗"},
		{Met(met), "✓"},
		{Shortfall(nil), "–"},
		{Shortfall(unknown), "–"},
		{Shortfall(missed), "1,766"},
		{Shortfall(met), "0"},
		{Pointed(nil), ""},
		{Pointed(&percent), percent},
		{Code("nik.invalid", ""), "nik.invalid"},
		{Code("nik.invalid", "data.nik"), "nik.invalid (data.nik)"},
		{Sequences(nil, ", "), ""},
		{Sequences([]eventstore.Sequence{7, 1234}, ", "), "7, 1234"},
	} {
		if c.got != c.want {
			t.Errorf("%d: %q, want %q", i, c.got, c.want)
		}
	}
}

// TestNumerals: a point parts thousands in Indonesian, and a comma decimals; one of a thing is one.
func TestNumerals(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{Numeral(lists.Indonesian, -1234567), "-1.234.567"},
		{Numeral(lists.English, -1234567), "-1,234,567"},
		{Separated(lists.Indonesian, "1,234.5 %"), "1.234,5 %"},
		{Separated(lists.English, "1,234.5 %"), "1,234.5 %"},
		{Counted(0, "worker"), "0 workers"},
		{Counted(1, "worker"), "1 worker"},
		{Counted(2000, "worker"), "2,000 workers"},
		{Number(-1234567), "-1234567"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}
