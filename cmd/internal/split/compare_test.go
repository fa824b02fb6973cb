package split

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"testing"

	"cakupan/domain/event"
)

func compareArray(t *testing.T, in []byte) {
	t.Helper()
	var want []json.RawMessage
	valid := json.Unmarshal(in, &want) == nil && want != nil
	a := NewArray(bytes.NewReader(in))
	for i := 0; ; i++ {
		raw, place, err := a.Next()
		switch {
		case err == nil && (len(raw) == 0 || len(raw) > event.BytesMax+1 || place != i+1):
			t.Fatalf("%d bytes at place %d", len(raw), place)
		case !valid && err == nil:
			continue
		case !valid:
			return
		case i == len(want):
			if !errors.Is(err, io.EOF) {
				t.Fatalf("%q: %q, %v, want the end", in, raw, err)
			}
			return
		case err != nil || len(want[i]) <= event.BytesMax && !bytes.Equal(raw, want[i]):
			t.Fatalf("%q: %q, %v, want %q", in, raw, err, want[i])
		}
	}
}
