// Package folder is the data folder of a ledger: what its files are called, who has it open, whose
// it is, what it held when it was last at rest, and what is wrong with it, in words.
//
// It opens nothing of what is in it: that is the ledger's, and each file is known to the package
// that writes it. What may be told of a folder that is not locked, package datafolder tells.
package folder

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"cakupan/cmd/internal/problem"
	"cakupan/domain/temporal"
	"cakupan/eventstore"
	"cakupan/eventstore/durable"
	"cakupan/eventstore/jetstream"
)

// Format is the format of data folders that this program reads and writes; see
// eventstore/FORMAT.md. A folder of a higher one is refused, never touched. The caches in a folder
// have formats of their own, and are made anew when they are of another one.
const Format = 1

// The files and folders of a data folder.
const (
	// A name that is changed here is lost to the folders that exist. Only the owner may read any of
	// it: the log names workers, and the folder of the vault has the keys.
	IdentityFile = "ledger.json" // format and identity
	LockFile     = "lock"        // locked while a process has the folder open; says who
	NATS         = "nats"        // the embedded server: the log itself
	Index        = "index"       // derived from the log
	Vault        = "vault"       // NIK → worker id; not derived: back it up, apart from the log
	Views        = "projections" // derived from the log
	Tiles        = "tiles"       // derived from the log
	// Who may read them: their owner.
	FolderMode = 0o700
	FileMode   = 0o600

	identityBytes = 16 // of a ledger's name
)

// Folder is a data folder that this process has locked.
type Folder struct {
	Dir    string
	Meta   Meta         // as the file has it; Format 0 when there is no file yet
	Logger *slog.Logger // the operator's; set by who opens it

	lock *os.File // the kernel drops the lock with the process, however that ends
}

// Meta is the content of IdentityFile.
type Meta struct {
	Format   int                 `json:"format"`
	Identity eventstore.Identity `json:"identity"`
	// LogMade is false until the log of that identity exists: a crash may come between.
	LogMade bool `json:"logMade"`
}

// holder is the content of LockFile: the process that has the folder open. It is for people alone.
// Whether anybody has it open, the kernel's lock tells: what a crashed process has left in the file
// keeps nobody out.
type holder struct {
	PID int    `json:"pid"`
	URL string `json:"url,omitempty"` // of a serve
}

// RestoringFile is in a folder whose restore has not come to its end: nobody opens such a folder,
// and a restore that is started again empties it. What it says is for people; that it is there is
// what counts.
const RestoringFile = "restoring"

// Unfinished says that a restore was begun there; nothing of it may be opened.
func Unfinished(where string) error {
	return problem.New(problem.FolderRestoring, "a restore into "+where+" has not come to its end:"+
		" run cakupan restore again")
}

// Open locks the folder, which it makes when create is set and there is none. It does not
// wait for a lock: who holds it may be a server that runs for months. The mark of a restore is
// looked at before the lock: what is in such a folder is not a ledger yet.
func Open(dir string, create bool) (*Folder, error) {
	if _, err := os.Lstat(filepath.Join(dir, RestoringFile)); err == nil {
		return nil, Unfinished(dir)
	}
	if err := makeFolder(dir, create); err != nil {
		return nil, err
	}
	return Lock(dir)
}

