package grid

import (
	"errors"
	"io"
	"testing"
)

// TestError puts the row that people see before the reason, and keeps the cause.
func TestError(t *testing.T) {
	for want, err := range map[string]*Error{
		"row 7: it is cut off (baris 7: terputus)": {Row: 7, Detail: "it is cut off", ID: "terputus", Err: io.ErrUnexpectedEOF},
		"the file is empty (berkas ini kosong)":    NewError("the file is empty", "berkas ini kosong"),
		"row 1073741824: no (baris 1073741824: b)": {Row: 1 << 30, Detail: "no", ID: "b"},
	} {
		if got := err.English() + " (" + err.Indonesian() + ")"; err.Error() != want || got != want {
			t.Errorf("%q, %q, want %q", err.Error(), got, want)
		}
		if errors.Is(err, io.ErrUnexpectedEOF) != (err.Err != nil) {
			t.Errorf("%q: the cause is lost", want)
		}
	}
}

// TestKinds: what a cell is without being told is empty, and no two kinds are one.
func TestKinds(t *testing.T) {
	if (Cell{}).Kind != Empty {
		t.Error("the zero cell is not empty")
	}
	seen := map[Kind]bool{}
	for _, kind := range []Kind{Empty, Text, Number, Date, Bool, Fault, Formula} {
		if seen[kind] {
			t.Errorf("kind %d is there twice", kind)
		}
		seen[kind] = true
	}
}
