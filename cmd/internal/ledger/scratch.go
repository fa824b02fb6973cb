package ledger

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"cakupan/cmd/internal/folder"
	"cakupan/cmd/internal/problem"
)

// OpenToRead opens a ledger for who only asks. A folder that cannot be written, or that another
// process has open, is copied to a scratch place first, and the copy is asked: the log is a
// server's, which must write where it reads. told is told so before. Nothing of the folder itself
// is changed.
//
// The copy is removed by Close; what a crash leaves of it is in the place for temporary files. It
// has the keys in it, and is readable by its owner alone.
func OpenToRead(ctx context.Context, opts Options, told func(string)) (*Ledger, error) {
	l, err := Open(ctx, opts)
	inUse := problem.From(err) != nil && problem.From(err).Code == problem.FolderInUse
	if !inUse && !errors.Is(err, syscall.EROFS) && !errors.Is(err, fs.ErrPermission) {
		return l, err
	}
	scratch, failed := os.MkdirTemp("", "cakupan-scratch-")
	if failed != nil {
		return nil, errors.Join(err, failed)
	}
	told(fmt.Sprintf("%s cannot be written or is in use: a copy in %s is asked, for as long as"+
		" this takes (TMPDIR names another place)", opts.Dir, scratch))
	failed = folder.Copy(ctx, opts.Dir, scratch, inUse)
	if failed == nil {
		asked := opts
		asked.Dir, asked.Create = scratch, false
		if l, failed = Open(ctx, asked); failed == nil {
			l.copyOf = opts.Dir
			return l, nil
		}
	}
	if errors.Is(failed, fs.ErrPermission) {
		failed = err // of the folder itself
	}
	if known := problem.From(failed); known.Code != problem.Internal {
		named := *known // the copy is gone when this is read
		named.Detail = strings.ReplaceAll(named.Detail, scratch, opts.Dir)
		failed = &named
	}
	return nil, errors.Join(failed, os.RemoveAll(scratch))
}

// named has a report name the folder that was named, and not a copy of it.
func (l *Ledger) named(report *VerifyReport) {
	if l.copyOf == "" {
		return
	}
	for _, f := range report.Files {
		for i := range f.Findings {
			f.Findings[i] = strings.ReplaceAll(f.Findings[i], l.folder.Dir, l.copyOf)
		}
	}
}

// source returns the folder that was named: for a copy, what it is a copy of. It is for what people
// are told, never to be opened for writing.
func (l *Ledger) source() string {
	if l.copyOf != "" {
		return l.copyOf
	}
	return l.folder.Dir
}

// removeCopy removes the scratch place of a ledger that was copied for this process. It is called
// last, when nothing in it is open.
func (l *Ledger) removeCopy() error {
	if l.copyOf == "" {
		return nil
	}
	if err := os.RemoveAll(l.folder.Dir); err != nil {
		return fmt.Errorf("remove copy: %w", err)
	}
	return nil
}
