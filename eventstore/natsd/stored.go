package natsd

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/minio/highwayhash"
	"github.com/nats-io/nats-server/v2/server"

	"cakupan/eventstore/inspect"
)

// The files of a stream, as nats-server 2.15 writes them. Numbers are little-endian, checksums are
// HighwayHash-64 under the SHA-256 of the stream's name, in a block followed by "-" and its number.
//
//	meta.inf       the configuration, JSON
//	meta.sum       its checksum, hexadecimal
//	msgs/N.blk     records: length (4, the highest bit: has a header), sequence (8), time (8),
//	               length of the subject (2), subject, length of the header (4) and header where
//	               there is one, message, checksum (8) of all but the three lengths
//	msgs/index.db  what the server knows of the blocks; its checksum is at the end
const (
	metaFile   = server.JetStreamMetaFile
	metaSum    = server.JetStreamMetaFileSum
	blocksDir  = "msgs"
	blockEnd   = ".blk"
	indexFile  = "index.db"
	recordHead = 22
	sumSize    = highwayhash.Size64
	lengthSize = 4

	hasHeader = 1 << 31 // of a length
	erased    = 1 << 63 // of a sequence: the message was overwritten
	deletes   = 1 << 62 // of a sequence: this record only says that that message is gone
	blockMax  = 256 << 20
)

// StoredStream is what the files of a stream say about it.
type StoredStream struct {
	Name     string
	Subjects []string
	Metadata map[string]string
	// Keeps says that no message may ever be removed, so that none may be missing.
	Keeps bool
}

// StoredMessage is a message as it lies in the files.
type StoredMessage struct {
	Sequence uint64
	Subject  string
	Data     []byte // valid until the next one
}

// IsStream tells whether a folder holds the files of a stream.
func IsStream(dir string) bool {
	_, noMeta := os.Stat(filepath.Join(dir, metaFile))
	info, err := os.Stat(filepath.Join(dir, blocksDir))
	return noMeta == nil && err == nil && info.IsDir()
}

// IsPurging tells whether a server was ended while it removed all messages of a stream: it had put
// their files aside, or the new ones not yet in their place. It makes that good when it starts.
func IsPurging(dir string) bool {
	for _, name := range [...]string{"__msgs__", "__new_msgs__"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			return true
		}
	}
	return false
}

// InspectStream says what can be told about a stream of which there are only the files, or on which
// a server is running. begin gets what the stream is, and returns who looks at its messages; it may
// be called again, when the files have changed meanwhile. It takes no lock and reads each block
// whole. dir must be one that IsStream knows. The error is of the file system.
func InspectStream(dir string, begin func(StoredStream, *inspect.Report) func(StoredMessage),
) (inspect.Report, error) {
	files := func() ([]string, error) {
		paths, err := blocks(dir)
		return append(paths, filepath.Join(dir, metaFile), filepath.Join(dir, metaSum),
			filepath.Join(dir, blocksDir, indexFile)), err
	}
	return inspect.Steady(func() (inspect.Report, error) {
		r, err := inspect.New(dir, "JetStream stream")
		if err != nil {
			return r, err
		}
		stream, err := readMeta(dir, &r)
		if err != nil || stream.Name == "" {
			return r, err
		}
		r.Kind += " " + stream.Name
		s := &storedBlocks{
			StoredStream: stream, report: &r, gone: map[uint64]bool{}, visit: begin(stream, &r),
		}
		// Before the blocks: the server may go on meanwhile.
		remembered, err := s.readIndex(filepath.Join(dir, blocksDir, indexFile))
		if err != nil {
			return r, err
		}
		if err := s.readAll(dir); err != nil {
			return r, err
		}
		if remembered > s.last &&
			(s.Keeps || s.Name == streamVault || r.Entries > 0 && len(s.gone) == 0) {
			r.Found(inspect.Damaged, "the server had stored message %d, the last one there is"+
				" message %d", remembered, s.last)
		}
		return r, nil
	}, files)
}

// LastNumber returns the highest number that a stream of which there are only the files has given
// to a message, also where that is gone; known is false where its configuration cannot be read. The
// server keeps it: where it removes the last message, a record says that it was there. dir must be
// one that IsStream knows. The error is of the file system.
func LastNumber(dir string) (number uint64, known bool, err error) {
	var r inspect.Report
	stream, err := readMeta(dir, &r)
	if err != nil || stream.Name == "" {
		return 0, false, err
	}
	s := &storedBlocks{
		StoredStream: stream, report: &r, gone: map[uint64]bool{}, visit: func(StoredMessage) {},
	}
	err = s.readAll(dir)
	return s.named, err == nil, err
}

