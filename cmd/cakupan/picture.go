package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"cakupan/domain/temporal"
	"cakupan/projections/story"
)

const (
	// pictureWidth is how many columns a picture has for the days.
	pictureWidth = 60
	// pictureRows is how many moments of knowledge a picture shows of an enrolment: the last ones.
	pictureRows = 24
	// pictureEnrolments is how many enrolments are drawn.
	pictureEnrolments = 6
)

// picture is how enrolments stand on both axes: across, on which days; down, as known when. Each
// event paints over what it changes.
type picture struct {
	names      []string // of enrolments, as they come
	enrolments map[string]*canvas
	left       int // enrolments that are not drawn
}

// canvas is what is painted of one enrolment.
type canvas struct {
	days []painted // as known now, in order of painting: later ones cover earlier ones
	rows []row
}

// painted is some days in one way.
type painted struct {
	from, until temporal.Date // until is out; endless: for ever
	mark        rune
}

// row is what was painted by an event.
type row struct {
	label string
	days  []painted
}

// endless is the end of what has none.
const endless temporal.Date = 1 << 30

// add paints what an event changes.
func (p *picture) add(l *story.Line) {
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
	day := localTime(e.RecordedAt)
	label := fmt.Sprintf("%9s  %s", thousands(l.Sequence), day[:min(len(day), len("2006-01-02"))])
	for c := range touched {
		c.rows = append(c.rows, row{label, slices.Clone(c.days)})
		c.rows = c.rows[max(0, len(c.rows)-pictureRows):]
	}
}

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

// The marks of a picture.
const (
	markCovered    = '█'
	markInGrace    = '▒'
	markNotCovered = '·'
	markNone       = ' '
)

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

// write draws the picture.
func (p *picture) write(w io.Writer) error {
	if len(p.names) == 0 {
		return nil
	}
	_, err := fmt.Fprintf(w, "\nAcross: when it was true. Down: when it was known.  %c covered"+
		"  %c in grace  %c enrolled, not covered\n", markCovered, markInGrace, markNotCovered)
	for _, name := range p.names {
		c := p.enrolments[name]
		from, until := c.span()
		_, err = fmt.Fprintf(w, "\n%s\n%21s %-*s%s\n", name, "", pictureWidth-10, from, until-1)
		for _, r := range c.rows {
			_, err = fmt.Fprintf(w, "%s |%s|\n", r.label, r.line(from, until))
		}
	}
	if p.left > 0 {
		_, err = fmt.Fprintf(w, "\nMore enrolments are not drawn: ask for each with --enrolment.\n")
	}
	return err
}

// span returns the first day that anything is known of and, a quarter of a year after the last, the
// end of what is drawn: what has no end goes on there.
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

// line draws the days of a row: each column what is the case on its first day.
func (r *row) line(from, until temporal.Date) string {
	var b strings.Builder
	for i := range pictureWidth {
		day := from + temporal.Date(int64(until-from)*int64(i)/pictureWidth)
		mark := rune(markNone)
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
