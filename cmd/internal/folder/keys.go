package folder

import (
	"os"
	"path/filepath"

	"cakupan/cmd/internal/problem"
	"cakupan/eventstore/keyfile"
)

// VaultKeyFile is the key of the vault, in its folder. Who has it and the stream can tell who is
// who; it is in no backup of the ledger.
const VaultKeyFile = "vault.key"

// SealKeyFile is the key of what publishers sent and is not in the log: in the vault's folder,
// where it is kept as the vault's own key is.
const SealKeyFile = "intake.key"

// SigningKeyFile is the key of checkpoints: where it is kept as the vault's own key is.
const SigningKeyFile = "checkpoint.key"

// SuccessionFile has the successions of the keys of checkpoints. It is kept with the keys; its
// check stands in the vault as theirs.
const SuccessionFile = "checkpoint.succession"

// IsKept tells whether a file belongs to the keys. That is what a backup of the keys has, and
// nothing else.
func IsKept(name string) bool {
	return filepath.Ext(name) == ".key" || filepath.Base(name) == SuccessionFile
}

// ReadKept reads a key, or what is kept with the keys. A succession is no secret, and may be
// readable by others.
func ReadKept(path string) ([]byte, error) {
	if filepath.Base(path) == SuccessionFile {
		return os.ReadFile(path)
	}
	return keyfile.Read(path)
}

// ReadKeys reads the keys in a folder, by their names, and what is kept with them. Other files of
// the folder are left alone. A folder without a key is an error, as is a key that is damaged.
func ReadKeys(dir string) (map[string][]byte, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, problem.Wrap(problem.FileNotReadable, "the keys cannot be read", err)
	}
	keys := map[string][]byte{}
	for _, entry := range entries {
		if !IsKept(entry.Name()) {
			continue
		}
		key, err := ReadKept(filepath.Join(dir, entry.Name()))
		if err != nil {
			return nil, KeyError(filepath.Join(dir, entry.Name()), err)
		}
		keys[entry.Name()] = key
	}
	if len(keys) == 0 {
		return nil, problem.New(problem.NotFound, "no key is in "+dir+
			": name a folder that cakupan keys backup has made")
	}
	return keys, nil
}

// NewSuffix ends the name of a key that is not in its place yet. While it is there a change of the
// key is under way.
const NewSuffix = ".new"
