package proving

import (
	"context"
	"errors"
	"fmt"

	"cakupan/cmd/internal/cli"
	"cakupan/cmd/internal/cli/words"
	"cakupan/cmd/internal/client"
	"cakupan/cmd/internal/witness"
)

// Witness looks at a ledger and cosigns what it shows (contract, section 8). What it
// remembers is in State, and its own key in a file beside that: whoever has both can go on as this
// witness. Key is the ledger's, as it was handed over by another way than the ledger itself;
// without it the first look believes what it is shown.
type Witness struct {
	Ledger string `required:"" placeholder:"URL" help:"The running ledger to look at."`
	State  string `required:"" placeholder:"FILE" help:"${witnessState}"`
	Name   string `default:"witness" placeholder:"NAME" help:"${witnessName}"`
	Key    string `placeholder:"PUB" help:"${witnessKey}"`
}

// Help returns what --help shows beyond the flags.
func (*Witness) Help() string {
	return `Looks once, and ends; run it as often as you like, on a machine that whoever runs the
ledger cannot reach. It remembers the last head that it saw, makes sure that the one it sees now
goes on from it, remembers that one, and cosigns it. When the ledger shows another past it exits
with 5, and keeps both signed heads in FILE.evidence: the ledger's own signatures, for anybody to
check.

The ledger shows the cosignatures of those who are named to it: cakupan serve --witness KEY, with
the key of the witness that this command prints.

Examples:

	cakupan witness --ledger https://ledger.example --state w.json
	cakupan witness --ledger https://ledger.example --state w.json --name auditor.example` +
		cli.ExitCodes
}

// Run runs the command. An error that a check failed (exit code 5) says that the ledger shows
// another past, or that the state is of no use: each look after it says so again.
func (c *Witness) Run(ctx context.Context, w *cli.Where, out *cli.Console) (err error) {
	if w.Server != "" || w.Data != "" {
		return cli.Usage("witness looks at a running ledger: name it with --ledger alone")
	}
	s, err := client.Dial(ctx, c.Ledger, w.SecretFile, out.Note)
	if err != nil {
		return err
	}
	// The tiles are asked for while it looks, so the client is closed last.
	defer func() { err = errors.Join(err, s.Close()) }()
	seen, err := witness.Look(ctx, s, s.Tiles(ctx), witness.Options{
		State: c.State, Name: c.Name, Key: c.Key,
	})
	if err != nil {
		return err
	}
	if w.JSON {
		return out.WriteJSON(seen)
	}
	return tellSeen(out, &seen)
}

// tellSeen prints what was seen, for people: the key first, which is to be compared with the one
// that was handed over. That the ledger has not kept the cosignature is told, and no error: it is
// the witness who has to remember.
func tellSeen(out *cli.Console, seen *witness.Seen) error {
	compared := fmt.Sprintf("it goes on from the %s that were witnessed before ✓",
		words.Thousands(seen.From))
	if seen.First {
		compared = "seen for the first time: from now on it is compared with this"
	}
	// The head is remembered in any case: Look writes its state before it cosigns.
	kept := "cosigned as " + seen.Witness
	if !seen.Kept {
		kept += "\nnot kept: " + seen.Why
	}
	if seen.Older != "" {
		compared += "\nits key was changed: " + seen.Older + " has signed for the new one ✓"
	}
	_, err := fmt.Fprintf(out.Stdout, "%s\n%s, root %s: %s\n%s\n", seen.Key,
		words.Counted(seen.Size, "event"), seen.Root, compared, kept)
	return err
}
