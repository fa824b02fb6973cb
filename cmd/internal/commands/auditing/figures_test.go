package auditing

import (
	"bufio"
	"errors"
	"strings"
	"testing"

	"cakupan/cmd/internal/cli/answers"
	"cakupan/cmd/internal/cli/table"
)

// printed prints lines of an answer, for people or as CSV, and returns the text and the error of
// its end.
func printed(t *testing.T, asCSV bool, to func(*answers.Printing) answers.Printer, lines ...string,
) (string, error) {
	t.Helper()
	var text strings.Builder
	p := &answers.Printing{W: bufio.NewWriter(&text)}
	if asCSV {
		p.CSV = table.NewSheet(p.W)
	}
	printer := to(p)
	for _, line := range lines {
		if err := printer.Print([]byte(line)); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
	}
	err := printer.End()
	if flushed := p.Flush(); flushed != nil {
		t.Fatal(flushed)
	}
	return text.String(), err
}

const known = `{"sequence":1234,"recordedAt":"2021-01-04T07:50:00.000000000Z"}`

// TestExplanation prints each worker below the figure, and as CSV a row an enrolment; an answer
// without its closing line is none.
func TestExplanation(t *testing.T) {
	lines := []string{
		`{"answer":{"region":"75","name":"Gorontalo","on":"2020-12-31","known":` + known +
			`,"covered":1234,"confirmed":1,"inGrace":0}}`,
		`{"worker":"w-1","enrolments":[{"enrolment":"e-1","region":"75.03","segment":"PU",` +
			`"category":"PRIVATE","programmes":["JKK","JKM"],"payer":"APBD","status":"COVERED",` +
			`"evidence":["FUNDED","PAID"],"events":[7,1234]},{"enrolment":"=e","region":"75.71",` +
			`"segment":"BPU","category":"VULNERABLE","programmes":["JKM"],"payer":"SELF",` +
			`"status":"IN_GRACE","evidence":[],"events":[9]}]}`,
		`{"workers":1}`,
	}
	explained := func(p *answers.Printing) answers.Printer { return &explanation{Printing: p} }
	text, err := printed(t, false, explained, lines...)
	for _, want := range []string{
		"75 Gorontalo on 2020-12-31, as known at event 1,234", "covered 1,234, confirmed 1, in grace 0",
		"\nw-1\n", "FUNDED, PAID", "events 7, 1234\n", "IN_GRACE", "\n1 worker\n",
	} {
		if err != nil || !strings.Contains(text, want) {
			t.Errorf("%v: %q is not in\n%s", err, want, text)
		}
	}
	text, err = printed(t, true, explained, lines...)
	if want := "worker,enrolment,region,segment,category,programmes,payer,status,evidence,events\n" +
		"w-1,e-1,75.03,PU,PRIVATE,JKK JKM,APBD,COVERED,FUNDED PAID,7 1234\n" +
		"w-1,'=e,75.71,BPU,VULNERABLE,JKM,SELF,IN_GRACE,,9\n"; err != nil || text != want {
		t.Errorf("%v\n%s, want\n%s", err, text, want)
	}
	for _, asCSV := range []bool{false, true} {
		if _, err := printed(t, asCSV, explained, lines[:2]...); !errors.Is(err, answers.ErrCutOff) {
			t.Errorf("without its end: %v", err)
		}
	}
}

