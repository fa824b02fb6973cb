// Package split cuts input into raw events, without understanding them: lines of NDJSON, elements
// of a JSON array. The bytes of an event stay as they were sent, because its size is judged, and
// its errors are found, by those. Memory does not grow with the input.
package split

import (
	"bufio"
	"bytes"
	"errors"
	"io"

	"cakupan/domain/event"
)

// ErrArray is returned, wrapped in a sentence that says more, for input that is no JSON array, or
// that is broken between its elements. What is broken inside an element is the element's defect.
var ErrArray = errors.New("not a JSON array of events")

// Reader cuts input.
type Reader interface {
	// Next returns the next raw event and its place: the number, from 1, of its line or element.
	// The bytes are valid until the next call. Of an event that is longer than any event may
	// be, they are enough to see that. io.EOF ends the input; after any error Next is not
	// called again.
	Next() (raw []byte, place int, err error)
	// Position returns where the last one begins.
	Position() Position
}

// bufferBytes is what is read ahead. It holds the longest event that is not too long, twice.
const bufferBytes = 2 * event.BytesMax

var byteOrderMark = []byte("\xef\xbb\xbf")

// Lines cuts input into lines. A line ends with LF, CR LF or the end of the input. Blank lines
// are counted as places and otherwise skipped.
type Lines struct {
	in   *bufio.Reader
	line int
}

// NewLines returns a reader of lines.
func NewLines(r io.Reader) *Lines {
	return &Lines{in: bufio.NewReaderSize(r, bufferBytes)}
}

// Position returns where the last line begins.
func (l *Lines) Position() Position { return Position{l.line, 1} }

// Next returns the next line that is not blank, without its end. A line that the input broke off
// in the middle of with an error other than io.EOF is not returned.
func (l *Lines) Next() ([]byte, int, error) {
	for {
		raw, err := l.in.ReadSlice('\n')
		l.line++
		if errors.Is(err, bufio.ErrBufferFull) {
			if raw, err = cutLine(l.in, raw); err != nil {
				return nil, 0, err
			}
			return raw, l.line, nil
		}
		atEnd := errors.Is(err, io.EOF) && len(raw) > 0
		if err != nil && !atEnd {
			return nil, 0, err
		}
		if l.line == 1 {
			raw = bytes.TrimPrefix(raw, byteOrderMark)
		}
		raw = bytes.TrimSuffix(bytes.TrimSuffix(raw, []byte("\n")), []byte("\r"))
		if len(bytes.Trim(raw, " \t\r")) > 0 {
			return raw, l.line, nil
		}
	}
}

// cutLine returns the beginning of a line that fills the buffer, and skips the rest of it.
func cutLine(in *bufio.Reader, raw []byte) ([]byte, error) {
	begin := bytes.Clone(raw[:event.BytesMax+1])
	for {
		_, err := in.ReadSlice('\n')
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
		case err == nil || errors.Is(err, io.EOF):
			return begin, nil
		default:
			return nil, err
		}
	}
}
