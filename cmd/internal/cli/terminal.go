package cli

import (
	"io"
	"os"

	"golang.org/x/term"
)

// TerminalSize returns how many columns and lines standard output has, which change when somebody
// pulls at the window. It returns 0 where that is no terminal, or does not say.
func TerminalSize() (columns, lines int) {
	columns, lines, err := term.GetSize(int(os.Stdout.Fd()))
	if err != nil {
		return 0, 0
	}
	return columns, lines
}

// Room returns how many columns and lines there are to write to; 0 is not known.
func (c *Console) Room() (columns, lines int) {
	if c.Size == nil {
		return 0, 0
	}
	return c.Size()
}

// ChartWidth returns how many columns a chart of one line may take.
func (c *Console) ChartWidth() int {
	if columns, _ := c.Room(); columns > 0 {
		return min(ChartColumns, columns)
	}
	return ChartColumns
}

// Control writes what is the program's own and moves the cursor. It goes around the guard, so it is
// never given a text that somebody has reported.
func (c *Console) Control(sequence string) error {
	out := c.Stdout
	if s, guards := out.(*terminal); guards {
		out = s.out
	}
	_, err := io.WriteString(out, sequence)
	return err
}

// ChartColumns is how wide a chart on a terminal gets: as wide as a terminal is at least. More
// points are thinned to it.
const ChartColumns = 80
