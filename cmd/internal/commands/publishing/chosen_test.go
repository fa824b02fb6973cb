package publishing

import (
	"testing"
	"time"
)

// TestChosen: refusals are chosen by number, or by conditions that the ledger is asked for; nothing
// or both is refused, before anybody is asked.
func TestChosen(t *testing.T) {
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	for want, c := range map[string]condition{
		"brief=true":                                           {},
		"brief=true&publisher=dinas":                           {Publisher: "dinas"},
		"brief=true&code=region.unknown":                       {Code: "region.unknown"},
		"before=2026-11-28T12%3A00%3A00.000000001Z&brief=true": {Older: 48 * time.Hour},
		"before=2026-11-30T11%3A00%3A00.000000001Z&brief=true&code=nik.invalid&publisher=dinas": {
			Publisher: "dinas", Code: "nik.invalid", Older: time.Hour,
		},
	} {
		if got, err := c.query(now, true); err != nil || got.Encode() != want {
			t.Errorf("%+v: %s, %v", c, got.Encode(), err)
		}
	}
	for _, wrong := range []chosen{
		{},
		{Number: []uint64{1}, All: true},
		{Number: []uint64{1}, condition: condition{Publisher: "dinas"}},
		{condition: condition{Older: -time.Hour}},
	} {
		if _, err := wrong.find(t.Context(), nil, now); err == nil {
			t.Errorf("%+v is not refused", wrong)
		}
	}
}
