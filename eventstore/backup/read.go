package backup

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"

	"cakupan/eventstore"
)

// Reader reads a backup from its beginning to its end, and checks each byte of it. Its memory does
// not grow with the file. It belongs to one goroutine; from stays the caller's.
type Reader struct {
	from *bufio.Reader
	sum  hash.Hash // of the blocks before the one that is read
	// Bytes from the beginning, for whoever looks at the file.
	at   uint64 // where that begins
	head Head
	end  *End // nil until it was read
	// As they were met, to be compared with what the end says.
	sections []Section
}

// NewReader reads how a backup begins. The error wraps ErrDamaged, or eventstore.ErrNewerFormat for
// a file of a newer program.
func NewReader(from io.Reader) (*Reader, error) {
	r := &Reader{from: bufio.NewReaderSize(from, 1<<20), sum: sha256.New()}
	begin := make([]byte, len(Magic))
	if _, err := io.ReadFull(r.from, begin); err != nil && !isEnd(err) {
		return nil, fmt.Errorf("read backup: %w", err)
	}
	if string(begin) != Magic {
		return nil, fmt.Errorf("%w: it is no backup: it does not begin with %s", ErrDamaged, Magic)
	}
	_, _ = r.sum.Write(begin)
	r.at = uint64(len(begin))
	kind, payload, err := r.block()
	if err != nil {
		return nil, err
	}
	// First the format alone: a newer one may have a head that this program would refuse for
	// another reason.
	var format struct {
		Format int `json:"format"`
	}
	if kind != blockHead || json.Unmarshal(payload, &format) != nil || format.Format < 1 {
		return nil, r.damage("it has no head")
	}
	if format.Format > FormatVersion {
		return nil, fmt.Errorf("%w: backup of format %d, this program reads up to %d",
			eventstore.ErrNewerFormat, format.Format, FormatVersion)
	}
	if strict(payload, &r.head) != nil || !isLedger(r.head.Ledger) {
		return nil, r.damage("its head cannot be read")
	}
	return r, nil
}

// isLedger tells whether a text is what names a ledger.
func isLedger(text string) bool {
	const digits = 32
	_, err := hex.DecodeString(text)
	return err == nil && len(text) == digits
}

// strict reads JSON as the writer wrote it, and nothing else. Then no field is lost that this
// program does not know, and there is one way to say it.
func strict(text []byte, into any) error {
	if err := json.Unmarshal(text, into); err != nil {
		return err
	}
	again, err := json.Marshal(into)
	if err == nil && !bytes.Equal(text, again) {
		err = errors.New("it is written otherwise")
	}
	return err
}

// Head is how the backup begins. Until the end was read it is only a claim.
func (r *Reader) Head() Head { return r.head }

// End is how the backup ends. It is the zero value until Next has returned io.EOF.
func (r *Reader) End() End {
	if r.end == nil {
		return End{}
	}
	return *r.end
}

// Next returns the next message, which is the caller's. At the end, once all was checked, it
// returns io.EOF. What it has returned before an error is not to be used: only io.EOF says that the
// file is what was written. The error wraps ErrDamaged, or is one of reading.
func (r *Reader) Next() (m Message, err error) {
	for r.end == nil {
		kind, payload, err := r.block()
		if err != nil {
			return m, err
		}
		switch kind {
		case blockSection:
			r.sections = append(r.sections, Section{Stream: string(payload)})
		case blockMessage:
			return r.message(payload)
		case blockEnd:
			if err := r.finish(payload); err != nil {
				return m, err
			}
		default:
			return m, r.damage("a block of kind %d, which there is not", kind)
		}
	}
	return m, io.EOF
}

// message takes a message apart: two bytes for the length of the subject, the subject, the rest.
func (r *Reader) message(payload []byte) (m Message, err error) {
	if len(r.sections) == 0 {
		return m, r.damage("a message that is of no stream")
	}
	if len(payload) < 2 || len(payload)-2 < int(binary.BigEndian.Uint16(payload)) {
		return m, r.damage("a message that is too short")
	}
	data := 2 + int(binary.BigEndian.Uint16(payload))
	section := &r.sections[len(r.sections)-1]
	section.Messages++
	section.Bytes += uint64(len(payload) - data)
	return Message{section.Stream, string(payload[2:data]), payload[data:]}, nil
}

// finish checks the end, and that nothing follows it. Only after it the positions of the end may be
// believed.
func (r *Reader) finish(payload []byte) error {
	var end End
	if strict(payload, &end) != nil {
		return r.damage("its end cannot be read")
	}
	if sum := hex.EncodeToString(r.sum.Sum(nil)); sum != end.SHA256 {
		return r.damage("its SHA-256 is %s, and should be %s", sum, end.SHA256)
	}
	if !slices.Equal(end.Sections, r.sections) {
		return r.damage("it does not hold what its end says")
	}
	if _, err := r.from.ReadByte(); !errors.Is(err, io.EOF) {
		return errors.Join(r.damage("something follows its end"), err)
	}
	r.end = &end
	return nil
}

// block reads a block, and adds the one before it to the sum: that of the end is over all others.
// The payload is the caller's.
func (r *Reader) block() (kind byte, payload []byte, err error) {
	head := make([]byte, blockHeadSize)
	if _, err := io.ReadFull(r.from, head); err != nil {
		return 0, nil, r.readError(err)
	}
	size := binary.BigEndian.Uint32(head[1:])
	if size > payloadMax {
		return 0, nil, r.damage("a block of %d bytes, at most %d", size, payloadMax)
	}
	// Not made at once: a damaged length would take memory for what is not there.
	rest, err := io.ReadAll(io.LimitReader(r.from, int64(size)+blockSumSize))
	if err == nil && len(rest) < int(size)+blockSumSize {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return 0, nil, r.readError(err)
	}
	payload = rest[:size:size]
	sum := crcOf(head, payload)
	if sum != binary.BigEndian.Uint32(rest[size:]) {
		return 0, nil, r.damage("a checksum differs")
	}
	if head[0] != blockEnd {
		_, _ = r.sum.Write(head) // a hash takes everything
		_, _ = r.sum.Write(rest)
		r.at += uint64(len(head) + len(rest))
	}
	return head[0], payload, nil
}

// readError tells a file that ends from a disk that fails.
func (r *Reader) readError(err error) error {
	if isEnd(err) {
		return r.damage("it is cut off here")
	}
	return fmt.Errorf("read backup: %w", err)
}

// damage says what is wrong, in which block and stream.
func (r *Reader) damage(format string, args ...any) error {
	where := fmt.Sprintf("at byte %d", r.at)
	if len(r.sections) > 0 {
		where += ", in or after " + r.sections[len(r.sections)-1].Stream
	}
	return fmt.Errorf("%w: %s: %s", ErrDamaged, where, fmt.Sprintf(format, args...))
}

// isEnd tells whether an error is only that there is no more.
func isEnd(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}
