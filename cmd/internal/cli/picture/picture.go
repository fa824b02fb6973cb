// Package picture draws how enrolments stand on both axes of time: across, on which days; down, as
// known when.
package picture

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"cakupan/cmd/internal/cli/words"
	"cakupan/domain/temporal"
	"cakupan/projections/story"
)

// The bounds of a picture: it is text of a terminal, below a story that is as long as it is.
const (
	// pictureWidth is how many columns a picture has for the days: with label and bars a line has
	// 84.
	pictureWidth = 60
	// pictureRows is how many moments of knowledge a picture shows of an enrolment: the last ones,
	// as what is known now is at the bottom.
	pictureRows = 24
	// pictureEnrolments is how many enrolments are drawn: those that come first in the story. Of
	// others nothing is kept, however many the story has.
	pictureEnrolments = 6
)

// Picture is how enrolments stand on both axes: across, on which days; down, as known when. Each
// event paints over what it changes. The zero value is an empty picture. It is filled while the
// story is printed, by one goroutine, and knows nothing but the story's lines.
type Picture struct {
	names      []string // of enrolments, as they come
	enrolments map[string]*canvas
	left       int // changes of enrolments that are not drawn
}

// canvas is what is painted of one enrolment. A row is a copy of the days as they were then, so
// days only grow and rows never change.
type canvas struct {
	days []painted // as known now, in order of painting: later ones cover earlier ones
	rows []row
}

// painted is some days in one way. A stretch that is painted later covers what it overlaps: it is
// found first when a line is drawn.
type painted struct {
	from, until temporal.Date // until is out; endless: for ever
	mark        rune
}

// row is what was known of the enrolment once an event was recorded. The label is the event's
// sequence and the day on which it was recorded.
type row struct {
	label string
	days  []painted
}

// endless is the end of what has none: some 2.9 million years from day 0, beyond each date that an
// event can have (contract, section 1), and far enough from the end of its type to be added to.
const endless temporal.Date = 1 << 30

// Add paints what an event changes. An event that changes nothing, or that cannot be read, makes no
// row: the story itself has told of it. An event may change several enrolments, and one of them on
// several stretches of days: each enrolment gets one row for all of it.
func (p *Picture) Add(l *story.Line) {
	var e struct {
		RecordedAt string `json:"recordedat"`
	}
	if json.Unmarshal(l.Event, &e) != nil || len(l.Changes) == 0 {
		return
	}
	if p.enrolments == nil {
		p.enrolments = map[string]*canvas{}
	}
	touched := map[*canvas]bool{}
	for i := range l.Changes {
		change := &l.Changes[i]
		c := p.enrolments[change.Enrolment]
		if c == nil {
			if len(p.names) == pictureEnrolments {
				p.left++
				continue
			}
			c = &canvas{}
			p.names = append(p.names, change.Enrolment)
			p.enrolments[change.Enrolment] = c
		}
		c.paint(change)
		touched[c] = true
	}
	// The label is the day in Makassar, as the days across are: record times are UTC in the event.
	day := words.LocalTime(e.RecordedAt)
	label := fmt.Sprintf("%9s  %s", words.Thousands(l.Sequence), day[:min(len(day),
		len("2006-01-02"))])
	for c := range touched {
		c.rows = append(c.rows, row{label, slices.Clone(c.days)})
		c.rows = c.rows[max(0, len(c.rows)-pictureRows):]
	}
}

// paint adds the stretch that a change names. One whose days cannot be read is left out: a picture
// with a hole is better than a story that ends in an error.
func (c *canvas) paint(change *story.Change) {
	from, err := temporal.ParseDate(change.From)
	if err != nil {
		return
	}
	until := endless
	if change.Until != nil {
		if until, err = temporal.ParseDate(*change.Until); err != nil {
			return
		}
	}
	c.days = append(c.days, painted{from, until, markOf(change.After)})
}

// The marks of a picture. What is not covered has a mark of its own, so that it is told from days
// on which there was no enrolment.
const (
	markCovered    = '█'
	markInGrace    = '▒'
	markNotCovered = '·'
	markNone       = ' '
)

// markOf returns the mark of how an enrolment stands; nil is an enrolment that is not open.
func markOf(s *story.State) rune {
	switch {
	case s == nil:
		return markNone
	case s.Status == story.StatusCovered:
		return markCovered
	case s.Status == story.StatusInGrace:
		return markInGrace
	}
	return markNotCovered
}

// Write draws the picture, or nothing where no enrolment has changed. w is one that keeps its first
// error, so the last one says enough. What stands beside it is in the language that words chooses.
func (p *Picture) Write(w io.Writer, words func(story.Words) string) error {
	if len(p.names) == 0 {
		return nil
	}
	_, err := fmt.Fprintf(w, words(story.Words{
		EN: "\nAcross: when it was true. Down: when it was known.  %c covered" +
			"  %c in grace  %c enrolled, not covered\n",
		ID: "\nMendatar: kapan itu berlaku. Menurun: kapan itu diketahui.  %c terlindungi" +
			"  %c masa tenggang  %c terdaftar, tidak terlindungi\n",
	}), markCovered, markInGrace, markNotCovered)
	for _, name := range p.names {
		c := p.enrolments[name]
		from, until := c.span()
		_, err = fmt.Fprintf(w, "\n%s\n%21s %-*s%s\n", name, "", pictureWidth-10, from, until-1)
		for _, r := range c.rows {
			_, err = fmt.Fprintf(w, "%s |%s|\n", r.label, r.line(from, until))
		}
	}
	if p.left > 0 {
		_, err = fmt.Fprintln(w, words(story.Words{
			EN: "\nMore enrolments are not drawn: ask for each with --enrolment.",
			ID: "\nKepesertaan lainnya tidak digambar: tanyakan masing-masing dengan --enrolment.",
		}))
	}
	return err
}

// span returns the first day that anything is known of and, a quarter of a year after the last, the
// end of what is drawn, which is out: what has no end goes on there. There is at least one row with
// at least one stretch. All rows of an enrolment have the same span, so that columns are the same
// days.
func (c *canvas) span() (from, until temporal.Date) {
	const more = 92
	from, until = endless, -endless
	for _, r := range c.rows {
		for _, d := range r.days {
			from, until = min(from, d.from), max(until, d.from+1)
			if d.until < endless {
				until = max(until, d.until)
			}
		}
	}
	return from, until + more
}

// line draws the days of a row: each column what is the case on its first day. A stretch that is
// shorter than a column may fall between two: the story above says it in words.
func (r *row) line(from, until temporal.Date) string {
	var b strings.Builder
	for i := range pictureWidth {
		day := from + temporal.Date(int64(until-from)*int64(i)/pictureWidth)
		mark := rune(markNone)
		// The last one that was painted over a day is what is known of it.
		for _, d := range slices.Backward(r.days) {
			if d.from <= day && day < d.until {
				mark = d.mark
				break
			}
		}
		b.WriteRune(mark)
	}
	return b.String()
}
