package natsd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"cakupan/eventstore"
	"cakupan/eventstore/durable"
)

// JetStream remembers the first write that failed in a stream and takes nothing more for it, for as
// long as the stream is open; who published is not answered. So a disk that was full for a second,
// or a moment without descriptors, would end the ledger until somebody starts it again. Therefore:
// once a write has failed, nothing is sent any more (see Server.Check), and the streams are opened
// again as soon as the folder can be written.

const (
	// mendPause is how long the server waits before it looks again whether it can write.
	mendPause = 500 * time.Millisecond
	// tellEach is how many tries the operator is told of one.
	tellEach = 20
	// probeFiles is how many files must be there to be had at once before the streams are opened
	// again: opening takes some for each of them, and a stream whose files cannot be opened for
	// want of descriptors would be passed over as if there were none.
	probeFiles = 48
	// probeBytes is what is written, behind as many bytes as the longest block has.
	probeBytes = 64 << 10
	probeName  = "cakupan.probe-"
)

// failedWrite is what the server says of a write that failed for good: of a store, of a stream, of
// a consumer; and of itself when it stops taking anything. It tells nobody in any other way. Lines
// about a connection begin with its number, so nobody who connects can make one.
var failedWrite = regexp.MustCompile(`^Filestore \[[^]]*\] Critical write error` +
	`|^JetStream (stream|consumer) '[^']*' critical write error` +
	`|^JetStream out of .*resources, will be DISABLED` +
	`|^(Filestore \[[^]]*\] )?File ?system permission denied .*, disabling JetStream`)

// broken is whether a write has failed since the streams were opened. It is safe for concurrent
// use.
type broken struct {
	mu  sync.Mutex
	err error // nil: none has
	// A new one is made when the cause is gone: who holds the old one was told once, and asks for
	// the next.
	since chan struct{} // closed when one does
}

// newBroken returns one of a server that no write has failed in.
func newBroken() *broken { return &broken{since: make(chan struct{})} }

// note is told each line that the server says about an error. The first cause stays.
func (b *broken) note(line string) {
	if failedWrite.MatchString(line) {
		b.fail(line)
	}
}

// fail notes a cause, and tells those who wait, unless there is one already.
func (b *broken) fail(why string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err == nil {
		b.err = fmt.Errorf("%w: %s", eventstore.ErrNotWritable, why)
		close(b.since)
	}
}

// change replaces the cause, and notes that there is none any more when it is nil.
func (b *broken) change(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err != nil {
		b.err = fmt.Errorf("%w: %w", eventstore.ErrNotWritable, err)
		return
	}
	b.err, b.since = nil, make(chan struct{})
}

// state returns the cause, and what is closed when there is one.
func (b *broken) state() (since <-chan struct{}, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.since, b.err
}

// Broken returns a channel that is closed once a write fails: what was sent before has no answer,
// and gets none. Ask again after Check has found that all is well: the channel is of one failure.
func (s *Server) Broken() <-chan struct{} {
	since, _ := s.broken.state()
	return since
}

// Check returns an error that wraps eventstore.ErrNotWritable while a write has failed and the
// streams were not opened again. How they end is not known then.
func (s *Server) Check() error {
	_, err := s.broken.state()
	return err
}

// Reopen has the streams opened again, as after a write that failed: the server then reads from the
// disk what it has in its memory. It returns once they are open. Those who wait for answers
// meanwhile are told as after a failure: see Broken. When ctx ends first, it goes on all the same.
func (s *Server) Reopen(ctx context.Context) error {
	s.broken.fail("its files are to be read again")
	tick := time.NewTicker(mendPause / 10)
	defer tick.Stop()
	for {
		err := s.Check()
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ctx.Err(), err)
		}
	}
}

// mend opens the streams again whenever a write has failed, until the server is stopped. It is one
// goroutine for as long as the server lives, and the only one that replaces a server.
func (s *Server) mend() {
	defer close(s.mended)
	pause := time.NewTicker(mendPause)
	defer pause.Stop()
	for {
		select {
		case <-s.stopping:
			return
		case <-s.Broken():
		}
		for tries := 0; s.Check() != nil; tries++ {
			err := s.reopen()
			s.broken.change(err)
			if err == nil && s.now.Load().failed.Load() { // noted before, and forgotten just now
				s.broken.fail("a write has failed again")
				err = s.Check()
			}
			switch {
			case s.stuck:
				tell(s.gaveUp, err.Error())
				return
			case err == nil:
				s.log.Info("streams were opened again: they can be written")
			case tries%tellEach == 0:
				s.log.Warn("streams cannot be written yet", slog.Any("error", err))
			}
			select {
			case <-s.stopping:
				return
			case <-pause.C:
			}
		}
	}
}

// reopen has another server take the place of this one, if the folder can be written. Streams that
// are opened again within a server would leave it with its old subscriptions to requests besides
// the new ones, and each request would be done once more after each failure.
//
// If we crash here, the next start finds what is on the disk, as this does.
func (s *Server) reopen() error {
	jetStreamDir := filepath.Join(s.storeDir, server.JetStreamStoreDir)
	if err := probe(s.storeDir, jetStreamDir); err != nil {
		return err
	}
	if err := s.replace(jetStreamDir); err != nil {
		return err
	}
	s.awaitOwn()
	return nil
}

// replace ends the server and starts another one. Until that is there, connections through memory
// wait, and others find nobody. Where a step fails there is no server: mend comes back, and stops
// what has stopped already, which does nothing.
func (s *Server) replace(jetStreamDir string) error {
	s.change.Lock()
	defer s.change.Unlock()
	if err := stopWithin(s.now.Load().server, s.stopMax); err != nil {
		s.stuck = true
		return err
	}
	streams, err := fs.Glob(os.DirFS(jetStreamDir), "*/streams/*/"+metaFile)
	if err != nil {
		return fmt.Errorf("look for streams: %w", err)
	}
	if err := s.prepare(); err != nil {
		return fmt.Errorf("open streams: %w", err)
	}
	r, err := s.run()
	if err != nil {
		return fmt.Errorf("open streams: %w", err)
	}
	// What the server cannot open it passes over with a warning.
	info, err := r.server.Jsz(&server.JSzOptions{})
	switch {
	case err == nil && info.Streams < len(streams):
		err = fmt.Errorf("%d of %d could not be opened", len(streams)-info.Streams, len(streams))
	case err == nil && s.listening:
		err = r.listen(&s.opts)
	}
	if err != nil {
		r.stop()
		return fmt.Errorf("open streams: %w", err)
	}
	s.now.Store(r)
	return nil
}

// probe finds out whether a folder can be written: whether there are descriptors, inodes, and room
// for a file that is a little longer than the longest there. Its files lose their names at once, so
// that nothing of them stays; a kill leaves one at most, and that empty. blocksBelow is where the
// longest file is looked for.
func probe(dir, blocksBelow string) (err error) {
	longest := int64(0)
	err = filepath.WalkDir(blocksBelow, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil {
			longest = max(longest, info.Size())
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("look at files: %w", err)
	}
	var files []*os.File
	defer func() {
		for _, file := range files {
			err = errors.Join(err, file.Close())
		}
	}()
	for range probeFiles {
		file, err := os.CreateTemp(dir, probeName)
		if err != nil {
			return err
		}
		files = append(files, file)
		if err := os.Remove(file.Name()); err != nil { // it is there until it is closed
			return err
		}
	}
	// A file system may bound the length of a file: the next write of the log must fit.
	if _, err := files[0].WriteAt(make([]byte, probeBytes), longest); err != nil {
		return err
	}
	return durable.Sync(files[0])
}
