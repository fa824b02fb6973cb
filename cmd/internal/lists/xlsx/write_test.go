package xlsx

import (
	"bytes"
	"errors"
	"testing"

	"cakupan/cmd/internal/lists/grid"
)

// TestFull writes as many rows as a sheet has: the next one is refused, and the others stand.
func TestFull(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	w, err := NewWriter(&b, "x", false)
	if err != nil {
		t.Fatal(err)
	}
	cells := []grid.Cell{{Kind: grid.Text, Text: []byte("a")}}
	if err := w.Row(cells); err != nil {
		t.Fatal(err)
	}
	w.row = rowsMax - 1 // as if all the others were empty
	if err := w.Row(cells); err != nil {
		t.Error(err)
	}
	if err := w.Row(cells); !errors.Is(err, ErrFull) {
		t.Errorf("one row too many: %v", err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}
