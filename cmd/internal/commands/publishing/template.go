package publishing

import (
	"errors"
	"fmt"
	"io"
	"os"

	"cakupan/cmd/internal/cli"
	"cakupan/cmd/internal/lists"
	"cakupan/cmd/internal/lists/book"
	"cakupan/cmd/internal/problem"
)

// Template writes an empty list to be filled in. It asks no ledger: what a list may hold is
// part of the program, so the template goes with the program that will import it. What people are
// told of lists is in both languages, as those who fill them in work in Indonesian.
type Template struct {
	Kind   string `arg:"" help:"${templateKind}"`
	Format string `enum:"csv,xlsx" default:"xlsx" help:"csv or xlsx (default: xlsx)."`
	Lang   string `enum:"id,en" default:"id" help:"Language: id or en (default: id)."`
	Output string `short:"o" placeholder:"FILE" help:"File to write (default: standard output)."`
}

// Help returns what --help shows beyond the flags.
func (*Template) Help() string {
	return `A workbook comes with drop-downs and a help sheet. Filled in, it is what cakupan import
reads.

Examples:

	cakupan template enrolment -o kepesertaan.xlsx
	cakupan template funding --format csv --lang en > funding.csv` + cli.ExitCodes
}

// Run runs the command. A file that is there is never replaced. One that could not be written to
// its end stays behind, and is in the way of the next try until somebody removes it.
func (c *Template) Run(out *cli.Console) error {
	kind, ok := lists.ParseKind(c.Kind)
	if !ok {
		return cli.Usage("there are templates for " + lists.KindNames(lists.English) + " (ada" +
			" templat untuk " + lists.KindNames(lists.Indonesian) + ")")
	}
	language := lists.English
	if c.Lang == "id" {
		language = lists.Indonesian
	}
	t := lists.NewTemplate(kind, language)
	write := func(to io.Writer) error {
		if c.Format == "csv" {
			return t.WriteCSV(to, language)
		}
		return book.Write(to, &t, language)
	}
	if c.Output == "" {
		// chart says that standard output is a terminal, where a workbook is noise.
		if out.Chart && c.Format == "xlsx" {
			return cli.Usage("a workbook is nothing for a terminal: name a file with -o (sebut" +
				" nama berkasnya dengan -o, misalnya -o daftar.xlsx)")
		}
		return write(out.Stdout)
	}
	// Nobody wants a list that is filled in replaced by an empty one. It will hold names and
	// identity numbers, so it is for its owner alone from the beginning.
	file, err := os.OpenFile(c.Output, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return cli.Usage(c.Output + " is there already: name another file (berkas itu sudah ada:" +
			" sebut nama lain)")
	} else if err != nil {
		return problem.Wrap(problem.FileNotReadable, c.Output+" cannot be written", err)
	}
	if err := errors.Join(write(file), file.Close()); err != nil {
		return fmt.Errorf("write template: %w", err)
	}
	return nil
}
