package natsin

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/textproto"
	"strings"

	"github.com/nats-io/nats.go"

	"cakupan/domain/temporal"
)

// Message is what a publisher has sent, with all that is needed to take it in later. It may hold a
// NIK, and so is stored sealed only, and never logged.
type Message struct {
	Publisher  string
	ReceivedAt temporal.Instant
	// Header holds what says what the payload is: Content-Type and the attributes of binary mode.
	// Names are in lower case.
	Header  []Field
	Payload []byte
}

// Field is a value of a header. A name that was sent with several values stands several times.
type Field struct{ Name, Value string }

// Names of header fields.
const (
	contentType     = "content-type"
	attributePrefix = "ce-"
)

// messageOf keeps what matters of a message as it arrived. The payload is not copied.
func messageOf(publisher string, at temporal.Instant, m *nats.Msg) Message {
	msg := Message{Publisher: publisher, ReceivedAt: at, Payload: m.Data}
	for name, values := range m.Header {
		lower := strings.ToLower(name)
		if lower != contentType && !strings.HasPrefix(lower, attributePrefix) {
			continue
		}
		for _, value := range values {
			msg.Header = append(msg.Header, Field{lower, value})
		}
	}
	return msg
}

// get returns the first value of a header field. It is trimmed; "" where there is none.
func (m *Message) get(name string) string {
	for _, f := range m.Header {
		if f.Name == name {
			return textproto.TrimString(f.Value)
		}
	}
	return ""
}

// count returns how often a field stands in the header.
func (m *Message) count(name string) (n int) {
	for _, f := range m.Header {
		if f.Name == name {
			n++
		}
	}
	return n
}

// size is about what the message takes in a pack. It is never less, so that a bound on it is one on
// the pack.
func (m *Message) size() int {
	size := messageOverhead + len(m.Publisher) + len(m.Payload)
	for _, f := range m.Header {
		size += fieldOverhead + len(f.Name) + len(f.Value)
	}
	return size
}

// messageOverhead and fieldOverhead bound the lengths that are written beside the texts.
const (
	messageOverhead = 4 * binary.MaxVarintLen64
	fieldOverhead   = 2 * binary.MaxVarintLen32
)

// packVersion begins every pack; a newer one is not read. It stands in what waits on the stream: a
// program must read what the one before it has stored.
const packVersion = 1

// errPack is returned for bytes that are no pack.
var errPack = errors.New("not a pack of messages")

// appendPack appends messages as they are sealed: the version, then for each message its
// publisher, the time, the number of header fields with name and value, and the payload. Texts
// have their length before them; numbers are varints.
func appendPack(dst []byte, messages []Message) []byte {
	dst = append(dst, packVersion)
	for i := range messages {
		dst = appendMessage(dst, &messages[i])
	}
	return dst
}

func appendMessage(dst []byte, m *Message) []byte {
	dst = appendText(dst, m.Publisher)
	dst = binary.AppendVarint(dst, int64(m.ReceivedAt))
	dst = binary.AppendUvarint(dst, uint64(len(m.Header)))
	for _, f := range m.Header {
		dst = appendText(appendText(dst, f.Name), f.Value)
	}
	return appendText(dst, m.Payload)
}

func appendText[T ~string | ~[]byte](dst []byte, text T) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(text))), text...)
}

// readPack reads what appendPack wrote. The payloads are parts of the given bytes.
func readPack(pack []byte) (messages []Message, err error) {
	if len(pack) == 0 || pack[0] != packVersion {
		return nil, fmt.Errorf("read pack: %w of version %d", errPack, packVersion)
	}
	r := packReader{rest: pack[1:]}
	for len(r.rest) > 0 && !r.failed {
		messages = append(messages, r.message())
	}
	if r.failed {
		return nil, fmt.Errorf("read pack: %w", errPack)
	}
	return messages, nil
}

// packReader reads from the beginning of rest. Once it has failed, nothing it returns counts.
type packReader struct {
	rest   []byte
	failed bool
}

// message, number and text read what the functions above append; nothing that they are given can
// make them take more memory than a small multiple of it.
func (r *packReader) message() (m Message) {
	m.Publisher = string(r.text())
	at, width := binary.Varint(r.rest)
	r.skip(width)
	m.ReceivedAt = temporal.Instant(at)
	fields := r.number()
	// Each field takes two bytes at least: a number that is too large ends here.
	for range min(fields, uint64(len(r.rest))) {
		m.Header = append(m.Header, Field{string(r.text()), string(r.text())})
		if r.failed {
			return m
		}
	}
	r.failed = r.failed || uint64(len(m.Header)) != fields
	m.Payload = r.text()
	return m
}

func (r *packReader) number() uint64 {
	n, width := binary.Uvarint(r.rest)
	r.skip(width)
	return n
}

func (r *packReader) text() []byte {
	length := r.number()
	if length > uint64(len(r.rest)) {
		r.failed = true
		return nil
	}
	text := r.rest[:length:length]
	r.rest = r.rest[length:]
	return text
}

// skip passes over a number of so many bytes; none means that there is no number.
func (r *packReader) skip(width int) {
	if width <= 0 {
		r.failed, width = true, 0
	}
	r.rest = r.rest[width:]
}
