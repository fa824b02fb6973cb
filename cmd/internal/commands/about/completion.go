package about

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/alecthomas/kong"

	"cakupan/cmd/internal/cli"
	"cakupan/cmd/internal/cli/words"
	"cakupan/cmd/internal/manual"
	"cakupan/cmd/internal/shell"
	"cakupan/eventstore/durable"
)

// Completion prints the script of a shell. The scripts are in the program, so that they and
// what it answers them are of one version.
type Completion struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Help returns what --help shows beyond the flags.
func (*Completion) Help() string {
	return `The Debian package has all three where the shells look for them. The script asks the
program that is called what may stand there, so it need not be made again for a new version.

Examples:

	source <(cakupan completion bash)
	cakupan completion bash > ~/.local/share/bash-completion/completions/cakupan
	cakupan completion zsh > ~/.zfunc/_cakupan      # a folder of $fpath
	cakupan completion fish > ~/.config/fish/completions/cakupan.fish` + cli.ExitCodes
}

// Run prints the script. It needs no ledger.
func (c *Completion) Run(out *cli.Console) error {
	text, found := shell.Script(c.Shell)
	if !found {
		return cli.Usage("shells are bash, zsh and fish")
	}
	_, err := out.Stdout.Write(text)
	return err
}

// Complete answers the scripts of the shells. It runs at each press of a key, so it opens no
// ledger and no file: all it knows is the grammar. The line to be completed stands after --, so
// that its flags are none of this command.
type Complete struct {
	Words []string `arg:"" optional:"" help:"The command line to the cursor, after --."`
}

// Help returns what --help shows beyond the flags.
func (*Complete) Help() string {
	return `A line a word that may stand at the end, with its help after a tab; / for a file.

Example:

	cakupan complete -- series --st` + cli.ExitCodes
}

// Run answers by the model that the command line was read with, help in the language of the
// environment. A line that has nothing to be completed is an empty answer and no error: a shell
// would show one amid what is being typed.
func (c *Complete) Run(parsed *kong.Context, out *cli.Console) error {
	_, err := io.WriteString(out.Stdout, shell.Complete(parsed.Model, c.Words).String())
	return err
}

// Man writes the man pages: one of the program and one of each command, from the same
// grammar as the help.
type Man struct {
	Dir string `arg:"" help:"The folder; made where it is missing."`
}

// Help returns what --help shows beyond the flags.
func (*Man) Help() string {
	return `The Debian package has them. To read one without installing it: man -l DIR/cakupan.1

Examples:

	cakupan man /usr/local/share/man/man1
	cakupan man . && man -l cakupan-serve.1` + cli.ExitCodes
}

// Run makes the folder where it is missing, and replaces pages that are there. After an error some
// pages are of this version and some are not: run it again.
func (c *Man) Run(parsed *kong.Context, w *cli.Where, out *cli.Console) error {
	// Everybody may read how a program is used.
	const folderMode, fileMode = 0o755, 0o644
	if err := durable.MakeFolder(c.Dir, folderMode); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	v := readVersion()
	pages := manual.Pages(parsed.Model, manual.Edition{Version: v.Version, Date: v.Date()})
	for _, page := range pages {
		// Not durable: they are made again by the same command.
		if err := os.WriteFile(filepath.Join(c.Dir, page.Name), page.Text, fileMode); err != nil {
			return fmt.Errorf("write page: %w", err)
		}
	}
	if w.JSON {
		return out.WriteJSON(map[string]int{"pages": len(pages)})
	}
	out.Note("%s in %s", words.Counted(len(pages), "page"), words.Plain(c.Dir))
	return nil
}
