package table

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
)

// TestSparkline draws from 0 to the largest; what is below 0 is drawn as 0.
func TestSparkline(t *testing.T) {
	for want, values := range map[string][]int64{
		"":         nil,
		"▁▁▁":      {0, 0, 0},
		"▁▂▃▄▅▆▇█": {0, 1, 2, 3, 4, 5, 6, 7},
		"▁█":       {-5, 1},
		"██▁":      {1 << 50, 1 << 50, 0},
	} {
		if got := Sparkline(values); got != want {
			t.Errorf("%v: %q, want %q", values, got, want)
		}
	}
}

// TestThin keeps so many values, in order, the last one always; fewer are left as they are.
func TestThin(t *testing.T) {
	all := make([]int64, 1000)
	for i := range all {
		all[i] = int64(i)
	}
	for most := 1; most <= 1001; most += 37 {
		got := Thin(all, most)
		if len(got) != most || got[len(got)-1] != 999 || !slices.IsSorted(got) {
			t.Fatalf("%d: %v", most, got)
		}
	}
	if got := Thin(all[:3], 3); len(got) != 3 || got[0] != 0 {
		t.Errorf("%v", got)
	}
}

// TestTablePieces writes rows in two pieces: the second has the columns of the first, and none that
// is narrower.
func TestTablePieces(t *testing.T) {
	table := New("Name", ">Count")
	table.Add("a long name", "1")
	var b bytes.Buffer
	if err := table.Write(&b); err != nil {
		t.Fatal(err)
	}
	table.Add("b", "2")
	err := errors.Join(table.Write(&b), table.Write(&b))
	if want := "Name         Count\na long name      1\nb                2\n"; err != nil || b.String() != want {
		t.Errorf("%v\n%s", err, &b)
	}
}

// TestAddColumn adds a last column, which counts in the width.
func TestAddColumn(t *testing.T) {
	table := New("A")
	table.Add("1")
	table.Add("2")
	table.AddColumn("Trend", []string{"▁▂", "▂▁"})
	var b bytes.Buffer
	width := table.Width()
	if err := table.Write(&b); err != nil || width != len("A  Trend") ||
		b.String() != "A  Trend\n1  ▁▂\n2  ▂▁\n" {
		t.Errorf("%v, %d wide:\n%s", err, width, &b)
	}
}

// TestArray writes arrays of none, one and many as encoding/json would, but for marks of pages.
func TestArray(t *testing.T) {
	for n := range 4 {
		var b bytes.Buffer
		a := Array{Out: bufio.NewWriter(&b)}
		want := []string{}
		for i := range n {
			want = append(want, fmt.Sprintf("<%d & %d>", i, n))
			if err := a.Add(want[i]); err != nil {
				t.Fatal(err)
			}
		}
		var all bytes.Buffer
		encoder := json.NewEncoder(&all)
		encoder.SetEscapeHTML(false)
		if err := errors.Join(a.End(), encoder.Encode(want)); err != nil || b.String() != all.String() {
			t.Errorf("%v: %q, want %q", err, &b, &all)
		}
	}
	a := Array{Out: bufio.NewWriter(&bytes.Buffer{})}
	if err := a.Add(func() {}); err == nil {
		t.Error("what is no JSON is written")
	}
}
