package ledger

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"cakupan/cmd/internal/problem"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/eventstore/durable"
	"cakupan/eventstore/jetstream"
)

// FolderFormat is the format of data folders that this program reads and writes; see
// eventstore/FORMAT.md. A folder of a higher one is refused, never touched. The caches in a folder
// have formats of their own, and are made anew when they are of another one.
const FolderFormat = 1

// The files and folders of a data folder.
const (
	// A name that is changed here is lost to the folders that exist. Only the owner may read any of
	// it: the log names workers, and the folder of the vault has the keys.
	identityFile   = "ledger.json" // format and identity
	lockFile       = "lock"        // locked while a process has the folder open; says who
	natsFolder     = "nats"        // the embedded server: the log itself
	indexFolder    = "index"       // derived from the log
	vaultFolder    = "vault"       // NIK → worker id; not derived: back it up, apart from the log
	viewsFolder    = "projections" // derived from the log
	privateFolders = 0o700
	privateFiles   = 0o600

	identityBytes = 16 // of a ledger's name
)

// folder is a data folder that this process has locked.
type folder struct {
	dir  string
	lock *os.File   // the kernel drops the lock with the process, however that ends
	meta folderMeta // as the file has it; Format 0 when there is no file yet
}

// folderMeta is the content of identityFile.
type folderMeta struct {
	Format   int                 `json:"format"`
	Identity eventstore.Identity `json:"identity"`
	// LogMade is false until the log of that identity exists: a crash may come between.
	LogMade bool `json:"logMade"`
}

// holder is the content of lockFile: the process that has the folder open. It is for people alone.
// Whether anybody has it open, the kernel's lock tells: what a crashed process has left in the file
// keeps nobody out.
type holder struct {
	PID int    `json:"pid"`
	URL string `json:"url,omitempty"` // of a serve
}

// openFolder locks the folder, which it makes when create is set and there is none. It does not
// wait for a lock: who holds it may be a server that runs for months. The mark of a restore is
// looked at before the lock: what is in such a folder is not a ledger yet.
func openFolder(dir string, create bool) (*folder, error) {
	if _, err := os.Lstat(filepath.Join(dir, restoringFile)); err == nil {
		return nil, unfinished(dir)
	}
	if err := makeFolder(dir, create); err != nil {
		return nil, err
	}
	return lockFolder(dir)
}

// lockFolder locks a folder that is there, and reads whose it is. After an error it is not locked.
// The lock file may be new, which makes the folder no ledger.
func lockFolder(dir string) (*folder, error) {
	lock, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_RDWR|os.O_CREATE, privateFiles)
	if err != nil {
		return nil, folderError(dir, err)
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		defer func() { _ = lock.Close() }()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, inUse(dir)
		}
		return nil, folderError(dir, err)
	}
	f := &folder{dir: dir, lock: lock}
	if err := f.readMeta(); err != nil {
		return nil, errors.Join(err, f.close())
	}
	if err := f.announce(""); err != nil {
		return nil, errors.Join(err, f.close())
	}
	return f, nil
}

// makeFolder makes sure that there is a folder to lock. Whether it holds a ledger is told by the
// identity, not by the folder: a crash may have left one without. The identity decides, and the log
// where that is lost; only without both is create needed.
func makeFolder(dir string, create bool) error {
	_, err := os.Stat(filepath.Join(dir, identityFile))
	switch {
	case err == nil:
		return nil
	case !errors.Is(err, fs.ErrNotExist):
		return folderError(dir, err)
	case hasLog(dir):
		return nil // it is known by its log
	case !create:
		return problem.New(problem.FolderMissing,
			fmt.Sprintf("there is no ledger in %s: name another folder with --data, "+
				"or make one with `cakupan import` or `cakupan serve`", dir))
	}
	if err := durable.MakeFolder(dir, privateFolders); err != nil {
		return folderError(dir, err)
	}
	return nil
}

// hasLog tells whether a folder has a log, though nothing says whose. It looks at the embedded
// server's own folder of the stream, whose name is its internal one.
func hasLog(dir string) bool {
	_, err := os.Stat(filepath.Join(
		dir, natsFolder, "jetstream", "$G", "streams", jetstream.StreamDefault))
	return err == nil
}

// folderError puts an error of the file system into words about the folder. The file system's own
// text stays in the chain for the operator's log.
func folderError(dir string, err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return problem.Wrap(problem.FolderDenied,
			fmt.Sprintf("no right to open %s: run as its owner, or name another folder with --data",
				dir), err)
	}
	return fmt.Errorf("open folder %s: %w", dir, err)
}

