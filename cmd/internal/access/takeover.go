package access

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"cakupan/cmd/internal/access/register"
	"cakupan/cmd/internal/problem"
	"cakupan/eventstore"
)

// errGone says that the register of a guarded ledger is not there any more.
var errGone error = problem.New(problem.RegisterLost, "the register of publishers and"+
	" readers is gone, so nobody is let in: put access.json back from a copy; or, to begin anew"+
	" with a ledger open to its machine, delete access.lock beside it and start the ledger again")

// Account is who a ledger's own changes are made by.
const Account = "cakupan"

// TakeOver brings the members of an access.json, in which the register was kept before it was a
// history, over to the stream, and removes the file. It is called at each start; fault is called
// between its steps, for crash tests.
//
// If we crash before the first part is stored, nothing has happened. If we crash between two parts,
// the next start goes on with the same file, and nobody is let in before. If we crash after the
// last one, the next start removes the file. A file that lies there later is another day's
// register: it changes nothing, and that is said.
func (r *Registry) TakeOver(ctx context.Context, path string, fault func(point string)) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if fault == nil {
		fault = func(string) {}
	}
	lock := strings.TrimSuffix(path, filepath.Ext(path)) + ".lock"
	raw, err := readFile(path)
	for err == nil {
		if r.folded.Number() > 0 && r.folded.Taking() == nil {
			return r.leftover(path, lock, raw)
		}
		if err = r.takeOver(ctx, raw, fault); errors.Is(err, eventstore.ErrFenced) {
			err = r.catchUp(ctx, false) // another ledger of the cluster does the same
		}
	}
	began := r.folded.Number() > 0
	switch {
	case errors.Is(err, fs.ErrNotExist) && r.folded.Taking() != nil:
		return errHalfTaken
	case errors.Is(err, fs.ErrNotExist) && began:
		return removeAll(lock)
	case errors.Is(err, fs.ErrNotExist):
		return checkGone(lock)
	case began && r.folded.Taking() == nil:
		r.log.WarnContext(ctx, "access.json cannot be read, and is of no use: the register is a"+
			" history now. Remove it", slog.String("file", path), slog.Any("error", err))
		return nil
	}
	return words(err)
}

// takeOver stores what is not stored yet of a file. The caller holds mu. Of a file of which a part
// is stored already it goes on behind that part. Parts are made anew from the file each time; only
// whether their file is the same is compared.
func (r *Registry) takeOver(ctx context.Context, raw []byte, fault func(string)) error {
	changes, err := register.TakeOver(raw, r.moment(), Account)
	if err != nil {
		return fmt.Errorf("take over access.json: %w", err)
	}
	if taking := r.folded.Taking(); taking != nil {
		if taking.Digest != register.DigestOf(raw) {
			return problem.New(problem.RegisterUnavailable, "access.json is another one than the"+
				" one of which the register has taken a part over: put that one back")
		}
		changes = changes[taking.Part:]
	}
	for i := range changes {
		fault("register.part")
		if err := r.append(ctx, &changes[i]); err != nil {
			return err
		}
	}
	fault("register.taken")
	return nil
}

// leftover deals with a file that lies beside a register that is complete. The caller holds mu. The
// only error is that a file which was taken over cannot be removed.
func (r *Registry) leftover(path, lock string, raw []byte) error {
	taken, at := r.folded.Taken()
	if taken != nil && taken.Digest == register.DigestOf(raw) {
		r.log.Info("access.json was taken over into the register: it is removed",
			slog.String("file", path), slog.Time("taken_over", at))
		return removeAll(path, lock)
	}
	r.log.Warn("access.json changes nothing: who may report and read stands in the register, which"+
		" is older than that file or has taken over another one. Remove it; see cakupan publisher"+
		" list --history", slog.String("file", path))
	return nil
}

// checkGone refuses a folder whose register was there and is not any more: to begin anew would let
// in again everybody who was revoked.
func checkGone(lock string) error {
	info, err := os.Stat(lock)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return denied(lock, err)
	case info.Size() > 0:
		return errGone
	}
	return nil
}

// removeAll removes files, of which some may be gone already. It need not last: the next start does
// it again.
func removeAll(paths ...string) error {
	for _, path := range paths {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return denied(path, err)
		}
	}
	return nil
}

// readFile reads an access.json. It must be the owner's alone. It is read whole, as it is bounded,
// and holds digests of secrets: hence the rights.
func readFile(path string) (raw []byte, err error) {
	// Not to wait for ever, should it be a pipe.
	file, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, denied(path, err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	info, err := file.Stat()
	switch {
	case err != nil:
		return nil, fmt.Errorf("look at %s: %w", path, err)
	case !info.Mode().IsRegular():
		return nil, unreadable("%s is no file", path)
	case info.Mode().Perm()&0o077 != 0:
		return nil, unreadable("%s may be opened by other users of this machine (rights %04o):"+
			" chmod 600 %s, and rotate the secrets if others may have changed it",
			path, info.Mode().Perm(), path)
	}
	raw, err = io.ReadAll(io.LimitReader(file, register.FileBytesMax+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", path, err)
	case len(raw) > register.FileBytesMax:
		return nil, unreadable("%s has more than %d MiB: it is damaged", path,
			register.FileBytesMax>>20)
	}
	return raw, nil
}

// unreadable says why a register is not used.
func unreadable(form string, args ...any) error {
	return problem.New(problem.RegisterUnavailable, fmt.Sprintf(form, args...))
}

// denied puts an error of the file system into words.
func denied(path string, err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return problem.Wrap(problem.FolderDenied,
			"no right to open "+path+": run as its owner", err)
	}
	return fmt.Errorf("open %s: %w", path, err)
}
