package keeping

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strconv"

	"cakupan/cmd/internal/backups"
	"cakupan/cmd/internal/cli"
	"cakupan/cmd/internal/cli/words"
	"cakupan/cmd/internal/client"
	"cakupan/cmd/internal/control"
	"cakupan/cmd/internal/problem"
	"cakupan/eventstore"
	"cakupan/eventstore/backup"
	"cakupan/eventstore/durable"
	"cakupan/eventstore/jetstream"
)

// Backup writes a backup: all that cannot be derived, of one moment, without keys (contract,
// section 10).
type Backup struct {
	Output string `short:"o" required:"" placeholder:"FILE" help:"Where to; not there yet."`
	Since  string `placeholder:"FILE" help:"Only what is new since this backup."`
}

// Help returns what --help shows beyond the flags.
func (*Backup) Help() string {
	return `Writes all that cannot be derived to one file, while the ledger goes on: the log, the
vault, sealed, the register of members, who looked up whom by NIK, what waits and what was
refused. The file has checksums over all of it, and its name only once it is whole. Back up what is
new as often as you like with --since the newest file; to restore, all of them are needed, back to
the whole one.

The keys are not in it, and without them nobody can be looked up in it: see cakupan keys backup. A
running server is asked with --server, on its own machine.

Examples:

	cakupan backup -o monday.backup
	cakupan backup -o monday.backup --server http://127.0.0.1:7070
	cakupan backup -o tuesday.backup --since monday.backup --server http://127.0.0.1:7070` +
		cli.ExitCodes
}

// shownBackup is a backup, for machines: what its file says at both ends. read fills it from what
// has come, not from what was asked for.
type shownBackup struct {
	File string `json:"file"`
	backup.Head
	backup.End
}

// Run asks for the backup and writes it. A server gives one to auditors, at its own machine alone.
// What goes wrong before the end leaves no file, and an increment that does not go on from the
// ledger is refused by it.
func (c *Backup) Run(ctx context.Context, w *cli.Where, out *cli.Console) error {
	// A backup never takes the place of another. A link that leads nowhere is something, too.
	if _, err := os.Lstat(c.Output); err == nil {
		return cli.Usage(c.Output + " is there already: name a file that is not")
	}
	// An empty query asks for a whole backup.
	query := url.Values{}
	if c.Since != "" {
		// It is read from end to end: on a damaged one nothing is to be built, and to know that now
		// costs less than at a restore.
		_, since, err := backup.ReadEnd(ctx, c.Since)
		if err != nil {
			return backups.Error(err)
		}
		query = sinceQuery(&since)
	}
	return w.Reading(ctx, out, func(s *client.Client) error {
		response, err := s.Get(ctx, "/v1/backup", query)
		if err != nil {
			return err
		}
		// What the server says at the end of a backup that it could not finish is no end of one:
		// read finds that out.
		shown, err := c.write(response.Body, out)
		if err := errors.Join(err, response.Body.Close()); err != nil {
			return err
		}
		if w.JSON {
			return out.WriteJSON(shown)
		}
		_, err = fmt.Fprintf(out.Stdout, "%s: up to event %s of ledger %s\nkeep the keys apart:"+
			" cakupan keys backup\n", c.Output, words.Thousands(shown.Events), shown.Ledger)
		return err
	})
}

// sinceQuery asks for what is new since a backup. The sum of the file binds the increment to that
// file. The sequence and the sum of the frame there have the ledger see whether it has the history
// that the file is of: after a restore of something older it has not. Vault, register and look-ups
// are numbers of their last records.
func sinceQuery(end *backup.End) url.Values {
	number := func(n uint64) string { return strconv.FormatUint(n, 10) }
	query := url.Values{
		"file": {end.SHA256}, "events": {number(uint64(end.Events))}, "frame": {end.Frame},
		"vault": {number(end.Vault)}, "register": {number(end.Register)},
	}
	if end.Lookups > 0 { // an older server does not know the word
		query.Set("lookups", number(end.Lookups))
	}
	for name, sum := range map[string]string{
		"vaultSum": end.Sums.Vault, "registerSum": end.Sums.Register,
		"lookupsSum": end.Sums.Lookups,
	} {
		if sum != "" { // nor these
			query.Set(name, sum)
		}
	}
	return query
}

// write writes the backup to its file, and reads it while it does: a file that is not whole never
// has the name.
//
// If we crash before the commit, what is there has the name with .tmp, which nobody takes for a
// backup and the next one of that name writes over; after it, the file is whole and lasts.
func (c *Backup) write(body io.Reader, out *cli.Console) (*shownBackup, error) {
	// The log in it has who is enrolled where: it is nobody else's to read.
	file, err := cli.BeginOutput(c.Output)
	if err != nil {
		return nil, err
	}
	shown := &shownBackup{File: c.Output}
	to := &remembering{file: file}
	if err := shown.read(io.TeeReader(body, to), out); err != nil {
		if to.err != nil { // it is here that it broke off
			err = fmt.Errorf("write backup: %w", to.err)
		}
		return nil, errors.Join(err, file.Close(), os.Remove(file.Name()))
	}
	if err := durable.Commit(file, c.Output); err != nil {
		return nil, fmt.Errorf("write backup: %w", err)
	}
	return shown, nil
}

