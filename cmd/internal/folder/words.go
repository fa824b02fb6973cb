package folder

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"cakupan/cmd/internal/problem"
	"cakupan/eventstore/index"
	"cakupan/eventstore/keyfile"
	"cakupan/eventstore/natsd"
	"cakupan/eventstore/packs"
	"cakupan/eventstore/vault"
	"cakupan/eventstore/vault/older"
	"cakupan/projections"
)

// DerivedError puts an error about what is derived from the log into words about the folder. What
// is damaged and can be made anew is made anew first, and comes here only where that fails. It is
// nil for nil.
func DerivedError(dir string, err error) error {
	var otherIndex *index.OtherLedgerError
	var ahead *index.AheadError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &otherIndex), errors.Is(err, projections.ErrOtherLog):
		return problem.Wrap(problem.FolderOtherLedger, fmt.Sprintf(
			"%s mixes two ledgers: put back what belongs to its log, or delete its folders "+
				"%s and %s to have them rebuilt", dir, Index, Views), err)
	case errors.As(err, &ahead), errors.Is(err, projections.ErrLogShorter):
		return OlderLog(dir, err)
	}
	return Error(dir, err)
}

// OlderLog puts into words that the log ends before what was derived from it. On a cluster the
// newest copy may be there, with a server that is down, or that others have outvoted.
func OlderLog(dir string, err error) error {
	return problem.Wrap(problem.LogDamaged, fmt.Sprintf("the log of %s is damaged or an old copy"+
		" (%s): restore its newest copy. On a cluster a server that is down, or that older ones"+
		" have outvoted, may have it: look there first, as docs/operations.md says", dir,
		Innermost(err)), err)
}

// ServerError puts an error of starting the embedded server into words about the folder. Metadata
// of a stream can be lost while its messages are whole: to make it anew by guessing could lose
// them, so it is asked for.
func ServerError(dir string, err error) error {
	var meta *natsd.MetadataError
	if errors.As(err, &meta) {
		return problem.New(problem.LogDamaged, fmt.Sprintf("%s: the messages of the stream"+
			" beside it may all be there: put this file and %s back from a backup of this ledger,"+
			" of whatever age, and start again", meta,
			filepath.Join(filepath.Dir(meta.Path), "meta.sum")))
	}
	return Error(dir, err)
}

// Innermost returns the text of what an error says last, behind what was being done. It is for
// sentences that say the rest themselves.
func Innermost(err error) string {
	text := err.Error()
	if i := strings.LastIndex(text, ": "); i >= 0 {
		return text[i+2:]
	}
	return text
}

// VaultError puts an error about the vault into words about the folder: what is missing, and what
// to do. Nil stays nil. Errors of the key are KeyError's. Nothing in a text tells a NIK.
func VaultError(dir string, err error) error {
	var behind *vault.BehindError
	var oldFiles *vault.OldFilesError
	var damage *packs.DamageError
	files := filepath.Join(dir, Vault)
	stream := "the stream " + vault.StreamName + " (of an embedded server: " +
		filepath.Join(dir, NATS) + ")"
	lost := func(format string, args ...any) error {
		return problem.Wrap(problem.VaultLost, fmt.Sprintf(format, args...), err)
	}
	is := func(any ...error) bool {
		for _, one := range any {
			if errors.Is(err, one) {
				return true
			}
		}
		return false
	}
	switch {
	case err == nil:
		return nil
	case is(vault.ErrOtherLedger, older.ErrOtherLedger):
		return problem.Wrap(problem.FolderOtherLedger, fmt.Sprintf(
			"the vault in %s belongs to another ledger: put back the one that belongs to its log",
			dir), err)
	// Each kind of loss has a text of its own, as what is to be put back differs.
	case errors.As(err, &behind):
		return lost("the vault is an old copy: it has %d records, and %s has used %d; people would"+
			" be counted twice: restore the newest copy of %s", behind.Has, behind.By, behind.Used,
			stream)
	case is(vault.ErrLost, older.ErrLost):
		return lost("the log has events, and its vault is missing; with a new one people would be"+
			" counted twice: restore %s, or %s as they were in %s, from the newest backup",
			stream, "vault.db and vault.journal.*", files)
	case errors.As(err, &oldFiles):
		return lost("vault.db and vault.journal.* in %s are an old copy: they lack %d workers of"+
			" the log, such as %s, who would be counted twice: put back their newest copy; where"+
			" these ids were reported by publishers as they are, run cakupan keys take-over",
			files, oldFiles.Missing, oldFiles.Example)
	case is(vault.ErrHalfTaken):
		return lost("the vault was being brought over from vault.db and vault.journal.* in %s,"+
			" which are gone: put them back from the backup, and start again", files)
	case is(vault.ErrDamaged, older.ErrDamaged) || errors.As(err, &damage):
		return lost("the vault is damaged (%s): restore the newest copy of %s",
			Innermost(err), stream)
	}
	return KeyError(filepath.Join(files, VaultKeyFile), err)
}

// KeyError puts an error about a key into words: what is wrong with it, and what to do. path is
// that of the key; what is none of these is an error of the folder.
func KeyError(path string, err error) error {
	const remedy = "put it back from its backup (cakupan keys backup makes one), or copy it from" +
		" another ledger on the same cluster"
	what := ""
	switch {
	case errors.Is(err, keyfile.ErrExposed):
		return problem.Wrap(problem.FolderDenied, fmt.Sprintf(
			"%s can be read by others: run chmod 600 %s", path, path), err)
	case errors.Is(err, vault.ErrKeyMissing):
		what = "is missing"
	case errors.Is(err, keyfile.ErrInvalid):
		what = "is damaged"
	case errors.Is(err, vault.ErrKeyWrong), errors.Is(err, older.ErrKeyWrong):
		what = "is not the key of this ledger"
	default:
		return Error(filepath.Dir(filepath.Dir(path)), err)
	}
	return problem.Wrap(problem.FolderKeyLost,
		fmt.Sprintf("%s %s: %s", path, what, remedy), err)
}

// Find returns why a folder cannot be found, nil when it can.
func Find(dir string) error {
	_, err := os.Stat(dir)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return problem.New(problem.FolderMissing,
			"there is no folder "+dir+": name another one with --data")
	}
	return Error(dir, err)
}
