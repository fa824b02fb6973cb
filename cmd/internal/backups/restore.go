package backups

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/nats-io/nats.go"

	"cakupan/cmd/internal/access"
	"cakupan/cmd/internal/cluster"
	"cakupan/cmd/internal/folder"
	"cakupan/cmd/internal/natsin"
	"cakupan/cmd/internal/problem"
	"cakupan/domain/event"
	"cakupan/eventstore"
	"cakupan/eventstore/backup"
	"cakupan/eventstore/codec"
	"cakupan/eventstore/durable"
	"cakupan/eventstore/jetstream"
	"cakupan/eventstore/lookups"
	"cakupan/eventstore/natsd"
	"cakupan/eventstore/packs"
	"cakupan/eventstore/vault"
	"cakupan/eventstore/verify"
)

// Points at which RestoreOptions.Fault is called.
const (
	FaultRestoreBegun  = "restore-begun"  // the mark is there, and nothing else
	FaultRestoreHalf   = "restore-half"   // one more message is there
	FaultRestoreFilled = "restore-filled" // all messages are
	FaultRestoreNamed  = "restore-named"  // and the identity; the mark is there still
	FaultRestoreDone   = "restore-done"   // the mark is gone
)

// RestoreOptions say what to restore, and where. Log nil: nothing is written. Replicas as in
// [cluster.Cluster].
type RestoreOptions struct {
	Files    []string // a whole backup and the increments that follow it, in their order
	Dir      string   // a folder that is not there, or is empty but for the keys of Keys
	Keys     string   // folder of the keys, as BackupKeys makes it; "": they are put there later
	NATS     string   // URL of a cluster, which has no ledger; "": into the folder
	Replicas int

	Log      *slog.Logger
	Progress func(done, total eventstore.Sequence)
	Fault    func(point string) // for crash tests; optional
}

// Check reads and checks the files of a backup, as [backup.Open] does, and decodes each
// event. The chain says what it found of the log, which may be damaged all the same: that is in its
// report and no error.
func Check(ctx context.Context, files []string, progress func(done, total eventstore.Sequence),
) (*backup.Chain, error) {
	var decoded event.Event
	streams := backup.Streams{
		Vault: vault.StreamName, Register: access.StreamName, Lookups: lookups.StreamName,
	}
	decode := func(r eventstore.Record) error {
		_, err := codec.Decode(r.Event, &decoded)
		return err
	}
	told := func(p verify.Progress) {
		if progress != nil {
			progress(p.Sequence, p.Sequence)
		}
	}
	chain, err := backup.Open(ctx, files, streams, decode, told)
	return chain, Error(err)
}

// Error puts an error about the files of a backup into words. An error that says something
// else is returned as it is.
func Error(err error) error {
	switch {
	case errors.Is(err, backup.ErrDamaged):
		return problem.New(problem.BackupDamaged, err.Error()+": use another copy")
	case errors.Is(err, backup.ErrChain):
		return problem.New(problem.UsageWrong, err.Error())
	case errors.Is(err, eventstore.ErrNewerFormat):
		return problem.New(problem.FolderNewer, err.Error()+": use a newer cakupan")
	case errors.Is(err, fs.ErrNotExist):
		return problem.New(problem.NotFound, err.Error())
	case errors.Is(err, fs.ErrPermission):
		return problem.New(problem.FileNotReadable, err.Error())
	}
	return err
}

// Restore makes a ledger of a backup, and checks all of that before. It takes the place of nothing:
// the folder must be empty, and the cluster without a ledger. A crash at any moment leaves what
// nobody opens, and what the next Restore replaces; or the whole.
//
// The chain is returned once it was checked, also where the restore then fails. The restored ledger
// has the identity of the one that was backed up: of the two only one may go on, or the same
// sequences are given out twice.
func Restore(ctx context.Context, opts RestoreOptions) (*backup.Chain, error) {
	chain, err := Check(ctx, opts.Files, opts.Progress)
	if err != nil {
		return nil, err
	}
	if !chain.Report.OK() {
		return nil, problem.New(problem.BackupDamaged, "the log in the backup is damaged: run"+
			" cakupan verify on its files")
	}
	if opts.Fault == nil {
		opts.Fault = func(string) {}
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	keys := map[string][]byte{} // without a folder of keys the ledger will ask for them
	if opts.Keys != "" {
		if keys, err = folder.ReadKeys(opts.Keys); err != nil {
			return nil, err
		}
	}
	on := &cluster.Cluster{URL: opts.NATS, Logger: opts.Log}
	r := &restoring{opts: opts, chain: chain, keys: keys, on: on, nonce: rand.Text()}
	return chain, r.run(ctx)
}

// restoring is a restore under way. It is of one goroutine. last has, by the stream, the number of
// the message that was stored last; a stream that is not in it is not made yet.
type restoring struct {
	opts  RestoreOptions
	chain *backup.Chain
	keys  map[string][]byte

	on    *cluster.Cluster
	nonce string // tells it from all other restores
	conn  *nats.Conn
	again bool              // an unfinished restore was there
	last  map[string]uint64 // messages of each stream
}

// run does it, with the folder locked from before the mark to after its removal.
func (r *restoring) run(ctx context.Context) error {
	if err := r.checkRoom(); err != nil {
		return err
	}
	f, err := r.lockEmpty()
	if err != nil {
		return err
	}
	return errors.Join(r.into(ctx, f), f.Close())
}

// restoreReserve is what must be left of the disk: a ledger with less takes no events.
const restoreReserve = 64 << 20

// checkRoom refuses a disk that is too small, before anything is made. What is left of a restore
// that was cut short is room. A backup is about as large as the ledger that it makes; a cluster's
// disks are not ours to look at.
func (r *restoring) checkRoom() error {
	dir := r.opts.Dir
	mark := filepath.Join(dir, folder.RestoringFile)
	if _, err := os.Lstat(mark); err == nil || r.opts.NATS != "" {
		return nil
	}
	need := uint64(restoreReserve)
	for _, path := range r.opts.Files {
		info, err := os.Stat(path)
		if err != nil {
			return problem.File(path, err)
		}
		need += uint64(info.Size())
	}
	// The folder may not be there yet: the disk is that of the nearest one above it.
	for _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist); _, err = os.Stat(dir) {
		dir = filepath.Dir(dir)
	}
	free, err := natsd.FreeSpace(dir)
	if err != nil || free >= need { // where it cannot be told, the writing will
		return nil //nolint:nilerr // see above
	}
	return r.full(free)
}

