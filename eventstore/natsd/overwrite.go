package natsd

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"cakupan/eventstore/durable"
	"cakupan/eventstore/packs"
)

// A server that is told to erase a message overwrites its bytes. One that was away when the others
// did, or has an older copy of a stream, learns later that the message is gone: it removes it, and
// the bytes stay in its files until half of them are of that kind. They may be a pack of the vault
// with somebody in it who was erased. Which records are gone the later ones in their place say. So
// those are overwritten before a server opens the files.

// overwriteReplaced overwrites in the files of the vault's stream what was replaced and is there
// still, as far as they can be read. No server may be running on the folder.
func overwriteReplaced(dir string) error {
	streams, err := fs.Glob(os.DirFS(dir), "jetstream/*/streams/"+streamVault)
	if err != nil {
		return fmt.Errorf("look for streams: %w", err)
	}
	for _, stream := range streams {
		stream = filepath.Join(dir, stream)
		if err := errors.Join(removeLeft(stream), overwriteIn(stream)); err != nil {
			return fmt.Errorf("overwrite what was replaced: %w", err)
		}
	}
	return nil
}

// removeLeft removes what a crash has left of blocks that the server was writing anew. Nobody reads
// it, and it has what was erased since.
func removeLeft(stream string) error {
	for _, end := range []string{".new", ".tmp"} { // of nats-server 2.15: filestore.go
		left, err := fs.Glob(os.DirFS(stream), blocksDir+"/*"+end)
		if err != nil {
			return err
		}
		for _, path := range left {
			if err := os.Remove(filepath.Join(stream, path)); err != nil {
				return err
			}
		}
	}
	return nil
}

// overwriteIn does so in one folder. What the server remembers of its files is removed with it, and
// made anew: it may remember the messages as there. To make it anew the server reads each file, and
// cuts it before the first record with a wrong checksum. As long as it remembers its files it reads
// on behind such a one; so a file that would lose sound records is left alone then.
func overwriteIn(stream string) error {
	paths, err := blocks(stream)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	replaced, there := map[uint64]bool{}, map[uint64]bool{}
	var whole []string
	for _, path := range paths {
		isWhole, err := eachRecord(path, func(r *packs.Record, _ []byte) {
			there[r.Number] = true
			for _, number := range r.Replaces {
				replaced[number] = true
			}
		})
		if err != nil {
			return err
		}
		if isWhole {
			whole = append(whole, path)
		}
	}
	changed := false
	for number := range replaced {
		changed = changed || there[number]
	}
	if !changed {
		return nil
	}
	index := filepath.Join(stream, blocksDir, indexFile)
	if _, none := os.Stat(index); none == nil && len(whole) < len(paths) {
		paths = whole
	} else if err := forget(index); err != nil {
		return err
	}
	for _, path := range paths {
		if err := overwriteBlock(path, replaced); err != nil {
			return err
		}
	}
	return nil
}

// forget removes what the server remembers. That comes first: who dies behind it begins anew, while
// the files still say what is to be overwritten.
func forget(index string) error {
	if err := os.Remove(index); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return durable.SyncFolder(filepath.Dir(index))
}

// overwriteBlock does so in one file, which is replaced as a whole: a crash leaves the old one or
// the new one.
func overwriteBlock(path string, replaced map[uint64]bool) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	changed := false
	_ = eachOf(path, content, func(r *packs.Record, stored []byte) {
		if replaced[r.Number] {
			overwriteRecord(stored, sumOfRecord(path))
			changed = true
		}
	})
	if !changed {
		return nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	return durable.WriteFile(path, content, info.Mode().Perm())
}

// eachRecord yields the sound records of a file of the vault's stream, each with the bytes in which
// the server has stored it. It tells whether none of them is behind one with a wrong checksum.
func eachRecord(path string, yield func(r *packs.Record, stored []byte)) (whole bool, err error) {
	info, err := os.Stat(path)
	if err != nil || info.Size() > blockMax {
		return false, err
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return false, err
	}
	return eachOf(path, content, yield), nil
}

// eachOf yields those in the content of a file. It ends where a record has no possible length: a
// crash has left a part of one, or nobody knows where the next one begins.
func eachOf(path string, content []byte, yield func(r *packs.Record, stored []byte)) (whole bool) {
	sum, wrong := sumOfRecord(path), false
	whole = true
	for at := 0; at < len(content); {
		length := recordLength(content[at:])
		if length == 0 {
			break
		}
		stored := content[at : at+length]
		at += length
		if !bytes.Equal(sum(stored), stored[length-sumSize:]) {
			wrong = true
			continue
		}
		whole = whole && !wrong
		if binary.LittleEndian.Uint64(stored[4:])&(erased|deletes) != 0 {
			continue
		}
		// What is no record is for who reads it to say so.
		if r, err := packs.Parse(messageOf(stored)); err == nil {
			yield(&r, stored)
		}
	}
	return whole
}

// sumOfRecord returns what makes the checksums of a file's records.
func sumOfRecord(path string) func(stored []byte) []byte {
	sum := newSum(streamVault + "-" + strings.TrimSuffix(filepath.Base(path), blockEnd))
	return func(stored []byte) []byte {
		sum.Reset()
		for _, part := range summed(stored) {
			_, _ = sum.Write(part) // never fails: see hash.Hash
		}
		return sum.Sum(nil)
	}
}

// summed returns the parts of a record that its checksum is of, the message with its header last.
func summed(stored []byte) [][]byte {
	body := stored[recordHead : len(stored)-sumSize]
	subject := int(binary.LittleEndian.Uint16(stored[20:]))
	message := body[subject:]
	if binary.LittleEndian.Uint32(stored)&hasHeader != 0 {
		message = message[lengthSize:]
	}
	return [][]byte{stored[4:20], body[:subject], message}
}

// messageOf returns the message in a record, nil where its header is longer than it.
func messageOf(stored []byte) []byte {
	parts := summed(stored)
	message := parts[len(parts)-1]
	if binary.LittleEndian.Uint32(stored)&hasHeader == 0 {
		return message
	}
	subject := int(binary.LittleEndian.Uint16(stored[20:]))
	header := binary.LittleEndian.Uint32(stored[recordHead+subject:])
	if uint64(header) > uint64(len(message)) {
		return nil
	}
	return message[header:]
}

// overwriteRecord leaves of a record its length and its number, as the server does itself.
func overwriteRecord(stored []byte, sum func(stored []byte) []byte) {
	binary.LittleEndian.PutUint32(stored, uint32(len(stored)))
	number := binary.LittleEndian.Uint64(stored[4:])
	binary.LittleEndian.PutUint64(stored[4:], number|erased)
	clear(stored[12:recordHead])
	_, _ = rand.Read(stored[recordHead : len(stored)-sumSize]) // never fails: see crypto/rand
	copy(stored[len(stored)-sumSize:], sum(stored))
}
