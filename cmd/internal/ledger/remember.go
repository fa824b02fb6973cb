package ledger

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"cakupan/cmd/internal/folder"
	"cakupan/cmd/internal/natsin"
	"cakupan/cmd/internal/problem"
	"cakupan/eventstore/inspect"
	"cakupan/eventstore/jetstream"
	"cakupan/eventstore/lookups"
	"cakupan/eventstore/packs"
)

// remember notes what the streams hold that no frame of the log speaks of, before anybody asks. The
// server has read their files just now. What cannot be noted is when it is looked at first.
func (l *Ledger) remember(ctx context.Context) {
	l.tally = natsin.NewTally(l.server)
	l.quota.Count(l.tally)
	book, err := lookups.OpenExisting(ctx, l.conn, l.lookupsStream(), l.log.Identity())
	if err == nil {
		err = book.Look(ctx)
	}
	if errors.Is(err, packs.ErrNoStream) {
		err = nil
	}
	if err := errors.Join(err, l.tally.Compare(ctx, l.conn)); err != nil {
		l.opts.Log.WarnContext(ctx, "what streams hold is not known yet", slog.Any("error", err))
	}
}

// mustHold returns how many messages there are at least of each stream that no frame of the log
// speaks of: as the server says, and as this process knows. It is for the end, when nobody stores
// or removes. It is bounded, as endOfLog is.
func (l *Ledger) mustHold() map[string]folder.Must {
	number, sum := l.readsSeen.Seen()
	must := map[string]folder.Must{
		lookups.StreamName: {Messages: number, Number: number, Sum: sum},
	}
	if least, one, counted := l.tally.Least(); counted {
		must[natsin.StreamRefused] = folder.Must{
			Messages: least, Number: one.Number, Sum: one.Sum,
		}
	}
	ctx, stop := context.WithTimeout(context.Background(), noteMax)
	defer stop()
	for name, state := range l.besideLog(ctx) {
		is := must[name]
		is.Messages = max(is.Messages, state.Messages)
		must[name] = is
	}
	return must
}

// streamState is what the server says of a stream.
type streamState struct {
	Messages uint64 `json:"messages"`
	Last     uint64 `json:"last_seq"` // the highest number that it has given to one
}

// besideLog returns how the streams are that no frame of the log speaks of, as far as the server
// can be believed: one that could not write may show what it will not keep.
func (l *Ledger) besideLog(ctx context.Context) map[string]streamState {
	broken := l.server.Broken()
	if l.conn == nil || l.server.Check() != nil {
		return nil
	}
	states := map[string]streamState{}
	for _, name := range []string{lookups.StreamName, natsin.StreamRefused, natsin.StreamIntake} {
		var info struct {
			State streamState `json:"state"`
		}
		if jetstream.Ask(ctx, l.conn, "$JS.API.STREAM.INFO."+name, nil, &info) == nil {
			states[name] = info.State
		}
	}
	select {
	case <-broken:
		return nil
	default:
		return states
	}
}

// numbersEvery is how often a ledger that serves notes how far its streams are: what is newer than
// that is not missed after a crash.
const numbersEvery = 5 * time.Second

// watchNumbers notes how far the streams are until ctx ends. It ends at once where others have the
// streams.
func (l *Ledger) watchNumbers(ctx context.Context) {
	for l.server != nil && pause(ctx, numbersEvery) {
		l.noteNumbers(ctx)
	}
}

// noteNumbers does so once.
func (l *Ledger) noteNumbers(ctx context.Context) {
	numbers := map[string]uint64{}
	for name, state := range l.besideLog(ctx) {
		numbers[name] = state.Last
	}
	l.folder.NoteNumbers(numbers)
}

// watchLookups reads the record of reads.
func (l *Ledger) watchLookups(ctx context.Context, rest func()) (number uint64, err error) {
	number, err = l.readLookups(ctx, rest)
	if errors.Is(err, packs.ErrNoStream) {
		err = nil
	}
	return number, lookupsError(err)
}

// readLookups reads the record of reads to its end, and returns the number of the last one. The
// error is that of the stream.
func (l *Ledger) readLookups(ctx context.Context, rest func()) (number uint64, err error) {
	book, err := lookups.OpenExisting(ctx, l.conn, l.lookupsStream(), l.log.Identity())
	if err != nil {
		return 0, err
	}
	err = book.Each(ctx, func(r lookups.Read) error {
		number = r.Number
		rest()
		return nil
	})
	return number, err
}

// watchRefused reads what was refused, as this ledger's own server has it.
func (l *Ledger) watchRefused(ctx context.Context, rest func()) (number uint64, err error) {
	if l.server == nil {
		return 0, nil // copies of it are compared
	}
	number, err = l.tally.Check(ctx, l.conn, rest)
	return number, refusedError(err)
}

// refusedError has words for refusals that are lost. Any other error is returned as it is.
func refusedError(err error) error {
	if !errors.Is(err, natsin.ErrLost) {
		return err
	}
	return problem.Wrap(problem.StreamLost, folder.Innermost(err)+": the stream "+
		natsin.StreamRefused+" is damaged or an older copy. Stop the ledger and put back its"+
		" newest copy; what publishers were told stands in their receipts", err)
}

// verifyRefused says whether what was refused is all there; of a ledger that refused nothing,
// nothing.
func (l *Ledger) verifyRefused(ctx context.Context) ([]FileReport, error) {
	f := FileReport{
		Path: natsin.StreamRefused, Kind: "refused: what publishers sent by NATS in vain",
		State: string(inspect.Whole),
	}
	number, err := l.watchRefused(ctx, func() {})
	switch {
	case err == nil && number == 0:
		return nil, nil
	case err == nil:
	case isLoss(err):
		f.State, f.Findings = string(inspect.Damaged), []string{problem.From(err).Detail}
	default:
		return nil, err
	}
	return []FileReport{f}, nil
}