// full says that there is not room enough.
func (r *restoring) full(free uint64) error {
	const mib = 1 << 20
	return problem.New(problem.LogFull, fmt.Sprintf("the disk of %s has %d MiB left, which is too"+
		" little for the ledger: free some room, or name a folder on another disk, and run cakupan"+
		" restore again", r.opts.Dir, free/mib))
}

// into fills the folder, or the cluster. What counts is the order: the mark is made to last before
// anything else, and removed after everything else.
//
// If we crash after the mark, nobody opens the folder, and the next restore begins again. If we
// crash once the mark is gone, the ledger is whole: keys and identity are durable before that.
func (r *restoring) into(ctx context.Context, f *folder.Folder) error {
	if r.opts.NATS != "" {
		if err := r.connectCluster(ctx); err != nil {
			return err
		}
		defer r.conn.Close()
	}
	if err := r.mark(f); err != nil {
		return err
	}
	r.opts.Fault(FaultRestoreBegun)
	if err := r.fill(ctx, f); err != nil {
		return err
	}
	r.opts.Fault(FaultRestoreFilled)
	for name, key := range r.keys {
		if err := durable.MakeFolder(f.Path(folder.Vault), folder.FolderMode); err != nil {
			return err
		}
		err := durable.Create(f.Path(folder.Vault, name), key, folder.FileMode)
		if err != nil && !errors.Is(err, fs.ErrExist) { // mark has left the same key, if any
			return err
		}
	}
	// LogMade from the start: a restored folder that loses its log has lost it.
	f.Meta = folder.Meta{Format: folder.Format, Identity: r.chain.Identity, LogMade: true}
	if err := f.WriteMeta(); err != nil {
		return err
	}
	r.opts.Fault(FaultRestoreNamed)
	if err := os.Remove(f.Path(folder.RestoringFile)); err != nil {
		return err
	}
	if err := durable.SyncFolder(f.Dir); err != nil {
		return err
	}
	r.opts.Fault(FaultRestoreDone)
	return nil
}

// lockEmpty locks the folder, which it makes, and refuses one that holds anything but what an
// unfinished restore has left. What a file system puts into its root does not count, nor do the
// same keys, which cakupan setup has given to each ledger of a cluster.
func (r *restoring) lockEmpty() (*folder.Folder, error) {
	dir := r.opts.Dir
	if err := durable.MakeFolder(dir, folder.FolderMode); err != nil {
		return nil, folder.Error(dir, err)
	}
	_, err := os.Lstat(filepath.Join(dir, folder.RestoringFile))
	if r.again = err == nil; !r.again {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return nil, folder.Error(dir, err)
		}
		for _, entry := range entries {
			switch name := entry.Name(); {
			case name == folder.LockFile, name == "lost+found",
				name == folder.Vault && r.sameKeys():
			default:
				return nil, problem.New(problem.FolderNotEmpty, fmt.Sprintf("%s is not empty: %s"+
					" is there. A backup is restored into a new folder, or into one that has"+
					" nothing but the keys of --keys in vault/", dir, name))
			}
		}
	}
	return folder.Lock(dir)
}

// sameKeys tells whether the folder has the keys that are restored, and nothing but keys beside
// them: such as the ledger never had, and cakupan setup has made for all of a cluster.
func (r *restoring) sameKeys() bool {
	dir := filepath.Join(r.opts.Dir, folder.Vault)
	entries, err := os.ReadDir(dir)
	if err != nil || len(r.keys) == 0 {
		return false
	}
	there, err := folder.ReadKeys(dir)
	if err != nil || len(there) != len(entries) {
		return false
	}
	for name, key := range r.keys {
		if !bytes.Equal(there[name], key) {
			return false
		}
	}
	return true
}

