package table

import (
	"bytes"
	"testing"
)

// TestSheet: what a spreadsheet would run is text, and a number is a number still.
func TestSheet(t *testing.T) {
	var b bytes.Buffer
	s := NewSheet(&b)
	if err := s.Write([]string{
		"=1+1", "-5", "+cmd|'/c calc'!A0", "@SUM(A1)", "\t=x()", "pu-1",
		"–",
	}); err != nil {
		t.Fatal(err)
	}
	s.Flush()
	if want := "'=1+1,-5,'+cmd|'/c calc'!A0,'@SUM(A1),'\t=x(),pu-1,–\n"; b.String() != want {
		t.Errorf("wrote %q, want %q", b.String(), want)
	}
}
