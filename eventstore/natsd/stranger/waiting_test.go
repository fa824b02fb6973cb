package stranger

import (
	"net/netip"
	"testing"
)

// TestWaiting: who came first of a network with too many goes, once; who has left is not the first,
// and of another network nobody goes.
func TestWaiting(t *testing.T) {
	w := NewWaiting[string](2)
	one, other := netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("198.51.100.0/24")
	places := map[string]Place{}
	enter := func(network netip.Prefix, who, mustGo string) {
		t.Helper()
		place, gone, full := w.Enter(network, who)
		if gone != mustGo || full != (mustGo != "") {
			t.Errorf("for %s goes %q, %v", who, gone, full)
		}
		places[who] = place
	}
	enter(one, "a", "")
	enter(one, "b", "")
	enter(other, "c", "")
	enter(one, "d", "a")
	w.Leave(places["a"]) // is not there any more
	w.Leave(places["b"])
	w.Leave(places["b"])
	enter(one, "e", "")
	enter(one, "f", "d")
	if w.Of(one) != 2 || w.Of(other) != 1 || w.Networks() != 2 || w.Most() != 2 {
		t.Errorf("%d and %d of %d networks", w.Of(one), w.Of(other), w.Networks())
	}
	for _, place := range places {
		w.Leave(place)
	}
	if w.Of(one) != 0 || w.Networks() != 0 {
		t.Errorf("%d are left", w.Networks())
	}
}