// readMeta reads the configuration; without a name when it cannot be read.
func readMeta(dir string, r *inspect.Report) (s StoredStream, err error) {
	text, err := os.ReadFile(filepath.Join(dir, metaFile))
	if err != nil {
		return s, fmt.Errorf("inspect: %w", err)
	}
	r.Bytes += int64(len(text))
	var info server.FileStreamInfo
	if err := json.Unmarshal(text, &info); err != nil || info.Name == "" {
		r.Found(inspect.Damaged, "%s cannot be read", metaFile)
		return s, nil
	}
	sum, err := os.ReadFile(filepath.Join(dir, metaSum))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return s, fmt.Errorf("inspect: %w", err)
	}
	if want := hex.EncodeToString(sumOf(info.Name, text)); string(sum) != want {
		r.Found(inspect.Damaged, "%s does not fit %s, so the server will not load the stream",
			metaFile, metaSum)
	}
	return StoredStream{
		Name: info.Name, Subjects: info.Subjects, Metadata: info.Metadata,
		Keeps: info.DenyDelete && info.DenyPurge,
	}, nil
}

// newSum returns the checksum that the server makes for the stream or block of a name. The key
// keeps apart what was written for another one, not what somebody has changed on purpose.
func newSum(name string) hash.Hash {
	key := sha256.Sum256([]byte(name))
	sum, _ := highwayhash.NewDigest64(key[:]) // fails for keys of other lengths only
	return sum
}

// sumOf returns the checksum of a whole content under a name.
func sumOf(name string, content []byte) []byte {
	sum := newSum(name)
	_, _ = sum.Write(content) // never fails: see hash.Hash
	return sum.Sum(nil)
}

// blocks returns the paths of a stream's blocks in their order. Other files beside them are passed
// over.
func blocks(dir string) (paths []string, err error) {
	entries, err := os.ReadDir(filepath.Join(dir, blocksDir))
	if err != nil {
		return nil, fmt.Errorf("inspect: %w", err)
	}
	var numbers []int
	for _, entry := range entries {
		name, found := strings.CutSuffix(entry.Name(), blockEnd)
		if number, err := strconv.Atoi(name); found && err == nil {
			numbers = append(numbers, number)
		}
	}
	slices.Sort(numbers)
	for _, number := range numbers {
		paths = append(paths, filepath.Join(dir, blocksDir, strconv.Itoa(number)+blockEnd))
	}
	return paths, nil
}

// storedBlocks goes through the records of all blocks. It is for one run through the stream.
type storedBlocks struct {
	StoredStream
	report *inspect.Report
	visit  func(StoredMessage) // called in the order of the sequences, once for each

	last  uint64          // sequence of the last message that was visited
	named uint64          // highest sequence that a record has, also of what is gone
	there []span          // sequences of all that were
	gone  map[uint64]bool // sequences that a record says are deleted
}

// span are sequences that follow one another, from the first to the last.
type span struct{ first, last uint64 }

// visited notes that a message is there. Where it comes out of order, damage is found, and the
// number of entries is none to rely on.
func (s *storedBlocks) visited(sequence uint64) {
	if n := len(s.there); n > 0 && s.there[n-1].last+1 == sequence {
		s.there[n-1].last = sequence
		return
	}
	s.there = append(s.there, span{sequence, sequence})
}

// removed returns how many of those that were visited are deleted. Of what was overwritten, only
// the record is left that says so.
func (s *storedBlocks) removed() (n uint64) {
	for sequence := range s.gone {
		i := sort.Search(len(s.there), func(i int) bool { return s.there[i].last >= sequence })
		if i < len(s.there) && s.there[i].first <= sequence {
			n++
		}
	}
	return n
}

// readAll goes through all blocks. A server may be writing to the last one: what is half written
// looks like damage, and InspectStream looks again.
func (s *storedBlocks) readAll(dir string) error {
	paths, err := blocks(dir)
	if err != nil {
		return err
	}
	for _, path := range paths {
		info, err := os.Stat(path)
		if err == nil && info.Size() > blockMax {
			s.report.Found(inspect.Damaged, "%s has %d bytes", filepath.Base(path), info.Size())
			continue
		}
		var content []byte
		if err == nil {
			content, err = os.ReadFile(path)
		}
		if errors.Is(err, fs.ErrNotExist) {
			continue // the server has dropped it meanwhile
		} else if err != nil {
			return fmt.Errorf("inspect: %w", err)
		}
		s.report.Bytes += int64(len(content))
		s.readBlock(strings.TrimSuffix(filepath.Base(path), blockEnd), content)
	}
	s.report.Entries -= s.removed()
	if len(s.gone) > 0 {
		s.report.Note("%d messages were removed from it one by one", len(s.gone))
	}
	return nil
}

