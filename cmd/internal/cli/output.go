package cli

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"cakupan/cmd/internal/problem"
	"cakupan/eventstore/durable"
)

// BeginOutput opens the file on its way to a path, empty, for this command alone: two that wrote
// the same one would leave a mixture of both under its name. What a crash has left there is written
// over. Whoever gets it ends with [durable.Commit], or closes and removes it; either gives it free.
// Nobody but its owner may read it.
func BeginOutput(path string) (*os.File, error) {
	tmp := durable.Temporary(path)
	file, err := os.OpenFile(tmp, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, problem.Wrap(problem.FileNotReadable, path+" cannot be written", err)
	}
	err = unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err == nil {
		err = sameFile(file, tmp)
	}
	if errors.Is(err, unix.EWOULDBLOCK) || errors.Is(err, errOther) {
		err = problem.New(problem.FileNotReadable, path+" is being written by another command:"+
			" wait until it has ended, or name another file")
	}
	if err == nil {
		err = file.Truncate(0)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// errOther is the error of a file that has lost its name to another one.
var errOther = errors.New("another file has this name")

// sameFile tells by an error where a name is not that of a file any more: whoever had the lock has
// given it its name, or removed it, between the opening and the lock.
func sameFile(file *os.File, path string) error {
	opened, err := file.Stat()
	if err != nil {
		return fmt.Errorf("look at file: %w", err)
	}
	named, err := os.Stat(path)
	if err != nil || !os.SameFile(opened, named) {
		return errOther
	}
	return nil
}