// inUse says which process has the folder open and how to reach it. It reads what that process
// wrote there, which may be half written or of one before: it is advice, and the lock is what
// counts.
func inUse(dir string) error {
	detail := fmt.Sprintf("%s is open in another cakupan process", dir)
	var who holder
	text, err := os.ReadFile(filepath.Join(dir, lockFile))
	if err == nil && json.Unmarshal(text, &who) == nil && who.PID != 0 {
		detail = fmt.Sprintf("%s is open in process %d", dir, who.PID)
	}
	if who.URL != "" {
		return problem.New(problem.FolderInUse,
			fmt.Sprintf("%s, a cakupan serve: use --server %s instead of --data", detail, who.URL))
	}
	return problem.New(problem.FolderInUse, detail+": wait until it has ended")
}

// readMeta reads the identity, if there is one. A file without a format is none that any version
// has written: to take it for a new folder would make a second ledger where there was one. Without
// a file Format stays 0, which means a new folder, or one that is known by its log.
func (f *folder) readMeta() error {
	text, err := os.ReadFile(f.path(identityFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return folderError(f.dir, err)
	}
	// The format first: what else a newer one holds is not for this program to read.
	var format struct {
		Format int `json:"format"`
	}
	err = json.Unmarshal(text, &format)
	if err == nil && format.Format > FolderFormat {
		return problem.New(problem.FolderNewer,
			fmt.Sprintf("%s has format %d, this program knows up to %d: use a newer cakupan",
				f.dir, format.Format, FolderFormat))
	}
	if err == nil && format.Format < 1 {
		err = errors.New("it has no format")
	}
	if err == nil {
		err = json.Unmarshal(text, &f.meta)
	}
	if id := f.meta.Identity.Ledger; err == nil && !isIdentity(id) {
		err = errors.New("it names no ledger")
	}
	if err != nil {
		return problem.Wrap(problem.FolderOtherLedger, fmt.Sprintf("%s is damaged (%s), and says"+
			" no more whose folder this is: put it back from a copy of this folder, however old;"+
			" or delete it, and the ledger is known by its log", f.path(identityFile), err), err)
	}
	return nil
}

// isIdentity tells whether a text can name a ledger.
func isIdentity(text string) bool {
	raw, err := hex.DecodeString(text)
	return err == nil && len(raw) == identityBytes
}

// makeIdentity gives a new folder its identity, before there is a log.
//
// If we crash before the file is renamed, the folder is still new. If we crash after, the next
// start makes the log with this identity: see logMade.
func (f *folder) makeIdentity(now temporal.Instant) error {
	f.meta = folderMeta{Format: FolderFormat, Identity: eventstore.NewIdentity(now)}
	return f.writeMeta()
}

// logMade notes that the log exists: from now on a folder without it is damaged, not new.
func (f *folder) logMade() error {
	f.meta.LogMade = true
	return f.writeMeta()
}

// writeMeta replaces the file as a whole. If we crash meanwhile the old one is there or the new
// one, never a part of either.
func (f *folder) writeMeta() error {
	text, err := json.MarshalIndent(f.meta, "", "  ")
	if err != nil {
		return err
	}
	path := f.path(identityFile)
	if err := durable.WriteFile(path, append(text, '\n'), privateFiles); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// announce writes who has the folder open into the lock file; url is that of a serve. It is not
// synced: after a power cut nobody has it open. It is called with "" as soon as the folder is
// locked, and with an address by Serve.
func (f *folder) announce(url string) error {
	text, err := json.Marshal(holder{PID: os.Getpid(), URL: url})
	if err != nil {
		return err
	}
	if err := f.lock.Truncate(0); err != nil {
		return folderError(f.dir, err)
	}
	if _, err := f.lock.WriteAt(text, 0); err != nil {
		return folderError(f.dir, err)
	}
	return nil
}

// path returns the path of something in the folder, as that was named.
func (f *folder) path(parts ...string) string {
	return filepath.Join(append([]string{f.dir}, parts...)...)
}

// close gives the folder back. Closing the file would do, but for a child of this process that has
// not begun its own program yet: until then it holds all files that were open when it was forked.
// The file stays: to remove it would let a process that has opened it already, and one that makes a
// new one, both hold "the" lock.
func (f *folder) close() error {
	return errors.Join(unix.Flock(int(f.lock.Fd()), unix.LOCK_UN), f.lock.Close())
}