// readBlock goes through the records of a block up to the first that cannot be read. Where the next
// record begins is not known behind it, so the rest of the block is lost.
func (s *storedBlocks) readBlock(number string, content []byte) {
	sum := newSum(s.Name + "-" + number)
	for at := 0; at < len(content); {
		length := recordLength(content[at:])
		if length == 0 {
			s.report.Found(inspect.Damaged, "block %s ends within the record at byte %d, after"+
				" message %d, or it is damaged there", number, at, s.last)
			return
		}
		record := content[at : at+length]
		if !s.readRecord(sum, record) {
			s.report.Found(inspect.Damaged, "the checksum of the record at byte %d of block %s"+
				" differs, after message %d", at, number, s.last)
			return
		}
		at += length
	}
}

// recordLength returns the length of the record at the front, 0 when there is no whole one. It is
// under no checksum itself, so it is held against what must fit into it.
func recordLength(b []byte) int {
	if len(b) < recordHead+sumSize {
		return 0
	}
	word := binary.LittleEndian.Uint32(b)
	length := int64(word &^ hasHeader)
	least := int64(recordHead + sumSize + int(binary.LittleEndian.Uint16(b[20:])))
	if word&hasHeader != 0 {
		least += lengthSize
	}
	if length < least || length > int64(len(b)) {
		return 0
	}
	return int(length)
}

// readRecord visits the message of a record, and reports whether its checksum holds.
func (s *storedBlocks) readRecord(sum hash.Hash, record []byte) bool {
	body, want := record[recordHead:len(record)-sumSize], record[len(record)-sumSize:]
	subject := int(binary.LittleEndian.Uint16(record[20:]))
	parts := summed(record)
	message := parts[len(parts)-1]
	sum.Reset()
	for _, part := range parts {
		_, _ = sum.Write(part) // never fails: see hash.Hash
	}
	if !bytes.Equal(sum.Sum(nil), want) {
		return false
	}
	if binary.LittleEndian.Uint32(record)&hasHeader != 0 { // its length is under no checksum
		if n := binary.LittleEndian.Uint32(body[subject:]); uint64(n) <= uint64(len(message)) {
			message = message[n:]
		} else {
			return false
		}
	}
	sequence := binary.LittleEndian.Uint64(record[4:])
	s.named = max(s.named, sequence&^(deletes|erased))
	switch {
	case sequence&deletes != 0:
		s.gone[sequence&^deletes] = true
		return true
	// It was overwritten on purpose, and has nothing to be visited.
	case sequence == 0 || sequence&erased != 0:
		return true
	case sequence <= s.last:
		s.report.Found(inspect.Damaged, "message %d comes after message %d", sequence, s.last)
	case s.Keeps && sequence != s.last+1:
		s.report.Found(inspect.Damaged, "messages %d to %d are missing", s.last+1, sequence-1)
	}
	s.last = sequence
	s.visited(sequence)
	s.report.Entries++
	m := StoredMessage{Sequence: sequence, Subject: string(body[:subject]), Data: message}
	if !slices.ContainsFunc(s.Subjects, m.isOf) { // the length of the subject is under no checksum
		s.report.Found(inspect.Damaged, "message %d has a subject that is none of the stream",
			sequence)
	}
	s.visit(m)
	return true
}

// isOf tells whether the message's subject is one, or in one that ends with ">".
func (m *StoredMessage) isOf(subject string) bool {
	prefix, wild := strings.CutSuffix(subject, ">")
	return m.Subject == subject || wild && strings.HasPrefix(m.Subject, prefix)
}

// readIndex returns the last message that the server remembers. That is written at times, so it may
// be behind, and where it is missing the server makes it again. 0: it is not known.
func (s *storedBlocks) readIndex(path string) (last uint64, err error) {
	content, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		s.report.Note("%s is not there: the server was killed, or has never stopped", indexFile)
		return 0, nil
	case err != nil:
		return 0, fmt.Errorf("inspect: %w", err)
	}
	s.report.Bytes += int64(len(content))
	body := content[:max(0, len(content)-sumSize)]
	if len(body) < 2 || !bytes.Equal(sumOf(s.Name, body), content[len(body):]) {
		s.report.Found(inspect.Damaged, "the checksum of %s differs: the server makes it again,"+
			" but cuts a block that is damaged too", indexFile)
		return 0, nil
	}
	// Magic and version (2), then messages, bytes, first sequence, its time, last sequence.
	rest := body[2:]
	for range 5 {
		value, width := binary.Uvarint(rest)
		if width <= 0 {
			return 0, nil
		}
		rest, last = rest[width:], value
	}
	return last, nil
}
