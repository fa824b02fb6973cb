package vault

import (
	"bytes"
	"encoding/hex"
	"testing"

	"cakupan/domain/event"
)

// TestNewID: an id that could not be imported elsewhere, since a NIK seems to stand in it, is not
// given out.
func TestNewID(t *testing.T) {
	t.Parallel()
	const seems, good = "abcdefab7571014107900001abcdefab", "0123456789abcdef0123456789abcdef"
	if !event.HasNIK(seems) || event.HasNIK(good) {
		t.Fatal("the ids are not what they are for")
	}
	drawn, err := hex.DecodeString(seems + seems + good)
	if err != nil {
		t.Fatal(err)
	}
	if got := text(newID(bytes.NewReader(drawn))); got != good {
		t.Errorf("the id is %s", got)
	}
}
