// Package cli is what every command stands on: the outside of the program ([Console]), the ledger
// that a command is about ([Where]), the flags that several have, and the exit codes.
//
// Flags are read, questions asked and answers printed by commands; none of them touches a stream,
// the clock or a terminal but through here.
package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"cakupan/cmd/internal/cli/words"
	"cakupan/cmd/internal/problem"
)

// Console is the outside of the program: commands touch no other, so that a test runs them in its
// own process, several at a time. Each command line has one of its own. What is left of the process
// are the environment and the files that are named.
//
// Stdout has the data alone, and Stderr all that is said beside them (contract, section 6), also as
// JSON. Stdin is read by who asks for it: a file or a NIK that is given as -, or an answer. Now is
// the clock of every command, so that a test can give its own.
type Console struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Now            func() time.Time
	Chart          bool // Stdout is a terminal: draw
	// Size returns how many columns and lines the terminal has now, 0: not known. Nil: neither is.
	Size     func() (columns, lines int)
	Progress bool // Stderr is a terminal: show how far it is
	Answers  bool // Stdin and Stderr are a terminal: somebody is there to be asked
	LogJSON  bool // the operator's log is read by a program
	// Said says in another language what went wrong, for people; nil: they read English.
	Said func(sentence string) string
}

// ExitCodes ends the help of every command. The numbers are those of the contract, section 6, and
// of package problem, which says which error has which: scripts build on them.
const ExitCodes = `

Exit codes:

	0  done
	1  failed
	2  wrong usage
	3  some input was refused, the rest is in the log
	4  not found
	5  a check failed: a digest differs, the log or a file is damaged
`

// Usage returns the error for a command line that asks for what cannot be, or for two things at
// once. text says what to write instead. The exit code is 2.
func Usage(text string) error { return problem.New(problem.UsageWrong, text) }

// QuietExit ends a command with an exit code, when it has already said why: a table of what is
// damaged says more than a sentence. What is joined with it is not told either.
type QuietExit int

// Error returns what nobody is shown.
func (q QuietExit) Error() string { return fmt.Sprintf("exit %d", int(q)) }

// Fail tells why a command failed, if it did, and returns the exit code. It is the one place where
// an error becomes words and a number; commands return errors and print none. The words go to
// stderr, also as JSON: stdout has data alone.
func (c *Console) Fail(err error, asJSON bool) int {
	var quiet QuietExit
	switch {
	case err == nil:
		return problem.ExitDone
	case errors.As(err, &quiet):
		return int(quiet)
	case errors.Is(err, context.Canceled):
		// Whoever pressed Ctrl-C knows why; where in the code it was noticed helps nobody.
		err = problem.New(problem.Interrupted, "interrupted")
	}
	// Every error has a code from here on; one that nobody gave a code is an internal one.
	e := problem.From(err)
	if asJSON {
		// A copy: the error may be one that others hold as well.
		shown := *e
		if e.Code == problem.Internal {
			shown.Detail = err.Error() // whoever runs the program is no stranger
		}
		c.line(string(shown.JSON(false)))
		return e.Exit()
	}
	text := sentence(e, err)
	if c.Said != nil {
		text = c.Said(text)
	}
	if c.LogJSON {
		c.Logger().Error("ended", slog.String("code", string(e.Code)), slog.String("detail", text))
		return e.Exit()
	}
	c.Note("cakupan: %s", text)
	return e.Exit()
}

// sentence says an error in one sentence, with its cause unless the sentence says it all. Whoever
// runs the program is no stranger, and may see what a client of the server may not. The detail of
// an error about a folder says it all: its cause is the system's word for the same.
func sentence(e *problem.Error, err error) string {
	if e.Code == problem.Internal {
		return err.Error()
	}
	text := e.Detail
	if e.Field != "" && !strings.HasPrefix(text, e.Field) {
		text = e.Field + ": " + text
	}
	if e.Err != nil && !strings.HasPrefix(string(e.Code), "folder.") {
		text += " (" + e.Err.Error() + ")"
	}
	return text
}

// Note writes a line for people beside the data. What others reported may be part of it, so nothing
// in it moves the cursor. Where a program reads the operator's log it is a record of that: whoever
// collects stderr cannot tell them apart.
func (c *Console) Note(format string, args ...any) {
	if c.LogJSON {
		c.Logger().Info("notice", slog.String("detail", fmt.Sprintf(format, args...)))
		return
	}
	c.line(fmt.Sprintf(format, args...))
}

func (c *Console) line(text string) {
	// If it fails, there is nowhere left to say so.
	_, _ = io.WriteString(c.Stderr, words.OnScreen(text+"\n"))
}

// Logger returns the operator's log, as text or JSON as LogJSON says by then. It writes to stderr,
// and never gets an event, a NIK or a query.
func (c *Console) Logger() *slog.Logger {
	if c.LogJSON {
		return slog.New(slog.NewJSONHandler(c.Stderr, nil))
	}
	return slog.New(slog.NewTextHandler(c.Stderr, nil))
}

// warnings returns the log of a ledger that is open for one command: it says what was wrong with
// its files, also where it healed by itself, and nothing of what goes well.
func (c *Console) warnings() *slog.Logger {
	return slog.New(slog.NewTextHandler(c.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// WriteJSON prints a value on one line. Its texts are as they were reported: there is no page whose
// marks < and & would have to be kept out of.
func (c *Console) WriteJSON(value any) error {
	encoder := json.NewEncoder(c.Stdout)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}
