package xlsx

import (
	"encoding/xml"
	"testing"
)

// TestStyles has in the formats of a workbook what other programs ask for: openpyxl opens none with
// a fill of nothing, and Excel has the first two fills as they are here.
func TestStyles(t *testing.T) {
	var all struct {
		Fonts struct {
			Count int        `xml:"count,attr"`
			Font  []struct{} `xml:"font"`
		} `xml:"fonts"`
		Fills struct {
			Count int `xml:"count,attr"`
			Fill  []struct {
				Pattern []struct {
					Type string `xml:"patternType,attr"`
				} `xml:"patternFill"`
			} `xml:"fill"`
		} `xml:"fills"`
		Borders struct {
			Count  int        `xml:"count,attr"`
			Border []struct{} `xml:"border"`
		} `xml:"borders"`
		Cells struct {
			Count int `xml:"count,attr"`
			XF    []struct {
				Format int  `xml:"numFmtId,attr"`
				Font   *int `xml:"fontId,attr"`
				Fill   *int `xml:"fillId,attr"`
				Border *int `xml:"borderId,attr"`
				Style  *int `xml:"xfId,attr"`
			} `xml:"xf"`
		} `xml:"cellXfs"`
	}
	if err := xml.Unmarshal([]byte(xmlHead+styles), &all); err != nil {
		t.Fatal(err)
	}
	if all.Fonts.Count != len(all.Fonts.Font) || all.Fills.Count != len(all.Fills.Fill) ||
		all.Borders.Count != len(all.Borders.Border) || all.Cells.Count != len(all.Cells.XF) {
		t.Errorf("a count is not that of what follows: %+v", all)
	}
	for i, want := range []string{"none", "gray125"} {
		if fill := all.Fills.Fill[i]; len(fill.Pattern) != 1 || fill.Pattern[0].Type != want {
			t.Errorf("fill %d: %+v, not %s", i, fill, want)
		}
	}
	for i, want := range []int{0, 49, 14} { // general, Text, day
		f := all.Cells.XF[i]
		if f.Format != want || f.Font == nil || f.Fill == nil || f.Border == nil || f.Style == nil {
			t.Errorf("format %d: %+v, not %d", i, f, want)
		}
	}
}
