package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/term"
)

// terminal is one that somebody looks at. What was reported by others is shown there in many
// places, and none of them may move the cursor or turn the direction of writing. What is no
// terminal gets the bytes as they are: a program reads them. It is of one goroutine.
type terminal struct {
	out  io.Writer
	part []byte // a character of which a write had only the beginning
}

// terminalOr returns how to write to a file, which is guarded where it is a terminal. All of
// standard output goes through it: a command that forgets to guard its text is guarded here.
func terminalOr(file *os.File) io.Writer {
	if term.IsTerminal(int(file.Fd())) {
		return &terminal{out: file}
	}
	return file
}

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

// Write shows text. A character that does harm is shown by its number, as JSON has it, so that JSON
// stays what it is. A writer with a buffer may end in the middle of a character: its beginning
// waits for the rest. After an error nobody can tell how much was shown.
func (t *terminal) Write(text []byte) (int, error) {
	all := append(t.part, text...)
	whole := len(all)
	// Only the last three bytes can be the beginning of a character that is not whole.
	for start := len(all) - 1; start >= 0 && len(all)-start < utf8.UTFMax; start-- {
		if utf8.RuneStart(all[start]) {
			if !utf8.FullRune(all[start:]) {
				whole = start
			}
			break
		}
	}
	shown := onScreen(string(all[:whole]))
	t.part = []byte(string(all[whole:]))
	if _, err := io.WriteString(t.out, shown); err != nil {
		return 0, err
	}
	return len(text), nil
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

// onScreen returns a text of several lines as a terminal may show it. \u has four digits, so a
// character that is beyond them cannot be written so, and becomes the mark for one that cannot be
// shown. So does a byte that is no UTF-8: 0x9b begins a command of older terminals.
func onScreen(text string) string {
	harmful := func(r rune) bool { return r != '\n' && r != '\t' && !isPlain(r) }
	if utf8.ValidString(text) && strings.IndexFunc(text, harmful) < 0 {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		switch {
		case !harmful(r):
			b.WriteRune(r)
		case r > 0xFFFF:
			b.WriteRune(unicode.ReplacementChar)
		default:
			fmt.Fprintf(&b, "\\u%04x", r)
		}
	}
	return b.String()
}