// remembering writes to a file, and keeps the reason why it could not: an io.TeeReader gives an
// error of writing to who reads, who would take a full disk here for a server that broke off.
type remembering struct {
	file *os.File
	err  error
}

// Write writes to the file.
func (k *remembering) Write(b []byte) (n int, err error) {
	n, k.err = k.file.Write(b)
	return n, k.err
}

// read reads a backup to its end, checks it as every reader of one does, and notes what it says of
// itself. It fails unless all has come: the file says itself where it ends.
func (s *shownBackup) read(from io.Reader, out *cli.Console) error {
	m := out.Meter("backup")
	defer m.End()
	r, err := backup.NewReader(from)
	for err == nil {
		var got backup.Message
		// The progress is that of the log, which is nearly all of it. How long it is nobody says
		// before.
		if got, err = r.Next(); err == nil && got.Stream == jetstream.StreamDefault {
			var frame eventstore.Frame
			if frame, err = eventstore.ParseFrame(got.Data); err == nil {
				m.At(uint64(frame.Last()), -1)
			}
		}
	}
	if !errors.Is(err, io.EOF) {
		return problem.Wrap(problem.ServerUnreachable, "the backup broke off, and is not kept: the"+
			" ledger's own log says why", err)
	}
	s.Head, s.End = r.Head(), r.End()
	return nil
}

// Restore makes a ledger of a backup. It takes the place of nothing, and a crash leaves
// nothing that would be opened; see backups.Restore. Replicas is 0 where nobody asked for a number.
type Restore struct {
	Files    []string `arg:"" name:"file" help:"A whole backup, then the increments after it."`
	Keys     string   `placeholder:"DIR" help:"Folder that cakupan keys backup has made."`
	NATS     string   `name:"nats" type:"login" placeholder:"URL" help:"${nats}"`
	Replicas int      `placeholder:"N" help:"${replicas}"`
}

// Help returns what --help shows beyond the flags.
func (*Restore) Help() string {
	return `Checks all of the files, then makes the ledger as it was: sequences go on, duplicates
are known. The folder must be empty but for the same keys, or not there; a cluster must have no
ledger, and the login must be one that may delete streams, as authority/restore.url of cakupan setup
is. A restore that was cut short is started again alike: nobody opens what it has left.

At the end it says which keys there are and which are missing. Those can be copied into the folder
vault of the ledger later, too.

Examples:

	cakupan restore monday.backup --data /var/lib/cakupan --keys /media/safe/cakupan-keys
	cakupan restore monday.backup tuesday.backup --data ./restored
	cakupan restore monday.backup --data ./restored --nats nats://10.0.0.1,nats://10.0.0.2
	cakupan restore monday.backup --data ./restored --nats @cluster/authority/restore.url` +
		cli.ExitCodes
}

// noLookups is said of a backup of format 1, whose restore or check is well all the same: what is
// missing then was never in the file.
const noLookups = "an older cakupan made the last file, without the record of who looked up whom" +
	" by NIK: that is not in it"

// Run restores, and says then how the keys are. The error is of the restore, which then has left
// nothing that would be opened; or it is exit 5 for keys, where some were given: then the ledger is
// restored, and waits for its own.
func (c *Restore) Run(ctx context.Context, w *cli.Where, out *cli.Console) error {
	if w.Server != "" || w.SecretFile != "" {
		return cli.Usage("a backup is restored into an empty folder, with --data")
	}
	if !cli.IsReplicas(c.Replicas) {
		return cli.Usage("--replicas is 1, 3 or 5")
	}
	m := out.Meter("restore")
	chain, err := backups.Restore(ctx, backups.RestoreOptions{
		Files: c.Files, Dir: w.Folder(), Keys: c.Keys, NATS: c.NATS, Replicas: c.Replicas,
		Log: out.Logger(), Progress: m.Sequence,
	})
	m.End()
	if err != nil {
		return err
	}
	// Said before the keys are looked at: the ledger is there whatever comes of that.
	out.Note("%s has ledger %s up to event %s", w.Folder(), chain.Identity.Ledger,
		words.Thousands(chain.End.Events))
	if !chain.HasLookups() {
		out.Note(noLookups)
	}
	// The ledger is opened once, as every command would: a restore that cannot be opened is known
	// now.
	onFolder := onFolder{NATS: c.NATS}
	return onFolder.with(ctx, w, out, func(l control.Custody) error {
		keys, err := l.Keys(ctx)
		if err != nil {
			return err
		}
		err = writeKeys(w, out, keys)
		if c.Keys == "" && errors.Is(err, cli.QuietExit(problem.ExitCheckFailed)) {
			return nil // none were given: that they are missing is told, and no fault
		}
		return err
	})
}
