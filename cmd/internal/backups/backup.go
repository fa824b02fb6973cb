// Package backups writes backups of a ledger that runs, and makes ledgers of backups.
//
// The file is package eventstore/backup's. Here is what goes into it in which order, and in which
// order it is put back, so that whatever is interrupted is no ledger, or the whole.
package backups

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/nats-io/nats.go"
	natsjs "github.com/nats-io/nats.go/jetstream"

	"cakupan/cmd/internal/access"
	"cakupan/cmd/internal/natsin"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/eventstore/backup"
	"cakupan/eventstore/jetstream"
	"cakupan/eventstore/jetstream/copies"
	"cakupan/eventstore/lookups"
	"cakupan/eventstore/packs"
	"cakupan/eventstore/vault"
)

// Source is the ledger that is backed up.
type Source struct {
	Log  eventstore.Log
	Conn *nats.Conn // to its streams
	Now  func() temporal.Instant
	// Reads and Refused are what is known of these streams beside them. Optional.
	Reads   *packs.Witness
	Refused *natsin.Tally
	// Lacking has what servers of a cluster lack of their copies. Optional.
	Lacking *copies.Book
}

// Options say what to back up.
type Options struct {
	// Since is the backup that this one goes on from; nil: it is a whole one.
	Since *backup.Since
	// Progress is told how many events of how many of the log are done. Optional.
	Progress func(done, total eventstore.Sequence)
}

// Write writes all that cannot be derived, but for the keys, while the ledger goes on. It is
// consistent because of its order:
//
//   - what waits in the intake is first, then the log: a pack that is taken in meanwhile is in
//     both, and known again, never in neither;
//   - the end of the log is fixed, then vault and register are read to their ends: they hold all
//     that the log refers to;
//   - look-ups are before the vault, which so holds everybody whom they have found;
//   - what was refused is last, for the same reason as the first.
//
// What it writes has to be made durable by the caller. After an error, or a crash, what was written
// is no backup: it has no end, and whoever opens it says so. The ledger is changed in nothing. Keys
// are left out because a backup goes to places where who is who must not be readable.
func Write(ctx context.Context, from Source, to io.Writer, opts Options,
) (end backup.End, err error) {
	c := &copying{from: from, since: opts.Since, progress: opts.Progress}
	if c.since == nil {
		c.since = &backup.Since{}
	}
	if err := c.checkSince(ctx); err != nil {
		return end, err
	}
	identity := from.Log.Identity()
	c.to, err = backup.NewWriter(to, backup.Head{
		Ledger: identity.Ledger, Created: identity.Created, TakenAt: from.Now(),
		Since: opts.Since,
	})
	if err != nil {
		return end, err
	}
	// The order is what makes it consistent; see above.
	for _, part := range []func(context.Context) error{
		c.waiting, c.log, c.lookups, c.vault, c.register, c.refused,
	} {
		if err := part(ctx); err != nil {
			return end, damageError(err)
		}
	}
	// Such a backup could never be opened: the log in it would name what it lacks.
	if c.at.Vault < c.beside.Vault || c.at.Register < c.beside.Register {
		return end, problem.New(problem.VaultLost, fmt.Sprintf("the log has used %d records of the"+
			" vault and %d of the register, which have %d and %d: run cakupan verify",
			c.beside.Vault, c.beside.Register, c.at.Vault, c.at.Register))
	}
	return c.to.Finish(c.at)
}

// damageError puts damage beside the log into words. Another error is returned as it is.
func damageError(err error) error {
	var damage *packs.DamageError
	if !errors.As(err, &damage) {
		return err
	}
	code := problem.StreamLost
	switch damage.Stream {
	case vault.StreamName:
		code = problem.VaultLost
	case access.StreamName:
		code = problem.RegisterLost
	}
	return problem.Wrap(code, damage.Error()+", and a damaged ledger is not backed up: run cakupan"+
		" verify, and restore the newest copy", err)
}

