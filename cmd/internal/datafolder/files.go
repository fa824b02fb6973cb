package datafolder

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"cakupan/eventstore"
	"cakupan/eventstore/checkpoint"
	"cakupan/eventstore/index"
	"cakupan/eventstore/inspect"
	"cakupan/eventstore/jetstream"
	"cakupan/eventstore/keyfile"
	"cakupan/eventstore/natsd"
	"cakupan/eventstore/vault"
	"cakupan/eventstore/vault/older"
	"cakupan/projections"
)

// inspectAside says that a file is a run which the index found damaged and set aside. It is of no
// more use, but is evidence of a fault until then.
func inspectAside(path string) (inspect.Report, error) {
	r, err := inspect.New(path, kindAside)
	r.Found(inspect.Damaged, "the next start removes it, and reads the log again")
	return r, err
}

// inspectRun inspects a run, of the index or of the vault's look-up table, which are alike: the
// latter has workers for events, and tells nothing about the log. Its First and Last would count
// workers, which nobody may compare with events.
func inspectRun(path string) (inspect.Report, error) {
	r, err := index.Inspect(path)
	if strings.HasPrefix(filepath.Base(filepath.Dir(path)), vault.LookupPrefix) {
		r.Kind, r.First, r.Last = kindLookup, 0, 0
	}
	return r, err
}

// IsLookup tells whether a file belongs to the look-up table of the vault, which is made anew from
// the vault where it is damaged. It costs time and no data, which is worth telling apart from other
// damage.
func IsLookup(r *inspect.Report) bool {
	return r.Kind == kindLookup || vault.IsState(filepath.Base(r.Path))
}

// inspectKey says that a file is a key. Nothing of the key is in the report. It is damaged where
// others may read it, too: a key that was seen is none.
func inspectKey(path string) (inspect.Report, error) {
	r, err := inspect.New(path, kindKey)
	if err != nil {
		return r, err
	}
	key, err := keyfile.Read(path)
	switch {
	case errors.Is(err, keyfile.ErrExposed), errors.Is(err, keyfile.ErrInvalid):
		r.Found(inspect.Damaged, "%s", err)
		return r, nil
	case err != nil:
		return r, err
	// A disk that lost the file's block gives zeros.
	case bytes.Count(key, key[:1]) == len(key):
		r.Found(inspect.Damaged, "its bytes are all the same: no key was ever made so")
	}
	info, err := os.Stat(path)
	if err != nil {
		return r, err
	}
	r.Note("a key of %d bytes, mode %04o", len(key), info.Mode().Perm())
	r.Unproven("the key")
	return r, nil
}

// inspectNote says that a file is a signed head. Whose key has signed it, the ledger tells. Which
// of the heads is the newer, and whether its log is this one, is compared where there is a log.
func inspectNote(path string) (inspect.Report, error) {
	r, err := inspect.New(path, kindNote)
	if err != nil {
		return r, err
	}
	_, err = checkpoint.ReadFile(path)
	if errors.Is(err, checkpoint.ErrDamaged) {
		r.Found(inspect.Damaged, "its checksum differs: the ledger signs another one")
		return r, nil
	}
	return r, err
}

// inspectSuccessions reads what proves that keys came in the place of others. Each is proved by its
// own signatures, whatever the file's checksum says. Entries are successions.
func inspectSuccessions(path string) (inspect.Report, error) {
	r, err := inspect.New(path, kindSuccessions)
	if err != nil {
		return r, err
	}
	text, err := checkpoint.ReadFile(path)
	if err != nil && !errors.Is(err, checkpoint.ErrDamaged) {
		return r, err
	}
	var all []checkpoint.Succession
	if err == nil {
		all, err = checkpoint.ParseSuccessions(text)
	}
	if err != nil {
		r.Found(inspect.Damaged, "%s", err)
	}
	r.Entries = uint64(len(all))
	return r, nil
}

// inspectIdentity reads the format and the identity of a data folder. Nothing but its own form can
// be compared: whose a folder is, all other files are held against. No checksum covers it.
func inspectIdentity(path string) (inspect.Report, error) {
	// The bound is far above what it has, and keeps a wrong file out of memory.
	const knownFormat, identityMax = "1", 64 << 10
	r, err := inspect.New(path, kindIdentity)
	if err != nil {
		return r, err
	}
	if r.Bytes > identityMax {
		r.Found(inspect.Damaged, "it has more than %d bytes", identityMax)
		return r, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return r, err
	}
	var is struct {
		Format   int                 `json:"format"`
		Identity eventstore.Identity `json:"identity"`
		LogMade  bool                `json:"logMade"`
	}
	if err := json.Unmarshal(text, &is); err != nil {
		r.Found(inspect.Damaged, "it cannot be read: %s", err)
		return r, nil
	}
	if !r.Known(strconv.Itoa(is.Format), knownFormat) {
		return r, nil
	}
	if _, err := hex.DecodeString(is.Identity.Ledger); err != nil || len(is.Identity.Ledger) != 32 {
		r.Found(inspect.Damaged, "its identity has not 32 hexadecimal digits")
		return r, nil
	}
	r.Ledger = is.Identity.Ledger
	if r.Note("made %s", is.Identity.Created); !is.LogMade {
		r.Note("the log was not made yet")
	} else {
		findLog(&r, filepath.Dir(path))
	}
	r.Unproven("the identity")
	return r, nil
}

// findLog notes where the log of a ledger is not in its folder. On a cluster it never was, and
// there is no folder of an embedded server either. Damage is told with the identity, as there is no
// file to tell it with.
func findLog(r *inspect.Report, dir string) {
	// As the program lays its folder out; the account is the server's default one.
	const server = "nats"
	stream := filepath.Join(dir, server, "jetstream", "$G", "streams", jetstream.StreamDefault)
	switch {
	case natsd.IsStream(stream):
	case isFolder(filepath.Join(dir, server)):
		r.Found(inspect.Damaged, "its log is not there: no stream in %s; if"+
			" it is on a cluster, remove the folder %s", stream, filepath.Join(dir, server))
	default:
		r.Note("its log is not in this folder: it is on a cluster, or lost")
	}
}

// inspectDatabase inspects a database: a vault under another name, or a projection. Which it is
// says its content, so a vault that was renamed is known, too. Neither is opened by the library
// that writes it: see package inspect.
func inspectDatabase(path string) (inspect.Report, error) {
	if older.IsDatabase(path) {
		return older.Inspect(path)
	}
	return projections.Inspect(path)
}
