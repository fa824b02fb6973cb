package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"cakupan/cmd/internal/cli"
	"cakupan/cmd/internal/commands/publishing"
	"cakupan/cmd/internal/commands/serving"
	"cakupan/cmd/internal/indonesian"
	"cakupan/cmd/internal/lists"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
)

// description begins the help of the program.
const description = `A ledger of employment-social-security coverage: events in, numbers out, on any
day, as known at any moment.` + cli.ExitCodes

// run runs one command and returns the exit code. args are what stands after the name of the
// program. It never ends the process, and has told by then what went wrong: the caller has nothing
// to add. It returns once the command has ended, which the end of ctx asks it to.
func run(ctx context.Context, args []string, out *cli.Console) int {
	var g grammar
	// Filled while the line is parsed, and given to Run: the grammar has one --data for two uses.
	var data publishing.EventData
	exited := false
	parser, err := kong.New(&g,
		kong.Name("cakupan"),
		kong.Description(description),
		cli.HelpTexts(texts(), clusterTexts(), memberTexts(), proofTexts(), serving.ShareTexts()),
		kong.Writers(out.Stdout, out.Stderr),
		kong.Help(helpFor(args)),
		kong.Exit(func(int) { exited = true }), // help was shown; what follows does not matter
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 96}),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.NamedMapper("folder", publishing.FolderOrEvent(&data)),
		kong.NamedMapper("login", kong.MapperFunc(cli.LoginOrFile)),
		kong.Bind(out, &g.Where, &data),
	)
	if err != nil {
		// The tags of the grammar contradict each other: no command would run, so every test finds
		// it.
		return out.Fail(err, false)
	}
	// The help is put into Indonesian in the model, before the line is read: it is printed while
	// that is done.
	inIndonesian := indonesian.Wanted(args, os.Getenv)
	if inIndonesian {
		out.Said = indonesian.Sentence
		indonesian.Translate(parser.Model, lists.KindNames(lists.Indonesian))
	}
	switch {
	case len(args) == 0:
		args = []string{"--help"}
	case args[0] == "help":
		// "help import" is what people type who know other programs.
		args = append(args[1:], "--help")
	}
	parsed, err := parser.Parse(indonesian.ForHelp(args))
	if err == nil && !exited {
		if wrong := wrongFlag(parsed); wrong != "" {
			err = errors.New(wrong)
		}
	}
	switch {
	case exited:
		// Help was asked for. What the parser says of the rest of the line does not matter.
		return problem.ExitDone
	case err != nil:
		// What cannot be parsed sets no flag: whether a machine reads the answer, the words say.
		asJSON := g.JSON || slices.Contains(args, "--json")
		// The parser repeats what it does not understand, which may be a NIK (contract, section 1).
		wrong := event.MaskNIK(wrongLine(err))
		if inIndonesian && !asJSON {
			return out.Fail(cli.Usage(indonesian.Wrong(wrong)+"; lihat cakupan --help"), asJSON)
		}
		return out.Fail(cli.Usage(wrong+"; see cakupan --help"), asJSON)
	case data != "" && parsed.Command() != "publish":
		// One command alone takes data of an event by --data; for all others it would be lost.
		return out.Fail(cli.Usage("--data names a folder"), g.JSON)
	case g.Data != "" && g.Server != "":
		// Neither goes before the other: whoever names both expects something of each.
		return out.Fail(cli.Usage("--data and --server exclude each other"), g.JSON)
	}
	return out.Fail(parsed.Run(), g.JSON)
}

// wrongLine says why a command line is none. A file that is named to publish is what people try who
// know other programs: it reads one that the shell opens.
func wrongLine(err error) string {
	text := err.Error()
	var wrong *kong.ParseError
	if !errors.As(err, &wrong) || !strings.HasPrefix(text, "unexpected argument") {
		return text
	}
	if node := wrong.Context.Selected(); node != nil && node.Name == "publish" {
		text += ": the event is read from standard input, as in cakupan publish < FILE"
	}
	return text
}

// helpFor prints the help of a command, in Indonesian where that is wanted and there is one. The
// help is written to memory first: what stands around the texts of a command is put into Indonesian
// in the finished page. What cannot be put there is shown in English.
func helpFor(args []string) kong.HelpPrinter {
	return func(options kong.HelpOptions, ctx *kong.Context) error {
		if !indonesian.Wanted(args, os.Getenv) || !indonesian.Speaks(ctx.Selected()) {
			return kong.DefaultHelpPrinter(options, ctx)
		}
		var help bytes.Buffer
		out := ctx.Stdout
		ctx.Stdout = &help
		err := kong.DefaultHelpPrinter(options, ctx)
		ctx.Stdout = out
		if err == nil {
			_, err = io.WriteString(out, indonesian.Frame(help.String()))
		}
		return err
	}
}
