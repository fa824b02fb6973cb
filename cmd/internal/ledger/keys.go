package ledger

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"cakupan/cmd/internal/folder"
	"cakupan/cmd/internal/problem"
	"cakupan/eventstore"
	"cakupan/eventstore/durable"
	"cakupan/eventstore/keyfile"
	"cakupan/eventstore/vault"
)

// Key is a key of the ledger, without the key. It may be shown to whoever looks after the ledger.
type Key struct {
	File string `json:"file"`
	Use  string `json:"use"`
	// Fingerprint is the beginning of its SHA-256, by which sealed bytes name it too; "": it cannot
	// be read.
	Fingerprint string `json:"fingerprint,omitempty"`
	OK          bool   `json:"ok"`
	Problem     string `json:"problem,omitempty"` // what is wrong, and what to do

	code problem.Code // of the problem
}

// keyUses says what the keys of a ledger are for. It is never written.
var keyUses = map[string]string{
	folder.VaultKeyFile:   "seals the vault",
	folder.SealKeyFile:    "seals messages that wait or were refused",
	folder.SigningKeyFile: "signs checkpoints",
}

// Keys says how each key is: whether it is there, can be read by its owner alone, and is the one
// whose check stands in the vault. The error is of what keeps all of them from being looked at;
// what is wrong with one key is in the key. Files with the ending of a key that the ledger does not
// use are listed too, without a use. They are in order of their paths, with what is beside them at
// the end.
func (l *Ledger) Keys(ctx context.Context) ([]Key, error) {
	v, openErr := l.openVault(ctx)
	if openErr == nil {
		// Another ledger on the same cluster may have changed one.
		openErr = l.catchUpVault(ctx, v)
	}
	var known *problem.Error
	if openErr != nil && !errors.As(openErr, &known) {
		return nil, openErr
	}
	return l.keysOf(v, openErr)
}

// keysOf says how each key is by what a vault knows now, or by why it cannot be opened.
func (l *Ledger) keysOf(v *vault.Vault, openErr error) (keys []Key, err error) {
	files, err := filepath.Glob(l.folder.Path(folder.Vault, "*.key"))
	if err != nil {
		return nil, err
	}
	for name := range keyUses {
		path := l.folder.Path(folder.Vault, name)
		// One that is missing is listed only if the ledger ever had it.
		mustBe := name == folder.VaultKeyFile || v != nil && v.HasKey(name)
		if mustBe && !slices.Contains(files, path) {
			files = append(files, path)
		}
	}
	slices.Sort(files)
	for _, path := range files {
		k := Key{File: path, Use: keyUses[filepath.Base(path)], OK: true}
		key, err := keyfile.Read(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			err = vault.ErrKeyMissing
		case err == nil:
			k.Fingerprint = fingerprint(key)
			if v != nil && !v.IsKey(filepath.Base(path), key) {
				err = vault.ErrKeyWrong
			}
			if filepath.Base(path) == folder.VaultKeyFile && openErr != nil {
				err = openErr
			}
		}
		if err != nil {
			found := problem.From(folder.KeyError(path, err))
			k.OK, k.Problem, k.code = false, found.Detail, found.Code
		}
		keys = append(keys, k)
	}
	return append(keys, l.besideKeys(v)...), nil
}

// besideKeys says what else is in the folder of the keys, and must be kept with them: successions,
// and the key that a rotation has not put in its place.
func (l *Ledger) besideKeys(v *vault.Vault) (found []Key) {
	if text, err := l.prover.ReadSuccessions(v); len(text) > 0 || err != nil {
		k := Key{
			File: l.prover.SuccessionPath(), Use: "proves that keys came in the place of others",
		}
		if k.OK = err == nil; !k.OK {
			k.Problem = problem.From(err).Detail
		}
		found = append(found, k)
	}
	path := l.folder.Path(folder.Vault, folder.VaultKeyFile+folder.NewSuffix)
	// While it is there the vault may be sealed with either.
	if _, err := os.Lstat(path); err == nil {
		found = append(found, Key{
			File: path, Use: keyUses[folder.VaultKeyFile],
			Problem: "a rotation of the key has not come to its end: run cakupan keys rotate again",
		})
	}
	return found
}

// wrongKeys returns the keys that the ledger uses and that are not its own: it does not start
// without them, or signs nothing. A change of a key that was cut short is none of it: the next
// start brings it to its end.
func wrongKeys(keys []Key) (wrong []Key) {
	for _, k := range keys {
		if _, used := keyUses[filepath.Base(k.File)]; !used || k.OK {
			continue
		}
		if _, err := os.Lstat(k.File + folder.NewSuffix); err != nil {
			wrong = append(wrong, k)
		}
	}
	return wrong
}

// keysEvery is how often a ledger that serves looks at its keys, keysAgain how soon it does where
// it could not.
const (
	keysEvery = time.Minute
	keysAgain = time.Second
)

// watchKeys looks at the keys, again and again until ctx ends. A ledger that runs has them in
// memory: what is wrong with a file would else be found at the next start, or by whoever needs the
// copy that was made of it.
func (l *Ledger) watchKeys(ctx context.Context) {
	for {
		wait := keysEvery
		if !l.lookAtKeys(ctx) {
			wait = keysAgain
		}
		if !pause(ctx, wait) {
			return
		}
	}
}