// copying is a backup that is made. It is of one goroutine. At is how far each stream is copied,
// which is where an increment goes on.
type copying struct {
	from     Source
	since    *backup.Since // zero for a whole one
	progress func(done, total eventstore.Sequence)
	to       *backup.Writer
	at       backup.Position
	beside   eventstore.Beside // of the last frame
}

// checkSince refuses to go on from a backup of another history than the log's. The last frame of
// the backup must stand in the log with the same bytes: sequences alone are those of any other log
// too.
func (c *copying) checkSince(ctx context.Context) error {
	c.at = c.since.Position
	if c.since.Events == 0 {
		return nil
	}
	_, tail, err := c.from.Log.Last(ctx)
	if err != nil {
		return err
	}
	if tail.Sequence < c.since.Events {
		return problem.New(problem.FolderOtherLedger, fmt.Sprintf("the backup to go on from ends"+
			" at event %d, the log at event %d: it lost events, or was restored from an older"+
			" copy; make a whole backup", c.since.Events, tail.Sequence))
	}
	for frame, err := range c.from.Log.Read(ctx, c.since.Events) {
		if err != nil {
			return logError(err)
		}
		c.beside = frame.Beside()
		// A backup ends with a whole frame, so the one that holds its last event ends there too.
		if frame.Last() == c.since.Events && backup.FrameSum(frame.Raw()) == c.since.Frame {
			return nil
		}
		break
	}
	return problem.New(problem.FolderOtherLedger, fmt.Sprintf("the log has another past than the"+
		" backup to go on from, which ends at event %d: make a whole backup", c.since.Events))
}

// log copies the log up to where it ends now. Frames are copied as they are stored, and must follow
// one another without a gap.
func (c *copying) log(ctx context.Context) error {
	if err := c.to.Section(jetstream.StreamDefault); err != nil {
		return err
	}
	_, tail, err := c.from.Log.Last(ctx)
	if err != nil || c.at.Events >= tail.Sequence {
		return logError(err)
	}
	for frame, err := range c.from.Log.Read(ctx, c.at.Events+1) {
		switch {
		case err != nil:
			return logError(err)
		case frame.First() != c.at.Events+1:
			return c.unread()
		}
		if err := c.to.Message(jetstream.Subject, frame.Raw()); err != nil {
			return err
		}
		c.at.Events, c.at.Frame = frame.Last(), backup.FrameSum(frame.Raw())
		c.beside = frame.Beside()
		if c.progress != nil {
			c.progress(c.at.Events, tail.Sequence)
		}
		if c.at.Events >= tail.Sequence {
			return nil
		}
	}
	return c.unread()
}

// unread says that the event that comes next cannot be read.
func (c *copying) unread() error {
	return problem.New(problem.LogDamaged, fmt.Sprintf("event %d of the log cannot be read: run"+
		" cakupan verify", c.at.Events+1))
}

// logError says that the log is damaged where it is.
func logError(err error) error {
	var damage *eventstore.DamageError
	if errors.As(err, &damage) {
		return problem.Wrap(problem.LogDamaged, "the log is damaged, and a damaged one is not"+
			" backed up: run cakupan verify", err)
	}
	return err
}

// The books, each from its own stream: who read what, who is who, and who may do what.
func (c *copying) lookups(ctx context.Context) error {
	opts := lookups.StreamOptions()
	opts.Witness = c.from.Reads
	return c.records(ctx, opts, &c.at.Lookups, &c.at.Sums.Lookups)
}

func (c *copying) vault(ctx context.Context) error {
	return c.records(ctx, vault.StreamOptions(), &c.at.Vault, &c.at.Sums.Vault)
}

func (c *copying) register(ctx context.Context) error {
	return c.records(ctx, access.StreamOptions(), &c.at.Register, &c.at.Sums.Register)
}

