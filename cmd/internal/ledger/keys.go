package ledger

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"cakupan/cmd/internal/natsin"
	"cakupan/cmd/internal/problem"
	"cakupan/eventstore/durable"
	"cakupan/eventstore/keyfile"
	"cakupan/eventstore/vault"
)

// Key is a key of the ledger, without the key.
type Key struct {
	File string `json:"file"`
	Use  string `json:"use"`
	// Fingerprint is the beginning of its SHA-256, by which sealed bytes name it too; "": it cannot
	// be read.
	Fingerprint string `json:"fingerprint,omitempty"`
	OK          bool   `json:"ok"`
	Problem     string `json:"problem,omitempty"` // what is wrong, and what to do
}

// keyUses says what the keys of a ledger are for. It is never written.
var keyUses = map[string]string{
	vaultKeyFile:   "seals the vault",
	sealKeyFile:    "seals messages that wait or were refused",
	signingKeyFile: "signs checkpoints",
}

// Keys says how each key is: whether it is there, can be read by its owner alone, and is the one
// whose check stands in the vault.
func (l *Ledger) Keys(ctx context.Context) (keys []Key, err error) {
	v, openErr := l.openVault(ctx)
	var known *problem.Error
	if openErr != nil && !errors.As(openErr, &known) {
		return nil, openErr
	}
	files, err := filepath.Glob(l.folder.path(vaultFolder, "*.key"))
	if err != nil {
		return nil, err
	}
	for name := range keyUses {
		path := l.folder.path(vaultFolder, name)
		mustBe := name == vaultKeyFile || v != nil && v.HasKey(name)
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
			sum := sha256.Sum256(key)
			k.Fingerprint = hex.EncodeToString(sum[:4])
			if v != nil && !v.IsKey(filepath.Base(path), key) {
				err = vault.ErrKeyWrong
			}
			if filepath.Base(path) == vaultKeyFile && openErr != nil {
				err = openErr
			}
		}
		if err != nil {
			k.OK, k.Problem = false, problem.From(keyError(path, err)).Detail
		}
		keys = append(keys, k)
	}
	return keys, nil
}

// BackupKeys copies the keys into a new folder, to be kept apart from the ledger and its backups. A
// ledger whose keys are not its own, or not all there, has nothing to be copied.
func (l *Ledger) BackupKeys(ctx context.Context, to string) ([]Key, error) {
	keys, err := l.Keys(ctx)
	if err != nil {
		return nil, err
	}
	for _, k := range keys {
		if !k.OK {
			return nil, problem.New(problem.FolderKeyLost, k.Problem)
		}
	}
	if _, err := os.Lstat(to); err == nil {
		return nil, problem.Query("to", to+" is there already: name a folder that is not")
	}
	if err := durable.MakeFolder(to, privateFolders); err != nil {
		return nil, err
	}
	about := fmt.Sprintf("Keys of the cakupan ledger %s. To put one back, copy it into the folder"+
		" %s of the data folder, mode 0600.\n", l.log.Identity().Ledger, vaultFolder)
	err = durable.Create(filepath.Join(to, "README.txt"), []byte(about), privateFiles)
	for _, k := range keys {
		var key []byte
		if err == nil {
			key, err = keyfile.Read(k.File)
		}
		if err == nil {
			err = durable.Create(filepath.Join(to, filepath.Base(k.File)), key, privateFiles)
		}
	}
	return keys, err
}

// RotateKey changes a key: vault, intake or checkpoint. What the vault's key has sealed is sealed
// anew; the intake's can be changed where nothing is sealed with it. Who has the public key of
// checkpoints needs the new one.
func (l *Ledger) RotateKey(ctx context.Context, which string) error {
	v, err := l.openVault(ctx)
	if err != nil {
		return err
	}
	path := l.folder.path(vaultFolder, sealKeyFile)
	switch which {
	case "vault":
		return vaultError(l.folder.dir, v.Rotate(ctx))
	case "checkpoint":
		return l.rotateSigningKey(ctx, v)
	case "intake":
	default:
		return problem.Query("key", "name vault, intake or checkpoint")
	}
	waiting, err := l.sealedMessages(ctx)
	if err != nil {
		return err
	}
	if waiting > 0 {
		return problem.New(problem.FolderKeyLost, fmt.Sprintf("%d messages in %s are sealed with"+
			" %s: settle them first, with cakupan refused or by letting the ledger take them in",
			waiting, strings.Join([]string{natsin.StreamIntake, natsin.StreamRefused}, " and "),
			path))
	}
	return l.renewKey(ctx, v, sealKeyFile)
}

// rotateSigningKey makes a new key of checkpoints. What was signed with the old one is not compared
// with any more.
func (l *Ledger) rotateSigningKey(ctx context.Context, v *vault.Vault) error {
	l.proofs.mu.Lock()
	defer l.proofs.mu.Unlock()
	if l.proofs.tiles != nil {
		return errors.New("change the key of checkpoints: it is in use")
	}
	for _, name := range []string{signedFile, witnessedFile} {
		err := os.Remove(l.folder.path(tilesFolder, name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return l.renewKey(ctx, v, signingKeyFile)
}

// renewKey makes a new key in place of one of the vault's folder.
func (l *Ledger) renewKey(ctx context.Context, v *vault.Vault, name string) error {
	path := l.folder.path(vaultFolder, name)
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	// If we crash here, or before the check is stored, the key has another check or there is none:
	// the next start says so, and this can be done again.
	key, err := keyfile.Create(path)
	if err != nil {
		return err
	}
	return vaultError(l.folder.dir, v.ReplaceKey(ctx, name, key))
}
