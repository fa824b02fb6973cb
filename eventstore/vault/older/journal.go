package older

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
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
	journalName = "vault.journal."
	journalText = "cakupan vault journal "
	blockMagic  = "VJ01"
	blockHead   = 12
	recordSize  = 32
	// As many as an earlier program ever had waiting.
	blockIDsMax  = 1<<17 + 1<<16
	journalBytes = 64 << 20 // more no journal ever has
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// journalPath returns where the journal with a number is.
func journalPath(dir string, number int) string {
	return filepath.Join(dir, journalName+strconv.Itoa(number))
}

// blockSum returns the checksum of a block at a place.
func blockSum(at int64, block []byte) uint32 {
	var place [8]byte
	binary.LittleEndian.PutUint64(place[:], uint64(at))
	sum := crc32.Update(0, castagnoli, place[:])
	sum = crc32.Update(sum, castagnoli, block[4:8])
	return crc32.Update(sum, castagnoli, block[blockHead:])
}

// journals returns the numbers of the journals in a folder in order. Other files in the folder are
// passed over.
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

// readJournals adds the ids of all journals to a map. owner is the head that each must have. A
// later journal's id for a handle counts.
func readJournals(dir string, owner []byte, to map[Handle]ID) error {
	numbers, err := journals(dir)
	for i, number := range numbers {
		if err == nil {
			_, err = readJournal(journalPath(dir, number), owner, to, i+1 == len(numbers))
		}
	}
	return err
}

// readJournal adds the ids of a journal to a map, and returns up to where it is whole: 0 when not
// even its head is. Only the last journal may have been cut off within its blocks by a crash.
func readJournal(path string, owner []byte, to map[Handle]ID, last bool) (int64, error) {
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
			to[Handle(b[:16])] = ID(b[16:recordSize])
		}
		at += length
	}
	if at < len(content) && (!last || blockAfter(content, at)) {
		return 0, fmt.Errorf("%w: %s at byte %d", ErrDamaged, path, at)
	}
	return int64(at), nil
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

// blockLength returns the length of the whole block at a place, 0 when there is none. Whole is one
// whose checksum is right for that place.
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

// yieldSorted yields what a map holds in the order of its keys. A map has no order, and a take-over
// that is begun again must go the same way.
func yieldSorted(ids map[Handle]ID, yield func(Handle, ID) error) error {
	handles := slices.SortedFunc(maps.Keys(ids), func(a, b Handle) int {
		return bytes.Compare(a[:], b[:])
	})
	for _, h := range handles {
		if err := yield(h, ids[h]); err != nil {
			return err
		}
	}
	return nil
}
