package vault

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"cakupan/eventstore/durable"
)

// A journal holds ids that are durable but not yet in the database. It is a head that says whose
// it is, and blocks of ids that became durable together:
//
//	head:  32 bytes of HMAC-SHA-256(key, "cakupan vault journal " + ledger)
//	block: "VJ01", number of ids (4 bytes, little-endian), CRC-32C (4 bytes) of the block's place
//	       in the file (8 bytes), the number and the ids; then for each id 16 bytes of the NIK's
//	       keyed hash and the 16 bytes of the id
//
// What a crash cuts off at the end was acknowledged to nobody. The CRC is bound to the place, so
// that a block is never taken for one somewhere else.
const (
	journalName  = "vault.journal."
	journalText  = "cakupan vault journal "
	blockMagic   = "VJ01"
	blockHead    = 12
	recordSize   = 32
	blockIDsMax  = tentativeMax + 1<<16
	journalBytes = 64 << 20 // more no journal ever has
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// journal is a file that ids are appended to.
type journal struct {
	file   *os.File
	number int
	size   int64 // up to here it is whole
	block  []byte
}

func journalPath(dir string, number int) string {
	return filepath.Join(dir, journalName+strconv.Itoa(number))
}

// createJournal makes a journal and makes it durable under its name. After an error there is none.
func createJournal(path string, owner []byte) (*journal, error) {
	// It has its name only with its head: a crash before that leaves a file on its way, which is
	// never read, so that a journal that ends within its head has been cut off.
	if err := durable.WriteFile(path, owner, fileMode); err != nil {
		return nil, errors.Join(err, os.RemoveAll(path))
	}
	file, err := os.OpenFile(path, os.O_RDWR, fileMode)
	if err != nil {
		return nil, errors.Join(err, os.Remove(path))
	}
	return &journal{file: file, size: int64(len(owner))}, nil
}

// append makes ids durable. After an error what is there counts as not there, and the next append
// writes over it.
func (j *journal) append(ids map[handle]id) error {
	b := append(j.block[:0], blockMagic...)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(ids)))
	b = append(b, 0, 0, 0, 0)
	for h, worker := range ids {
		b = append(append(b, h[:]...), worker[:]...)
	}
	binary.LittleEndian.PutUint32(b[8:], blockSum(j.size, b))
	j.block = b
	if _, err := j.file.WriteAt(b, j.size); err != nil {
		return err
	}
	if err := durable.Sync(j.file); err != nil {
		return err
	}
	j.size += int64(len(b))
	return nil
}

// blockSum returns the checksum of a block at a place.
func blockSum(at int64, block []byte) uint32 {
	var place [8]byte
	binary.LittleEndian.PutUint64(place[:], uint64(at))
	sum := crc32.Update(0, castagnoli, place[:])
	sum = crc32.Update(sum, castagnoli, block[4:8])
	return crc32.Update(sum, castagnoli, block[blockHead:])
}

// journals returns the numbers of the journals in a folder in order.
func journals(dir string) (numbers []int, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		text, found := strings.CutPrefix(entry.Name(), journalName)
		if number, err := strconv.Atoi(text); found && err == nil && number > 0 {
			numbers = append(numbers, number)
		}
	}
	slices.Sort(numbers)
	return numbers, nil
}

// replay adds the ids of all journals to a map, and returns the last journal, to be appended to;
// nil when there is none.
func replay(dir string, owner []byte, to map[handle]id) (*journal, error) {
	numbers, err := journals(dir)
	if err != nil {
		return nil, err
	}
	var size int64
	for i, number := range numbers {
		last := i+1 == len(numbers)
		if size, err = readJournal(journalPath(dir, number), owner, to, last); err != nil {
			return nil, err
		}
	}
	if len(numbers) == 0 {
		return nil, nil
	}
	number := numbers[len(numbers)-1]
	path := journalPath(dir, number)
	if size == 0 {
		j, err := createJournal(path, owner)
		if err == nil {
			j.number = number
		}
		return j, err
	}
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	if err := file.Truncate(size); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &journal{file: file, number: number, size: size}, nil
}

// readJournal adds the ids of a journal to a map, and returns up to where it is whole: 0 when not
// even its head is. Only the last journal may have been cut off within its blocks by a crash.
func readJournal(path string, owner []byte, to map[handle]id, last bool) (int64, error) {
	content, err := readBounded(path)
	if err != nil {
		return 0, err
	}
	at := len(owner)
	if len(content) < at {
		// The head could not be written, nor the file be removed: no id was ever in it. A later
		// attempt made the next journal.
		return 0, nil
	}
	if !bytes.HasPrefix(content, owner) {
		if last && !blockAfter(content, 0) {
			return 0, nil // a crash came between the making of the file and its head
		}
		return 0, fmt.Errorf("%w: %s", ErrDamaged, path)
	}
	for at < len(content) {
		length := blockLength(content, at)
		if length == 0 {
			break
		}
		for b := content[at+blockHead : at+length]; len(b) > 0; b = b[recordSize:] {
			to[handle(b[:16])] = id(b[16:recordSize])
		}
		at += length
	}
	if at < len(content) && (!last || blockAfter(content, at)) {
		return 0, fmt.Errorf("%w: %s at byte %d", ErrDamaged, path, at)
	}
	return int64(at), nil
}

// seal ends a journal that nothing will be appended to. After an error it can be tried again.
func (j *journal) seal() error {
	// What a failed append has left behind would look like damage in a journal that is not the
	// last one.
	if err := errors.Join(j.file.Truncate(j.size), durable.Sync(j.file)); err != nil {
		return errors.Join(err, j.reopen())
	}
	_ = j.file.Close() // all is on stable storage: its error would say nothing
	return nil
}

// reopen takes another descriptor of the file, as an error may stick to the one there is; that
// one stays when there is no other.
func (j *journal) reopen() error {
	file, err := os.OpenFile(j.file.Name(), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	_ = j.file.Close() // it has failed already
	j.file = file
	return nil
}

// readBounded reads a file that must fit into memory: a journal of more is none that this program
// wrote.
func readBounded(path string) (content []byte, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	content, err = io.ReadAll(io.LimitReader(file, journalBytes+1))
	if err == nil && len(content) > journalBytes {
		err = fmt.Errorf("%w: %s is too long", ErrDamaged, path)
	}
	return content, err
}

// blockLength returns the length of the whole block at a place, 0 when there is none.
func blockLength(content []byte, at int) int {
	rest := content[at:]
	if len(rest) < blockHead || string(rest[:4]) != blockMagic {
		return 0
	}
	count := binary.LittleEndian.Uint32(rest[4:])
	if count > blockIDsMax || len(rest) < blockHead+int(count)*recordSize {
		return 0
	}
	block := rest[:blockHead+int(count)*recordSize]
	if binary.LittleEndian.Uint32(block[8:]) != blockSum(int64(at), block) {
		return 0
	}
	return len(block)
}

// blockAfter tells whether a whole block comes after a place where none is: then the journal was
// not cut off by a crash, it is damaged.
func blockAfter(content []byte, at int) bool {
	for at < len(content) {
		i := bytes.Index(content[at+1:], []byte(blockMagic))
		if i < 0 {
			return false
		}
		if at += 1 + i; blockLength(content, at) > 0 {
			return true
		}
	}
	return false
}

// removeJournals deletes the journals up to a number.
func removeJournals(dir string, upTo int) error {
	numbers, err := journals(dir)
	for _, number := range numbers {
		if number > upTo || err != nil {
			break
		}
		if err = os.Remove(journalPath(dir, number)); errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
	}
	return err
}
