package xlsx

import (
	"errors"
	"fmt"
	"io"

	"cakupan/cmd/internal/lists/grid"
)

// sharedStrings are the texts of a workbook, which cells name by number. They are read no further
// than a cell has asked, and held back to back: 200,000 of them as 200,000 Go strings would take
// several times the room. It belongs to the Book, and so to one goroutine. chunks are never moved
// nor freed before the Book is: cells point into them.
type sharedStrings struct {
	scan   *scanner // nil: there are none, or all are read
	chunks [][]byte
	places []place
	total  int
	text   []byte // of the one that is read
}

// place says where a text is held. 8 bytes a text: 16 million of them take 128 MiB, which is what
// stringsMax bounds. A chunk is of chunkBytes, or longer for one text alone; 16 bits number more of
// them than stringsBytesMax allows.
type place struct {
	chunk, from uint16 // from is in units of chunkAlign
	length      uint32 // and whether a part of it is struck out: see strokeBit
}

// strokeBit is set in the length of a text of which a part is struck out. No text is as long. The
// rest of 32 bits is far more than runBytesMax.
const strokeBit = 1 << 31

const (
	// chunkAlign is what a place is rounded to, in bytes: 1 MiB in 65,536 steps.
	chunkBytes = 1 << 20
	chunkAlign = chunkBytes >> 16
	// stringsBytesMax bounds what the texts of a workbook take: a million rows with names and
	// addresses stay below.
	stringsBytesMax = 192 << 20
	stringsMax      = 16 << 20
)

var errStringsTooBig = &grid.Error{
	Detail: fmt.Sprintf("the texts of the workbook take more than"+
		" %d MB: delete the columns that are not needed, or divide the list", stringsBytesMax>>20),
	ID: fmt.Sprintf("teks di buku kerja ini lebih dari %d MB: hapus kolom yang tidak perlu, atau"+
		" bagi daftarnya", stringsBytesMax>>20),
}

// get returns a text, and whether a part of it is struck out; found is false when the workbook has
// none of that number. The text is valid for as
// long as the workbook is open. n is not negative. Texts up to the one that is asked for are read
// and kept on the way: most workbooks number them in the order in which their cells need them.
func (s *sharedStrings) get(n int) (text []byte, stroke, found bool, err error) {
	for n >= len(s.places) {
		if s.scan == nil {
			return nil, false, false, nil
		}
		if err := s.read(); errors.Is(err, io.EOF) {
			s.scan = nil
		} else if err != nil {
			return nil, false, false, err
		}
	}
	p := s.places[n]
	from, length := int(p.from)*chunkAlign, int(p.length&^strokeBit)
	return s.chunks[p.chunk][from : from+length], p.length&strokeBit != 0, true, nil
}

// read reads the next text. io.EOF says that there are no more.
func (s *sharedStrings) read() error {
	for {
		if text, ok := s.scan.quickText(); ok {
			s.text = appendText(s.text[:0], text)
			return s.hold(s.text, false)
		}
		kind, err := s.scan.next()
		if err != nil {
			return err
		}
		if kind == startTag && string(s.scan.name) == "si" {
			break
		}
	}
	if s.scan.empty {
		return s.hold(nil, false)
	}
	text, stroke, err := appendRich(s.text[:0], s.scan, "si")
	if err != nil {
		return err
	}
	s.text = text
	return s.hold(s.text, stroke)
}

// hold keeps a copy of a text. It fails with errStringsTooBig alone.
func (s *sharedStrings) hold(text []byte, stroke bool) error {
	// Rounded up, so that a place in a chunk of 1 MiB fits 16 bits.
	padded := (len(text) + chunkAlign - 1) / chunkAlign * chunkAlign
	s.total += padded
	if s.total > stringsBytesMax || len(s.places) >= stringsMax {
		return errStringsTooBig
	}
	last := len(s.chunks) - 1
	if last < 0 || len(s.chunks[last])+padded > cap(s.chunks[last]) {
		s.chunks = append(s.chunks, make([]byte, 0, max(chunkBytes, padded)))
		last++
	}
	from := len(s.chunks[last])
	s.chunks[last] = append(s.chunks[last], text...)[:from+padded]
	length := uint32(len(text))
	if stroke {
		length |= strokeBit
	}
	s.places = append(s.places, place{
		chunk: uint16(last), from: uint16(from / chunkAlign), length: length,
	})
	return nil
}

// appendRich appends the text of an element that may be divided into runs of one format, up to
// its end tag, and tells whether one of them is struck out. Phonetic hints beside it are left out.
// The start tag of the element was taken. A text longer than a cell may be is an error, and so is
// the end of the part: what was read would be the half of a value.
func appendRich(dst []byte, scan *scanner, element string) (text []byte, stroke bool, err error) {
	inText, inHint := false, false
	for {
		kind, err := scan.next()
		if errors.Is(err, io.EOF) {
			return nil, false, io.ErrUnexpectedEOF
		} else if err != nil {
			return nil, false, err
		}
		switch {
		case kind == textRun:
			if inText && !inHint {
				dst = appendText(dst, scan.text)
			}
		case string(scan.name) == "t":
			inText = kind == startTag && !scan.empty
		case string(scan.name) == "rPh":
			inHint = kind == startTag && !scan.empty
		case kind == startTag && string(scan.name) == "strike":
			stroke = stroke || isOn(scan.attrs)
		case kind == endTag && string(scan.name) == element:
			return dst, stroke, nil
		}
		if len(dst) > runBytesMax {
			return nil, false, errRunTooLong
		}
	}
}

// isOn tells whether a tag that switches something on does so. Without a value it is on.
func isOn(attrs []byte) bool {
	on := string(attribute(attrs, "val"))
	return on != "0" && on != "false"
}
