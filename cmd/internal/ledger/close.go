package ledger

import (
	"context"
	"errors"

	"cakupan/cmd/internal/folder"
	"cakupan/eventstore"
)

// Close stops what runs and closes what is open, in the reverse of the order of opening: intake
// first, so that nothing new begins, then what reads the log, then what writes it, then the log.
// The folder is unlocked last, when nobody can write to it any more. A second Close does nothing.
//
// A crash in place of Close loses nothing: each part is left as a power cut would leave it, and the
// next Open goes on from there.
func (l *Ledger) Close() error {
	err := error(nil)
	l.closed.Do(func() { err = l.close() })
	return err
}

func (l *Ledger) close() error {
	var errs []error
	if l.messages != nil {
		errs = append(errs, l.messages.Close())
	}
	close(l.closing)
	if l.roles != nil {
		l.roles.Close()
	}
	l.background.Wait()
	if l.register != nil {
		ctx, stop := context.WithTimeout(context.Background(), noteMax)
		l.register.NoteUses(ctx)
		stop()
	}
	if l.shelf != nil {
		errs = append(errs, l.shelf.Close())
	}
	if l.prover != nil {
		errs = append(errs, l.prover.Close())
	}
	if l.writer != nil {
		errs = append(errs, l.writer.Close())
	}
	if l.index != nil {
		errs = append(errs, l.index.Close())
	}
	if l.vault != nil {
		errs = append(errs, l.vault.Close())
	}
	var events eventstore.Sequence
	var must map[string]folder.Must
	if l.server != nil {
		events, must = l.endOfLog(), l.mustHold()
	}
	l.disconnect()
	if l.server != nil {
		err := l.server.Shutdown()
		if errs = append(errs, err); err == nil && l.opened {
			l.folder.NoteRest(events, must)
		}
	}
	return errors.Join(append(errs, l.folder.Close(), l.removeCopy())...)
}
