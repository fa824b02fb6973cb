package named

import "testing"

// TestNamesStay: names and ids are in logs for ever, so a version that made others would make every
// list a new one.
func TestNamesStay(t *testing.T) {
	h := New(Key{1, 2, 3})
	name := string(h.AppendName(nil, []byte("7503010101900001")))
	id := string(h.AppendID([]byte("x"), Scope("L-1", "id.cakupan.worker.died.v1"), []byte(`{"a":1}`)))
	if name != "nik-zavtvtv56huerzttl55mfaqts4" || id != "x7gay3ipobckoum267zwgvhk3pi" {
		t.Errorf("%s, %s", name, id)
	}
	if other := string(New(Key{1, 2}).AppendName(nil, []byte("7503010101900001"))); other == name {
		t.Error("another key gives the same name")
	}
	if a, b := h.AppendID(nil, Scope("L", "1k"), nil), h.AppendID(nil, Scope("L1", "k"), nil); string(a) == string(b) {
		t.Error("two lists have the same id")
	}
}
