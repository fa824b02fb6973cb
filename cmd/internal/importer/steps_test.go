package importer

import "testing"

// TestAndDay: a row without a day is named without a comma.
func TestAndDay(t *testing.T) {
	for from, want := range map[string]string{"": "", "2021-03": ", 2021-03"} {
		if got := andDay(from); got != want {
			t.Errorf("%q: %q, want %q", from, got, want)
		}
	}
}
