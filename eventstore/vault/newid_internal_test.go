package vault

import (
	"bytes"
	"encoding/hex"
	"testing"
)

// TestNewID: an id that could not be imported elsewhere, since a NIK seems to stand in it, is not
// given out.
func TestNewID(t *testing.T) {
	t.Parallel()
	const seems, good = "abcdefab7571014107900001abcdefab", "012345678901234f012345678901234f"
	drawn, err := hex.DecodeString(seems + seems + good)
	if err != nil {
		t.Fatal(err)
	}
	if got := text(newID(bytes.NewReader(drawn))); got != good {
		t.Errorf("the id is %s", got)
	}
}
