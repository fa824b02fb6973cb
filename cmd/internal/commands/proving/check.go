package proving

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"cakupan/cmd/internal/bundle"
	"cakupan/cmd/internal/cli"
	"cakupan/cmd/internal/client"
	"cakupan/cmd/internal/indonesian"
	"cakupan/cmd/internal/problem"
	"cakupan/eventstore/checkpoint"
)

// Check checks a bundle (contract, section 8). It is for machines that have nothing else, so
// the key and the witnesses come from whoever checks: a bundle could name any. All witnesses that
// are named must have cosigned.
type Check struct {
	File    string   `arg:"" placeholder:"FILE" help:"The bundle."`
	Key     string   `required:"" placeholder:"PUB" help:"${checkKey}"`
	Witness []string `placeholder:"KEY" help:"${checkWitness}"`
	Ledger  string   `placeholder:"URL" help:"${checkLedger}"`
	Lang    string   `enum:"en,id," default:"" placeholder:"en|id" help:"${lang}"`
}

// Help returns what --help shows beyond the flags.
func (*Check) Help() string {
	return `Needs the file and the key, and nothing else: no ledger, no network. It counts the
figure anew from the events in the file, and says in plain words what is proved, what is not, and
who is to be trusted for the rest; docs/proof.md has more of it. It exits with 5 when anything is
not so.

The key is one line, or a file with it; take it from somebody you trust, not from who gave you the
bundle.

Examples:

	cakupan check bone-bolango.bundle --key ledger.pub
	cakupan check bone-bolango.bundle --key ledger.pub --witness auditor.pub --lang id
	cakupan check bone-bolango.bundle --key ledger.pub --ledger https://ledger.example` +
		cli.ExitCodes
}

// Run checks, and prints what is proved and what is not. Anything that is not so is exit 5, and
// then nothing is printed to stdout: half a proof is none. The language of a check is told by
// --lang, else by the environment, as that of the help.
func (c *Check) Run(ctx context.Context, w *cli.Where, out *cli.Console) error {
	// A ledger that is named by the common flags would seem to be asked, and is not.
	if w.Server != "" || w.Data != "" {
		return cli.Usage("check needs no ledger; to compare with one that runs, name it with" +
			" --ledger")
	}
	data, err := os.ReadFile(c.File)
	if err != nil {
		return problem.File(c.File, err)
	}
	keys := bundle.Keys{Ledger: keyOf(c.Key)}
	for _, key := range c.Witness {
		keys.Witnesses = append(keys.Witnesses, keyOf(key))
	}
	result, err := bundle.Check(ctx, data, keys)
	if err != nil {
		return err
	}
	// The comparison comes before any word: a bundle that is sound and of a past that the ledger
	// denies is not to be read as proved.
	if c.Ledger != "" {
		if err := c.compare(ctx, result, w, out); err != nil {
			return err
		}
	}
	if w.JSON {
		return out.WriteJSON(result)
	}
	inIndonesian := indonesian.Chosen(c.Lang, os.Getenv)
	words, err := bundle.Words(result, inIndonesian)
	if err == nil {
		_, err = out.Stdout.Write([]byte(words))
	}
	// To have compared is no part of what the bundle proves, so it is told apart.
	if err == nil && c.Ledger != "" {
		_, err = fmt.Fprintln(out.Stdout, bundle.ComparedWords(inIndonesian))
	}
	return err
}

// compare makes sure that a running ledger still has the past that the bundle is of. The head that
// it shows must be signed with the key that was given or one that came in its place, and begin with
// the bundle's tree. An error of proof is exit 5; a ledger that does not answer is another one.
func (c *Check) compare(ctx context.Context, r *bundle.Result, w *cli.Where, out *cli.Console,
) (err error) {
	s, err := client.Dial(ctx, c.Ledger, w.SecretFile, out.Note)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	h, err := headOf(ctx, s, r.Key, nil)
	if err != nil {
		return err
	}
	tiles := s.Tiles(ctx)
	err = checkpoint.GoesOn(r.Tree(), h.tree, tiles)
	// Tiles that could not be had look like false ones. A broken connection accuses nobody.
	if failed := tiles.Err(); err != nil && failed != nil {
		return failed
	}
	if err != nil {
		return problem.Wrap(problem.ProofFailed, "the ledger shows another past than the one that"+
			" it has signed in the bundle", err)
	}
	return nil
}

// keyOf returns a key that was given as it is, or as the file that has it. What is no file that can
// be read is taken for a key, and refused as one where the bundle is checked.
func keyOf(text string) string {
	if line, err := os.ReadFile(text); err == nil {
		return strings.TrimSpace(string(line))
	}
	return strings.TrimSpace(text)
}
