package main

import (
	"testing"
	"time"

	"cakupan/cmd/internal/intake"
)

// TestChosen chooses of the list by what it says; all that is asked for must be so.
func TestChosen(t *testing.T) {
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	one := intake.Refused{
		Publisher: "dinas", Code: "region.unknown",
		ReceivedAt: intake.Time(now.Add(-48 * time.Hour).UnixNano()),
	}
	for _, c := range []struct {
		chosen chosen
		want   bool
	}{
		{chosen{All: true}, true},
		{chosen{Publisher: "dinas"}, true},
		{chosen{Publisher: "dina"}, false},
		{chosen{Code: "region.unknown"}, true},
		{chosen{Code: "region"}, false},
		{chosen{Older: 48 * time.Hour}, true},
		{chosen{Older: 48*time.Hour + 1}, false},
		{chosen{Publisher: "dinas", Code: "region.unknown", Older: time.Hour}, true},
		{chosen{Publisher: "dinas", Code: "nik.invalid", Older: time.Hour}, false},
	} {
		if got := c.chosen.chooses(&one, now); got != c.want {
			t.Errorf("%+v: %t", c.chosen, got)
		}
	}
	for _, wrong := range []chosen{
		{},
		{Number: []uint64{1}, All: true},
		{Number: []uint64{1}, Publisher: "dinas"},
		{Older: -time.Hour},
	} {
		if _, err := wrong.numbers(t.Context(), nil, now); err == nil {
			t.Errorf("%+v is not refused", wrong)
		}
	}
}