// Lock locks a folder that is there, and reads whose it is. After an error it is not locked.
// The lock file may be new, which makes the folder no ledger.
func Lock(dir string) (*Folder, error) {
	lock, err := os.OpenFile(filepath.Join(dir, LockFile), os.O_RDWR|os.O_CREATE, FileMode)
	if err != nil {
		return nil, Error(dir, err)
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		defer func() { _ = lock.Close() }()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, inUse(dir)
		}
		return nil, Error(dir, err)
	}
	f := &Folder{Dir: dir, Logger: slog.New(slog.DiscardHandler), lock: lock}
	if err := f.readMeta(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if err := f.Announce(""); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// makeFolder makes sure that there is a folder to lock. Whether it holds a ledger is told by the
// identity, not by the folder: a crash may have left one without. The identity decides, and the log
// where that is lost; only without both is create needed.
func makeFolder(dir string, create bool) error {
	_, err := os.Stat(filepath.Join(dir, IdentityFile))
	switch {
	case err == nil:
		return nil
	case !errors.Is(err, fs.ErrNotExist):
		return Error(dir, err)
	case hasLog(dir):
		return nil // it is known by its log
	case !create:
		return problem.New(problem.FolderMissing,
			fmt.Sprintf("there is no ledger in %s: name another folder with --data, "+
				"or make one with `cakupan import` or `cakupan serve`", dir))
	}
	if err := durable.MakeFolder(dir, FolderMode); err != nil {
		return Error(dir, err)
	}
	return nil
}

// hasLog tells whether a folder has a log, though nothing says whose. It looks at the embedded
// server's own folder of the stream, whose name is its internal one.
func hasLog(dir string) bool {
	_, err := os.Stat(filepath.Join(
		dir, NATS, "jetstream", "$G", "streams", jetstream.StreamDefault))
	return err == nil
}

// Error puts an error of the file system into words about the folder. The file system's own
// text stays in the chain for the operator's log.
func Error(dir string, err error) error {
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
	text, err := os.ReadFile(filepath.Join(dir, LockFile))
	if err == nil && json.Unmarshal(text, &who) == nil && who.PID != 0 {
		detail = fmt.Sprintf("%s is open in process %d", dir, who.PID)
	}
	if who.URL != "" {
		return problem.New(problem.FolderInUse,
			fmt.Sprintf("%s, a cakupan serve: use --server %s instead of --data", detail, who.URL))
	}
	return problem.New(problem.FolderInUse, detail+": wait until it has ended")
}

// ReadMeta reads the identity of a folder that another process may have.
func ReadMeta(dir string) (Meta, error) {
	f := &Folder{Dir: dir}
	err := f.readMeta()
	return f.Meta, err
}

// readMeta reads the identity, if there is one. A file without a format is none that any version
// has written: to take it for a new folder would make a second ledger where there was one. Without
// a file Format stays 0, which means a new folder, or one that is known by its log.
func (f *Folder) readMeta() error {
	text, err := os.ReadFile(f.Path(IdentityFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return Error(f.Dir, err)
	}
	// The format first: what else a newer one holds is not for this program to read.
	var format struct {
		Format int `json:"format"`
	}
	err = json.Unmarshal(text, &format)
	if err == nil && format.Format > Format {
		return problem.New(problem.FolderNewer,
			fmt.Sprintf("%s has format %d, this program knows up to %d: use a newer cakupan",
				f.Dir, format.Format, Format))
	}
	if err == nil && format.Format < 1 {
		err = errors.New("it has no format")
	}
	if err == nil {
		err = json.Unmarshal(text, &f.Meta)
	}
	if id := f.Meta.Identity.Ledger; err == nil && !isIdentity(id) {
		err = errors.New("it names no ledger")
	}
	if err != nil {
		return problem.Wrap(problem.FolderOtherLedger, fmt.Sprintf("%s is damaged (%s), and says"+
			" no more whose folder this is: put it back from a copy of this folder, however old;"+
			" or delete it, and the ledger is known by its log", f.Path(IdentityFile), err), err)
	}
	return nil
}

// isIdentity tells whether a text can name a ledger.
func isIdentity(text string) bool {
	raw, err := hex.DecodeString(text)
	return err == nil && len(raw) == identityBytes
}

// MakeIdentity gives a new folder its identity, before there is a log.
//
// If we crash before the file is renamed, the folder is still new. If we crash after, the next
// start makes the log with this identity: see logMade.
func (f *Folder) MakeIdentity(now temporal.Instant) error {
	f.Meta = Meta{Format: Format, Identity: eventstore.NewIdentity(now)}
	return f.WriteMeta()
}

// LogMade notes that the log exists: from now on a folder without it is damaged, not new.
func (f *Folder) LogMade() error {
	f.Meta.LogMade = true
	return f.WriteMeta()
}

// WriteMeta replaces the file as a whole. If we crash meanwhile the old one is there or the new
// one, never a part of either.
func (f *Folder) WriteMeta() error {
	text, err := json.MarshalIndent(f.Meta, "", "  ")
	if err != nil {
		return err
	}
	path := f.Path(IdentityFile)
	if err := durable.WriteFile(path, append(text, '\n'), FileMode); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// Announce writes who has the folder open into the lock file; url is that of a serve. It is not
// synced: after a power cut nobody has it open. It is called with "" as soon as the folder is
// locked, and with an address by Serve.
func (f *Folder) Announce(url string) error {
	text, err := json.Marshal(holder{PID: os.Getpid(), URL: url})
	if err != nil {
		return err
	}
	if err := f.lock.Truncate(0); err != nil {
		return Error(f.Dir, err)
	}
	if _, err := f.lock.WriteAt(text, 0); err != nil {
		return Error(f.Dir, err)
	}
	return nil
}

// Path returns the path of something in the folder, as that was named.
func (f *Folder) Path(parts ...string) string {
	return filepath.Join(append([]string{f.Dir}, parts...)...)
}

// Close gives the folder back. Closing the file would do, but for a child of this process that has
// not begun its own program yet: until then it holds all files that were open when it was forked.
// The file stays: to remove it would let a process that has opened it already, and one that makes a
// new one, both hold "the" lock.
func (f *Folder) Close() error {
	return errors.Join(unix.Flock(int(f.lock.Fd()), unix.LOCK_UN), f.lock.Close())
}