// lookAtKeys notes what is wrong with the keys, and tells whether it could look. A key that cannot
// be read now is told of no more than it was. The vault is asked only where it is open, and only
// what it knows. One looks at a time: what was seen earlier is not noted over what was seen later.
func (l *Ledger) lookAtKeys(ctx context.Context) bool {
	l.keysLooking.Lock()
	defer l.keysLooking.Unlock()
	v := l.openedVault()
	if v == nil {
		return false
	}
	keys, err := l.keysOf(v, nil)
	if err != nil {
		return false // the folder cannot be read: the health has that from those who need it
	}
	var wrong []string
	for _, k := range wrongKeys(keys) {
		if k.code != problem.FolderKeyLost && k.code != problem.FolderDenied {
			return false
		}
		wrong = append(wrong, k.Problem)
	}
	was := l.lostKeys()
	l.keysLost.Store(&wrong)
	switch {
	case slices.Equal(was, wrong):
	case len(wrong) > 0:
		l.opts.Log.ErrorContext(ctx, "keys are lost", slog.Any("keys", wrong))
	default:
		l.opts.Log.InfoContext(ctx, "all keys are the ledger's own again")
	}
	return true
}

// lostKeys returns what is wrong with keys, as it was last seen.
func (l *Ledger) lostKeys() []string {
	if lost := l.keysLost.Load(); lost != nil {
		return *lost
	}
	return nil
}

// BackupKeys copies the keys into a new folder; see [CopyKeys].
func (l *Ledger) BackupKeys(ctx context.Context, to string) ([]Key, error) {
	keys, err := l.Keys(ctx)
	if err != nil {
		return nil, err
	}
	return keys, CopyKeys(keys, l.folder.Dir, to)
}

// CopyKeys copies the keys of the ledger of a folder, as it says that they are, into a new folder,
// to be kept apart from the ledger and its backups. The ledger may run: it is not the one who
// copies, as it may have no right to write where its owner may. A ledger whose keys are not its
// own, or not all there, has nothing to be copied. The folder has another name until all of them
// are in it: a half copy must not pass for a whole one. If we crash or fail meanwhile, what is
// there is removed by the next attempt. Each file is durable when it returns.
func CopyKeys(keys []Key, dir, to string) error {
	for _, k := range keys {
		if !k.OK {
			return problem.New(problem.FolderKeyLost, k.Problem)
		}
	}
	if _, err := os.Lstat(to); err == nil {
		return problem.Query("to", to+" is there already: name a folder that is not")
	}
	meta, err := folder.ReadMeta(dir)
	if err != nil {
		return err
	}
	part := durable.Temporary(to)
	if err := removePart(part); err != nil {
		return err
	}
	if err := durable.MakeFolder(part, folder.FolderMode); err != nil {
		return folder.Error(filepath.Dir(to), err)
	}
	err = durable.Create(filepath.Join(part, keysAboutFile), []byte(aboutKeys(meta.Identity)),
		folder.FileMode)
	for _, k := range keys {
		if err == nil {
			err = copyKey(k, dir, part)
		}
	}
	if err == nil {
		err = durable.Rename(part, to)
	}
	return err
}

// copyKey copies a key. Its path is that of whoever runs the ledger, which in a container is
// another one than that of whoever copies. What the ledger has not looked at is not copied.
func copyKey(k Key, dir, to string) error {
	name := filepath.Base(k.File)
	path := filepath.Join(dir, folder.Vault, name)
	key, err := folder.ReadKept(path)
	switch {
	case err != nil:
		return folder.KeyError(path, err)
	case k.Fingerprint != "" && fingerprint(key) != k.Fingerprint:
		return problem.New(problem.FolderKeyLost,
			path+" was changed meanwhile: copy the keys again")
	}
	return durable.Create(filepath.Join(to, name), key, folder.FileMode)
}

// fingerprint returns four bytes of a key's sum: they tell keys apart and say nothing of them.
func fingerprint(key []byte) string {
	sum := sha256.Sum256(key)
	return hex.EncodeToString(sum[:4])
}

// keysAboutFile says what the keys beside it are of. It is the first file of a copy.
const (
	keysAboutFile = "README.txt"
	keysAbout     = "Keys of the cakupan ledger "
)

func aboutKeys(of eventstore.Identity) string {
	return fmt.Sprintf("%s%s. To put one back, copy it into the folder %s of the data folder, mode"+
		" 0600.\n", keysAbout, of.Ledger, folder.Vault)
}

// removePart removes what a copy of keys has left that was cut short, and nothing else: a folder
// that has other files is somebody's own.
func removePart(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look for an earlier copy of the keys: %w", err)
	}
	for _, entry := range entries {
		name := strings.TrimSuffix(entry.Name(), durable.Temporary(""))
		known := name == keysAboutFile || folder.IsKept(name)
		if !known || !entry.Type().IsRegular() {
			return problem.Query("to", dir+" is there already, and is no copy of keys that was cut"+
				" short: remove it, or name another folder")
		}
	}
	return os.RemoveAll(dir)
}
