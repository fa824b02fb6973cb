package index

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"cakupan/eventstore/inspect"
)

// kindRun is what a run is; see [Inspect].
const kindRun = "index: a run of (source, id) by hash"

// IsFile tells whether a file of this name is one that [Inspect] knows.
func IsFile(name string) bool { return strings.HasSuffix(name, runSuffix) }

// Inspect says what can be told about a run, all of which its checksums cover.
func Inspect(path string) (r inspect.Report, err error) {
	if r, err = inspect.New(path, kindRun); err != nil {
		return r, err
	}
	file, err := os.Open(path)
	if err != nil {
		return r, fmt.Errorf("inspect: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	version, err := versionOf(file)
	if err != nil {
		return r, err
	}
	if version > 0 && version < runVersion {
		// Nothing is wrong with it, but nobody reads it any more: it is derived, and its digests
		// answer another question than today's.
		r.Format = strconv.Itoa(version)
		r.Lower(inspect.Unproven)
		r.Note("it has format %d, of an older cakupan: the next start reads the log again instead",
			version)
		return r, nil
	}
	if version != 0 && !r.Known(strconv.Itoa(version), strconv.Itoa(runVersion)) {
		return r, nil
	}
	run := &run{path: path, file: file}
	info, err := file.Stat()
	if err != nil {
		return r, fmt.Errorf("inspect: %w", err)
	}
	if err = run.loadHead(info); err == nil {
		r.Ledger, r.Entries = run.identity.Ledger, uint64(run.count())
		r.First, r.Last = uint64(run.first), uint64(run.last)
		err = run.checkAll()
	}
	if errors.Is(err, errUnusable) {
		r.Found(inspect.Damaged, "%s: delete it, the next start reads the log again", err)
		return r, nil
	}
	return r, err
}

// versionOf returns the version of a run with an intact header of whatever version, else 0: what
// its header is then, reading it tells.
func versionOf(file *os.File) (int, error) {
	head := make([]byte, headerSize)
	switch _, err := file.ReadAt(head, 0); {
	case errors.Is(err, io.EOF):
		return 0, nil
	case err != nil:
		return 0, fmt.Errorf("inspect: %w", err)
	case !bytes.HasPrefix(head, []byte(magic)),
		binary.BigEndian.Uint32(head[offsetHeadSum:]) != checksum(head[:offsetHeadSum]):
		return 0, nil
	}
	return int(binary.BigEndian.Uint32(head[len(magic):])), nil
}
