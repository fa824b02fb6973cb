package natsin

import (
	"reflect"
	"testing"

	"cakupan/domain/event"
	"cakupan/eventstore/golden"
)

// TestGolden: what is sealed of messages that wait, and of what was refused, is written as ever,
// and what another day's program wrote is read.
func TestGolden(t *testing.T) {
	golden.Compare(t, "pack-v1.hex", appendPack(nil, samples()))
	messages, err := readPack(golden.Read(t, "pack-v1.hex"))
	if err != nil || !reflect.DeepEqual(messages, samples()) {
		t.Errorf("the pack holds %+v, %v", messages, err)
	}
	refused := keep(samples()[1], 7, event.Receipt{
		Key: event.Key{Source: "urn:s", ID: "1"},
		Refusal: &event.Refusal{
			Code: event.FieldInvalid, Field: "data.on", Detail: "no such day",
		},
	})
	golden.Compare(t, "refused-v1.hex", refused.append(nil))
	entry, err := readKept(golden.Read(t, "refused-v1.hex"))
	if err != nil || !reflect.DeepEqual(entry, refused) {
		t.Errorf("refused was %+v, %v; want %+v", entry, err, refused)
	}
}
