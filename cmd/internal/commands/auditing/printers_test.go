package auditing

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"testing"

	"cakupan/cmd/internal/cli/answers"
	"cakupan/cmd/internal/cli/table"
)

// TestTablesWithoutRows prints CSV of look-ups and reads with none and with one: the columns are
// named once in each. An empty file would look like one that was never written.
func TestTablesWithoutRows(t *testing.T) {
	for head, make := range map[string]func(*answers.Printing) answers.Printer{
		"number,at,who,worker": func(p *answers.Printing) answers.Printer {
			return &lookupsPrinter{Printing: p}
		},
		"number,at,who,what,of,worker,why": func(p *answers.Printing) answers.Printer {
			return &readsPrinter{Printing: p}
		},
	} {
		for rows := range 3 {
			var text strings.Builder
			p := &answers.Printing{W: bufio.NewWriter(io.Discard), CSV: table.NewSheet(&text)}
			said := make(p)
			for range rows {
				if err := said.Print([]byte(`{"number":1,"at":"2021-01-01T00:00:00Z"}`)); err != nil {
					t.Fatal(err)
				}
			}
			if err := said.End(); err != nil {
				t.Fatal(err)
			}
			if err := p.Flush(); err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(strings.TrimSuffix(text.String(), "\n"), "\n")
			if lines[0] != head || len(lines) != 1+rows || strings.Count(text.String(), head) != 1 {
				t.Errorf("with %d rows: %q", rows, text.String())
			}
		}
	}
}

// TestAuditorsWordsAreOfOneLanguage prints a story and a search for readings in Indonesian: no
// heading of them is left in English, and the other way round.
func TestAuditorsWordsAreOfOneLanguage(t *testing.T) {
	const recorded = "2021-01-04T07:50:00.000000000Z"
	known := `{"sequence":7,"recordedAt":"` + recorded + `"}`
	for indonesian, want := range map[bool][2]string{
		true:  {"diketahui", "known"},
		false: {"known", "diketahui"},
	} {
		var text strings.Builder
		p := &answers.Printing{W: bufio.NewWriter(&text)}
		told := &historyPrinter{Printing: p, indonesian: indonesian}
		readings := &readingsPrinter{Printing: p, english: !indonesian}
		for _, line := range []string{
			`{"known":` + known + `}`,
			`{"sequence":1,"event":{"recordedat":"` + recorded + `","source":"urn:x","id":"a"}}`,
			`{"events":1}`,
		} {
			if err := told.Print([]byte(line)); err != nil {
				t.Fatal(err)
			}
		}
		err := readings.Print([]byte(`{"region":"75","name":"Gorontalo","on":"2019-12-31",` +
			`"figure":"30","known":` + known + `,"readings":[]}`))
		if err = errors.Join(err, p.Flush()); err != nil {
			t.Fatal(err)
		}
		said := text.String()
		if strings.Count(said, want[0]) < 2 || strings.Contains(said, want[1]) {
			t.Errorf("indonesian %t: %s", indonesian, said)
		}
		for _, english := range []string{"event", "History", "published", "Nothing"} {
			if strings.Contains(said, english) == indonesian {
				t.Errorf("indonesian %t, %q: %s", indonesian, english, said)
			}
		}
	}
}
