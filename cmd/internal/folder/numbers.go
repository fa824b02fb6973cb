package folder

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"

	"cakupan/cmd/internal/problem"
	"cakupan/eventstore/natsd"
)

// NoteNumbers notes, while the ledger runs, how far streams have numbered their messages, so that
// after a crash an older copy of one is none that is believed. What is noted of them already stays
// where it is more. It costs a durable write where something has changed, and nothing else.
func (f *Folder) NoteNumbers(numbers map[string]uint64) {
	if _, err := os.Stat(f.Path(IdentityFile)); errors.Is(err, fs.ErrNotExist) {
		return // it was emptied, and is nobody's
	}
	was, err := f.loadRest()
	switch {
	case err == nil:
	case errors.Is(err, errOtherRest), errors.Is(err, fs.ErrNotExist):
		was = rest{
			Format: restFormat, Ledger: f.Meta.Identity.Ledger, Exact: true,
			Streams: map[string]holds{},
		}
	default:
		return // it cannot be read now, and has what is compared, too
	}
	now := mostOf(was.Numbers, numbers)
	if maps.Equal(now, was.Numbers) {
		return
	}
	was.Numbers = now
	if err := f.writeRest(was); err != nil {
		f.Logger.Warn("how far streams are cannot be noted", slog.Any("error", err))
	}
}

// mostOf returns the higher number of each stream that has one.
func mostOf(a, b map[string]uint64) map[string]uint64 {
	most := map[string]uint64{}
	for _, numbers := range []map[string]uint64{a, b} {
		for name, number := range numbers {
			if number > most[name] {
				most[name] = number
			}
		}
	}
	return most
}

// checkNumber compares the files of a stream with how far it was: fewer numbers are those of an
// older copy.
func (f *Folder) checkNumber(name string, must uint64) error {
	if must == 0 {
		return nil
	}
	dir := f.StreamFolder(name)
	if natsd.IsPurging(dir) {
		return nil // of what it has in the end, the server knows more
	}
	number, known := uint64(0), !hasBlocks(dir)
	if natsd.IsStream(dir) {
		var err error
		if number, known, err = natsd.LastNumber(dir); err != nil {
			return Error(f.Dir, err)
		}
	}
	// Of its configuration, where it cannot be read, the server knows more.
	if !known || number >= must {
		return nil
	}
	return problem.New(problem.StreamLost, fmt.Sprintf("the stream %s is damaged or an older copy:"+
		" %s says it had given its messages numbers up to %d, and in these files they end at %d:"+
		" put back the newest copy of %s. To go on without what is lost, delete %s",
		name, f.Path(RestFile), must, number, dir, f.Path(RestFile)))
}