// mark makes the mark, and empties the folder of what an unfinished restore has left. The mark is
// durable before anything is removed. The same keys stay: they may be the only copy there is.
func (r *restoring) mark(f *folder.Folder) error {
	about := "A restore of a backup was begun here and has not come to its end. Run cakupan" +
		" restore again.\n"
	err := durable.WriteFile(f.Path(folder.RestoringFile), []byte(about), folder.FileMode)
	if err != nil {
		return folder.Error(f.Dir, err)
	}
	lefts := []string{folder.NATS, folder.IdentityFile}
	if !r.sameKeys() {
		lefts = append(lefts, folder.Vault)
	}
	for _, left := range lefts {
		if err := os.RemoveAll(f.Path(left)); err != nil {
			return folder.Error(f.Dir, err)
		}
	}
	return nil
}

// fill puts the messages into their streams. The server is ended before the mark is removed: what
// it holds is in its files by then.
func (r *restoring) fill(ctx context.Context, f *folder.Folder) error {
	if r.opts.NATS != "" {
		return r.fillCluster(ctx)
	}
	server, err := natsd.Start(natsd.Options{StoreDir: f.Path(folder.NATS), Log: r.opts.Log})
	if err != nil {
		return folder.ServerError(f.Dir, err)
	}
	r.conn, err = server.Connect()
	if err == nil {
		err = r.fillStreams(ctx)
		r.conn.Close()
	}
	return errors.Join(err, server.Shutdown())
}

// fillStreams makes the streams that the backup has something of, and stores the messages. The
// stream of the log is made also where the backup has no event.
func (r *restoring) fillStreams(ctx context.Context) error {
	r.last = map[string]uint64{}
	err := r.step(ctx, func(ctx context.Context) error {
		opts := jetstream.Options{Replicas: r.opts.Replicas}
		log, err := jetstream.Create(ctx, r.conn, opts, r.chain.Identity)
		return checkMade(r, log, err, func() (*jetstream.Log, error) {
			return jetstream.Open(ctx, r.conn, opts)
		})
	})
	if err != nil {
		return err
	}
	for m, err := range r.chain.Messages(ctx) {
		if err == nil {
			err = r.store(ctx, &m)
		}
		if err != nil {
			return err
		}
		r.opts.Fault(FaultRestoreHalf)
	}
	return nil
}

// store stores a message after the one before it. Each is stored only if its predecessor is the
// last one, so that none can be there twice or be lost. It is durable when this returns.
func (r *restoring) store(ctx context.Context, m *backup.Message) error {
	// 0 is before the first message of a stream.
	last, made := r.last[m.Stream]
	if !made {
		err := r.step(ctx, func(ctx context.Context) error { return r.makeStream(ctx, m.Stream) })
		if err != nil {
			return err
		}
	}
	// The file says where a message goes, and is not believed: a subject of JetStream's own would
	// be a command.
	if !strings.HasPrefix(m.Subject, "cakupan.") {
		return problem.New(problem.BackupDamaged, "a message of "+m.Stream+" has the subject "+
			m.Subject)
	}
	at, err := r.publish(ctx, m, last)
	if err != nil && r.opts.NATS == "" {
		if free, failed := natsd.FreeSpace(r.opts.Dir); failed == nil && free < restoreReserve {
			return r.full(free)
		}
	}
	if err != nil {
		return fmt.Errorf("restore %s: %w", m.Stream, err)
	}
	r.last[m.Stream] = at
	return nil
}

// makeStream makes the stream of a first message. The log's was made first.
func (r *restoring) makeStream(ctx context.Context, name string) error {
	var opts packs.Options
	switch name {
	case jetstream.StreamDefault:
		return nil
	case natsin.StreamIntake, natsin.StreamRefused:
		return natsin.MakeStreams(ctx, r.conn, r.opts.Replicas)
	case vault.StreamName:
		opts = vault.StreamOptions()
	case access.StreamName:
		opts = access.StreamOptions()
	case lookups.StreamName:
		opts = lookups.StreamOptions()
	default:
		return problem.New(problem.BackupDamaged, "there is no stream "+name)
	}
	opts.Replicas = r.opts.Replicas
	stream, err := packs.Create(ctx, r.conn, opts, r.chain.Identity)
	return checkMade(r, stream, err, func() (*packs.Stream, error) {
		return packs.Open(ctx, r.conn, opts)
	})
}

// checkMade takes what making a stream came to. One that is there was made by an attempt that had
// no answer, as all were removed before; another ledger's is refused.
func checkMade[S interface{ Identity() eventstore.Identity }](
	r *restoring, made S, err error, open func() (S, error),
) error {
	if errors.Is(err, eventstore.ErrExists) {
		made, err = open()
	}
	if err != nil {
		return err
	}
	if made.Identity() != r.chain.Identity {
		return problem.New(problem.FolderNotEmpty,
			"the cluster has a stream of another ledger by now")
	}
	return nil
}
