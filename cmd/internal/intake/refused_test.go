package intake

import (
	"encoding/json"
	"reflect"
	"testing"

	"cakupan/domain/event"
)

// TestRefusedJSON: what is shown of something refused is read back by whoever asked.
func TestRefusedJSON(t *testing.T) {
	for text, want := range map[string]Refused{
		`{"number":17,"publisher":"bone","receivedAt":"2021-02-03T04:05:06.000000007Z","source":"urn:s",` +
			`"id":"e","code":"event.malformed","field":"data","detail":"d","original":"o"}`: {
			Number: 17, Publisher: "bone", ReceivedAt: 1_612_325_106_000_000_007, Source: "urn:s", ID: "e",
			Code: event.Malformed, Field: "data", Detail: "d", Original: "o",
		},
		`{"number":1,"receivedAt":"1970-01-01T00:00:00.000000000Z","code":"event.malformed"}`: {
			Number: 1, Code: event.Malformed,
		},
	} {
		got, err := json.Marshal(want)
		if err != nil || string(got) != text {
			t.Errorf("%s, %v\nwant %s", got, err, text)
		}
		var back Refused
		if err := json.Unmarshal(got, &back); err != nil || !reflect.DeepEqual(back, want) {
			t.Errorf("%s is read as %+v, %v", got, back, err)
		}
	}
	var back Refused
	if err := json.Unmarshal([]byte(`{"receivedAt":"yesterday"}`), &back); err == nil {
		t.Errorf("yesterday is %s", back.ReceivedAt)
	}
}

// TestMasked: receipts that others see hold no NIK, and those of who sent them stay as they are.
func TestMasked(t *testing.T) {
	const nik = "7571991501900001"
	receipts := []event.Receipt{
		{Key: event.Key{Source: nik, ID: nik}, Status: event.Refused},
		{Key: event.Key{Source: "urn:a", ID: "1"}, Status: event.Appended, Sequence: 3},
	}
	masked := Masked(receipts)
	if receipts[0].Source != nik || receipts[0].ID != nik {
		t.Errorf("what was given has become %+v", receipts)
	}
	if event.HasNIK(masked[0].Source) || event.HasNIK(masked[0].ID) || masked[1] != receipts[1] {
		t.Errorf("masked: %+v", masked)
	}
}
