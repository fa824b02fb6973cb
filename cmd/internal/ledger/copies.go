package ledger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"cakupan/cmd/internal/access"
	"cakupan/cmd/internal/natsin"
	"cakupan/eventstore/jetstream"
	"cakupan/eventstore/jetstream/copies"
	"cakupan/eventstore/lookups"
	"cakupan/eventstore/packs"
	"cakupan/eventstore/vault"
)

const (
	// recheckEvery is how often a copy is looked at again that was found to lack something.
	recheckEvery = 10 * time.Second

	// allowMax bounds how long it is tried to have the streams of an older program asked for single
	// copies: a login that may not change a stream gets no answer.
	allowMax = 5 * time.Second
)

// CopyReport says what is wrong with a server's copy of a stream. Nothing of the ledger is lost by
// it, as what is read of the stream is read from the others, unless nothing tells which copy is
// right.
type CopyReport struct {
	copies.Lack
	What   string `json:"what"`
	Remedy string `json:"remedy"`
}

// copyReport puts it into words.
func copyReport(l copies.Lack) CopyReport {
	is := CopyReport{
		Lack: l,
		Remedy: fmt.Sprintf("stop server %s, remove the folder of stream %s in its folder, and"+
			" start it: it copies the stream anew", l.Server, l.Stream),
	}
	whose := fmt.Sprintf("server %s's copy of stream %s", l.Server, l.Stream)
	switch l.How {
	case copies.Lacks:
		is.What = fmt.Sprintf("%s lacks message %d; the others have it", whose, l.Message)
	case copies.Differs:
		is.What = fmt.Sprintf("%s has another message %d than was stored; the others have that",
			whose, l.Message)
	case copies.Keeps:
		is.What = fmt.Sprintf("%s has message %d still, which was removed", whose, l.Message)
	case copies.Disputed:
		is.What = fmt.Sprintf("%s has another message %d than others, and nothing tells which one"+
			" was stored", whose, l.Message)
		is.Remedy = "have all servers of the stream run, and verify again; else compare with a" +
			" backup, and restore that"
	}
	return is
}

// newLacking returns the book of what copies lack. The operator is told of each copy once.
func newLacking(log *slog.Logger) *copies.Book {
	return copies.NewBook(time.Now, func(l copies.Lack) {
		report := copyReport(l)
		about := []any{
			slog.String("server", l.Server), slog.String("stream", l.Stream),
			slog.Uint64("message", l.Message), slog.String("how", string(l.How)),
			slog.String("remedy", report.Remedy),
		}
		if report.IsDisputed() {
			log.Error("copies of a stream differ, and nothing tells which one is right", about...)
			return
		}
		log.Error("a server's copy of a stream is damaged, and others are whole", about...)
	})
}

// IsDisputed tells whether copies differ, and nothing tells which one is right.
func (r *CopyReport) IsDisputed() bool { return r.How == copies.Disputed }

// Copies returns what copies are known to lack, none without a cluster.
func (l *Ledger) Copies() []CopyReport {
	reports := []CopyReport{}
	for _, lack := range l.lacking.Lacks() {
		reports = append(reports, copyReport(lack))
	}
	return reports
}

// degraded is what the health says of copies, "" when nothing is known to be wrong with them.
func (l *Ledger) degraded() string {
	lacks := l.lacking.Lacks()
	if len(lacks) == 0 {
		return ""
	}
	report := copyReport(lacks[0])
	text := report.What + ": " + report.Remedy
	if more := len(lacks) - 1; more > 0 {
		text += fmt.Sprintf(" (and %d more: see cakupan verify)", more)
	}
	return text
}

// compared is a stream whose copies can be compared.
type compared interface {
	CompareCopies(ctx context.Context, rest func()) error
	RecheckCopies(ctx context.Context)
}

// compared returns the log and what is beside it, of a ledger on a cluster. An error is about some
// of them; the others are returned all the same.
func (l *Ledger) compared(ctx context.Context) (all []compared, err error) {
	if l.server != nil {
		return nil, nil
	}
	if log, ok := l.log.(compared); ok {
		all = append(all, log)
	}
	for _, opts := range []packs.Options{
		vault.StreamOptions(), access.StreamOptions(), lookups.StreamOptions(),
	} {
		opts.Lacking, opts.Replicas = l.lacking, l.opts.Replicas
		stream, failed := packs.Open(ctx, l.conn, opts)
		switch {
		case failed == nil:
			if v := l.openedVault(); v != nil && opts.Stream == vault.StreamName {
				stream.Prove(v.Opens)
			}
			all = append(all, stream)
		case !errors.Is(failed, packs.ErrNoStream):
			err = errors.Join(err, failed)
		}
	}
	for _, name := range []string{natsin.StreamIntake, natsin.StreamRefused} {
		stream := jetstream.NewPassing(l.conn, name, l.lacking)
		if sealer := l.openedSealer(); sealer != nil {
			stream.Prove(natsin.Opens(sealer, name))
		}
		all = append(all, stream)
	}
	return all, err
}

// compareCopies reads each server's copy of each stream that cannot be derived. What it finds is in
// the book. An error says that a copy could not be read.
func (l *Ledger) compareCopies(ctx context.Context, rest func()) error {
	streams, err := l.compared(ctx)
	for _, stream := range streams {
		err = errors.Join(err, stream.CompareCopies(ctx, rest))
	}
	return err
}

// lookAtCopies compares them. That one could not be read, of a server that is down or has just come
// back, says nothing about it: it is told, and looked at the next time.
func (l *Ledger) lookAtCopies(ctx context.Context, rest func()) {
	if err := l.compareCopies(ctx, rest); err != nil && ctx.Err() == nil {
		l.opts.Log.WarnContext(ctx, "copies could not be compared", slog.Any("error", err))
	}
}

// watchCopies looks again, until ctx ends, at copies that were found to lack something: so it is
// seen soon that they were made whole.
func (l *Ledger) watchCopies(ctx context.Context) {
	if l.server != nil {
		return
	}
	l.allowCopies(ctx)
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(recheckEvery):
		}
		if len(l.lacking.Lacks()) == 0 {
			continue
		}
		streams, _ := l.compared(ctx) // what cannot be reached now is looked at the next time
		for _, stream := range streams {
			stream.RecheckCopies(ctx)
		}
	}
}

// allowCopies has the streams of an older program asked for single copies. Where the login may not
// change them, the operator is told what to do: until then what a server that leads has lost of
// them is not looked for elsewhere.
func (l *Ledger) allowCopies(ctx context.Context) {
	for _, stream := range []string{
		jetstream.StreamDefault, vault.StreamName, access.StreamOptions().Stream,
		lookups.StreamOptions().Stream, natsin.StreamIntake, natsin.StreamRefused,
	} {
		bounded, cancel := context.WithTimeout(ctx, allowMax)
		err := jetstream.AllowDirect(bounded, l.conn, stream)
		cancel()
		if err != nil && ctx.Err() == nil {
			l.opts.Log.WarnContext(ctx, "what a server has lost of a stream is not asked of the"+
				" others: let the stream take direct gets (nats stream edit NAME --allow-direct),"+
				" or start this ledger with a login that may change streams",
				slog.String("stream", stream), slog.Any("error", err))
		}
	}
}
