package lookups

import (
	"errors"
	"testing"

	"cakupan/eventstore"
)

// goldenRecord is a record as version 1 wrote it: it must be read for ever.
const goldenRecord = `{"v":1,"at":"2021-01-04T02:11:09.123456789Z","who":"bpk","worker":"w1"}`

func TestGoldenRecord(t *testing.T) {
	t.Parallel()
	got, err := parse([]byte(goldenRecord))
	want := Lookup{At: "2021-01-04T02:11:09.123456789Z", Who: "bpk", Worker: "w1"}
	if err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	newer := `{"v":2,"at":"2021-01-04T02:11:09Z","who":"","worker":""}`
	if _, err := parse([]byte(newer)); !errors.Is(err, eventstore.ErrNewerFormat) {
		t.Errorf("of a newer version: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(goldenRecord))
	f.Add([]byte(goldenRecord + "x"))
	f.Add([]byte(`{"v":1}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		l, err := parse(data)
		if err != nil && l != (Lookup{}) || err == nil && l.At == "" {
			t.Errorf("%q is read as %+v, %v", data, l, err)
		}
	})
}
