package backup

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"math"
)

// Magic is how the file begins. No other file of a ledger begins so.
const Magic = "CKBACKUP"

// The kinds of blocks. FORMAT.md has them.
const (
	blockHead    byte = 1
	blockSection byte = 2
	blockMessage byte = 3
	blockEnd     byte = 4
)

const (
	blockHeadSize = 5 // kind, length
	blockSumSize  = 4

	// payloadMax bounds a block: a server takes no larger message. A length above it is damage, and
	// is found before anything of it is read.
	payloadMax = 8 << 20
)

// errNoSection is a fault of the caller, not of the file.
var errNoSection = errors.New("message before its section")

// Writer writes a backup. Whoever makes it sees to it that the file is whole before it has its
// name. It belongs to one goroutine. After an error nothing more may be written: the file is not
// whole, and has no end.
type Writer struct {
	// It stays the caller's, and is neither flushed nor closed.
	to       io.Writer
	sum      hash.Hash // of all that was written
	sections []Section
	// One block, used again.
	buf []byte
}

// NewWriter begins a backup. head says whose it is and since when; its format is set here.
// Something is written at once.
func NewWriter(to io.Writer, head Head) (*Writer, error) {
	w := &Writer{to: to, sum: sha256.New()}
	head.Format = FormatVersion
	text, err := json.Marshal(head)
	if err == nil {
		err = w.write([]byte(Magic))
	}
	if err == nil {
		err = w.block(blockHead, text)
	}
	if err != nil {
		return nil, fmt.Errorf("begin backup: %w", err)
	}
	return w, nil
}

// Section begins what is of a stream. A stream has one section at most; its messages come in its
// own order, as who restores appends them in it.
func (w *Writer) Section(stream string) error {
	w.sections = append(w.sections, Section{Stream: stream})
	if err := w.block(blockSection, []byte(stream)); err != nil {
		return fmt.Errorf("back up %s: %w", stream, err)
	}
	return nil
}

// Message adds a message to the section. data is not kept.
func (w *Writer) Message(subject string, data []byte) error {
	if len(w.sections) == 0 {
		return errNoSection
	}
	section := &w.sections[len(w.sections)-1]
	if len(subject) > math.MaxUint16 {
		return fmt.Errorf("back up %s: a subject has %d bytes", section.Stream, len(subject))
	}
	payload := binary.BigEndian.AppendUint16(nil, uint16(len(subject)))
	payload = append(append(payload, subject...), data...)
	// Counted before it is written: after an error nobody asks any more.
	section.Messages++
	section.Bytes += uint64(len(data))
	if err := w.block(blockMessage, payload); err != nil {
		return fmt.Errorf("back up %s: %w", section.Stream, err)
	}
	return nil
}

// Finish ends the backup, which is whole then. at must be that of what was written. Only the caller
// can make it durable: a crash before that leaves a file that may lack its end.
func (w *Writer) Finish(at Position) (End, error) {
	end := End{Position: at, Sections: w.sections, SHA256: hex.EncodeToString(w.sum.Sum(nil))}
	text, err := json.Marshal(end)
	if err == nil {
		err = w.block(blockEnd, text)
	}
	if err != nil {
		return End{}, fmt.Errorf("end backup: %w", err)
	}
	return end, nil
}

// block writes one block: kind, length, payload and the checksum over all three.
func (w *Writer) block(kind byte, payload []byte) error {
	if len(payload) > payloadMax {
		return fmt.Errorf("a block of %d bytes, at most %d", len(payload), payloadMax)
	}
	w.buf = append(w.buf[:0], kind)
	w.buf = binary.BigEndian.AppendUint32(w.buf, uint32(len(payload)))
	w.buf = append(w.buf, payload...)
	w.buf = binary.BigEndian.AppendUint32(w.buf, checksum(w.buf))
	return w.write(w.buf)
}

// write writes bytes and adds them to the sum.
func (w *Writer) write(b []byte) error {
	_, _ = w.sum.Write(b) // a hash takes everything
	_, err := w.to.Write(b)
	return err
}

// checksum finds which block is damaged; that the file is whole is for its SHA-256 to say.
func checksum(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }

// crcOf is the checksum of a block in two parts. It is what checksum gives for both together.
func crcOf(head, payload []byte) uint32 {
	table := crc32.MakeTable(crc32.Castagnoli)
	return crc32.Update(crc32.Checksum(head, table), table, payload)
}
