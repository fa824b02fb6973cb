package rights

import (
	"testing"

	"cakupan/domain/event"
	"cakupan/domain/region"
	"cakupan/projections/facts"
)

// TestForeign: an enrolment is others' from a day on if it is in a region of theirs on that day or
// later; of two places of one day the later one of the log holds.
func TestForeign(t *testing.T) {
	own, _ := region.Parse("75.03")
	other, _ := region.Parse("75.71")
	scope := &event.Scope{Regions: []region.Code{own}}
	for name, c := range map[string]struct {
		places []facts.Place
		want   bool
	}{
		"nowhere":             {nil, false},
		"here":                {[]facts.Place{{Region: own, On: 5}}, false},
		"elsewhere":           {[]facts.Place{{Region: other, On: 5}}, true},
		"elsewhere that day":  {[]facts.Place{{Region: other, On: 10}}, true},
		"came here before":    {[]facts.Place{{Region: other, On: 5}, {Region: own, On: 9}}, false},
		"came here that day":  {[]facts.Place{{Region: other, On: 5}, {Region: own, On: 10}}, false},
		"comes here later":    {[]facts.Place{{Region: other, On: 5}, {Region: own, On: 11}}, true},
		"goes away later":     {[]facts.Place{{Region: own, On: 5}, {Region: other, On: 11}}, true},
		"was away and is not": {[]facts.Place{{Region: own, On: 9}, {Region: other, On: 5}}, false},
		"two of that day, here last": {[]facts.Place{
			{Region: other, On: 10, Sequence: 1}, {Region: own, On: 10, Sequence: 2},
		}, false},
		"two of that day, away last": {[]facts.Place{
			{Region: other, On: 10, Sequence: 2}, {Region: own, On: 10, Sequence: 1},
		}, true},
	} {
		if got := foreign(scope, c.places, 10); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

// TestOriginOf: who opened it first has it, whatever came since, and nobody what nobody has opened.
func TestOriginOf(t *testing.T) {
	for want, places := range map[int][]facts.Place{
		0: {{Sequence: 1}},
		2: {{Sequence: 7, Opens: true}, {Sequence: 2, Opens: true}, {Sequence: 1}},
		5: {{Sequence: 3}, {Sequence: 5, Opens: true, Worker: 9}},
	} {
		if got := originOf(places); int(got) != want {
			t.Errorf("%+v: event %d, want %d", places, got, want)
		}
	}
	if places := []facts.Place{{Worker: 9}, {Opens: true, Worker: 8}}; opensFor(places, 9) ||
		!opensFor(places, 8) {
		t.Error("an opening is for who is named there")
	}
}
