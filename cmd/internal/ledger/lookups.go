package ledger

import (
	"context"
	"errors"

	"cakupan/cmd/internal/folder"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/eventstore/inspect"
	"cakupan/eventstore/lookups"
	"cakupan/eventstore/packs"
)

// LookUp returns the worker id of a NIK, and records first who asked, when, and who it is: also
// when the vault knows nobody of it. What cannot be recorded is not answered.
//
// If we crash after the record, it says of somebody who got no answer that he asked, as he did. at
// is the record time of the look-up. who is the name of a member, or empty for whoever runs the
// ledger. The rule is of the contract, section 8.
func (l *Ledger) LookUp(ctx context.Context, nik, who string, at temporal.Instant,
) (worker string, err error) {
	if err := CheckNIK(nik); err != nil {
		return "", err
	}
	book, err := l.book(ctx)
	if err != nil {
		return "", err
	}
	v, err := l.openVault(ctx)
	if err != nil {
		return "", err
	}
	known := false
	if err = v.CatchUp(ctx); err == nil { // with who writes, on a cluster
		worker, known, err = v.Lookup(nik)
	}
	if err != nil {
		return "", l.vaultError(err)
	}
	read := lookups.Read{Who: who, Worker: worker, What: lookups.ByNIK}
	if err := book.Record(ctx, at, &read); err != nil {
		return "", l.confirmed(lookups.StreamName, lookupsError(err))
	}
	if !known {
		return "", problem.New(problem.NotFound, "the ledger knows nobody of this NIK; that it was"+
			" asked for is recorded")
	}
	return worker, nil
}

// book opens the book of reads, and makes it where there is none. The stream is made on first use,
// also where it turns out that nobody is known: that is recorded too.
func (l *Ledger) book(ctx context.Context) (*lookups.Book, error) {
	book, err := lookups.Open(ctx, l.conn, l.lookupsStream(), l.log.Identity())
	return book, l.confirmed(lookups.StreamName, lookupsError(err))
}

// NoteRead records that somebody reads about people, before he is answered. What cannot be recorded
// is not to be answered.
//
// If we crash after the record, it says of somebody who got no answer that he asked, as he did.
func (l *Ledger) NoteRead(ctx context.Context, at temporal.Instant, r *lookups.Read) error {
	book, err := l.book(ctx)
	if err != nil {
		return err
	}
	return l.confirmed(lookups.StreamName, lookupsError(book.Record(ctx, at, r)))
}

// Reads calls yield with each read about people, in their order. A ledger that was never asked has
// none, which is no error. An error of yield ends it.
func (l *Ledger) Reads(ctx context.Context, yield func(lookups.Read) error) error {
	book, err := lookups.OpenExisting(ctx, l.conn, l.lookupsStream(), l.log.Identity())
	switch {
	case errors.Is(err, packs.ErrNoStream):
		return nil
	case err != nil:
		return l.confirmed(lookups.StreamName, lookupsError(err))
	}
	return l.confirmed(lookups.StreamName, lookupsError(book.Each(ctx, yield)))
}

// verifyLookups says whether each look-up can be read; of a ledger without any, nothing. It opens,
// but never makes, the stream. Only an error that says nothing about the record itself is returned;
// damage is in the report.
func (l *Ledger) verifyLookups(ctx context.Context) ([]FileReport, error) {
	f := FileReport{
		Path: lookups.StreamName, Kind: "reads: who read what about people",
		State: string(inspect.Whole),
	}
	_, err := l.readLookups(ctx, func() {})
	var damage *packs.DamageError
	switch {
	case err == nil:
	case errors.Is(err, packs.ErrNoStream):
		return nil, nil
	case errors.Is(err, lookups.ErrOtherLedger):
		f.State, f.Findings = string(inspect.Foreign), []string{err.Error()}
	case errors.As(err, &damage), errors.Is(err, lookups.ErrRecord):
		f.State, f.Findings = string(inspect.Damaged), []string{err.Error()}
	default:
		return nil, lookupsError(err)
	}
	return []FileReport{f}, nil
}

// lookupsStream says how the book of look-ups is opened. It is asked for seldom: it is opened each
// time.
func (l *Ledger) lookupsStream() packs.Options {
	opts := lookups.StreamOptions()
	opts.Replicas, opts.Lacking = l.opts.Replicas, l.lacking
	if l.server != nil {
		opts.FreeSpace, opts.Store = l.server.FreeSpace, l.server
		opts.Witness = &l.readsSeen
	}
	return opts
}

// lookupsError says what is wrong with the book of look-ups. An error that has words already keeps
// them. Nothing of the text may name a person.
func lookupsError(err error) error {
	var known *problem.Error
	var damage *packs.DamageError
	switch {
	case err == nil, errors.As(err, &known):
		return err
	case errors.As(err, &damage), errors.Is(err, lookups.ErrRecord):
		return problem.Wrap(problem.StreamLost, "the record of look-ups is damaged, and none is"+
			" answered ("+folder.Innermost(err)+"): restore the newest copy of the stream "+
			lookups.StreamName, err)
	case errors.Is(err, eventstore.ErrFull):
		return problem.Wrap(problem.LogFull,
			"the disk is full: what is read about people is recorded first, or not answered", err)
	case errors.Is(err, lookups.ErrOtherLedger):
		return problem.Wrap(problem.FolderOtherLedger, "the record of reads, stream "+
			lookups.StreamName+", is another ledger's: put back the newest copy of"+
			" this ledger's", err)
	}
	return problem.Wrap(problem.LogUnavailable, "what is read about people cannot be recorded now,"+
		" so it is not answered, or the record cannot be read: ask again later", err)
}