// records copies a stream of records from the one after at, whose sum must be the given one, where
// that is known. Both are set to those of the last one that was copied. A stream that ends before
// has lost records, and is not backed up as if it had not.
func (c *copying) records(ctx context.Context, opts packs.Options, at *uint64, sum *string) error {
	if err := c.to.Section(opts.Stream); err != nil {
		return err
	}
	opts.Lacking = c.from.Lacking
	stream, err := packs.Open(ctx, c.from.Conn, opts)
	var end packs.End
	var last packs.Record
	switch {
	case errors.Is(err, packs.ErrNoStream) && *at == 0:
		return nil // a ledger without workers, members, or look-ups has none
	case err == nil:
		end, err = stream.Last(ctx)
	case errors.Is(err, packs.ErrNoStream):
		err = nil // it was lost: it ends at 0
	}
	if err != nil {
		return err
	}
	if end.Number < *at {
		return problem.New(problem.VaultLost, fmt.Sprintf("%s ends at record %d, the backup to go"+
			" on from at record %d: run cakupan verify", opts.Stream, end.Number, *at))
	}
	for r, err := range stream.Read(ctx, max(*at, 1)) { // at may have been replaced since
		switch {
		case err != nil:
			return err
		case r.Number == *at && *sum != "" && r.Sum() != *sum:
			return problem.New(problem.FolderOtherLedger, fmt.Sprintf("record %d of %s is another"+
				" one than in the backup to go on from: it was restored from an older copy; make a"+
				" whole backup", r.Number, opts.Stream))
		case r.Number == *at:
			continue
		}
		if err := c.to.Message(opts.Subject, r.Bytes()); err != nil {
			return err
		}
		*at, last = r.Number, r
	}
	if last.Number > 0 {
		*sum = last.Sum()
	}
	return nil
}

// What waits and what was refused are short-lived: an increment has all of it anew.
func (c *copying) waiting(ctx context.Context) error { return c.raw(ctx, natsin.StreamIntake) }

func (c *copying) refused(ctx context.Context) error {
	if err := c.raw(ctx, natsin.StreamRefused); err != nil {
		return err
	}
	err := c.from.Refused.Compare(ctx, c.from.Conn)
	if errors.Is(err, natsin.ErrLost) {
		return lostError(natsin.StreamRefused, err.Error())
	}
	return err
}

// lostError says what a stream of short-lived messages has lost.
func lostError(stream, what string) error {
	return problem.New(problem.StreamLost, fmt.Sprintf("%s is damaged (%s), and a damaged ledger"+
		" is not backed up: run cakupan verify, and put back the newest copy", stream, what))
}

// raw copies a stream as it is, up to its end as of the call. What is removed meanwhile was
// settled. Messages stay sealed. No consumer is made for it, which would be state on the server.
// What the server that leads has lost is read from another one's copy.
func (c *copying) raw(ctx context.Context, stream string) error {
	if err := c.to.Section(stream); err != nil {
		return err
	}
	passing := jetstream.NewPassing(c.from.Conn, stream, c.from.Lacking)
	next, last, err := passing.Ends(ctx)
	for err == nil && next <= last {
		var found jetstream.Found
		found, err = passing.Next(ctx, next)
		if found.Lost != 0 && found.Lost <= last && !found.Unsure {
			return lostError(stream, fmt.Sprintf("message %d is lost", found.Lost))
		}
		if errors.Is(err, jetstream.ErrNoMessage) || err == nil && found.Number > last {
			return nil
		}
		if err == nil {
			err = c.to.Message(found.Subject, found.Data)
		}
		next = found.Number + 1
	}
	if err != nil {
		return fmt.Errorf("back up %s: %w", stream, err)
	}
	return nil
}

// isNot tells whether an error of JetStream's API says that something is not there.
func isNot(err error, code natsjs.ErrorCode) bool {
	var said *natsjs.APIError
	return errors.As(err, &said) && said.ErrorCode == code
}
