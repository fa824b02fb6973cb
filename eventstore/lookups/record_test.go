package lookups

import (
	"errors"
	"testing"

	"cakupan/eventstore"
)

// goldenRecord is a record as version 1 wrote it: it must be read for ever.
const goldenRecord = `{"v":1,"at":"2021-01-04T02:11:09.123456789Z","who":"bpk","worker":"w1"}`

// goldenRead is one as version 2 writes it.
const goldenRead = `{"v":2,"at":"2021-01-04T02:11:09.123456789Z","who":"pusat","worker":"","what":"drop","of":"17",` +
	`"why":"test data"}`

func TestGoldenRecord(t *testing.T) {
	t.Parallel()
	got, err := parse([]byte(goldenRecord))
	want := Read{At: "2021-01-04T02:11:09.123456789Z", Who: "bpk", Worker: "w1", What: ByNIK}
	if err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	got, err = parse([]byte(goldenRead))
	want = Read{At: "2021-01-04T02:11:09.123456789Z", Who: "pusat", What: Dropped, Of: "17", Why: "test data"}
	if err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	for _, none := range []string{
		`{"v":1,"at":"2021-01-04T02:11:09Z","who":"","worker":"","what":"log"}`,
		`{"v":2,"at":"2021-01-04T02:11:09Z","who":"","worker":""}`,
		`{"v":2,"at":"2021-01-04T02:11:09Z","who":"","worker":"","what":"none"}`,
	} {
		if _, err := parse([]byte(none)); !errors.Is(err, ErrRecord) {
			t.Errorf("%s: %v", none, err)
		}
	}
	newer := `{"v":3,"at":"2021-01-04T02:11:09Z","who":"","worker":"","what":"log"}`
	if _, err := parse([]byte(newer)); !errors.Is(err, eventstore.ErrNewerFormat) {
		t.Errorf("of a newer version: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(goldenRecord))
	f.Add([]byte(goldenRecord + "x"))
	f.Add([]byte(goldenRead))
	f.Add([]byte(`{"v":1}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		l, err := parse(data)
		if err != nil && l != (Read{}) || err == nil && (l.At == "" || l.What == "") {
			t.Errorf("%q is read as %+v, %v", data, l, err)
		}
	})
}
