package ledger

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"cakupan/cmd/internal/access"
	"cakupan/cmd/internal/problem"
	"cakupan/eventstore/durable"
)

// accessFile is the register of publishers and readers in a data folder.
const accessFile = "access.json"

// OpenRegister opens the register of a data folder, which need not be there yet.
func OpenRegister(dir string) (*access.Registry, error) {
	return access.Open(filepath.Join(dir, accessFile))
}

// MakeFolder makes a data folder where there is none, for its register alone: who must log in is
// known before there is anything to read.
func MakeFolder(dir string) error {
	if err := durable.MakeFolder(dir, privateFolders); err != nil {
		return folderError(dir, err)
	}
	return nil
}

// FindFolder returns why a folder cannot be found, nil when it can.
func FindFolder(dir string) error {
	_, err := os.Stat(dir)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return problem.New(problem.FolderMissing,
			"there is no folder "+dir+": name another one with --data")
	}
	return folderError(dir, err)
}
