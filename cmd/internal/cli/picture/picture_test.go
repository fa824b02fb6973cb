package picture

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"cakupan/projections/story"
)

// english chooses the words of a picture.
func english(w story.Words) string { return w.EN }

// line returns a line of a story: an event that was recorded on a day of January 2021.
func line(t *testing.T, sequence, day int, changes string) *story.Line {
	t.Helper()
	var l story.Line
	text := fmt.Sprintf(`{"sequence":%d,"event":{"recordedat":"2021-01-%02dT20:00:00.000000000Z"},`+
		`"changes":%s}`, sequence, day, changes)
	if err := json.Unmarshal([]byte(text), &l); err != nil {
		t.Fatal(err)
	}
	return &l
}

// drawn returns the rows of a picture, without what stands around them.
func drawn(t *testing.T, p *Picture) (rows []string) {
	t.Helper()
	var text strings.Builder
	if err := p.Write(&text, english); err != nil {
		t.Fatal(err)
	}
	for row := range strings.Lines(text.String()) {
		if label, marks, found := strings.Cut(row, " |"); found {
			rows = append(rows, strings.TrimSpace(label)+" "+strings.TrimSuffix(marks, "|\n"))
		}
	}
	return rows
}

// TestPicture paints an enrolment over three events: what is told later covers what was, and the
// rows above stay as they were. The day of a row is that of Makassar.
func TestPicture(t *testing.T) {
	var p Picture
	p.Add(line(t, 7, 1, `[{"enrolment":"e","from":"2021-01-01","until":"2021-01-31",`+
		`"after":{"status":"COVERED"}}]`))
	p.Add(line(t, 8, 2, `[{"enrolment":"e","from":"2021-01-11","until":null,"after":null},`+
		`{"enrolment":"e","from":"2021-01-21","until":"2021-01-31","after":{"status":"IN_GRACE"}}]`))
	p.Add(line(t, 9, 3, `[]`)) // it changes nothing
	p.Add(line(t, 1_234, 4, `[{"enrolment":"e","from":"2021-01-11","until":"2021-01-21",`+
		`"after":{"status":"NOT_COVERED"}}]`))
	rows := drawn(t, &p)
	if len(rows) != 3 {
		t.Fatalf("%q", rows)
	}
	// 30 days and a quarter of a year more, in 60 columns.
	for i, want := range []string{
		"7  2021-01-02 " + strings.Repeat("█", 15) + strings.Repeat(" ", 45),
		"8  2021-01-03 " + strings.Repeat("█", 5) + strings.Repeat(" ", 5) + strings.Repeat("▒", 5) +
			strings.Repeat(" ", 45),
		"1,234  2021-01-05 " + strings.Repeat("█", 5) + strings.Repeat("·", 5) +
			strings.Repeat("▒", 5) + strings.Repeat(" ", 45),
	} {
		if rows[i] != want {
			t.Errorf("row %d is %q, want %q", i, rows[i], want)
		}
	}
}

// TestPictureBounds draws the last moments of the first enrolments, and says that there are more.
func TestPictureBounds(t *testing.T) {
	var p Picture
	for i := range pictureRows + 3 {
		p.Add(line(t, i+1, 1, `[{"enrolment":"e0","from":"2021-01-01","until":null,`+
			`"after":{"status":"COVERED"}}]`))
	}
	rows := drawn(t, &p)
	if len(rows) != pictureRows || !strings.HasPrefix(rows[0], "4  ") {
		t.Errorf("%d rows, the first %q", len(rows), rows[0])
	}
	for i := range pictureEnrolments + 1 {
		p.Add(line(t, 100+i, 1, fmt.Sprintf(`[{"enrolment":"e%d","from":"2021-01-01","until":null,`+
			`"after":{"status":"COVERED"}}]`, i)))
	}
	var text strings.Builder
	if err := p.Write(&text, english); err != nil {
		t.Fatal(err)
	}
	last := fmt.Sprintf("\ne%d\n", pictureEnrolments)
	if strings.Contains(text.String(), last) || !strings.Contains(text.String(), "\ne5\n") ||
		!strings.Contains(text.String(), "More enrolments are not drawn") {
		t.Errorf("%s", &text)
	}
}

// TestPictureOfNothing: without a change, or with days and events that cannot be read, there is no
// picture, and no error.
func TestPictureOfNothing(t *testing.T) {
	var p Picture
	p.Add(&story.Line{Event: json.RawMessage("{"), Changes: []story.Change{{Enrolment: "e"}}})
	p.Add(line(t, 1, 1, `[]`))
	if rows := drawn(t, &p); rows != nil {
		t.Errorf("%q", rows)
	}
	p.Add(line(t, 2, 1, `[{"enrolment":"e","from":"someday","until":null,"after":null},`+
		`{"enrolment":"e","from":"2021-01-01","until":"2021-02-01","after":{"status":"COVERED"}}]`))
	if rows := drawn(t, &p); len(rows) != 1 || strings.Count(rows[0], "█") == 0 {
		t.Errorf("%q", rows)
	}
}
