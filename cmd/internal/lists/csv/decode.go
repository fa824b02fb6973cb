package csv

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"unicode/utf16"
	"unicode/utf8"

	"cakupan/cmd/internal/lists/grid"
)

// decode returns the text of a file without its byte order mark; UTF-16 is made UTF-8. An empty
// file is an error here, as it is no list. No more is read than the buffer holds.
func decode(in io.Reader) (io.Reader, error) {
	buffered := bufio.NewReaderSize(in, bufferBytes)
	head, err := buffered.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	switch {
	case len(head) == 0:
		return nil, grid.NewError(
			"the file is empty",
			"berkas ini kosong",
		)
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf")):
		_, err = buffered.Discard(3)
		return buffered, err
	// Its mark begins as that of UTF-16 does, and so is looked for first.
	case string(head) == "\xff\xfe\x00\x00" || string(head) == "\x00\x00\xfe\xff":
		return nil, grid.NewError(
			"the file is in UTF-32: save it again as CSV UTF-8",
			"berkas ini UTF-32: simpan lagi sebagai CSV UTF-8",
		)
	case bytes.HasPrefix(head, []byte("\xff\xfe")):
		_, err = buffered.Discard(2)
		return &wide{in: buffered, order: binary.LittleEndian}, err
	case bytes.HasPrefix(head, []byte("\xfe\xff")):
		_, err = buffered.Discard(2)
		return &wide{in: buffered, order: binary.BigEndian}, err
	}
	if order := wideOrder(buffered); order != nil {
		return &wide{in: buffered, order: order}, nil
	}
	return buffered, nil
}

// wideOrder tells by the zeros among its first bytes whether a text is UTF-16 without a mark, and
// in which order: nil for any other. Names of columns are ASCII, whose second byte is 0.
func wideOrder(in *bufio.Reader) binary.ByteOrder {
	head, _ := in.Peek(64)
	if len(head) < 16 {
		return nil
	}
	var zeros [2]int
	for i, c := range head {
		if c == 0 {
			zeros[i%2]++
		}
	}
	// Three of four letters at least must have their zero on one side, and none on the other.
	most := len(head) / 2 * 3 / 4
	switch {
	case zeros[1] >= most && zeros[0] == 0:
		return binary.LittleEndian
	case zeros[0] >= most && zeros[1] == 0:
		return binary.BigEndian
	}
	return nil
}

// Decode returns a text in UTF-8 and without a byte order mark, whether it was written in UTF-8 or
// UTF-16. It may be empty.
func Decode(in io.Reader) (io.Reader, error) {
	buffered := bufio.NewReaderSize(in, bufferBytes)
	if _, err := buffered.Peek(1); errors.Is(err, io.EOF) {
		return buffered, nil
	}
	return decode(buffered)
}

// wide makes UTF-8 of UTF-16. Half a pair, or a lone surrogate, becomes U+FFFD: a name that is
// ignored anyway does not spoil its row.
type wide struct {
	in    *bufio.Reader
	order binary.ByteOrder
	text  []byte // decoded
	left  []byte // of it, not yet taken
	held  rune   // first half of a pair
}

// Read reads on. A file that ends in the middle of a unit was cut off, which is an error and no
// end.
func (w *wide) Read(p []byte) (int, error) {
	for len(w.left) == 0 {
		raw, err := w.in.Peek(bufferBytes)
		if len(raw) == 0 && errors.Is(err, io.EOF) && w.held != 0 {
			w.held = 0
			w.text = utf8.AppendRune(w.text[:0], utf8.RuneError)
			w.left = w.text
			break
		}
		if len(raw) < 2 {
			if err == nil || len(raw) == 1 && errors.Is(err, io.EOF) {
				err = grid.NewError(
					"the file ends inside of a character: copy it again",
					"berkas terpotong di tengah huruf: salin lagi",
				)
			}
			return 0, err
		}
		// Half a unit at the end of the buffer waits for its other byte.
		raw = raw[:len(raw)&^1]
		w.text = w.text[:0]
		for ; len(raw) >= 2; raw = raw[2:] {
			w.add(rune(w.order.Uint16(raw)))
			if _, err := w.in.Discard(2); err != nil {
				return 0, err
			}
		}
		w.left = w.text
	}
	n := copy(p, w.left)
	w.left = w.left[n:]
	return n, nil
}

// add takes a unit of 16 bits. The first half of a pair waits for the second.
func (w *wide) add(unit rune) {
	if w.held != 0 {
		whole := utf16.DecodeRune(w.held, unit)
		w.held = 0
		w.text = utf8.AppendRune(w.text, whole)
		if whole != utf8.RuneError {
			return
		}
	}
	if utf16.IsSurrogate(unit) && unit < 0xdc00 {
		w.held = unit
		return
	}
	w.text = utf8.AppendRune(w.text, unit)
}

// high are the characters of Windows-1252 from 0x80 to 0x9f; those without one are 0xfffd.
const high = "€\ufffd‚ƒ„…†‡ˆ‰Š‹Œ\ufffdŽ\ufffd\ufffd‘’“”•–—˜™š›œ\ufffdžŸ"

// toUTF8 returns a value as UTF-8; one that is not is taken for Windows-1252. It is decided value
// by value: one name with an accent does not change how the others are read. The result is the
// value itself, or newly allocated. It never fails: Windows-1252 has a character for each byte, or
// U+FFFD.
func toUTF8(value []byte) []byte {
	if utf8.Valid(value) {
		return value
	}
	table := []rune(high)
	converted := make([]byte, 0, 2*len(value))
	for _, c := range value {
		r := rune(c)
		if c >= 0x80 && c <= 0x9f {
			r = table[c-0x80]
		}
		converted = utf8.AppendRune(converted, r)
	}
	return converted
}
