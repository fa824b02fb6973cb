//go:build unix

package pubsub

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"cakupan/domain/event"
	"cakupan/eventstore"
	"cakupan/eventstore/durable"
)

const (
	// claimEvery is how often a claimed position is asked for: a standby takes over that soon.
	claimEvery = 100 * time.Millisecond

	// positionNameMax bounds the names of files; file systems take 255 bytes.
	positionNameMax = 200

	positionSuffix = ".txt"

	privateFolder = 0o700
	privateFile   = 0o600
)

// FilePositions keeps each position in a small file of a folder. A lock beside it lets one holder
// at a time have it, among all processes of the machine; it is free when the holder has died.
// There is none on systems without flock.
//
// The file is two lines of text for people to read, which are written in turn: a crash spoils at
// most the one that was being written, and the other is one position older. Writing in place takes
// one flush of the disk, where a file renamed into place takes three.
type FilePositions struct {
	dir string
}

var _ Positions = (*FilePositions)(nil)

// NewFilePositions returns the positions in a folder, which is made when there is none.
func NewFilePositions(dir string) (*FilePositions, error) {
	if err := durable.MakeFolder(dir, privateFolder); err != nil {
		return nil, fmt.Errorf("make folder of positions: %w", err)
	}
	return &FilePositions{dir: dir}, nil
}

// Claim waits for the lock of the position.
func (p *FilePositions) Claim(ctx context.Context, key PositionKey) (Position, error) {
	name := url.QueryEscape(key.Group) + "@" + url.QueryEscape(key.Topic)
	switch {
	case len(name) > positionNameMax:
		return nil, fmt.Errorf("claim position: %w: group and topic are too long", ErrPosition)
	case event.HasNIK(key.Group) || event.HasNIK(key.Topic):
		return nil, fmt.Errorf("claim position: %w: group or topic is a NIK", ErrPosition)
	}
	lock, err := os.OpenFile(filepath.Join(p.dir, name+".lock"), os.O_RDWR|os.O_CREATE, privateFile)
	if err != nil {
		return nil, fmt.Errorf("claim position: %w", err)
	}
	if err := waitForLock(ctx, lock); err != nil {
		return nil, errors.Join(fmt.Errorf("claim position %s: %w", name, err), lock.Close())
	}
	return &filePosition{path: filepath.Join(p.dir, name+positionSuffix), key: key, lock: lock}, nil
}

// waitForLock takes the lock of a file once nobody else has it.
func waitForLock(ctx context.Context, lock *os.File) error {
	ticker := time.NewTicker(claimEvery)
	defer ticker.Stop()
	for {
		err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			return err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// filePosition is one position that is held.
type filePosition struct {
	path string
	key  PositionKey
	lock *os.File
	file *os.File // nil until it is there
	line int      // to be written next, 0 or 1
}

// positionLine is a line of a file: this as JSON, its CRC-32C in hexadecimal, and spaces.
type positionLine struct {
	Ledger  string              `json:"ledger"`
	Group   string              `json:"group"`
	Topic   string              `json:"topic"`
	Handled eventstore.Sequence `json:"handled"`
}

const (
	// lineBytes is the size of a line, its end included: what disks write as a whole.
	lineBytes = 512

	sumDigits = 8
)

// appendLine appends the line of a position to dst.
func appendLine(dst []byte, key PositionKey, handled eventstore.Sequence) ([]byte, error) {
	text, err := json.Marshal(positionLine{key.Ledger, key.Group, key.Topic, handled})
	if err != nil {
		return dst, err
	}
	line := fmt.Appendf(text, " %0*x", sumDigits, checksum(text))
	if len(line) >= lineBytes {
		return dst, fmt.Errorf("%w: group and topic are too long", ErrPosition)
	}
	dst = append(append(dst, line...), bytes.Repeat([]byte{' '}, lineBytes-1-len(line))...)
	return append(dst, '\n'), nil
}

func checksum(text []byte) uint32 {
	return crc32.Checksum(text, crc32.MakeTable(crc32.Castagnoli))
}

// readLine reads a line; false for one that appendLine did not write.
func readLine(line []byte) (p positionLine, ok bool) {
	line = bytes.TrimRight(line, " \n")
	if len(line) < sumDigits+1 {
		return p, false
	}
	text, digits := line[:len(line)-sumDigits-1], line[len(line)-sumDigits:]
	sum, err := strconv.ParseUint(string(digits), 16, 32)
	if err != nil || uint32(sum) != checksum(text) {
		return p, false
	}
	return p, json.Unmarshal(text, &p) == nil
}

// parsePosition reads the content of a file, and checks that it is the position of the key. It
// tells which line is the older one, to be written next.
func parsePosition(
	content []byte, key PositionKey,
) (handled eventstore.Sequence, older int, err error) {
	found := false
	for i := range len(content) / lineBytes {
		p, ok := readLine(content[i*lineBytes : (i+1)*lineBytes])
		if !ok || i > 1 {
			continue
		}
		if got := (PositionKey{p.Ledger, p.Group, p.Topic}); got != key {
			return 0, 0, fmt.Errorf("%w: the file is of ledger %q, group %q, topic %q", ErrPosition,
				shown(p.Ledger), shown(p.Group), shown(p.Topic))
		}
		if !found || p.Handled > handled {
			found, handled, older = true, p.Handled, 1-i
		}
	}
	if !found {
		return 0, 0, fmt.Errorf("%w: no line of the file can be read", ErrPosition)
	}
	return handled, older, nil
}

// Load reads the file.
func (p *filePosition) Load() (eventstore.Sequence, bool, error) {
	file, err := os.OpenFile(p.path, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("open position: %w", err)
	}
	handled, older, err := eventstore.Sequence(0), 0, error(nil)
	content, err := io.ReadAll(io.LimitReader(file, 2*lineBytes))
	if err == nil {
		handled, older, err = parsePosition(content, p.key)
	}
	if err != nil {
		return 0, false, errors.Join(fmt.Errorf("read position %s: %w", p.path, err), file.Close())
	}
	p.file, p.line = file, older
	return handled, true, nil
}

// Store writes the older line of the file anew.
func (p *filePosition) Store(handled eventstore.Sequence) error {
	line, err := appendLine(make([]byte, 0, lineBytes), p.key, handled)
	switch {
	case err != nil:
	case p.file == nil:
		err = durable.WriteFile(p.path, append(line, line...), privateFile)
		if err == nil {
			p.file, err = os.OpenFile(p.path, os.O_RDWR, 0)
		}
	default:
		if _, err = p.file.WriteAt(line, int64(p.line)*lineBytes); err == nil {
			err = durable.Sync(p.file)
		}
		if err == nil { // otherwise the other line is the only sound one
			p.line = 1 - p.line
		}
	}
	if err != nil {
		return fmt.Errorf("store position: %w", err)
	}
	return nil
}

// Release closes the file and gives up the lock.
func (p *filePosition) Release() error {
	var err error
	if p.file != nil {
		err = p.file.Close()
	}
	if err = errors.Join(err, p.lock.Close()); err != nil {
		return fmt.Errorf("release position: %w", err)
	}
	return nil
}
