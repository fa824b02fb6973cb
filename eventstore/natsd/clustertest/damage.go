package clustertest

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/minio/highwayhash"
)

// A record of a block begins with its length, of which the top bit marks headers, its number, a
// time and the length of its subject, and ends with a checksum; see natsd, stored.go.
const (
	recordHead = 22
	sumSize    = 8
	hasHeader  = 1 << 31
)

// block is a stream's only block.
type block struct {
	path string
	all  []byte
}

// open reads it.
func open(t testing.TB, folder string) (b block) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(folder, "msgs", "*.blk"))
	if err != nil || len(paths) != 1 {
		t.Fatalf("blocks of %s: %v, %v", folder, paths, err)
	}
	b.path = paths[0]
	if b.all, err = os.ReadFile(b.path); err != nil {
		t.Fatal(err)
	}
	return b
}

// records yields the number of each record, and its bytes.
func (b *block) records(yield func(number uint64, record []byte) bool) {
	for at := 0; at < len(b.all); {
		size := int(binary.LittleEndian.Uint32(b.all[at:]) &^ hasHeader)
		if !yield(binary.LittleEndian.Uint64(b.all[at+4:]), b.all[at:at+size]) {
			return
		}
		at += size
	}
}

// find returns the record of a message.
func find(t testing.TB, folder string, message uint64) (b block, record []byte) {
	t.Helper()
	b = open(t, folder)
	for number, record := range b.records {
		if number == message {
			return b, record
		}
	}
	t.Fatalf("no message %d in %s", message, folder)
	return b, nil
}

// Drop takes messages out of a stream's only block, and with them what its server knows of its
// blocks: it takes them for removed.
func Drop(t testing.TB, folder string, messages ...uint64) {
	t.Helper()
	b := open(t, folder)
	var rest []byte
	for number, record := range b.records {
		if !slices.Contains(messages, number) {
			rest = append(rest, record...)
		}
	}
	b.all = rest
	b.write(t)
	if err := os.Remove(filepath.Join(folder, "msgs", "index.db")); err != nil {
		t.Fatal(err)
	}
}

func (b *block) write(t testing.TB) {
	t.Helper()
	if err := os.WriteFile(b.path, b.all, 0o600); err != nil {
		t.Fatal(err)
	}
}

// Flip inverts a bit of a message in a stream's only block, which its server cannot read then.
func Flip(t testing.TB, folder string, message uint64) {
	t.Helper()
	b, record := find(t, folder, message)
	record[len(record)-20] ^= 1
	b.write(t)
}

// Forge changes the data of a message in a stream's only block, and makes the checksum anew: its
// server reads it as if it had been stored so.
func Forge(t testing.TB, folder string, message uint64, change func(data []byte)) {
	t.Helper()
	b, record := find(t, folder, message)
	subject := int(binary.LittleEndian.Uint16(record[20:]))
	body := record[recordHead+subject : len(record)-sumSize]
	header := []byte(nil)
	if binary.LittleEndian.Uint32(record)&hasHeader != 0 {
		size := binary.LittleEndian.Uint32(body)
		header, body = body[4:4+size], body[4+size:]
	}
	change(body)
	key := sha256.Sum256(fmt.Appendf(nil, "%s-%s", filepath.Base(folder), blockNumber(b.path)))
	sum, err := highwayhash.NewDigest64(key[:])
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range [][]byte{
		record[4:20], record[recordHead : recordHead+subject], header, body,
	} {
		_, _ = sum.Write(part) // never fails: see hash.Hash
	}
	copy(record[len(record)-sumSize:], sum.Sum(nil))
	b.write(t)
}

// Record returns the bytes of a message in a stream's only block, for Restore.
func Record(t testing.TB, folder string, message uint64) []byte {
	t.Helper()
	_, record := find(t, folder, message)
	return bytes.Clone(record)
}

// Restore puts bytes of a message into the place that they had, and takes away what its server
// knows of its blocks and what says there that it was removed: as in a copy from before that.
func Restore(t testing.TB, folder string, before []byte) {
	t.Helper()
	b, message := open(t, folder), binary.LittleEndian.Uint64(before[4:])
	const marks = 3 << 62 // of a number: erased, or that it was
	var rest []byte
	for number, record := range b.records {
		if number&^marks != message {
			rest = append(rest, record...)
		} else if len(record) == len(before) && before != nil {
			rest, before = append(rest, before...), nil
		}
	}
	if before != nil {
		t.Fatalf("no place for message %d in %s", message, folder)
	}
	b.all = rest
	b.write(t)
	if err := os.Remove(filepath.Join(folder, "msgs", "index.db")); err != nil {
		t.Fatal(err)
	}
}

func blockNumber(path string) string {
	name := filepath.Base(path)
	return name[:len(name)-len(filepath.Ext(name))]
}
