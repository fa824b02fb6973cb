package answers

import (
	"strings"
	"testing"

	"cakupan/cmd/internal/lists"
)

const (
	openFinding = `{"code":"DOUBLE_FUNDED","since":1234,"until":null,"events":[7,1234],"worker":"w",` +
		`"region":"75.03","months":["2021-01","2021-02"],"rupiah":33600,"text":"paid twice"}`
	resolvedFinding = `{"code":"MONEY_SHORT","since":5,"until":9001,"events":[5],"commitment":"bb",` +
		`"months":"11.02","text":"=too little"}`
)

// TestFindings prints an open and a resolved finding: for people with their number at the end, as
// CSV below the names of the columns, which stand also where there is none.
func TestFindings(t *testing.T) {
	const columns = "code,since,until,events,worker,enrolment,commitment,region,months,rupiah,text\n"
	for _, c := range []struct {
		csv   bool
		lines []string
		want  string
	}{
		{false, nil, "0 findings\n"},
		{false, []string{openFinding, resolvedFinding}, "DOUBLE_FUNDED  75.03  since event 1,234\n" +
			"  paid twice\n  events 7, 1234\n" +
			"MONEY_SHORT  –  since event 5 until 9,001\n  =too little\n  events 5\n2 findings\n"},
		{true, nil, columns},
		{true, []string{openFinding, resolvedFinding}, columns +
			"DOUBLE_FUNDED,1234,,7 1234,w,,,75.03,2021-01 2021-02,33600,paid twice\n" +
			"MONEY_SHORT,5,9001,5,,,bb,,11.02,,'=too little\n"},
	} {
		var text strings.Builder
		p := NewFindings(&text, c.csv, lists.English)
		for _, line := range c.lines {
			if err := p.Print([]byte(line)); err != nil {
				t.Fatal(err)
			}
		}
		if err := p.End(false); err != nil || text.String() != c.want {
			t.Errorf("%v: %s, want\n%s", err, &text, c.want)
		}
	}
	if err := NewFindings(&strings.Builder{}, false, lists.English).Print([]byte("{")); err == nil {
		t.Error("half a line is printed")
	}
}

// TestFindingsSummary prints counts: below what they are known by, or as CSV alone.
func TestFindingsSummary(t *testing.T) {
	const counts = `{"known":{"sequence":0,"recordedAt":null},"counts":[` +
		`{"code":"DOUBLE_FUNDED","region":"75.03","open":1234,"resolved":5,"months":7,"rupiah":33600}]}`
	for asCSV, want := range map[bool]string{
		false: "Findings, as known before the first event\n\n" +
			"Code           Region   Open  Resolved  Months  Rupiah\n" +
			"DOUBLE_FUNDED  75.03   1,234         5       7  33,600\n",
		true: "code,region,open,resolved,months,rupiah\nDOUBLE_FUNDED,75.03,1234,5,7,33600\n",
	} {
		var text strings.Builder
		p := NewFindings(&text, asCSV, lists.English)
		if err := p.Summary([]byte(counts)); err != nil {
			t.Fatal(err)
		}
		if err := p.End(true); err != nil || text.String() != want {
			t.Errorf("%v: %s, want\n%s", err, &text, want)
		}
	}
}
