package cli

import (
	"io"
	"os"
	"unicode/utf8"

	"golang.org/x/term"

	"cakupan/cmd/internal/cli/words"
)

// terminal is one that somebody looks at. What was reported by others is shown there in many
// places, and none of them may move the cursor or turn the direction of writing. What is no
// terminal gets the bytes as they are: a program reads them. It is of one goroutine.
type terminal struct {
	out  io.Writer
	part []byte // a character of which a write had only the beginning
}

// Guarded returns how to write to a file, which is guarded where it is a terminal. All of
// standard output goes through it: a command that forgets to guard its text is guarded here.
func Guarded(file *os.File) io.Writer {
	if term.IsTerminal(int(file.Fd())) {
		return &terminal{out: file}
	}
	return file
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
	shown := words.OnScreen(string(all[:whole]))
	t.part = []byte(string(all[whole:]))
	if _, err := io.WriteString(t.out, shown); err != nil {
		return 0, err
	}
	return len(text), nil
}
