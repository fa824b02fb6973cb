// Package keeping has the commands of who answers for a ledger: that it is whole, backed up and can
// be restored, its keys, and the persons in it.
package keeping

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"cakupan/cmd/internal/cli"
	"cakupan/cmd/internal/cli/table"
	"cakupan/cmd/internal/cli/words"
	"cakupan/cmd/internal/control"
	"cakupan/cmd/internal/ledger"
	"cakupan/cmd/internal/problem"
)

// Keys looks after the keys of a ledger. They are files in the folder, and neither in the
// log nor in a backup of the ledger (contract, section 10).
type Keys struct {
	Show   keysShowCommand   `cmd:"" help:"Say how each key is."`
	Backup keysBackupCommand `cmd:"" help:"Copy the keys into a new folder."`
	Rotate keysRotateCommand `cmd:"" help:"Make a new key, and seal anew what the old one sealed."`

	TakeOver keysTakeOverCommand `cmd:"" help:"Bring over an earlier program's vault as it is."`
}

// Help returns what --help shows beyond the flags.
func (*Keys) Help() string {
	return `Keys are files in the folder vault of the ledger. A backup of the ledger has none of
them: keep theirs apart. A check of each key stands in the ledger, so that another one, or one that
was damaged, is never taken for it. They are for whoever owns the folder, on its machine, also while
a server runs on it; a second ledger on a cluster gets copies of the first one's.

Examples:

	cakupan keys show
	cakupan keys backup --to /media/safe/cakupan-keys
	cakupan keys rotate
	cakupan keys rotate --key intake` + cli.ExitCodes
}

// onFolder is what commands have that are for the owner of a ledger: of a folder, or of the ledger
// that runs on it.
type onFolder struct {
	NATS string `name:"nats" type:"login" placeholder:"URL" help:"${nats}"`
}

// with does a job of the ledger of the folder, also while it runs. Over the network nobody does: a
// login reads or reports, and a key opens all that the ledger has sealed. job is called once, with
// the running ledger where there is one.
func (o *onFolder) with(ctx context.Context, w *cli.Where, out *cli.Console,
	job func(control.Custody) error,
) error {
	if err := w.NotServer(); err != nil {
		return err
	}
	// Create is not set: a folder that was mistyped has no ledger, and must not get one.
	opts := ledger.Options{Dir: w.Folder(), NATS: o.NATS, Log: out.Logger()}
	return control.AsOwner(ctx, opts, func(running *control.Client) error { return job(running) },
		func(l *ledger.Ledger) error { return job(l) })
}

// keysShowCommand says how the keys are.
type keysShowCommand struct{ onFolder }

// Help returns what --help shows beyond the flags.
func (*keysShowCommand) Help() string {
	return `Of a key only a fingerprint is shown.

Examples:

	cakupan keys show
	cakupan keys show --data /var/lib/cakupan --json` + cli.ExitCodes
}

// Run prints how each key is: a fingerprint, never the key. One that is missing, damaged or another
// ledger's is exit 5.
func (c *keysShowCommand) Run(ctx context.Context, w *cli.Where, out *cli.Console) error {
	return c.with(ctx, w, out, func(l control.Custody) error {
		keys, err := l.Keys(ctx)
		if err != nil {
			return err
		}
		return writeKeys(w, out, keys)
	})
}

// writeKeys prints how the keys are, and ends with exit 5 unless each is the ledger's own. The
// table says by then what is wrong with which.
func writeKeys(w *cli.Where, out *cli.Console, keys []ledger.Key) error {
	sound := true
	t := table.New("File", "Use", "Fingerprint", "State")
	for _, k := range keys {
		// So says the check of the key that is kept in the ledger.
		state := "is the ledger's own"
		if !k.OK {
			state, sound = k.Problem, false
		}
		t.Add(k.File, k.Use, k.Fingerprint, state)
	}
	var err error
	if w.JSON {
		err = out.WriteJSON(keys)
	} else {
		err = t.Write(out.Stdout)
	}
	if err == nil && !sound {
		return cli.QuietExit(problem.ExitCheckFailed)
	}
	return err
}

// keysBackupCommand copies the keys. The folder must not be there yet, so that no older key is lost
// to a newer one of its name.
type keysBackupCommand struct {
	onFolder
	To string `required:"" placeholder:"DIR" help:"A folder that is not there yet."`
}

