// Command cakupan is the ledger of employment-social-security coverage: it takes in what happened,
// keeps it for ever, and answers who is covered, on any day, as known at any moment.
//
// Here is the table of commands (contract, sections 6 and 8), and how one of them is run. Each is a
// file of cmd/internal/commands, where flags are read, questions asked and answers printed; all of
// them stand on cmd/internal/cli. What a ledger does is elsewhere in cmd/internal, and none of it
// knows of a terminal. A command asks a folder and a server alike through cmd/internal/client, so
// it need not know which one it has.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"syscall"
	"time"

	"golang.org/x/term"

	"cakupan/cmd/internal/cli"
	"cakupan/cmd/internal/importer"
)

func main() {
	// A core would hold keys and identity numbers.
	_ = cli.NoCores() // where it cannot be forbidden, the system writes what it writes
	ctx, stop := signal.NotifyContext(context.Background(), endings()...)
	// The first signal asks for an orderly end; a second one does not ask.
	context.AfterFunc(ctx, stop)
	if slices.ContainsFunc(os.Args, importer.IsList) {
		frugal(os.Args)
	}
	// Deferred calls do not run before os.Exit, so none is made here: run has closed all it opened.
	code := run(ctx, os.Args[1:], &cli.Console{
		Stdin:    os.Stdin,
		Stdout:   cli.Guarded(os.Stdout),
		Stderr:   os.Stderr,
		Now:      time.Now,
		Chart:    term.IsTerminal(int(os.Stdout.Fd())),
		Size:     cli.TerminalSize,
		Progress: term.IsTerminal(int(os.Stderr.Fd())),
		Answers:  term.IsTerminal(int(os.Stdin.Fd())) && term.IsTerminal(int(os.Stderr.Fd())),
	})
	stop()
	os.Exit(code)
}

const (
	// listMemory is the memory of an import of a list, as far as it can be kept.
	listMemory = 160 << 20
	// listBytes is how large lists may be for that: 200,000 rows of twelve columns are half of it.
	listBytes = 40 << 20
)

// frugal has memory collected more often: a workbook's texts are held while it is read, and rows
// until it is told what they have done. So a list of 200,000 rows stays below 200 MB, for a tenth
// of the processor time more. A much longer one needs more than that, and should not collect all
// the time. What was said by the environment stands.
func frugal(args []string) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(50)
	}
	size := int64(0)
	for _, path := range args {
		if info, err := os.Stat(path); err == nil && importer.IsList(path) {
			size += info.Size()
		}
	}
	if os.Getenv("GOMEMLIMIT") == "" && size <= listBytes {
		debug.SetMemoryLimit(listMemory)
	}
}

// endings returns the signals that ask for an orderly end. A terminal that goes away is one, unless
// whoever started the program had it ignored, as nohup does.
func endings() []os.Signal {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	return signals
}
