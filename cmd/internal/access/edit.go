package access

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
	"cakupan/eventstore/durable"
)

// Add registers a member and returns its secret, which nobody can find out again. Of the entry it
// takes name, role and what a publisher may report. A name that is or was in the register is
// refused. The folder of the register must exist.
func (r *Registry) Add(e Entry) (secret string, err error) {
	e.Types = slices.Sorted(slices.Values(e.Types))
	e.CreatedAt, e.RotatedAt, e.RevokedAt = r.moment(), time.Time{}, time.Time{}
	if defect := e.defect(); defect != "" {
		return "", problem.New(problem.UsageWrong, defect)
	}
	return r.edit(func(entries []Entry) ([]Entry, string, error) {
		place, taken := slices.BinarySearchFunc(entries, e.Name, byName)
		switch {
		case taken && !entries[place].RevokedAt.IsZero():
			return nil, "", problem.New(problem.UsageWrong, e.Name+" was "+
				string(entries[place].Role)+" and is revoked: events keep the name, so nobody"+
				" else may have it. Take another one, such as "+e.Name+"-2")
		case taken:
			return nil, "", problem.New(problem.UsageWrong, e.Name+" is "+
				string(entries[place].Role)+" already: to get a new secret, rotate it")
		case len(entries) == membersMax:
			return nil, "", problem.New(problem.UsageWrong,
				fmt.Sprintf("the register has %d members already, and holds no more", membersMax))
		}
		secret := newSecret()
		e.key, _ = digestOf(secret)
		return slices.Insert(entries, place, e), secret, nil
	})
}

// Rotate gives a member a new secret and returns it; the old one is worth nothing from then on.
// roles, one or more, says which members are meant.
func (r *Registry) Rotate(name string, roles ...Role) (secret string, err error) {
	return r.edit(func(entries []Entry) ([]Entry, string, error) {
		e, err := pick(entries, name, roles)
		if err != nil {
			return nil, "", err
		}
		secret := newSecret()
		e.key, _ = digestOf(secret)
		e.RotatedAt = r.moment()
		return entries, secret, nil
	})
}

// Revoke ends a membership, for ever. roles, one or more, says which members are meant.
func (r *Registry) Revoke(name string, roles ...Role) error {
	_, err := r.edit(func(entries []Entry) ([]Entry, string, error) {
		e, err := pick(entries, name, roles)
		if err != nil {
			return nil, "", err
		}
		e.RevokedAt = r.moment()
		return entries, "", nil
	})
	return err
}

func byName(e Entry, name string) int { return strings.Compare(e.Name, name) }

// pick returns the entry of a member of one of the roles that is not revoked. The name comes from a
// command line, where people also type what is none: it is masked.
func pick(entries []Entry, name string, roles []Role) (*Entry, error) {
	place, known := slices.BinarySearchFunc(entries, name, byName)
	switch {
	case !known:
		return nil, problem.New(problem.NotFound, fmt.Sprintf("nobody in the register is called %q",
			event.MaskNIK(name)))
	case !slices.Contains(roles, entries[place].Role):
		return nil, problem.New(problem.NotFound, fmt.Sprintf("%s is no %s: its role is %s", name,
			roles[0], entries[place].Role))
	case !entries[place].RevokedAt.IsZero():
		return nil, problem.New(problem.UsageWrong, name+" was revoked at "+
			entries[place].RevokedAt.Format(time.RFC3339)+", and that is for ever")
	}
	return &entries[place], nil
}

// moment returns the time as the register holds it: nobody needs it finer than a second.
func (r *Registry) moment() time.Time { return r.now().UTC().Truncate(time.Second) }

// edit changes the register: no other change comes between the reading and the writing. change may
// change the entries it is given. It reads the file itself, not what a running ledger remembers:
// another process may have changed it.
func (r *Registry) edit(
	change func([]Entry) (entries []Entry, secret string, err error),
) (secret string, err error) {
	lock, err := r.lock()
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	entries, err := r.present()
	if err == nil {
		entries, secret, err = change(entries)
	}
	if err == nil {
		err = r.write(entries)
	}
	if err == nil {
		// If we crash before this, there is a register and the lock does not say so; the next
		// change says it.
		err = mark(lock)
	}
	if err != nil {
		return "", err
	}
	return secret, nil
}

// present reads the entries that are to be changed: none before the first. A register that was
// there and is not any more is no empty one: to begin anew would let in again everybody who was
// revoked.
func (r *Registry) present() ([]Entry, error) {
	raw, err := readFile(r.path)
	if err == nil {
		return parse(raw)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	marked, err := r.marked()
	if err == nil && marked {
		err = errGone
	}
	return nil, err
}

// lockTime is how long to wait for another change: each takes milliseconds.
const lockTime = 30 * time.Second

// lockPath returns the path of the lock. It is a file of its own, because the register itself is
// another file after each change.
func (r *Registry) lockPath() string {
	return strings.TrimSuffix(r.path, filepath.Ext(r.path)) + ".lock"
}

// lockText is what the lock holds once a register was written. An empty lock says nothing: the
// first change may have ended before it wrote one.
const lockText = "The register beside this file says who may report and read.\n" +
	"Without it, nobody may.\n"

// mark notes in the lock that there is a register.
func mark(lock *os.File) error {
	info, err := lock.Stat()
	if err == nil && info.Size() == 0 {
		_, err = lock.WriteString(lockText)
		err = errors.Join(err, durable.Sync(lock))
	}
	if err != nil {
		return fmt.Errorf("note that there is a register: %w", err)
	}
	return nil
}

// marked tells whether there ever was a register.
func (r *Registry) marked() (bool, error) {
	info, err := os.Stat(r.lockPath())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, denied(r.lockPath(), err)
	}
	return info.Size() > 0, nil
}

// lock keeps others from changing the register until the file it returns is closed. The kernel
// gives it back when its holder dies, so no crash leaves it taken.
func (r *Registry) lock() (file *os.File, err error) {
	path := r.lockPath()
	file, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE, privateFile)
	if err != nil {
		return nil, denied(path, err)
	}
	for deadline := time.Now().Add(lockTime); ; {
		err = unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		switch {
		case err == nil:
			return file, nil
		case !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR):
			return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), file.Close())
		case time.Now().After(deadline):
			return nil, errors.Join(problem.New(problem.FolderInUse,
				"another command is changing the register: wait until it has ended"), file.Close())
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// write replaces the file. If we crash before the rename, the register is the old one, and the
// temporary file is overwritten by the next change; if we crash after, it is the new one, with
// a secret that nobody was told: to rotate it helps.
func (r *Registry) write(entries []Entry) error {
	doc := document{Format: format, Members: make([]row, len(entries))}
	for i := range entries {
		doc.Members[i] = entries[i].row()
	}
	raw, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		return fmt.Errorf("write register: %w", err)
	}
	raw = append(raw, '\n')
	// Read back before it is written: what this program would refuse to read must not get there.
	if _, err := parse(raw); err != nil || len(raw) > fileBytesMax {
		return errors.Join(problem.New(problem.UsageWrong, "the register would be too large"), err)
	}
	err = durable.WriteFile(r.path, raw, privateFile)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return denied(r.path, err)
	case err != nil:
		return fmt.Errorf("write %s: %w", r.path, err)
	}
	return nil
}
