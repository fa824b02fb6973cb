package main

import (
	"io"
	"os"

	"golang.org/x/term"
)

// terminalSize returns how many columns and lines standard output has, which change when somebody
// pulls at the window. It returns 0 where that is no terminal, or does not say.
func terminalSize() (columns, lines int) {
	columns, lines, err := term.GetSize(int(os.Stdout.Fd()))
	if err != nil {
		return 0, 0
	}
	return columns, lines
}

// room returns how many columns and lines there are to write to; 0 is not known.
func (c *console) room() (columns, lines int) {
	if c.size == nil {
		return 0, 0
	}
	return c.size()
}

// chartWidth returns how many columns a chart of one line may take.
func (c *console) chartWidth() int {
	if columns, _ := c.room(); columns > 0 {
		return min(chartColumns, columns)
	}
	return chartColumns
}

// control writes what is the program's own and moves the cursor. It goes around the guard, so it is
// never given a text that somebody has reported.
func (c *console) control(sequence string) error {
	out := c.stdout
	if s, guards := out.(*terminal); guards {
		out = s.out
	}
	_, err := io.WriteString(out, sequence)
	return err
}

// chartColumns is how wide a chart on a terminal gets: as wide as a terminal is at least. More
// points are thinned to it.
const chartColumns = 80