// TestDifference prints a column that adds up, with causes by name; as CSV the flows, or the
// workers.
func TestDifference(t *testing.T) {
	figure := func(on, covered string) string {
		return `{"region":"75","name":"Gorontalo","on":"` + on + `","known":` + known +
			`,"covered":` + covered + `,"workforce":null,"percent":null}`
	}
	summary := `{"from":` + figure("2020-12-31", "10") + `,"to":` + figure("2021-12-31", "12") +
		`,"steps":[{"step":"TIME","joined":{"B":3,"A":1},"left":{"C":2}}]}`
	worker := `{"step":"TIME","worker":"w-1","change":"joined","cause":"A","events":[7,9]}`
	to := func(workers bool) func(*answers.Printing) answers.Printer {
		return func(p *answers.Printing) answers.Printer {
			return &differencePrinter{Printing: p, workers: workers}
		}
	}
	text, err := printed(t, false, to(false), summary, worker)
	rest := text
	for _, want := range []string{
		"75 Gorontalo\n", "from 2020-12-31", "joined  A", "+1", "joined  B", "+3", "left    C", "-2",
		"to 2021-12-31", "w-1  events 7, 9\n",
	} {
		_, after, found := strings.Cut(rest, want)
		if err != nil || !found {
			t.Fatalf("%v: %q does not follow in\n%s", err, want, text)
		}
		rest = after
	}
	for workers, want := range map[bool]string{
		false: "step,change,cause,workers\nTIME,joined,A,1\nTIME,joined,B,3\nTIME,left,C,2\n",
		true:  "step,worker,change,cause,events\nTIME,w-1,joined,A,7 9\n",
	} {
		lines := []string{summary}
		if workers {
			lines = append(lines, worker)
		}
		if text, err := printed(t, true, to(workers), lines...); err != nil || text != want {
			t.Errorf("%v\n%s, want\n%s", err, text, want)
		}
	}
}

// TestFunding: what nobody has committed is empty, and not 0; months are told with both ends in; an
// answer without its closing line is none.
func TestFunding(t *testing.T) {
	const unknown = `{"commitment":"=bb","funder":null,"funding":"UNKNOWN","fiscalYear":null,` +
		`"from":null,"until":null,"closed":null,"committed":null,` +
		`"granted":{"heads":1234,"headMonths":5678,"rupiah":null},` +
		`"disbursed":{"rupiah":123456789012345678901,"months":[{"from":"2020-01","until":"2020-07"},` +
		`{"from":"2020-09","until":"2020-10"}]},"covered":{"heads":1,"headMonths":2,"rupiah":3}}`
	to := func(p *answers.Printing) answers.Printer { return &fundingPrinter{Printing: p} }
	lines := []string{`{"known":` + known + `}`, unknown, `{"commitments":1}`}
	text, err := printed(t, false, to, lines...)
	for _, want := range []string{
		"Funding, as known at event 1,234", "=bb", "1,234", "5,678", "–",
		"123,456,789,012,345,678,901", "2020-01 to 2020-06, 2020-09", "\n1 commitment\n",
	} {
		if err != nil || !strings.Contains(text, want) {
			t.Errorf("%v: %q is not in\n%s", err, want, text)
		}
	}
	if strings.Contains(text, "committed ") {
		t.Errorf("nobody has committed it:\n%s", text)
	}
	text, err = printed(t, true, to, lines...)
	header, row, _ := strings.Cut(text, "\n")
	if err != nil || strings.Count(header, ",") != strings.Count(row, ",") ||
		!strings.HasPrefix(row, "'=bb,,UNKNOWN,,,,,,,,,,,1234,5678,,123456789012345678901,1,2,3,") {
		t.Errorf("%v\n%s", err, text)
	}
	for _, asCSV := range []bool{false, true} {
		if _, err := printed(t, asCSV, to, lines[:2]...); !errors.Is(err, answers.ErrCutOff) {
			t.Errorf("without its end: %v", err)
		}
	}
}

// TestLogLine shows an event on one line: its type without the prefix, a dash for no publisher.
func TestLogLine(t *testing.T) {
	var text strings.Builder
	w := bufio.NewWriter(&text)
	line := `{"sequence":1234,"recordedat":"2021-01-04T07:50:00.000000000Z",` +
		`"type":"id.cakupan.target.set.v1","source":"urn:x","id":"a","data":{"region":"75"}}`
	err := copyLog(w, strings.NewReader(line+"\n"), false)
	err = errors.Join(err, copyLog(w, strings.NewReader(line+"\n"), true), w.Flush())
	want := "    1,234  2021-01-04 15:50:00 WITA  target.set.v1            urn:x  a  –  " +
		`{"region":"75"}` + "\n" + line + "\n"
	if err != nil || text.String() != want {
		t.Errorf("%v\n%s, want\n%s", err, &text, want)
	}
}