// Help returns what --help shows beyond the flags.
func (*keysBackupCommand) Help() string {
	return `To put a key back, copy its file into the folder vault of the ledger, mode 0600.

Example:

	cakupan keys backup --to /media/safe/cakupan-keys` + cli.ExitCodes
}

// Run copies the keys, and names the folder and not what is in it. Keys that are not all the
// ledger's own are not copied: such a copy would be found out at a restore. A copy that was cut
// short leaves a folder of another name, which the next one removes.
func (c *keysBackupCommand) Run(ctx context.Context, w *cli.Where, out *cli.Console) error {
	return c.with(ctx, w, out, func(l control.Custody) error {
		to, err := filepath.Abs(c.To) // of this command, not of the ledger that runs
		if err != nil {
			return err
		}
		keys, err := l.BackupKeys(ctx, to)
		if err != nil {
			return err
		}
		if w.JSON {
			return out.WriteJSON(keys)
		}
		_, err = fmt.Fprintf(out.Stdout, "%s copied to %s: keep that apart from the ledger\n",
			words.Counted(len(keys), "key"), c.To)
		return err
	})
}

// keysRotateCommand changes a key. One that a crash has broken off has lost nothing: the same
// command again ends it, and cakupan keys show says how the keys are.
type keysRotateCommand struct {
	onFolder
	Key string `default:"vault" enum:"vault,intake,checkpoint" help:"${enum}; default: ${default}."`
}

// Help returns what --help shows beyond the flags.
func (*keysRotateCommand) Help() string {
	return `Whoever has got hold of the old key can open nothing any more that he has not copied
before. Older backups of the ledger need the old key: keep it with them, if at all. Where several
ledgers share a cluster, change the key of the vault where the one runs that writes, and copy it to
the others: until then they say that they could not take over; after it they need no restart. In the
folder of a ledger that does not run it is refused while another one writes. The key of the intake
can be changed while nothing waits, nothing refused is kept, and no server takes messages in: stop
all ledgers, name the cluster with --nats, and copy it, too. The key of checkpoints signs that
another takes its place: witnesses and auditors who have the old public key follow by that proof
(cakupan checkpoint --successions).

Examples:

	cakupan keys rotate
	cakupan keys rotate --key intake
	cakupan keys rotate --key checkpoint` + cli.ExitCodes
}

// Run changes the key and shows how the keys are after it. A ledger that runs goes on with the new
// key of the vault or of checkpoints; that of the intake it does not change while it takes messages
// in.
func (c *keysRotateCommand) Run(ctx context.Context, w *cli.Where, out *cli.Console) error {
	return c.with(ctx, w, out, func(l control.Custody) error {
		if err := l.RotateKey(ctx, c.Key); err != nil {
			return err
		}
		keys, err := l.Keys(ctx)
		if err != nil {
			return err
		}
		return writeKeys(w, out, keys)
	})
}

// keysTakeOverCommand brings over a vault that the log seems to have outgrown. It is apart from
// onFolder, since it is for a ledger that refuses to start.
type keysTakeOverCommand struct {
	NATS string `name:"nats" type:"login" placeholder:"URL" help:"${nats}"`
}

// Help returns what --help shows beyond the flags.
func (*keysTakeOverCommand) Help() string {
	return `The first start after an update brings over vault.db and its journals, unless the log
has workers that are not in them: then they are an old copy, and people would be counted twice.
Publishers who report worker ids of their own that look like the ledger's are the one other cause:
only then use this command.

Example:

	cakupan keys take-over` + cli.ExitCodes
}

// Run runs the command. Such a ledger does not start: none runs on the folder, so it is opened
// here. From then on it starts as any other, and the command has nothing left to do.
func (c *keysTakeOverCommand) Run(ctx context.Context, w *cli.Where, out *cli.Console) error {
	if err := w.NotServer(); err != nil {
		return err
	}
	// No other command may say so: an old copy of a vault would be believed without a word.
	l, err := ledger.Open(ctx, ledger.Options{
		Dir: w.Folder(), NATS: c.NATS, OldVault: true, Log: out.Logger(),
	})
	if err != nil {
		return err
	}
	keys, err := l.Keys(ctx)
	if err == nil {
		err = writeKeys(w, out, keys)
	}
	return errors.Join(err, l.Close())
}
