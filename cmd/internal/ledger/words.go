package ledger

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"cakupan/cmd/internal/problem"
	"cakupan/eventstore/index"
	"cakupan/eventstore/natsd"
	"cakupan/projections"
)

// derivedError puts an error about what is derived from the log into words about the folder. What
// is damaged and can be made anew is made anew first, and comes here only where that fails. It is
// nil for nil.
func derivedError(dir string, err error) error {
	var otherIndex *index.OtherLedgerError
	var ahead *index.AheadError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &otherIndex), errors.Is(err, projections.ErrOtherLog):
		return problem.Wrap(problem.FolderOtherLedger, fmt.Sprintf(
			"%s mixes two ledgers: put back what belongs to its log, or delete its folders "+
				"%s and %s to have them rebuilt", dir, indexFolder, viewsFolder), err)
	case errors.As(err, &ahead), errors.Is(err, projections.ErrLogShorter):
		return problem.Wrap(problem.LogDamaged, fmt.Sprintf(
			"the log in %s is damaged or an old copy (%s): restore its newest copy",
			dir, innermost(err)), err)
	}
	return folderError(dir, err)
}

// serverError puts an error of starting the embedded server into words about the folder. Metadata
// of a stream can be lost while its messages are whole: to make it anew by guessing could lose
// them, so it is asked for.
func serverError(dir string, err error) error {
	var meta *natsd.MetadataError
	if errors.As(err, &meta) {
		return problem.New(problem.LogDamaged, fmt.Sprintf("%s: the messages of the stream"+
			" beside it may all be there: put this file and %s back from a backup of this ledger,"+
			" of whatever age, and start again", meta,
			filepath.Join(filepath.Dir(meta.Path), "meta.sum")))
	}
	return folderError(dir, err)
}

// innermost returns the text of what an error says last, behind what was being done. It is for
// sentences that say the rest themselves.
func innermost(err error) string {
	text := err.Error()
	if i := strings.LastIndex(text, ": "); i >= 0 {
		return text[i+2:]
	}
	return text
}
